"""Priority: how much depends on a connection, as one number that decides who gets the better slot.

The order of a queue is expressed as start times: trimtab starts nothing and holds nothing up.
"""

from dataclasses import dataclass
from typing import Final

from bot.advise.advisor import Situation
from bot.domain.promises import Terms
from bot.domain.subject import Subject

CRITICAL: Final = 10
"""What each critical reader counts; the unit that others are measured in."""
PLAIN: Final = 2
PROMISE: Final = 1


@dataclass(frozen=True, slots=True)
class Priority:
    """A score, more is more important, and what it is made of."""

    score: int
    reason: str


def priority_of(situation: Situation, subject: Subject) -> Priority:
    """Score a connection by what policy says of it and by who reads its data.

    Ten points for each critical reader, two for any other, one for each promise (a deadline, or
    how old its data may get), and whatever its policy adds.
    """
    terms = situation.terms.get(subject.connection.id, Terms())
    readers = subject.downstream.readers
    critical = sum(reader.critical for reader in readers)
    promises = (
        len(terms.deadlines)
        + sum(reader.deadline is not None for reader in readers)
        + (terms.max_staleness is not None)
        + (subject.downstream.max_staleness is not None)
    )
    parts = [
        (terms.priority, f"{terms.priority} from policy"),
        (critical * CRITICAL, _counted(critical, "critical reader")),
        ((len(readers) - critical) * PLAIN, _counted(len(readers) - critical, "other reader")),
        (promises * PROMISE, _counted(promises, "promise")),
    ]
    said = ", ".join(words for points, words in parts if points)
    if not said:
        known = subject.connection.id in situation.traced
        said = "nobody is known to read it" if known else "its lineage is not known"
    return Priority(sum(points for points, _ in parts), said)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
