"""Peers: connections that are like one another, against which an outcome can be measured."""

from collections import defaultdict
from typing import Final

from bot.advise.advisor import Situation
from bot.domain.connection import ConnectionId, ConnectionStatus
from bot.domain.subject import Subject

MOST: Final = 12
"""As many as a synthetic control can use."""
_FEWEST_SYNCS: Final = 14


class Peers:
    """The connections of a situation by the connector that they read from."""

    def __init__(self, situation: Situation) -> None:
        self._by_connector: dict[str, list[Subject]] = defaultdict(list)
        for subject in sorted(situation.subjects, key=lambda each: each.connection.id):
            found = situation.evidence.get(subject.connection.id)
            active = subject.connection.status is ConnectionStatus.ACTIVE
            if subject.source and active and found and found.n >= _FEWEST_SYNCS:
                self._by_connector[subject.source.connector].append(subject)

    def of(self, subject: Subject) -> tuple[ConnectionId, ...]:
        """Return some of the same connector and another source, which no change reaches."""
        if subject.source is None:
            return ()
        like = (
            other.connection.id
            for other in self._by_connector[subject.source.connector]
            if other.connection.source_id != subject.connection.source_id
        )
        return tuple(each for _, each in zip(range(MOST), like, strict=False))
