from datetime import UTC, datetime, timedelta

from bot.domain.connection import WorkspaceId
from bot.domain.mine import MineOutcome
from bot.history import mines
from bot.history.store import History
from bot.history.syncs import Upserted

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
WORKSPACE = WorkspaceId("w1")


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def read(history: History, begun: datetime, start: datetime | None, end: datetime) -> None:
    mine = history.begin_mine(WORKSPACE, begun, start)
    history.advance_mine(mine, end, Upserted())


def test_an_empty_ledger_has_no_watermark(history: History) -> None:
    assert history.watermark(WORKSPACE) is None


def test_a_mine_that_was_killed_still_counts_up_to_its_last_page(history: History) -> None:
    read(history, NOON, None, NOON - hours(3))
    assert history.watermark(WORKSPACE) == (NOON - hours(3)).replace(microsecond=0)
    assert mines.latest(history)[0].outcome is MineOutcome.RUNNING


def test_a_mine_that_read_nothing_does_not_move_the_watermark(history: History) -> None:
    history.begin_mine(WORKSPACE, NOON, None)
    assert history.watermark(WORKSPACE) is None


def test_what_lies_beyond_a_gap_does_not_count(history: History) -> None:
    read(history, NOON, NOON - hours(10), NOON - hours(8))
    read(history, NOON + hours(1), NOON - hours(2), NOON)
    assert history.watermark(WORKSPACE) == (NOON - hours(8)).replace(microsecond=0)
    read(history, NOON + hours(2), NOON - hours(9), NOON - hours(2))
    assert history.watermark(WORKSPACE) == NOON.replace(microsecond=0)


def test_reading_everything_closes_every_gap_before_its_end(history: History) -> None:
    read(history, NOON, NOON - hours(2), NOON)
    read(history, NOON + hours(1), None, NOON - hours(1))
    assert history.watermark(WORKSPACE) == NOON.replace(microsecond=0)


def test_workspaces_have_watermarks_of_their_own(history: History) -> None:
    read(history, NOON, None, NOON)
    assert history.watermark(WorkspaceId("w2")) is None


def test_the_ledger_tells_what_was_read_and_what_could_not_be(history: History) -> None:
    mine = history.begin_mine(WORKSPACE, NOON, None)
    mine = history.advance_mine(mine, NOON, Upserted(3, 2, 1))
    mine = history.advance_mine(mine, NOON - hours(1), Upserted(1))
    done = history.finish_mine(mine, NOON + hours(1), ["sources: 403 forbidden"])
    assert done.outcome is MineOutcome.PARTIAL
    assert (done.new, done.changed, done.unchanged) == (4, 2, 1)
    assert done.read_to == NOON
    (kept,) = mines.latest(history, WORKSPACE)
    assert kept.unread == ("sources: 403 forbidden",)
    assert kept.started_at == NOON
    again = history.begin_mine(WORKSPACE, NOON + hours(2), NOON)
    assert history.finish_mine(again, NOON + hours(3)).outcome is MineOutcome.COMPLETE
