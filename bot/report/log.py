"""The log of a run: one event a line, with the run's id and without secrets.

People on a terminal get short coloured lines, machines JSON; both go to stderr, so that stdout
is what a verb prints.
"""

import secrets
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor

Redact = Callable[[str], str]


def new_run_id(now: datetime) -> str:
    """Make an id that sorts by time and tells apart runs of the same second."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def open_log(
    stream: TextIO, run_id: str, redact: Redact, *, as_json: bool
) -> "FilteringBoundLogger":
    """Return the logger of a run, and make it the one that `structlog.get_logger()` gives.

    Args:
        stream: where lines go; colours only where it is a terminal.
        run_id: goes into every line.
        redact: hides secrets; applied to every text, exceptions and keys included.
        as_json: one JSON object a line, instead of a line for people.
    """
    import structlog

    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=True),
        structlog.processors.format_exc_info,
        _redacting(redact),
        structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(run=run_id)
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def _redacting(redact: Redact) -> "Processor":
    def hide(value: Any) -> Any:
        if isinstance(value, bool | int | float | None):
            return value
        if isinstance(value, Mapping):
            return {redact(str(key)): hide(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [hide(item) for item in value]
        return redact(str(value))

    def process(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        hidden: dict[str, Any] = hide(event)
        return hidden

    return process
