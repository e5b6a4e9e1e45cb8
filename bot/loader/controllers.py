"""Controllers by the name that a configuration gives them."""

from bot.domain.aimd import AimdController
from bot.domain.batch_size import Controller
from bot.domain.goodput import GoodputController
from bot.loader.config import AdaptiveBatchSize


def build_controller(sizing: AdaptiveBatchSize, first_page_rows: int) -> Controller:
    """Build the controller that a pipeline asks for, started at its first page with rows."""
    settings = sizing.settings()
    if sizing.controller == "goodput":
        return GoodputController(settings, first_page_rows)
    return AimdController(settings, first_page_rows)
