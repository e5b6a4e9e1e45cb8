"""What holds in every simulated world, whatever the seed and the installation."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.connection import Basic, Cron, Schedule
from bot.lab import Deployment, Setup
from bot.lab import constants as known
from bot.lab.actions import ChangeConnection, StartJob
from bot.lab.jobs import JobStatus
from bot.lab.lab import UNTIL, world_of
from bot.lab.truth import Truth
from bot.lab.world import World

START = int(UNTIL.timestamp()) - 10 * known.DAY

SCHEDULES: tuple[Schedule, ...] = (
    Cron("0 10 * * * ?"),
    Cron("0 0 4 * * ?"),
    Basic(6, "hours"),
)

deployments = st.builds(
    Deployment,
    cloud=st.booleans(),
    catch_up=st.booleans(),
    pool=st.sampled_from([None, 0.5, 1.0, 3.0]),
)
setups = st.builds(
    Setup,
    seed=st.integers(0, 10_000),
    fleet=st.integers(4, 16),
    days=st.just(8),
    deployment=deployments,
)


def lived(setup: Setup, days: float = 6) -> World:
    world = world_of(setup, START)
    world.advance(START + int(days * known.DAY))
    return world


@given(setups)
@settings(max_examples=25, deadline=None)
def test_a_connection_never_runs_two_syncs_at_once(setup: Setup) -> None:
    for one in by_connection(lived(setup)).values():
        for (_, ended, _), (created, _, _) in pairwise(one):
            assert created >= ended


@given(setups)
@settings(max_examples=25, deadline=None)
def test_jobs_are_created_then_start_then_end(setup: Setup) -> None:
    world = lived(setup)
    jobs = world.engine.jobs
    created, started = jobs.column("created"), jobs.column("started")
    assert (np.diff(created) >= 0).all()
    begun = started > 0
    assert (started[begun] >= created[begun]).all()
    assert (jobs.column("updated")[begun] >= started[begun]).all()
    assert (jobs.column("updated") <= world.now).all()


@given(setups)
@settings(max_examples=25, deadline=None)
def test_the_pool_of_workers_is_never_exceeded(setup: Setup) -> None:
    pool = setup.deployment.pool
    world = lived(setup)
    jobs = world.engine.jobs
    workers = np.asarray([pace.workers for pace in world.engine.members.paces])
    begun = jobs.column("started") > 0
    held = workers[jobs.column("connection")[begun]]
    starts, ends = jobs.column("started")[begun], jobs.column("updated")[begun]
    for at in starts:
        running = (starts <= at) & (at < ends)
        if pool is not None and running.sum() > 1:
            assert held[running].sum() <= pool + 1e-6


@given(setups, st.lists(st.integers(1, 3 * known.DAY), max_size=6))
@settings(max_examples=25, deadline=None)
def test_where_the_clock_stops_in_between_changes_nothing(setup: Setup, steps: list[int]) -> None:
    whole, stepped = lived(setup), world_of(setup, START)
    for step in steps:
        stepped.advance(min(stepped.now + step, whole.now))
    stepped.advance(whole.now)
    assert Truth(stepped).syncs() == Truth(whole).syncs()


@given(setups, st.data())
@settings(max_examples=25, deadline=None)
def test_a_world_lived_again_with_what_was_done_to_it_is_the_same(
    setup: Setup, data: st.DataObject
) -> None:
    world = lived(setup, 3)
    links = world.fleet.by_index
    for _ in range(data.draw(st.integers(0, 4))):
        link = data.draw(st.sampled_from(links))
        schedule = data.draw(st.sampled_from(SCHEDULES))
        world.do(ChangeConnection(connection_id=link.id, schedule=schedule))
        world.do(StartJob(connection_id=data.draw(st.sampled_from(links)).id))
        world.advance(world.now + data.draw(st.integers(0, known.DAY)))
    world.advance(world.now + known.DAY)
    assert Truth(world.again()).syncs() == Truth(world).syncs()


def test_the_same_seed_gives_the_same_world_and_another_another() -> None:
    one, two, other = (Truth(lived(Setup(seed=seed))).syncs() for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_a_change_of_one_connection_leaves_the_luck_of_the_others_alone() -> None:
    world = world_of(Setup(seed=3, fleet=12, days=8), START)
    moved = next(link for link in world.fleet.by_index if isinstance(link.schedule, Cron))
    world.advance(START + 5 * known.DAY)
    change = ChangeConnection(
        at=START + known.DAY, connection_id=moved.id, schedule=Cron("0 33 13 * * ?")
    )
    other = world.again([change])
    for link in world.fleet.by_index:
        if link.source_id == moved.source_id:
            continue
        assert by_connection(world)[link.index] == by_connection(other)[link.index]


def test_a_rarer_incremental_sync_reads_about_as_many_rows_in_all() -> None:
    world = world_of(Setup(seed=6, fleet=40, days=20), START)
    link = next(
        one
        for one in world.fleet.by_index
        if one.schedule == Cron("0 0 * * * ?") and one.full_refresh_share == 0
    )
    world.advance(START + 10 * known.DAY)
    rarer = ChangeConnection(at=START, connection_id=link.id, schedule=Cron("0 0 5 * * ?"))
    often, rare = (rows_of(one, link.index) for one in (world, world.again([rarer])))
    assert 0.4 * often < rare <= 1.05 * often


def test_a_full_refresh_costs_its_rows_in_every_run() -> None:
    world = world_of(Setup(seed=6, fleet=200, days=20), START)
    link = next(
        one
        for one in world.fleet.by_index
        if isinstance(one.schedule, Cron)
        and one.schedule.expression.startswith("0 0 * ")
        and one.full_refresh_share == 1
        and one.status == "active"
    )
    world.advance(START + 10 * known.DAY)
    rarer = ChangeConnection(at=START, connection_id=link.id, schedule=Cron("0 0 5 * * ?"))
    often, rare = (
        [rows for _, _, rows in by_connection(one)[link.index] if rows]
        for one in (world, world.again([rarer]))
    )
    assert len(often) > 20 * len(rare) > 20 * 7
    assert sum(rare) / len(rare) == pytest.approx(sum(often) / len(often), rel=0.1)


def test_cloud_starts_late_and_never_early() -> None:
    world = lived(Setup(seed=2, fleet=30, days=8, deployment=Deployment(cloud=True)))
    daily = {
        link.index: int(link.schedule.expression.split()[2]) * known.HOUR
        + int(link.schedule.expression.split()[1]) * 60
        for link in world.fleet.by_index
        if isinstance(link.schedule, Cron)
        and link.schedule.expression.endswith("* * ?")
        and link.schedule.expression.split()[2].isdigit()
        and link.schedule.zone == "UTC"
        and not any(True for _ in world.timeline.of(link.id))
    }
    jobs = world.engine.jobs
    names = ("connection", "created", "manual")
    rows = zip(*(jobs.column(name).tolist() for name in names), strict=True)
    late = [
        (created - daily[index]) % known.DAY
        for index, created, manual in rows
        if index in daily and not manual
    ]
    assert late
    assert all(0 <= delay <= known.JITTER_MAX for delay in late)
    assert len(set(late)) > 5


def test_hopeless_connections_are_switched_off() -> None:
    world = lived(Setup(seed=31, fleet=60, days=8), days=20)
    kinds = [
        event.summary.get("disabledReason")
        for link in world.fleet.by_index
        for event in world.timeline.of(link.id)
    ]
    assert "TOO_MANY_FAILED_JOBS_WITH_NO_RECENT_SUCCESS" in kinds


def test_syncs_of_a_crowded_source_slow_each_other_down() -> None:
    world = world_of(Setup(seed=21, fleet=60, days=20), START)
    crowd = max(world.fleet.sources, key=lambda one: sum(1 for _ in world.fleet.users_of(one)))
    members = [c for c in world.fleet.users_of(crowd) if c.status == "active"]
    together = [
        ChangeConnection(at=START, connection_id=c.id, schedule=Cron("0 0 3 * * ?"))
        for c in members
    ]
    apart = [
        ChangeConnection(at=START, connection_id=c.id, schedule=Cron(f"0 0 {n % 24} * * ?"))
        for n, c in enumerate(members)
    ]
    world.advance(START + 8 * known.DAY)
    slow, fast = (
        run_seconds(world.again(changes), {c.index for c in members})
        for changes in (together, apart)
    )
    assert slow > 1.3 * fast


def by_connection(world: World) -> dict[int, list[tuple[int, int, int]]]:
    jobs = world.engine.jobs
    names = ("connection", "created", "updated", "rows")
    found: dict[int, list[tuple[int, int, int]]] = {link.index: [] for link in world.fleet.by_index}
    for index, created, updated, rows in zip(
        *(jobs.column(n).tolist() for n in names), strict=True
    ):
        found[index].append((created, updated, rows))
    return found


def rows_of(world: World, index: int) -> int:
    return sum(rows for _, _, rows in by_connection(world)[index])


def run_seconds(world: World, members: set[int]) -> float:
    jobs = world.engine.jobs
    mask = np.isin(jobs.column("connection"), list(members))
    mask &= jobs.column("status") == JobStatus.SUCCEEDED
    return float((jobs.column("updated") - jobs.column("started"))[mask].mean())


def test_a_day_passes_for_the_truth_too() -> None:
    world = lived(Setup(seed=1, fleet=5, days=8), 1)
    before = Truth(world).syncs()
    world.advance(world.now + int(timedelta(days=1).total_seconds()))
    assert Truth(world).syncs()[: len(before) - 5] == before[:-5]
