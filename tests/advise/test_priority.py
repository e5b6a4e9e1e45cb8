from dataclasses import replace
from datetime import time, timedelta

from bot.advise.priority import Priority, priority_of
from bot.domain.connection import ConnectionId
from bot.domain.lineage import Downstream, Reader
from bot.domain.promises import Deadline, Terms
from tests.advise.fleets import Given, situation_of

A = ConnectionId("a")
AT_SIX = Deadline("six", time(6), "UTC")


NO_TERMS = Terms()


def priority(downstream: Downstream, terms: Terms = NO_TERMS, traced: bool = True) -> Priority:
    subject = replace(Given().subject, downstream=downstream)
    seen = frozenset({A} if traced else ())
    return priority_of(situation_of(Given(), terms=terms, traced=seen), subject)


def test_each_critical_reader_counts_ten() -> None:
    critical = tuple(Reader(name, "app", critical=True) for name in "abc")
    assert priority(Downstream(readers=critical)) == Priority(30, "3 critical readers")


def test_readers_promises_and_policy_add_up() -> None:
    readers = (Reader("a", "app", critical=True, deadline=AT_SIX), Reader("b", "dashboard"))
    downstream = Downstream(("m",), readers, timedelta(hours=6))
    found = priority(downstream, Terms(priority=5, deadlines=(AT_SIX,)))
    assert found.score == 5 + 10 + 2 + 3
    assert found.reason == "5 from policy, 1 critical reader, 1 other reader, 3 promises"


def test_unknown_lineage_is_not_nobody() -> None:
    assert priority(Downstream()) == Priority(0, "nobody is known to read it")
    assert priority(Downstream(), traced=False) == Priority(0, "its lineage is not known")
