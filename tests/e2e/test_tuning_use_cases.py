"""The use cases of tuning and of cost, from a user's side: mine, advise, apply, look at what came of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.advise.situation import Beside, read_situation
from bot.cli.advice_json import connection_json
from bot.cli.main import main
from bot.cli.survey import Survey
from bot.domain.connection import Cron
from bot.domain.lineage import Downstream, Reader
from bot.domain.money import Money
from bot.domain.prices import ComputePrice, PriceBook
from bot.history.store import History
from bot.lab import Description, GivenConnection, GivenEndpoint, Lab
from bot.lab.actions import ChangeConnection, ChangeEndpoint
from tests.mined import mine_lab

HOURLY = Cron("0 10 * * * ?")
OFTEN = Cron("0 20 0/4 * * ?")
INCREMENTAL = {"events": "incremental_append"}


@dataclass
class Team:
    """A lab, the history that is mined from it, and `trimtab advise` on that."""

    lab: Lab
    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def source_id(self) -> str:
        return next(iter(self.lab.world.fleet.sources))

    def mine(self) -> None:
        with History.open(self.folder / "h.duckdb") as history:
            mine_lab(self.lab, history)

    def live(self, days: int) -> None:
        """Let time pass, and look at the settings at both ends: what they were is known between."""
        for hours in (1, 24 * days - 1):
            self.lab.advance(timedelta(hours=hours))
            self.mine()

    def advise(self, *arguments: str) -> list[dict[str, Any]]:
        settings = self.folder / "trimtab.yaml"
        settings.write_text(
            "version: 1\nairbyte: {url: 'http://127.0.0.1:1', auth: none}\n"
            "policies: none\nprices: {cpu_hour: '0.50'}\n"
        )
        history = str(self.folder / "h.duckdb")
        places = ["--history", history, "--config", str(settings)]
        assert main(["advise", *places, "-o", "json", *arguments]) == 0
        found: list[dict[str, Any]] = json.loads(self.capsys.readouterr().out)["connections"]
        return found

    def turn(self, path: str, value: int) -> None:
        """Apply a change, as Terraform would."""
        source = self.lab.world.fleet.sources[self.source_id]
        configuration = {**source.configuration, path: value}
        self.lab.world.do(ChangeEndpoint(endpoint_id=source.id, configuration=configuration))


@pytest.fixture
def team(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Team]:
    """Start a lab of one given fleet so that, when a test has lived on, the lab's present is ours."""
    fleet, ahead = request.param
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=ahead)
    with Lab.start(seed=5, fleet=fleet, days=28, until=until) as lab:
        yield Team(lab, tmp_path, capsys)


def one_source(
    connector: str, knobs: dict[str, int], count: int, cron: Cron = OFTEN
) -> Description:
    return Description(
        sources=(GivenEndpoint("App", connector, knobs),),
        destinations=(GivenEndpoint("Warehouse", "snowflake"),),
        connections=tuple(
            GivenConnection(f"App {n}", "App", "Warehouse", cron, INCREMENTAL) for n in range(count)
        ),
    )


def recommended(found: list[dict[str, Any]]) -> dict[str, Any]:
    (advice,) = [a for c in found for a in c["advice"] if a["answer"] == "recommend"]
    assert isinstance(advice, dict)
    return advice


@pytest.mark.parametrize(
    "team", [(one_source("facebook-marketing", {"page_size": 900}, 3), 28)], indirect=True
)
def test_adaptive_batch_size_tuning(team: Team) -> None:
    """Far from its default, and never changed: a canary first, then what it showed."""
    team.mine()
    team.live(8)
    found = team.advise("--advisor", "knobs")
    first = recommended(found)
    assert first["change"] == {
        "setting": "configuration.page_size",
        "before": "900",
        "after": "600",
    }
    assert first["figures"]["step"] == "canary"
    assert {each["optimal_batch_size"] for each in found} == {None}
    team.turn("page_size", 600)
    team.live(20)
    found = team.advise("--advisor", "knobs")
    optimal = {each["optimal_batch_size"] for each in found}
    assert len(optimal) == 1
    (curve,) = team.lab.truth.knobs(team.source_id)
    (best,) = optimal
    assert best < 600
    assert curve.factor(best) < curve.factor(600) < curve.factor(900)


@pytest.mark.parametrize(
    "team", [(one_source("stripe", {"num_workers": 20}, 3), 28)], indirect=True
)
def test_adaptive_parallelization_tuning(team: Team) -> None:
    """At its highest, twice the default: no more of it, and a canary with less."""
    team.mine()
    team.live(8)
    found = team.advise("--advisor", "knobs")
    assert {each["can_parallelize"] for each in found} == {False}
    first = recommended(found)
    assert first["change"]["after"] == "14"
    assert first["effect"]["duration_seconds"]["p05"] < 0
    team.turn("num_workers", 14)
    team.live(20)
    found = team.advise("--advisor", "knobs")
    assert all(1 <= each["optimal_parallel_streams"] <= 20 for each in found)
    assert {each["can_parallelize"] for each in found} == {True}


@pytest.mark.parametrize(
    "team",
    [
        (
            Description(
                sources=(GivenEndpoint("Rare", "salesforce"),),
                destinations=(GivenEndpoint("Warehouse", "snowflake"),),
                connections=(
                    GivenConnection(
                        "Rare", "Rare", "Warehouse", HOURLY, INCREMENTAL, rows_per_day=0.2
                    ),
                ),
            ),
            0,
        )
    ],
    indirect=True,
)
def test_cost_aware_cloud_sync_optimization(team: Team) -> None:
    """Hourly syncs that mostly bring nothing: run less, and save what was said."""
    team.mine()
    advice = recommended(team.advise("--advisor", "frequency"))
    saving = advice["effect"]["saving_per_month"]
    low, high = (float(saving[name]["amount"]) for name in ("p05", "p95"))
    assert 0 < low < high
    lab, begin = team.lab, team.lab.now
    (key,) = lab.truth.connection_ids
    expression = advice["change"]["after"].removesuffix(" UTC")
    lab.advance(timedelta(days=30))
    fewer = ChangeConnection(
        at=int(begin.timestamp()), connection_id=key, schedule=Cron(expression)
    )
    prices = PriceBook(compute=ComputePrice(Money.of("0.50")))
    saved = (
        lab.truth.bill(begin, prices).compute - lab.truth.under([fewer]).bill(begin, prices).compute
    )
    assert low <= float(saved.amount) <= high


@pytest.mark.parametrize("team", [(one_source("postgres", {}, 3), 0)], indirect=True)
def test_sync_prioritization_by_downstream_criticality(team: Team) -> None:
    """Each critical application downstream counts ten."""
    team.mine()
    critical = tuple(Reader(name, "application", critical=True) for name in ("close", "alerts"))
    with History.open(team.folder / "h.duckdb") as history:
        ids = [
            each.connection.id for each in read_situation(history, team.lab.now, Beside()).subjects
        ]
        lineage = {
            ids[0]: Downstream(("ledger",), critical),
            ids[1]: Downstream(("visits",), (Reader("board", "dashboard"),)),
        }
        situation = read_situation(history, team.lab.now, Beside(lineage=lineage))
    survey = Survey(situation, "")
    scores = [
        connection_json(survey, subject, [])["priority_score"] for subject in situation.subjects
    ]
    assert scores == [20, 2, 0]
