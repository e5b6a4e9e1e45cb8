import importlib.util
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.calendar import WEEKDAYS
from bot.domain.connection import ConnectionId
from bot.domain.lineage import Downstream, Reader
from bot.domain.signal import Freshness
from bot.signals.dbt import Dbt
from bot.signals.looking import look
from bot.signals.lookout import Sight
from tests.signals.scenes import connection, scene

ARTEFACTS = Path(__file__).parents[1] / "data" / "dbt"
MADE_AT = datetime.fromisoformat(
    json.loads((ARTEFACTS / "manifest.json").read_text())["metadata"]["generated_at"]
)
DBT = os.environ.get("DBT_PYTHON") or (sys.executable if importlib.util.find_spec("dbt") else None)
"""dbt's requirements are not ours: it lives in an environment of its own."""
STRIPE = connection("Stripe", [("raw_stripe", "charges"), ("raw_stripe", "customers")])
CRM = connection("CRM", [(None, "contacts")])
LEDGER = connection("Old ledger", [("gl", "entries")])
FLEET = (STRIPE, CRM, LEDGER)


def seen(
    *connections: Any, folder: Path = ARTEFACTS, late: timedelta = timedelta(), **more: Any
) -> Sight:
    found = {"type": "dbt", "manifest": "manifest.json", "run_results": ["run_results.json"]}
    there = scene(*(connections or FLEET), folder=folder, now=MADE_AT + late)
    return look([Dbt.model_validate(found | more)], there)


def below(sight: Sight, name: str) -> Downstream:
    return sight.lineage.get(ConnectionId(f"id of {name}"), Downstream())


def reader(sight: Sight, name: str, of: str) -> Reader:
    return next(each for each in below(sight, of).readers if each.name == name)


def test_readers_are_found_through_the_graph_with_owner_and_deadline() -> None:
    stripe = below(seen(), "Stripe")
    assert stripe.models == ("stg_charges", "stg_customers")
    assert [(each.name, each.kind) for each in stripe.readers] == [
        ("Revenue board", "dashboard"),
        ("revenue", "model"),
    ]
    board, revenue = stripe.readers
    assert (board.owner, board.critical, revenue.owner) == ("Ada", True, "Finance team")
    assert board.deadline is not None
    assert (board.deadline.finish_by, board.deadline.zone) == (time(8), "Europe/Berlin")
    assert revenue.deadline is not None
    assert revenue.deadline.days.weekdays == WEEKDAYS
    assert revenue.deadline.after == time(1)


def test_the_tightest_freshness_is_the_promise() -> None:
    assert below(seen(), "Stripe").max_staleness == timedelta(hours=12)
    assert below(seen(), "CRM").max_staleness is None


def test_the_critical_path_is_the_longest_one_to_each_reader() -> None:
    results = json.loads((ARTEFACTS / "run_results.json").read_text())["results"]
    took = {each["unique_id"]: each["execution_time"] for each in results}
    longest = took["model.shop.revenue"] + max(
        took["model.shop.stg_charges"], took["model.shop.stg_customers"]
    )
    sight = seen()
    found = reader(sight, "Revenue board", "Stripe").critical_path
    assert found.total_seconds() == pytest.approx(longest, abs=1e-5)
    assert reader(sight, "revenue", "Stripe").critical_path == found


def test_of_several_runs_a_slow_one_counts(tmp_path: Path) -> None:
    shutil.copy(ARTEFACTS / "manifest.json", tmp_path)
    original = json.loads((ARTEFACTS / "run_results.json").read_text())
    for number in range(5):
        for each in original["results"]:
            each["execution_time"] = 10.0 if number != 2 else 60.0
        (tmp_path / f"run_{number}.json").write_text(json.dumps(original))
    sight = seen(folder=tmp_path, run_results=["run_*.json"])
    path = reader(sight, "Revenue board", "Stripe").critical_path
    assert path == timedelta(seconds=120)
    timed = [each for each in sight.signals[0].readings if each.unit == "s"]
    assert len(timed) == 5 * 6


def test_tables_are_matched_by_meta_by_namespace_and_by_a_name_that_only_one_has() -> None:
    sight = seen()
    assert below(sight, "Old ledger").models == ("ledger",)
    assert below(sight, "CRM").models == ("contacts",)
    (signal,) = sight.signals
    assert signal.freshness is Freshness.PARTIAL
    assert "1 source tables are matched to no connection: somewhere.unheard_of" in signal.reason
    assert signal.about == {f"id of {each.name}" for each in FLEET}


def test_nothing_is_guessed_between_two_connections_until_a_person_says_which() -> None:
    rival = connection("Rival", [(None, "contacts")], into="d2")
    sight = seen(*FLEET, rival)
    assert not below(sight, "CRM").is_read
    assert not below(sight, "Rival").is_read
    assert "may be filled by several connections: raw_crm.Contacts" in sight.signals[0].reason
    assert below(seen(*FLEET, rival, schemas={"RAW_CRM": "CRM"}), "CRM").is_read
    assert below(seen(*FLEET, rival, destination="destination d1"), "CRM").is_read


def test_a_whole_schema_can_be_given_to_a_connection_whose_names_are_other_ones() -> None:
    prefixed = connection("Prefixed", [(None, "x_unheard_of")])
    sight = seen(*FLEET, prefixed, schemas={"somewhere": "Prefixed"})
    assert below(sight, "Prefixed").models == ("odd",)
    wrong = seen(schemas={"somewhere": "Nobody"})
    assert wrong.signals[0].freshness is Freshness.MISSING
    assert "no connection is named 'Nobody'" in wrong.signals[0].reason


def test_a_wrong_deadline_is_told_and_the_reader_stays() -> None:
    sight = seen()
    assert reader(sight, "mailing", "CRM").deadline is None
    assert reader(sight, "mailing", "CRM").owner == "crm@example.com"
    assert "exposure.shop.mailing: meta.trimtab.deadline.by" in sight.signals[0].reason


def test_an_old_manifest_is_stale_and_still_read() -> None:
    sight = seen(late=timedelta(days=8))
    assert sight.signals[0].freshness is Freshness.STALE
    assert sight.signals[0].reason == "its manifest is 8 d old"
    assert below(sight, "Stripe").is_read


def test_without_results_the_time_of_models_is_said_to_be_unknown() -> None:
    sight = seen(run_results=[])
    assert reader(sight, "Revenue board", "Stripe").critical_path == timedelta()
    assert "no run_results are given" in sight.signals[0].reason
    assert "gone.json: there is no such file" in seen(run_results=["gone.json"]).signals[0].reason


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"metadata": {"generated_at": "soon"}}'])
def test_what_is_no_manifest_is_a_missing_signal(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    (signal,) = seen(folder=tmp_path).signals
    assert signal.freshness is Freshness.MISSING
    assert signal.reason.startswith("manifest.json ")


@pytest.mark.skipif(DBT is None, reason="DBT_PYTHON names no Python that has dbt; CI installs one")
def test_dbt_makes_the_kept_artefacts(tmp_path: Path) -> None:
    command = [str(DBT), str(ARTEFACTS / "make.py"), str(tmp_path)]
    environment = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "0"}
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env=environment)
    fresh, kept = seen(folder=tmp_path, late=datetime.now(UTC) - MADE_AT), seen()
    for name in ("Stripe", "CRM", "Old ledger"):
        mine, theirs = below(fresh, name), below(kept, name)
        assert mine.models == theirs.models
        assert [each.deadline for each in mine.readers] == [
            each.deadline for each in theirs.readers
        ]
