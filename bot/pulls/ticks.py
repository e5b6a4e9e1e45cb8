"""Ticks: what people ask for in the dashboard issue, and what it remembers of that.

A tick is gone when the issue is rewritten, and what it asks for may have to wait for a limit. So
the block at the end of the issue keeps what was ticked until that has had its effect. A box holds
the moment at which its pull request had ended, so that one that a person opens and closes again is not
proposed on the strength of an older tick.
The issue is untrusted; at worst somebody with write access has something proposed again.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from bot.pulls.recall import FLIPS, ended, precedes
from bot.pulls.snapshot import Pull, PullState, Snapshot

MARKER: Final = "<!-- trimtab:dashboard "
_BLOCK: Final = re.compile(re.escape(MARKER) + r"(\{[^<>]*\}) -->")
_TICKED: Final = re.compile(
    r"^\s*[-*] \[[xX]\] <!-- trimtab:again:(\d{1,9}):(\d{1,12}) -->", re.MULTILINE
)

Wish = tuple[int, int]
"""The number of a pull request, and when it had ended: seconds since the epoch, 0 for "not yet"."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the dashboard remembers: when it was written, of what, and what was ticked.

    `content` is a digest of everything shown but times.
    """

    written_at: AwareDatetime
    content: str
    lifted: tuple[Wish, ...] = ()


def wish(pull: Pull) -> Wish:
    """Return what the box of a pull request stands for."""
    over = pull.state is not PullState.OPEN
    return pull.number, int(ended(pull).timestamp()) if over else 0


def box(pull: Pull) -> str:
    """Write the box that asks to propose again what a pull request was about."""
    number, stamp = wish(pull)
    return f"- [ ] <!-- trimtab:again:{number}:{stamp} -->"


def tick(body: str, number: int) -> str | None:
    """Tick the box of a pull request, as a person does; None where there is no such box."""
    found = re.search(rf"- \[ \] <!-- trimtab:again:{number}:\d+ -->", body)
    if found is None:
        return None
    return f"{body[: found.start()]}- [x]{body[found.start() + 5 :]}"


def write_note(note: Note) -> str:
    """Write the block for the end of the issue."""
    return f"{MARKER}{_adapter().dump_json(note).decode()} -->"


def read_note(body: str) -> Note | None:
    """Read the block, or return None where none can be read."""
    found = _BLOCK.search(body)
    try:
        return _adapter().validate_json(found[1]) if found else None
    except (ValidationError, RecursionError):
        return None


def ticked(body: str) -> frozenset[Wish]:
    """Return what the ticked boxes stand for."""
    return frozenset((int(number), int(stamp)) for number, stamp in _TICKED.findall(body))


def lifted(snapshot: Snapshot) -> frozenset[int]:
    """Return the pull requests that people want forgotten, and that still stand in the way."""
    if snapshot.dashboard is None:
        return frozenset()
    body = snapshot.dashboard.body
    note = read_note(body)
    asked = ticked(body) | frozenset(note.lifted if note else ())
    return frozenset(
        pull.number
        for pull in snapshot.pulls
        if wish(pull) in asked
        and _stands_in_the_way(pull)
        and not any(precedes(pull, later) for later in snapshot.pulls)
    )


def _stands_in_the_way(pull: Pull) -> bool:
    """Tell whether it has an effect: an open one only after having turned round too often."""
    if pull.state is not PullState.OPEN:
        return True
    return pull.metadata is not None and pull.metadata.flips >= FLIPS


@cache
def _adapter() -> TypeAdapter[Note]:
    return TypeAdapter(Note)
