from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Manual,
    Schedule,
    SourceId,
    WorkspaceId,
)
from bot.domain.forecast import Quantiles, Unknown
from bot.forecast.outlook import MONTH, NEXT_DAY, NEXT_SYNC, NEXT_WEEK, Amounts, Outlook
from bot.forecast.runs import Runs, moment
from tests.forecast.fleets import DAY, MONDAY, Kind, families, runs, table

DAYS = 84
NOW = moment(MONDAY + DAYS * DAY)
"""Monday 2026-05-25."""


def connection(name: str, schedule: Schedule = Cron("0 0 1 * * ?"), **changes: str) -> Connection:  # noqa: B008
    return Connection(
        ConnectionId(name),
        name,
        SourceId("s"),
        DestinationId("d"),
        WorkspaceId("w"),
        ConnectionStatus(changes.get("status", "active")),
        schedule,
    )


@pytest.fixture(scope="module")
def outlook() -> Outlook:
    kinds = {f"c{n}": Kind(seconds=100 * (n + 1), weekday={0: 1.5}) for n in range(8)}
    return Outlook(runs(kinds, DAYS), NOW)


def amounts(outlook: Outlook, of: Connection, horizon: str) -> Amounts:
    found = outlook.amounts(of, "postgres", horizon)
    assert isinstance(found, Amounts)
    return found


def seconds(found: Amounts) -> Quantiles[int]:
    assert isinstance(found.seconds, Quantiles)
    return found.seconds


def test_the_next_sync_is_a_monday_and_slow(outlook: Outlook) -> None:
    found = amounts(outlook, connection("c4"), NEXT_SYNC)
    assert (found.syncs, found.first) == (1, NOW + timedelta(hours=1))
    assert seconds(found).p50 == pytest.approx(750, rel=0.1)
    assert seconds(found).p05 < 700
    assert seconds(found).p95 > 800


def test_a_week_is_the_sum_of_its_days(outlook: Outlook) -> None:
    found = amounts(outlook, connection("c4"), NEXT_WEEK)
    assert found.syncs == 7
    assert seconds(found).p50 == pytest.approx(6 * 500 + 750, rel=0.05)
    # Seven syncs that err apart from each other are surer together than alone.
    day = seconds(amounts(outlook, connection("c4"), NEXT_DAY))
    week = seconds(found)
    assert (week.p95 - week.p05) / week.p50 < (day.p95 - day.p05) / day.p50


def test_a_month_holds_what_it_has_had_already(outlook: Outlook) -> None:
    found = amounts(outlook, connection("c4"), MONTH)
    assert found.syncs == 7
    week = seconds(amounts(outlook, connection("c4"), NEXT_WEEK))
    had = 21 * 500 + 3 * 750 + 3 * 500 - 3 * 500
    assert seconds(found).p50 == pytest.approx(week.p50 + had, rel=0.05)


def test_another_schedule_has_other_sums_without_a_new_history(outlook: Outlook) -> None:
    often = amounts(outlook, connection("c4", Cron("0 0 * * * ?")), NEXT_WEEK)
    assert often.syncs == 168
    assert seconds(often).p50 > 100 * 500


def test_what_nobody_schedules_is_not_summed_up(outlook: Outlook) -> None:
    manual = connection("c4", Manual())
    assert isinstance(outlook.amounts(manual, "postgres", NEXT_WEEK), Unknown)
    assert seconds(amounts(outlook, manual, NEXT_SYNC)).p50 > 400
    paused = outlook.amounts(connection("c4", status="inactive"), "postgres", NEXT_DAY)
    assert isinstance(paused, Unknown)
    assert "inactive" in paused.reason


def test_a_newcomer_is_forecast_like_its_family(outlook: Outlook) -> None:
    found = seconds(amounts(outlook, connection("new"), NEXT_SYNC))
    assert outlook.method(ConnectionId("new"), "postgres") == "family"
    assert outlook.method(ConnectionId("new"), "stripe") == "fleet"
    assert found.p05 < 200
    assert found.p95 > 700
    assert outlook.evidence(ConnectionId("new")).n == 0


def test_a_handful_of_syncs_make_a_median_with_the_intervals_of_others() -> None:
    kinds = {f"c{n}": Kind(seconds=300, spread=0.2) for n in range(8)}
    rows = table(kinds | {"young": Kind(seconds=1000, spread=0.0)}, DAYS)
    young = [
        row["connection_id"] != "young" or row["created_at"] >= datetime(2026, 5, 20)  # noqa: DTZ001
        for row in rows.to_pylist()
    ]
    found = Outlook(Runs.of(rows.filter(young), families(kinds)), NOW)
    assert found.method(ConnectionId("young"), "postgres") == "thin"
    forecast = seconds(amounts(found, connection("young"), NEXT_SYNC))
    assert forecast.p50 == pytest.approx(1000, rel=0.1)
    assert forecast.p95 > 1100


def test_a_fleet_without_history_is_not_known() -> None:
    empty = Outlook(runs({"a": Kind()}, 2), NOW)
    forecast = amounts(empty, connection("a"), NEXT_SYNC)
    assert isinstance(forecast.seconds, Unknown)


def test_before_the_first_sync_nothing_is_known() -> None:
    nothing = Outlook(runs({"a": Kind()}, 2), moment(MONDAY))
    for horizon in (NEXT_SYNC, NEXT_WEEK, MONTH):
        assert isinstance(amounts(nothing, connection("a"), horizon).seconds, Unknown)
    assert nothing.method(ConnectionId("a"), "postgres") == "none"
    assert nothing.last_start(ConnectionId("a")) is None


def test_what_ends_later_than_now_is_not_looked_at() -> None:
    kinds = {f"c{n}": Kind() for n in range(6)}
    longer, shorter = runs(kinds, DAYS + 5), runs(kinds, DAYS + 5).known_at(NOW)
    first, second = (
        amounts(Outlook(each, NOW), connection("c1"), NEXT_WEEK) for each in (longer, shorter)
    )
    assert first == second
    assert NOW.tzinfo is UTC
