"""Mining against the lab: whatever happens on the way, the history ends up as the truth is."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte, SyncQuery
from bot.airbyte.pages import SyncPage
from bot.airbyte.transport import Patience
from bot.domain.errors import AirbyteError
from bot.domain.mine import Mine, MineOutcome
from bot.domain.sync import Sync
from bot.history.mining import Mined, MiningPlan, mine
from bot.history.reading import INTERRUPTED, Progress
from bot.history.store import History
from bot.lab import AuthMode, Faults, Lab

STATS_ARE_LATE_BY = timedelta(hours=12)
QUICK = Patience(12, timedelta(milliseconds=1), timedelta(milliseconds=2))
Row = tuple[object, ...]


class Killed(BaseException):
    """Ends a mine where it stands, as SIGKILL would: nobody may catch it and tidy up."""


@dataclass
class Lifetime:
    """Dies at a request or at a commit; None lives on."""

    requests: int | None = None
    commits: int | None = None
    mines: list[Mine] = field(default_factory=list)

    def progress(self, progress: Progress) -> None:
        if self.commits is not None:
            self.commits -= 1
            if self.commits < 0:
                raise Killed

    def finished(self, mine: Mine) -> None:
        self.mines.append(mine)


class Mortal(Airbyte):
    """The real client, which dies with its lifetime."""

    lifetime: Lifetime

    def syncs(self, query: SyncQuery) -> SyncPage:
        if self.lifetime.requests is not None:
            self.lifetime.requests -= 1
            if self.lifetime.requests < 0:
                raise Killed
        return super().syncs(query)


def access(lab: Lab) -> Access:
    return Access.to(lab.url, Application(lab.client_id, lab.client_secret))


def dig(
    lab: Lab,
    path: Path,
    plan: MiningPlan | None = None,
    lifetime: Lifetime | None = None,
    page_size: int = 100,
) -> Mined:
    """Mine once, in a process of its own as far as the history can tell."""
    lifetime = lifetime or Lifetime()
    airbyte = Mortal(access(lab), QUICK, page_size)
    airbyte.lifetime = lifetime
    with airbyte, History.open(path, threads=1) as history:
        return mine(history, airbyte, plan or MiningPlan(), lifetime)


def kept(path: Path) -> list[Row]:
    """Return every row of the history, as `told` words them; a sync kept twice is there twice."""
    with History.open(path, read_only=True, threads=1) as history:
        return history.execute(
            "select job_id, connection_id, kind::varchar, status::varchar, epoch(created_at)::bigint,"
            " epoch(updated_at)::bigint, rows, bytes from syncs join connection_keys"
            " using (connection_key) order by job_id"
        )


def told(sync: Sync) -> Row:
    ended = None if sync.updated_at is None else int(sync.updated_at.timestamp())
    return (
        sync.id,
        str(sync.connection_id),
        sync.kind.value,
        sync.status.value,
        int(sync.created_at.timestamp()),
        ended,
        sync.rows,
        sync.bytes,
    )


@contextmanager
def history_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "history.duckdb"


lives = st.one_of(
    st.builds(Lifetime, requests=st.integers(0, 40)),
    st.builds(Lifetime, commits=st.integers(0, 3)),
    st.builds(Lifetime),
)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 99),
    days=st.sampled_from([12, 195]),
    page_size=st.integers(2, 100),
    rate=st.sampled_from([0.0, 0.02, 0.06]),
    nights=st.lists(st.tuples(lives, st.integers(1, 60)), max_size=5),
)
def test_the_history_ends_up_as_the_truth_is(
    seed: int, days: int, page_size: int, rate: float, nights: list[tuple[Lifetime, int]]
) -> None:
    # Small pages make each second a crowd; over half a year they would only make many requests.
    page_size = page_size if days < 100 else max(page_size, 40)
    with (
        Lab.start(
            seed=seed, connections=4, days=days, faults=Faults.harsh(seed=seed, rate=rate)
        ) as lab,
        history_path() as path,
    ):
        for lifetime, hours in nights:
            with suppress(Killed):
                dig(lab, path, None, lifetime, page_size)
            lab.advance(timedelta(hours=hours))
        if not nights:
            dig(lab, path, None, None, page_size)
        lab.advance(STATS_ARE_LATE_BY)
        # Nights on which nothing was read may cost the oldest syncs: Airbyte prunes on.
        pruned_before = lab.now - timedelta(days=180)
        last = dig(lab, path, None, None, page_size)
        assert last.is_complete, last
        again = dig(lab, path, None, None, page_size)
        assert [(one.new, one.changed) for one in again.mines] == [(0, 0)] * len(again.mines)
        assert_true(lab, path, pruned_before)


def assert_true(lab: Lab, path: Path, since: datetime) -> None:
    settled = lab.now - STATS_ARE_LATE_BY
    truth = {sync.id: sync for sync in lab.truth.syncs()}
    rows = {int(str(row[0])): row for row in kept(path)}
    assert len(rows) == len(kept(path)), "a sync is there twice"
    assert {sync.id for sync in truth.values() if sync.created_at >= since} <= rows.keys()
    for job_id, row in rows.items():
        expected = told(truth[job_id])
        ended = truth[job_id].updated_at
        if ended is not None and ended < settled:
            assert row == expected
        else:  # rows and bytes may still come late
            assert row[:6] == expected[:6]


def test_the_first_mine_reads_all_and_the_second_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    with Lab.start(seed=3, connections=12, days=20) as lab:
        first = dig(lab, path)
        assert sum(one.new for one in first.mines) == len(lab.truth.syncs())
        assert first.connections == 12
        assert {one.outcome for one in first.mines} == {MineOutcome.COMPLETE}
        before = kept(path)
        second = dig(lab, path)
        assert [(one.new, one.changed) for one in second.mines] == [(0, 0)] * len(second.mines)
        assert kept(path) == before == [told(sync) for sync in lab.truth.syncs()]


def test_a_later_mine_reads_only_what_is_recent(tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    with Lab.start(seed=3, connections=12, days=60) as lab:
        first = dig(lab, path)
        lab.advance(timedelta(hours=6))
        assert dig(lab, path).requests < first.requests / 3
        assert [row[0] for row in kept(path)] == [sync.id for sync in lab.truth.syncs()]


def test_since_limits_the_first_mine_and_an_earlier_one_fills_in(tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    with Lab.start(seed=3, connections=5, days=20) as lab:
        week_ago = lab.now - timedelta(days=7)
        dig(lab, path, MiningPlan(since=week_ago))
        recent = [sync.id for sync in lab.truth.syncs() if sync.created_at >= week_ago]
        assert [row[0] for row in kept(path)] == recent
        dig(lab, path, MiningPlan(since=week_ago - timedelta(days=30)))
        assert len(kept(path)) == len(lab.truth.syncs())


def test_airbytes_clock_rules_and_a_difference_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    until = datetime.now(UTC).replace(microsecond=0)
    with Lab.start(seed=3, connections=5, days=5, until=until) as lab:
        assert not any("clock" in note for note in dig(lab, path).notes)
    behind = Faults(clock_skew=-5400)
    with Lab.start(seed=3, connections=5, days=5, until=until, faults=behind) as lab:
        mined = dig(lab, tmp_path / "other.duckdb")
        assert any("clock is 1:30:" in note or "1:29:" in note for note in mined.notes)
        assert [row[0] for row in kept(tmp_path / "other.duckdb")] == [
            sync.id for sync in lab.truth.syncs()
        ]


def test_a_wrong_secret_leaves_the_ledger_empty(tmp_path: Path) -> None:
    with (
        Lab.start(seed=1, connections=2, days=2) as lab,
        Airbyte(Access.to(lab.url, Application(lab.client_id, "nope")), QUICK) as airbyte,
        History.open(tmp_path / "h.duckdb") as history,
    ):
        with pytest.raises(AirbyteError, match="refused the login"):
            mine(history, airbyte, MiningPlan(), Lifetime())
        assert history.execute("select count(*) from mines") == [(0,)]


def test_an_installation_without_authentication_is_mined_without_credentials(
    tmp_path: Path,
) -> None:
    with (
        Lab.start(seed=1, connections=2, days=2, auth=AuthMode.NONE) as lab,
        Airbyte(Access.to(lab.url), QUICK) as airbyte,
        History.open(tmp_path / "h.duckdb") as history,
    ):
        assert mine(history, airbyte, MiningPlan(), Lifetime()).is_complete


def test_ctrl_c_is_recorded_as_partial_and_the_next_mine_goes_on(tmp_path: Path) -> None:
    class Impatient(Lifetime):
        def progress(self, progress: Progress) -> None:
            if progress.syncs > 0:
                raise KeyboardInterrupt

    path = tmp_path / "h.duckdb"
    with Lab.start(seed=3, connections=5, days=20) as lab:
        watcher = Impatient()
        with pytest.raises(KeyboardInterrupt):
            dig(lab, path, None, watcher)
        [partial] = watcher.mines
        assert partial.outcome is MineOutcome.PARTIAL
        assert partial.unread == (INTERRUPTED,)
        assert dig(lab, path).is_complete
        assert [row[0] for row in kept(path)] == [sync.id for sync in lab.truth.syncs()]


def test_details_come_with_the_syncs_they_belong_to(tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    with Lab.start(seed=3, connections=6, days=15) as lab:
        assert not any("attempts" in note for note in dig(lab, path).notes)
        truth = lab.truth.syncs()
    with History.open(path, read_only=True, threads=1) as history:
        ((tried,),) = history.execute("select count(distinct job_id) from attempts")
        ((streamed,),) = history.execute("select count(distinct job_id) from stream_stats")
        ((known,),) = history.execute("select count(queued_seconds) from syncs")
    started = [sync for sync in truth if sync.started_at is not None]
    assert len(started) <= tried <= len(truth)
    assert streamed > 0
    assert known == len(started)


def test_details_that_are_known_are_not_asked_for_again(tmp_path: Path) -> None:
    known, bare = tmp_path / "known.duckdb", tmp_path / "bare.duckdb"
    with Lab.start(seed=3, connections=20, days=5) as lab:
        dig(lab, known)
        shutil.copy(known, bare)
        with History.open(bare, threads=1) as history:
            history.execute("delete from attempts")
        assert dig(lab, known).requests < dig(lab, bare).requests


@pytest.mark.parametrize("always", [True, False])
def test_details_of_nights_in_a_row_are_those_of_one_reading(
    tmp_path: Path, *, always: bool
) -> None:
    """Now and then syncs are read without their details, in the midst of their attempts."""
    nights, once = tmp_path / "nights.duckdb", tmp_path / "once.duckdb"
    with Lab.start(seed=3, connections=12, days=3, faults=Faults(late_stats=0.3)) as lab:
        for number in range(10):
            plan = MiningPlan(details=always or number % 2 == 0)
            dig(lab, nights, plan, page_size=2)
            lab.advance(timedelta(minutes=17))
        dig(lab, nights, page_size=2)
        dig(lab, once)
    assert details(nights) == details(once)


def details(path: Path) -> list[list[Row]]:
    """Return every attempt and every stream's totals."""
    with History.open(path, read_only=True, threads=1) as history:
        tables = ("attempts", "stream_stats")
        return [history.execute(f"select * from {table} order by all") for table in tables]


def test_without_a_configuration_api_the_mine_is_complete_and_says_what_it_lacks(
    tmp_path: Path,
) -> None:
    with Lab.start(seed=3, connections=2, days=5, faults=Faults(configuration_api=False)) as lab:
        mined = dig(lab, tmp_path / "h.duckdb")
        assert mined.is_complete
        assert any("attempts and failure reasons were not read" in note for note in mined.notes)
