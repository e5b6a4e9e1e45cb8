from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.connection import (
    Basic,
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    Manual,
    Schedule,
    SourceId,
    Stream,
    UnreadSchedule,
    WorkspaceId,
)
from bot.history import fleet
from bot.history.store import History

DAY_1 = datetime(2026, 3, 1, 5, tzinfo=UTC)
WORKSPACE = WorkspaceId("w1")
STRIPE = Connection(
    id=ConnectionId("stripe"),
    name="Stripe → Snowflake",
    source_id=SourceId("s1"),
    destination_id=DestinationId("d1"),
    workspace_id=WORKSPACE,
    status=ConnectionStatus.ACTIVE,
    schedule=Cron("0 0 6 * * ?"),
    streams=(
        Stream("charges", "incremental_append"),
        Stream("plans", "full_refresh_append", "eu"),
    ),
    tags=frozenset({"finance", "daily"}),
    created_at=DAY_1 - timedelta(days=400),
)
SOURCE = Endpoint("s1", "Stripe", "stripe", WORKSPACE, {"num_workers": 10, "fast": True})
SNOWFLAKE = Endpoint("d1", "Snowflake", "snowflake", WORKSPACE)


def day(number: int) -> datetime:
    return DAY_1 + timedelta(days=number - 1)


def look(history: History, on: int, *connections: Connection, source: Endpoint = SOURCE) -> None:
    history.record_fleet(WORKSPACE, connections, [source], [SNOWFLAKE], day(on))


def versions(history: History) -> list[tuple[int, int, bool]]:
    rows = history.execute(
        "select seen_from, seen_to, present from connection_versions order by seen_from"
    )
    return [(first.day, last.day, present) for first, last, present in rows]


def test_what_was_recorded_is_read_back_as_it_was(history: History) -> None:
    look(history, 1, STRIPE)
    assert fleet.connections(history) == (STRIPE,)
    assert fleet.sources(history) == (SOURCE,)
    assert fleet.sources(history)[0].knobs["fast"] is True
    assert fleet.destinations(history, WORKSPACE) == (SNOWFLAKE,)
    assert fleet.destinations(history, WorkspaceId("w2")) == ()


@pytest.mark.parametrize(
    "schedule", [Manual(), Basic(24, "hours"), Cron("0 0 6 * * ?", "UTC"), UnreadSchedule("@x")]
)
def test_every_form_of_schedule_survives(history: History, schedule: Schedule) -> None:
    look(history, 1, replace(STRIPE, schedule=schedule))
    assert fleet.connections(history)[0].schedule == schedule


def test_settings_that_stay_are_one_version_seen_twice(history: History) -> None:
    look(history, 1, STRIPE)
    look(history, 3, STRIPE)
    assert versions(history) == [(1, 3, True)]


def test_the_order_of_streams_and_tags_is_no_change(history: History) -> None:
    look(history, 1, STRIPE)
    look(history, 2, replace(STRIPE, streams=STRIPE.streams[::-1]))
    assert versions(history) == [(1, 2, True)]


@pytest.mark.parametrize(
    "changed",
    [
        replace(STRIPE, schedule=Cron("0 30 6 * * ?")),
        replace(STRIPE, tags=frozenset({"finance"})),
        replace(STRIPE, status=ConnectionStatus.INACTIVE),
        replace(STRIPE, streams=STRIPE.streams[:1]),
    ],
)
def test_a_changed_setting_begins_a_version(history: History, changed: Connection) -> None:
    look(history, 1, STRIPE)
    look(history, 2, STRIPE)
    look(history, 4, changed)
    assert versions(history) == [(1, 2, True), (4, 4, True)]
    assert fleet.connections(history, at=day(3)) == (STRIPE,)
    assert fleet.connections(history) == (changed,)


def test_a_connection_that_goes_and_comes_back_has_three_versions(history: History) -> None:
    look(history, 1, STRIPE)
    look(history, 2)
    look(history, 3)
    look(history, 4, STRIPE)
    assert versions(history) == [(1, 1, True), (2, 2, False), (4, 4, True)]
    assert fleet.connections(history, at=day(3)) == ()
    assert fleet.connections(history) == (STRIPE,)


def test_a_knob_that_was_turned_begins_a_version_of_the_source(history: History) -> None:
    turned = replace(SOURCE, knobs={"num_workers": 12, "fast": True})
    look(history, 1, STRIPE)
    look(history, 2, STRIPE, source=turned)
    assert fleet.sources(history, at=day(1)) == (SOURCE,)
    assert fleet.sources(history, at=day(2)) == (turned,)


def test_the_same_or_an_older_look_changes_nothing(history: History) -> None:
    look(history, 2, STRIPE)
    look(history, 2)
    look(history, 1, replace(STRIPE, name="old"))
    assert versions(history) == [(2, 2, True)]


def test_another_workspace_is_left_alone(history: History) -> None:
    look(history, 1, STRIPE)
    history.record_fleet(WorkspaceId("w2"), [], [], [], day(2))
    assert fleet.connections(history) == (STRIPE,)
