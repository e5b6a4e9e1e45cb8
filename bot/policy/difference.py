"""Differences: what two folders of policies make of the same history, recommendation by recommendation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.connection import ConnectionId
from bot.domain.recommendation import Recommendation
from bot.domain.verdict import Deny, label
from bot.policy.case import Ruling


class Turn(StrEnum):
    """What becomes of a recommendation."""

    APPEARS = "appears"
    """It would be proposed now, and was not before."""
    VANISHES = "vanishes"
    """It was proposed before, and would not be now."""
    APPROVAL = "approval"
    """Others have to agree."""
    VALUE = "value"
    """The same setting would get another value."""
    DENIED = "denied"
    """It is advised now, and denied."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one folder makes of a setting of a connection."""

    ruling: Ruling

    @property
    def is_proposed(self) -> bool:
        """Tell whether a pull request would carry it."""
        return not isinstance(self.ruling.verdict, Deny)

    @property
    def label(self) -> str:
        """Spell the verdict."""
        return label(self.ruling.verdict)

    @property
    def recommendation(self) -> Recommendation:
        """Return what would be changed."""
        return self.ruling.recommendation


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting of one connection that two folders treat differently; None is "not advised"."""

    connection_id: ConnectionId
    name: str
    setting: str
    turn: Turn
    base: Side | None
    head: Side | None


def differences(base: Iterable[Ruling], head: Iterable[Ruling]) -> list[Difference]:
    """Compare what two folders make of one situation, in the order of connections and settings."""
    before, after = _by_setting(base), _by_setting(head)
    return list(_compared(before, after))


Sides = dict[tuple[str, ConnectionId, str], Side]


def _by_setting(rulings: Iterable[Ruling]) -> Sides:
    return {
        (
            each.case.subject.connection.name,
            each.recommendation.connection_id,
            each.recommendation.change.setting,
        ): Side(each)
        for each in rulings
    }


def _compared(before: Sides, after: Sides) -> Iterator[Difference]:
    for key in sorted({*before, *after}):
        name, connection_id, setting = key
        old, new = before.get(key), after.get(key)
        turn = _turn(old, new)
        if turn is not None:
            yield Difference(connection_id, name, setting, turn, old, new)


def _turn(old: Side | None, new: Side | None) -> Turn | None:
    was, now = old is not None and old.is_proposed, new is not None and new.is_proposed
    if was != now:
        return Turn.APPEARS if now else Turn.VANISHES
    if not now:
        return Turn.DENIED if old is None and new is not None else None
    assert old is not None
    assert new is not None
    if old.label != new.label:
        return Turn.APPROVAL
    same = old.recommendation.change == new.recommendation.change
    return None if same else Turn.VALUE
