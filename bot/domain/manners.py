"""Manners: how much a team wants to hear of trimtab, and when."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.domain.promises import Window


class GroupBy(StrEnum):
    """What goes into one pull request together."""

    CONNECTION = "connection"
    TEAM = "team"
    POLICY = "policy"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class Manners:
    """Limits on pull requests.

    `open_limit` bounds how many are open at once, `per_team` how many of one team's, and
    `new_per_run` how many one run opens, counting what
    was opened in the twelve hours before. Outside `working_hours` (none: at any time) and inside
    `freezes` nothing is opened and no branch moves. `snooze` is how long a proposal that a person
    closed is not made again.
    """

    open_limit: int = 5
    new_per_run: int = 3
    per_team: int = 2
    working_hours: tuple[Window, ...] = ()
    freezes: tuple[Window, ...] = ()
    snooze: timedelta = timedelta(days=30)
    group_by: GroupBy = GroupBy.CONNECTION
