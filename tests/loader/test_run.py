"""Running pipelines: order of effects, resuming from every possible crash, retries, budgets."""

import gc
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from bot.domain.errors import LoaderError
from bot.loader.config import AdaptiveBatchSize, Retry
from bot.loader.dead_letters import BudgetExceededError
from bot.loader.events import DeadLettered, Note, ReadFailed, Sized, SliceWritten, WriteFailed
from bot.loader.protocol import (
    RetryClass,
    SinkCapabilities,
    SinkError,
    SliceTooLargeError,
    SourceError,
)
from bot.loader.slices import SliceWriter
from bot.loader.state import Checkpoint, FileState
from tests.loader.scripted import (
    AppendedSink,
    Bench,
    Crash,
    MarkedSink,
    ScriptedSink,
    ScriptedSource,
    StagingSink,
    World,
)

NO_OUTCOMES = SinkCapabilities(atomic_batch=True, row_outcomes=False, replay_safe=False)


def test_rows_arrive_in_slices_of_the_size_and_never_across_a_page(tmp_path: Path) -> None:
    sink = ScriptedSink(World())
    Bench(tmp_path, ScriptedSource(25, 10), sink, batch_size=4).run()
    assert sink.calls == [4, 4, 2, 4, 4, 2, 4, 1]
    assert sink.world.rows == list(range(25))


def test_effects_come_in_order_rows_letters_flushes_state(tmp_path: Path) -> None:
    world = World()
    bench = Bench(
        tmp_path, ScriptedSource(10, 10), ScriptedSink(world, bad=frozenset({3})), batch_size=5
    )
    bench.run()
    assert world.effects == ["write 4", "write 5", "letters 1", "flush", "flush letters"]


def test_a_dead_letter_says_which_record_of_the_page_it_was_and_why(tmp_path: Path) -> None:
    world = World()
    source = ScriptedSource(20, 10, reject_every=7)
    bench = Bench(tmp_path, source, ScriptedSink(world, bad=frozenset({3, 15})), batch_size=4)
    bench.run()
    found = [(x["payload"]["id"], x["record_index"], x["reason"]) for x in world.letters]
    assert found == [
        (0, 0, "schema_drift"),
        (3, 3, "partial"),
        (7, 7, "schema_drift"),
        (14, 4, "schema_drift"),
        (15, 5, "partial"),
    ]
    letter = world.letters[1]
    assert letter["error"] == {"kind": "Constraint", "message": "id 3"}
    assert (letter["pipeline"], letter["row"], letter["sink"]) == ("bench", "default", "scripted")
    assert world.rows == [n for n in range(20) if n not in {0, 3, 7, 14, 15}]


def test_without_a_queue_a_bad_row_stops_the_run_and_the_next_run_goes_on(tmp_path: Path) -> None:
    sink = ScriptedSink(World(), bad=frozenset({12}))
    bench = Bench(tmp_path, ScriptedSource(30, 10), sink, dlq=None, batch_size=5)
    with pytest.raises(SinkError, match="id 12"):
        bench.run()
    sink.bad = frozenset()
    assert bench.run() == "completed"
    assert sink.world.rows == list(range(30))


def test_propagate_stops_on_a_batch_that_fails_whole(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        ScriptedSource(10, 10),
        ScriptedSink(World(), before_write=_refuse_all, capabilities_=NO_OUTCOMES),
    )
    with pytest.raises(SinkError, match="refused"):
        bench.run()
    assert bench.sink.world.letters == []


def test_dlq_all_dead_letters_every_row_of_a_batch_that_fails_whole(tmp_path: Path) -> None:
    world = World()
    sink = ScriptedSink(world, before_write=_refuse_with({4}), capabilities_=NO_OUTCOMES)
    Bench(tmp_path, ScriptedSource(10, 10), sink, dlq="dlq_all", batch_size=5).run()
    assert world.rows == [5, 6, 7, 8, 9]
    assert {x["reason"] for x in world.letters} == {"dlq_all"}
    assert [x["record_index"] for x in world.letters] == [0, 1, 2, 3, 4]


def test_goodput_writes_a_failed_slice_smaller_before_it_dead_letters(tmp_path: Path) -> None:
    world = World()
    sizing = AdaptiveBatchSize(enabled=True, controller="goodput", min=2, max=100)
    sink = ScriptedSink(world, before_write=_refuse_with({20}), capabilities_=NO_OUTCOMES)
    Bench(tmp_path, ScriptedSource(32, 32), sink, dlq="dlq_all", sizing=sizing).run()
    assert len(world.letters) == 2
    assert 20 in {x["payload"]["id"] for x in world.letters}
    assert len(world.rows) == 30


def test_a_slice_that_is_too_large_is_halved_until_it_passes(tmp_path: Path) -> None:
    def at_most_six(ids: list[int]) -> None:
        if len(ids) > 6:
            raise SliceTooLargeError("too many", kind="HttpStatus")

    sink = ScriptedSink(World(), before_write=at_most_six)
    Bench(tmp_path, ScriptedSource(40, 20), sink, dlq=None).run()
    assert sink.world.rows == list(range(40))
    assert max(n for n in sink.calls if n <= 6) == 5


def test_a_refusal_for_size_is_no_clean_slice_to_the_documented_rule(tmp_path: Path) -> None:
    def at_most_six(ids: list[int]) -> None:
        if len(ids) > 6:
            raise SliceTooLargeError("too many")

    sizing = AdaptiveBatchSize(enabled=True, min=1, max=20, increase_step=1)
    bench = Bench(
        tmp_path,
        ScriptedSource(20, 20),
        ScriptedSink(World(), before_write=at_most_six),
        dlq=None,
        sizing=sizing,
    )
    bench.run()
    assert [event.observation.rows for event in bench.of(SliceWritten)] == [5, 5, 5, 5]


def test_a_record_that_is_too_large_on_its_own_is_a_dead_letter(tmp_path: Path) -> None:
    def not_nine(ids: list[int]) -> None:
        if 9 in ids:
            raise SliceTooLargeError("too large")

    world = World()
    bench = Bench(tmp_path, ScriptedSource(16, 16), ScriptedSink(world, before_write=not_nine))
    bench.run()
    assert [(x["payload"]["id"], x["reason"]) for x in world.letters] == [(9, "partial")]
    assert len(world.rows) == 15


def test_page_budget_is_judged_once_the_page_is_durable(tmp_path: Path) -> None:
    world = World()
    sink = ScriptedSink(world, bad=frozenset({1, 2, 12}))
    bench = Bench(tmp_path, ScriptedSource(30, 10), sink, budgets={"max_failures_per_page": 1})
    with pytest.raises(BudgetExceededError, match="max_failures_per_page"):
        bench.run()
    assert len(world.letters) == 2
    assert bench.run() == "completed"
    assert sorted([*world.rows, 1, 2, 12]) == list(range(30))
    assert len(world.letters) == 3


def test_as_many_failures_as_the_budget_are_allowed(tmp_path: Path) -> None:
    sink = ScriptedSink(World(), bad=frozenset({1, 2, 12}))
    budgets = {"max_failures_per_page": 2, "max_failures_total": 3}
    assert Bench(tmp_path, ScriptedSource(30, 10), sink, budgets=budgets).run() == "completed"


def test_total_budget_counts_rejects_too(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        ScriptedSource(30, 10, reject_every=10),
        ScriptedSink(World()),
        budgets={"max_failures_total": 1},
    )
    with pytest.raises(BudgetExceededError, match="max_failures_total"):
        bench.run()
    assert len(bench.sink.world.letters) == 2


def test_a_plain_insert_is_never_tried_again(tmp_path: Path) -> None:
    sink = ScriptedSink(World(), after_commit=_lose_answer_once())
    with pytest.raises(SinkError, match="lost"):
        Bench(tmp_path, ScriptedSource(10, 10), sink).run()
    assert sink.calls == [10]


def test_a_lost_answer_is_recognised_by_the_mark_and_nothing_is_written_twice(
    tmp_path: Path,
) -> None:
    world = World()
    sink = MarkedSink(world, bad=frozenset({3}), after_commit=_lose_answer_once())
    bench = Bench(tmp_path, ScriptedSource(10, 10), sink, batch_size=5)
    assert bench.run() == "completed"
    assert world.rows == [n for n in range(10) if n != 3]
    assert [x["payload"]["id"] for x in world.letters] == [3]
    assert [event.retried for event in bench.of(WriteFailed)] == [True]


def test_a_failure_before_the_commit_is_written_again(tmp_path: Path) -> None:
    sink = MarkedSink(World(), before_write=_fail_times(2))
    bench = Bench(tmp_path, ScriptedSource(10, 10), sink)
    assert bench.run() == "completed"
    assert sink.world.rows == list(range(10))


def test_tries_are_bounded(tmp_path: Path) -> None:
    sink = MarkedSink(World(), before_write=_fail_times(99))
    with pytest.raises(SinkError, match="reset"):
        Bench(tmp_path, ScriptedSource(10, 10), sink).run()
    assert len(sink.calls) == 5


def test_reading_goes_on_from_the_last_bookmark_after_a_failure_that_passes(
    tmp_path: Path,
) -> None:
    lost = SourceError("connection lost", retry=RetryClass.CONNECTION)
    source = ScriptedSource(30, 10, failures=[lost, lost])
    bench = Bench(tmp_path, source, ScriptedSink(World()))
    assert bench.run() == "completed"
    assert bench.sink.world.rows == list(range(30))
    assert [event.retried for event in bench.of(ReadFailed)] == [True, True]


def test_a_failure_of_the_source_that_will_not_pass_stops_after_what_was_read(
    tmp_path: Path,
) -> None:
    source = ScriptedSource(30, 10, failures=[SourceError("no such column")])
    bench = Bench(tmp_path, source, ScriptedSink(World()))
    with pytest.raises(SourceError, match="no such column"):
        bench.run()
    assert bench.sink.world.rows == list(range(10))
    bench.run()
    assert bench.sink.world.rows == list(range(30))


def test_rejects_without_a_queue_stop_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedSource(10, 10, reject_every=4), ScriptedSink(World()), dlq=None)
    with pytest.raises(LoaderError, match="does not fit the schema"):
        bench.run()


def test_a_finished_load_starts_anew_unless_the_source_is_incremental(tmp_path: Path) -> None:
    source = ScriptedSource(10, 10)
    bench = Bench(tmp_path, source, ScriptedSink(World()))
    bench.run()
    bench.run()
    assert len(bench.sink.world.rows) == 20
    growing = ScriptedSource(10, 10, incremental=True)
    bench = Bench(tmp_path / "other", growing, ScriptedSink(World()))
    bench.run()
    growing.total = 25
    bench.run()
    assert bench.sink.world.rows == list(range(25))
    bench.run(fresh=True)
    assert len(bench.sink.world.rows) == 50


def test_cancelling_keeps_the_slices_that_are_written(tmp_path: Path) -> None:
    sink = AppendedSink(World())
    bench = Bench(tmp_path, ScriptedSource(100, 50), sink, batch_size=10)
    sink.after_commit = lambda ids: bench.cancelled.set() if 29 in ids else None
    assert bench.run() == "cancelled"
    assert sink.world.rows == list(range(30))
    assert sink.world.effects[-1] == "flush"
    bench.cancelled.clear()
    sink.after_commit = lambda ids: None
    assert bench.run() == "completed"
    assert sink.world.rows == list(range(100))


def test_secrets_in_error_texts_do_not_reach_the_dead_letters(tmp_path: Path) -> None:
    def leak(ids: list[int]) -> None:
        raise SinkError("could not log in with hunter2/?@x")

    sink = ScriptedSink(World(), before_write=leak, capabilities_=NO_OUTCOMES)
    bench = Bench(tmp_path, ScriptedSource(2, 2), sink, dlq="dlq_all", secrets=("hunter2/?@x",))
    bench.run()
    assert {x["error"]["message"] for x in sink.world.letters} == {"could not log in with ***"}


def test_the_controller_is_told_of_row_errors_only_with_a_queue(tmp_path: Path) -> None:
    sizing = AdaptiveBatchSize(enabled=True, min=1, max=100, increase_step=1)
    sink = ScriptedSink(World(), bad=frozenset({1}))
    bench = Bench(tmp_path, ScriptedSource(20, 10), sink, sizing=sizing)
    bench.run()
    assert [event.observation.errors for event in bench.of(SliceWritten)] == [1, 0, 0]
    sizes = [event.size for event in bench.of(Sized)]
    assert sizes == [10, 5, 5, 5]


def test_a_sink_of_single_records_is_noted_once(tmp_path: Path) -> None:
    sizing = AdaptiveBatchSize(enabled=True)
    capabilities = SinkCapabilities(
        atomic_batch=False, row_outcomes=False, replay_safe=False, per_record=True
    )
    sink = ScriptedSink(World(), capabilities_=capabilities)
    bench = Bench(tmp_path, ScriptedSource(20, 10), sink, sizing=sizing)
    bench.run()
    assert len([n for n in bench.of(Note) if "has no effect on" in n.message]) == 1


def test_a_promise_below_exactly_once_is_a_warning(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedSource(20, 10), ScriptedSink(World()))
    bench.run()
    assert [n.message for n in bench.of(Note) if n.warning] == [
        "delivery is at least once: after a crash up to one page is delivered again"
    ]


def test_an_empty_source_finishes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedSource(0, 10), ScriptedSink(World()))
    assert bench.run() == "completed"
    assert bench.of(DeadLettered) == []


def test_two_runs_of_one_pipeline_keep_out_of_each_other(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedSource(10, 10), ScriptedSink(World()))
    with (
        FileState(tmp_path).hold("bench::default"),
        pytest.raises(LoaderError, match="already being run"),
    ):
        bench.run()


def _run_through_a_crash(bench: Bench) -> bool:
    """Run to the end, a second time where the first one dies; tell whether it did."""
    try:
        bench.run()
    except Crash:
        bench.sink.world.die_at = None
        assert bench.run() == "completed"
        return True
    return False


@pytest.mark.parametrize("kind", [MarkedSink, AppendedSink, StagingSink])
@pytest.mark.parametrize("bookmarks", [True, False])
def test_a_crash_at_any_effect_loses_nothing_and_doubles_nothing(
    tmp_path: Path, kind: type[ScriptedSink], bookmarks: bool
) -> None:
    expected = [n for n in range(47) if n % 11 and n not in {5, 6, 30}]
    dead = [0, 5, 6, 11, 22, 30, 33, 44]
    crashed = True
    for die_at in range(50):
        world = World(die_at=die_at)
        bench = Bench(
            tmp_path / f"{kind.__name__}{bookmarks}{die_at}",
            ScriptedSource(47, 10, reject_every=11, bookmarks=bookmarks),
            kind(world, bad=frozenset({5, 6, 30})),
            batch_size=4,
        )
        crashed = _run_through_a_crash(bench)
        assert world.rows == expected, die_at
        assert [x["payload"]["id"] for x in world.letters] == dead, die_at
    assert not crashed, "the last round was to be one without a crash"


def test_a_crash_with_a_source_in_no_order_delivers_at_most_a_page_again(tmp_path: Path) -> None:
    for die_at in range(14):
        world = World(die_at=die_at)
        source = ScriptedSource(40, 10, positional=False)
        bench = Bench(tmp_path / str(die_at), source, MarkedSink(world), batch_size=4)
        with pytest.raises(Crash):
            bench.run()
        world.die_at = None
        bench.run()
        assert set(world.rows) == set(range(40))
        assert len(world.rows) < 50


@pytest.mark.parametrize("bookmarks", [True, False])
@pytest.mark.parametrize("incremental", [True, False])
def test_a_sink_that_stages_is_exact_whatever_the_order_of_the_source(
    tmp_path: Path, bookmarks: bool, incremental: bool
) -> None:
    crashed = True
    for die_at in range(30):
        world = World(die_at=die_at)
        source = ScriptedSource(
            40, 10, positional=False, bookmarks=bookmarks, incremental=incremental
        )
        bench = Bench(tmp_path / str(die_at), source, StagingSink(world), batch_size=4)
        crashed = _run_through_a_crash(bench)
        assert world.rows == list(range(40)), die_at
    assert not crashed, "the last round was to be one without a crash"


def test_a_load_that_had_only_to_be_shown_is_told_and_goes_on_where_it_can(tmp_path: Path) -> None:
    for incremental in (True, False):
        sink = StagingSink(World())
        bench = Bench(
            tmp_path / str(incremental),
            ScriptedSource(20, 10, incremental=incremental),
            sink,
            batch_size=10,
        )
        assert bench.run() == "completed"
        _forget_to_show(sink, tmp_path / str(incremental), 5)
        bench.source.total = 30
        bench.events.clear()
        sink.lost_publishes = 1
        assert bench.run() == "completed"
        told = [note for note in bench.of(Note) if "now they are" in note.message]
        assert len(told) == (0 if incremental else 1)
        assert sink.world.rows == list(range(30 if incremental else 20))


def _forget_to_show(sink: StagingSink, folder: Path, rows: int) -> None:
    """Go back to where the state says that the load is finished, and its last rows are unseen."""
    del sink.world.rows[-rows:]
    sink.world.shown -= rows
    store = FileState(folder)
    found = store.get("bench::default")
    assert found is not None
    store.put("bench::default", replace(found, sink_position=sink.position()))


def test_staged_rows_are_shown_after_the_state_and_with_patience(tmp_path: Path) -> None:
    sink = StagingSink(World())
    sink.lost_publishes = 2
    bench = Bench(tmp_path, ScriptedSource(20, 10), sink, batch_size=5)
    assert bench.run() == "completed"
    assert sink.world.effects == [
        *("stage 5", "stage 5", "flush", "publish 10"),
        *("stage 5", "stage 5", "flush", "publish 20"),
    ]
    assert [event.retried for event in bench.of(WriteFailed)] == [True, True]
    checkpoint = FileState(tmp_path).get("bench::default")
    assert checkpoint is not None
    assert checkpoint.sink_position == {}


def test_rows_that_cannot_be_shown_are_shown_by_the_next_run(tmp_path: Path) -> None:
    sink = StagingSink(World())
    sink.lost_publishes = 6
    bench = Bench(tmp_path, ScriptedSource(20, 10), sink, batch_size=5)
    with pytest.raises(SinkError, match="no answer"):
        bench.run()
    assert sink.world.rows == []
    sink.lost_publishes = 0
    assert bench.run() == "completed"
    assert sink.world.rows == list(range(20))


def test_a_write_that_failed_into_a_staging_sink_is_tried_again(tmp_path: Path) -> None:
    sink = StagingSink(World(), before_write=_fail_times(2))
    assert Bench(tmp_path, ScriptedSource(10, 10), sink).run() == "completed"
    assert sink.world.rows == list(range(10))


def test_cancelling_shows_the_slices_that_are_staged(tmp_path: Path) -> None:
    sink = StagingSink(World())
    bench = Bench(tmp_path, ScriptedSource(20, 10), sink, batch_size=4)
    sink.before_write = lambda ids: bench.cancelled.set() if ids[0] == 4 else None
    assert bench.run() == "cancelled"
    assert sink.world.rows == list(range(8))
    checkpoint = FileState(tmp_path).get("bench::default")
    assert checkpoint is not None
    assert checkpoint.sink_position == {}, "what is shown is not asked for once more"
    bench.cancelled.clear()
    assert bench.run() == "completed"
    assert sink.world.rows == list(range(20))


def _refuse_all(ids: list[int]) -> None:
    raise SinkError("refused")


def _refuse_with(bad: set[int]) -> Callable[[list[int]], None]:
    def check(ids: list[int]) -> None:
        if bad & set(ids):
            raise SinkError("one of these is refused")

    return check


def _lose_answer_once() -> Callable[[list[int]], None]:
    lost: list[bool] = []

    def lose(ids: list[int]) -> None:
        if not lost:
            lost.append(True)
            raise SinkError("answer lost", retry=RetryClass.CONNECTION)

    return lose


def _fail_times(times: int) -> Callable[[list[int]], None]:
    left = [times]

    def fail(ids: list[int]) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise SinkError("connection reset", retry=RetryClass.CONNECTION)

    return fail


def test_rows_of_a_slice_that_failed_are_let_go_without_a_search_for_cycles() -> None:
    """The error of a slice must not hold it: a page is large, and such a search comes late."""

    def too_large(ids: list[int]) -> None:
        raise SliceTooLargeError(f"{len(ids)} rows") from None

    sink = ScriptedSink(World(), before_write=too_large)
    writer = SliceWriter(sink, "bench", Retry(), lambda _: None, threading.Event())
    rows = pa.RecordBatch.from_pydict({"id": [1, 2]})
    seen = weakref.ref(rows)
    gc.disable()
    try:
        attempted = writer.write(rows, isolate=False, sealer=lambda _: Checkpoint("load"))
        del rows
        assert isinstance(attempted.error, SliceTooLargeError)
        assert seen() is None
    finally:
        gc.enable()
