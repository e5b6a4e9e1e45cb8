"""Closing: the operation, and what it says to people."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.pulls.body_text import md
from bot.pulls.change import SettingChange
from bot.pulls.metadata import CloseReason, Closing, join
from bot.pulls.operations import ClosePull
from bot.pulls.snapshot import Pull, Snapshot

_NOTICE: Final = "> **trimtab closed this**: "
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Obsolete:
    """Positive evidence that a proposed change is not wanted any more; one sentence says which."""

    reason: CloseReason
    detail: str


def close(
    snapshot: Snapshot, pull: Pull, why: Iterable[tuple[SettingChange, Obsolete]], now: datetime
) -> ClosePull:
    """Close an untouched pull request; `why` gives the evidence for each of its changes."""
    metadata, given = pull.metadata, list(why)
    assert metadata is not None
    reason = min((each.reason for _change, each in given), key=list(CloseReason).index)
    sentences = list(dict.fromkeys(md(each.detail) for _change, each in given))
    said = "; ".join(sentences[:_SHOWN])
    if len(sentences) > _SHOWN:
        said += f"; and {len(sentences) - _SHOWN} more"
    text = f"{_NOTICE}{reason}. {said}.\n\n{without_notice(pull.text.ours)}"
    noted = replace(metadata, closed=Closing(reason, now))
    tip = snapshot.branches.get(pull.branch)
    return ClosePull(
        number=pull.number,
        branch=pull.branch,
        head=tip.sha if tip else None,
        reason=reason,
        body=join(text, noted, pull.text.above, pull.text.below),
        comment=f"Closed by trimtab ({reason}): {said}.\n\nTo keep it, restore its branch and open it "
        "again; trimtab leaves it open then.",
    )


def without_notice(text: str) -> str:
    """Return a text without the notice that `close` put on top of it."""
    if not text.startswith(_NOTICE):
        return text
    return text.partition("\n\n")[2]
