"""What would have been: bills, deadlines and knobs, by the truth of the lab."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from bot.domain.connection import Cron
from bot.domain.money import Money
from bot.domain.prices import CapacityPrice, PriceBook, WarehousePrice
from bot.lab import Description, GivenConnection, GivenEndpoint, Lab
from bot.lab.actions import ChangeConnection, ChangeEndpoint
from bot.lab.bills import bill_of, on_time
from bot.lab.generate import put


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=12, connections=30, days=20) as lab:
        yield lab


@pytest.fixture(scope="module")
def since(lab: Lab) -> datetime:
    return lab.now - timedelta(days=20)


def test_the_table_says_what_the_syncs_say(lab: Lab) -> None:
    table, syncs = lab.truth.table(), lab.truth.syncs()
    assert table["job_id"].tolist() == [sync.id for sync in syncs]
    assert table["rows"].tolist() == [sync.rows for sync in syncs]
    ids = lab.truth.connection_ids
    assert [ids[i] for i in table["connection"]] == [sync.connection_id for sync in syncs]


def test_fewer_full_refreshes_cost_less_and_the_rest_stays(lab: Lab, since: datetime) -> None:
    link = next(
        one
        for one in lab.world.fleet.by_index
        if one.full_refresh_share > 0
        and isinstance(one.schedule, Cron)
        and "/" in one.schedule.expression
        and one.status == "active"
    )
    rarer = ChangeConnection(
        at=int(since.timestamp()), connection_id=link.id, schedule=Cron("0 3 3 * * ?")
    )
    other = lab.truth.under([rarer])
    assert other.bill(since).volume < lab.truth.bill(since).volume


def test_a_bill_adds_up_by_hand() -> None:
    columns = {
        "connection": np.asarray([0, 0]),
        "started": np.asarray([3600, 3600 + 1800]),
        "updated": np.asarray([3600 + 1200, 3600 + 3000]),
        "rows": np.asarray([1_000_000, 500_000]),
        "bytes": np.asarray([10, 10]),
        "status": np.asarray([5, 5]),
    }
    with Lab.start(connections=4, days=1) as lab:
        fleet = lab.world.fleet
        link = fleet.by_index[0]
        capacity = CapacityPrice(Money.of(8))
        on = WarehousePrice.flat(link.destination_id, Money.of(6))
        prices = PriceBook(capacity=capacity, warehouses={link.destination_id: on})
        bill = bill_of(columns, fleet, prices)
    cpus = {"api": "1.4", "file": "2.0", "database": "4.0"}
    family = fleet.sources[link.source_id].connector.family
    # 40 minutes of cpus/8 workers at 8 an hour; on from 01:00 to 02:00 with the ten-minute tails.
    assert bill.capacity.rounded(6) == Money(Decimal(cpus[family]) * 40 / 60).rounded(6)
    assert bill.warehouse == Money.of(6)


def test_on_time_is_the_union_with_the_tail() -> None:
    starts, ends = np.asarray([100, 0, 500]), np.asarray([150, 90, 600])
    on, off = on_time(starts, ends, 20)
    assert on.tolist() == [0, 500]
    assert off.tolist() == [170, 620]


def test_a_deadline_before_the_start_is_missed_and_one_after_the_end_is_kept() -> None:
    given = Description(
        sources=(GivenEndpoint("db", "postgres"),),
        destinations=(GivenEndpoint("dwh", "snowflake"),),
        connections=tuple(
            GivenConnection(
                name=name,
                source="db",
                destination="dwh",
                schedule=Cron("0 0 5 * * ?"),
                deadline=hour * 3600,
                freshness=6 * 3600,
                rows_per_day=1000,
            )
            for name, hour in (("early", 4), ("late", 8))
        ),
    )
    with Lab.start(fleet=given, days=10) as lab:
        names = {link.id: link.name for link in lab.world.fleet.by_index}
        promises = lab.truth.promises(lab.now - timedelta(days=9))
    kept = {
        name: [p.kept for p in promises if names[p.connection_id] == name]
        for name in ("early", "late")
    }
    assert not any(kept["early"])
    assert sum(kept["late"]) >= len(kept["late"]) - 1


def test_the_best_knob_value_makes_the_mean_sync_faster() -> None:
    with Lab.start(seed=2, connections=120, days=6) as lab:
        since, fleet = lab.now - timedelta(days=6), lab.world.fleet
    changes = []
    for source in fleet.sources.values():
        configuration = dict(source.configuration)
        for curve in lab.truth.knobs(source.id):
            if curve.model.batch:
                put(configuration, curve.model.path, max(1, round(curve.optimum)))
        changes.append(
            ChangeEndpoint(
                at=int(since.timestamp()), endpoint_id=source.id, configuration=configuration
            )
        )
    tuned = lab.truth.under(changes).table()
    today = lab.truth.table()
    ran = [np.sum((one["updated"] - one["started"])[one["status"] == 5]) for one in (tuned, today)]
    assert ran[0] < ran[1]


def test_a_sync_alone_takes_longer_in_a_busy_hour(lab: Lab) -> None:
    busy = next(
        (link, nature.weekday.index(max(nature.weekday)), nature.weekday.index(1.0))
        for link in lab.world.fleet.by_index
        for nature in [lab.world.source_natures[link.source_id]]
        if max(nature.weekday) > 1.2
    )
    link, slow_hour, calm_hour = busy
    monday = datetime.fromisoformat("2026-10-26T00:30:00+00:00")
    slow, calm = (
        lab.truth.seconds_alone(link.id, monday + timedelta(hours=hour))
        for hour in (slow_hour, calm_hour)
    )
    assert slow > calm
