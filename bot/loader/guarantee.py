"""What a pipeline promises about delivery across a crash, in words that `validate` prints."""

from typing import Final

from bot.loader.protocol import Anchor, SinkCapabilities, SourceCapabilities

_EXACT: Final = {
    Anchor.POSITION: "exactly once: what was written behind the state is cut off before going on",
    Anchor.STAGED: "exactly once: rows are shown once the state counts them",
}


def describe_guarantee(source: SourceCapabilities, sink: SinkCapabilities, state: str) -> str:
    """Say what happens to rows when the process dies, and why."""
    if state == "memory" and not sink.replay_safe:
        return "at least once: without kept state a crashed run is delivered again from its start"
    if sink.anchor in _EXACT:
        return _EXACT[sink.anchor]
    if sink.anchor is Anchor.TRANSACTION and source.positional:
        return "exactly once: the place in the source is committed together with the rows"
    if sink.replay_safe:
        return "effectively once: rows that are delivered again replace themselves by key"
    if source.resumable:
        return "at least once: after a crash up to one page is delivered again"
    return "at least once: the source has no order to resume in; a crashed run starts again"
