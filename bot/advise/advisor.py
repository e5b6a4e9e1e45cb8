"""What every advisor is given, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.connection import Connection, ConnectionId
from bot.domain.forecast import Evidence
from bot.domain.promises import StepLimit
from bot.domain.recommendation import Advice


@dataclass(frozen=True, slots=True)
class Situation:
    """A fleet at one moment, with what policy allows for each connection.

    `evidence` says for each connection which syncs its history holds; a connection that is
    missing there has none.
    """

    now: datetime
    connections: tuple[Connection, ...]
    evidence: Mapping[ConnectionId, Evidence]
    limits: Mapping[ConnectionId, StepLimit]


class Advisor(Protocol):
    """One kind of advice; installed advisors are found under `trimtab.advisors`.

    An advisor answers for every connection of the situation, and the same situation always
    gets the same answer.
    """

    @property
    def name(self) -> str:
        """Return the name that recommendations carry."""
        ...

    def advise(self, situation: Situation) -> list[Advice]:
        """Recommend, keep, or say what is not known, for each connection."""
        ...
