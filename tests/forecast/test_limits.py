from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from bot.domain.connection import Connection, ConnectionId, Cron, Manual, SourceId
from bot.domain.forecast import Unknown
from bot.forecast.limits import UNSEEN, LimitForecast, Limits, Reads
from bot.forecast.outlook import Outlook
from bot.forecast.runs import Runs, moment
from tests.forecast.fleets import DAY, MONDAY, Kind, runs
from tests.forecast.test_outlook import connection

DAYS = 60
NOW = moment(MONDAY + DAYS * DAY)
NAMES = [f"c{n}" for n in range(8)]
SOURCES = {ConnectionId(name): "crowded" if n < 6 else "calm" for n, name in enumerate(NAMES)}
Limited = list[tuple[ConnectionId, datetime]]


@pytest.fixture(scope="module")
def past() -> tuple[Runs, Limited]:
    """Run eight connections, which a source turns away where more than three read it at once."""
    found = runs({name: Kind(seconds=1800, per_day=24) for name in NAMES}, DAYS)
    dice = np.random.default_rng(3)
    often = dice.random(len(found)) < 0.4
    found = found.where(often)
    source = np.asarray([SOURCES[each] == "crowded" for each in found.connections])
    reads = Reads(
        source[found.connection].astype(np.int64), found.created, found.ended, np.ones(len(found))
    )
    count, _ = reads.crowd(reads.source, reads.created)
    hit = (count > 3) & (dice.random(len(found)) < 0.5)
    when = zip(found.connection[hit], found.created[hit], strict=True)
    return found, [(found.connections[who], moment(at)) for who, at in when]


def fleet(hours: dict[str, str]) -> list[Connection]:
    return [
        replace(
            connection(name, Cron(f"0 0 {hours[name]} * * ?") if name in hours else Manual()),
            source_id=SourceId(SOURCES[ConnectionId(name)]),
        )
        for name in NAMES
    ]


def chances(
    past: tuple[Runs, Limited], hours: dict[str, str]
) -> dict[ConnectionId, LimitForecast | Unknown]:
    limits = Limits.of(past[0], SOURCES, past[1])
    return limits.forecast(Outlook(past[0], NOW), fleet(hours))


def known(found: LimitForecast | Unknown) -> LimitForecast:
    assert isinstance(found, LimitForecast)
    return found


def test_a_crowd_is_seen_coming(past: tuple[Runs, Limited]) -> None:
    together = chances(past, dict.fromkeys(NAMES, "5"))
    apart = chances(past, {name: str(2 * n) for n, name in enumerate(NAMES)})
    crowded, alone = known(together[ConnectionId("c0")]), known(apart[ConnectionId("c0")])
    assert crowded.worst > 0.3
    assert alone.worst < 0.1
    assert (crowded.beside, alone.beside) == (5, 0)
    assert crowded.worst_at == NOW.replace(hour=5)
    calm = known(together[ConnectionId("c7")])
    assert calm.worst < 0.05
    assert "how many syncs read it at once" in crowded.reason
    assert calm.reason.startswith("the source turned away 0 of")


def test_the_next_sync_and_the_worst_one_are_told_apart(past: tuple[Runs, Limited]) -> None:
    hours = {**dict.fromkeys(NAMES, "20"), "c0": "3,20"}
    found = known(chances(past, hours)[ConnectionId("c0")])
    assert found.next < found.worst
    assert found.worst_at == NOW.replace(hour=20)


def test_what_nobody_looked_at_or_schedules_is_not_known(past: tuple[Runs, Limited]) -> None:
    unseen = Limits.of(past[0], SOURCES, None).forecast(Outlook(past[0], NOW), fleet({}))
    assert set(unseen.values()) == {UNSEEN}
    assert isinstance(chances(past, {})[ConnectionId("c0")], Unknown)


def test_without_enough_refusals_the_rate_alone_speaks(past: tuple[Runs, Limited]) -> None:
    few = (past[0], past[1][:5])
    found = known(chances(few, dict.fromkeys(NAMES, "5"))[ConnectionId("c0")])
    assert 0 < found.worst < 0.01
    assert "too few of the fleet" in found.reason


def test_neither_the_future_nor_the_order_of_connections_matters(
    past: tuple[Runs, Limited],
) -> None:
    hours = dict.fromkeys(NAMES, "5")
    limits = Limits.of(past[0], SOURCES, past[1])
    outlook = Outlook(past[0], NOW)
    assert limits.forecast(outlook, fleet(hours)) == limits.forecast(outlook, fleet(hours)[::-1])
    assert limits.forecast(outlook, fleet(hours)) == chances(past, hours)
