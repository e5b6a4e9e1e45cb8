"""Controllers by the name that a configuration gives them."""

from bot.domain.aimd import AimdController
from bot.domain.batch_size import Controller
from bot.domain.goodput import GoodputController
from bot.loader.config import AdaptiveBatchSize


def build_controller(
    sizing: AdaptiveBatchSize, first_page_rows: int, sink_batch_size: int | None = None
) -> Controller:
    """Build the controller that a pipeline asks for.

    Args:
        sizing: its settings.
        first_page_rows: rows of the first page with rows; where the size starts.
        sink_batch_size: `batch_size` of the sink; where `goodput` starts when it is set.
    """
    settings = sizing.settings()
    if sizing.controller == "goodput":
        return GoodputController(settings, sink_batch_size or first_page_rows)
    return AimdController(settings, first_page_rows)
