from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from bot.forecast.runs import DAY_SECONDS, Runs, moment
from tests.forecast.fleets import MONDAY, Kind, families, table

KINDS = {"b": Kind(seconds=60), "a": Kind(per_day=2, fails=0.3)}


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows = table(KINDS, 10)
    shuffled = rows.take(pa.array(np.random.default_rng(3).permutation(rows.num_rows)))
    straight, other = (Runs.of(each, families(KINDS)) for each in (rows, shuffled))
    assert straight.connections == other.connections == ("a", "b")
    for name in ("connection", "created", "ended", "succeeded", "seconds", "rows"):
        assert np.array_equal(getattr(straight, name), getattr(other, name))


def test_a_run_is_known_once_it_has_ended() -> None:
    found = Runs.of(table({"a": Kind(seconds=100, spread=0)}, 2), {})
    assert len(found.known_at(moment(MONDAY + 3600 + 99))) == 0
    assert len(found.known_at(moment(MONDAY + 3600 + 100))) == 1
    assert found.families == ("unknown",)


def test_runs_that_have_not_ended_are_left_out() -> None:
    rows = table({"a": Kind()}, 2).to_pylist()
    rows[0] |= {"status": "running", "duration_seconds": None, "run_seconds": None}
    schema = table({"a": Kind()}, 1).schema
    assert len(Runs.of(pa.Table.from_pylist(rows, schema), {})) == 1


def test_no_runs_are_runs_too() -> None:
    empty = table({"a": Kind()}, 1).slice(0, 0)
    assert len(Runs.of(empty, {})) == 0
    assert Runs.of(empty, {}).connections == ()


def test_moments_are_utc() -> None:
    assert moment(3 * DAY_SECONDS) == datetime(1970, 1, 4, tzinfo=UTC)
