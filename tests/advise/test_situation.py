from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.advise.advisor import Situation
from bot.advise.situation import Beside, read_situation
from bot.domain.connection import WorkspaceId
from bot.domain.lineage import Downstream, Reader
from bot.domain.promises import BlastLimit, FleetTerms, Phase, Terms
from bot.history.store import History
from bot.lab import Lab
from tests.mined import mine_lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=4, connections=8, days=70) as lab:
        yield lab


@pytest.fixture(scope="module")
def mined(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    with History.open(tmp_path_factory.mktemp("history") / "h.duckdb") as history:
        mine_lab(lab, history)
        yield history


def read(lab: Lab, history: History, beside: Beside | None = None) -> Situation:
    return read_situation(history, lab.now, beside or Beside())


def test_every_connection_has_its_ends_and_its_forecasts(lab: Lab, mined: History) -> None:
    situation = read(lab, mined)
    assert len(situation.subjects) == 8
    for subject in situation.subjects:
        assert subject.source is not None
        assert subject.source.id == subject.connection.source_id
        assert subject.connection.id in situation.forecasts
        assert subject.connection.id in situation.months
    assert situation.evidence


def test_runs_are_those_that_had_ended(lab: Lab, mined: History) -> None:
    runs = read(lab, mined).runs
    assert runs is not None
    assert len(runs) > 100
    assert runs.ended.max() <= lab.now.timestamp()
    earlier = read_situation(mined, lab.now - timedelta(days=30), Beside()).runs
    assert earlier is not None
    assert len(earlier) < len(runs)


def test_troubles_and_tenures_are_there(lab: Lab, mined: History) -> None:
    situation = read(lab, mined)
    assert situation.troubles
    sources = {subject.connection.source_id for subject in situation.subjects}
    assert sources <= situation.knobs.keys()
    assert all(len(each) == 1 for each in situation.schedules.values())


def test_policy_is_asked_with_the_whole_subject(lab: Lab, mined: History) -> None:
    beside = Beside(
        terms=lambda subject: Terms(Phase.LIVE, priority=len(subject.workspace)),
        fleet_terms=lambda subjects: FleetTerms(blast=BlastLimit(len(subjects))),
        workspaces={WorkspaceId(each.workspace_id): "abc" for each in read(lab, mined).connections},
    )
    situation = read(lab, mined, beside)
    assert {terms.priority for terms in situation.terms.values()} == {3}
    assert situation.fleet_terms.blast.connections == 8


def test_no_lineage_is_not_no_reader(lab: Lab, mined: History) -> None:
    first, second, *others = read(lab, mined).connections
    read_by = Downstream(("orders",), (Reader("board", "dashboard", owner="finance"),))
    beside = Beside(lineage={first.id: read_by, second.id: Downstream()})
    situation = read(lab, mined, beside)
    assert situation.traced == {first.id, second.id}
    subjects = {subject.connection.id: subject for subject in situation.subjects}
    assert subjects[first.id].downstream == read_by
    assert subjects[first.id].owner == "finance"
    assert all(subjects[each.id].owner is None for each in others)


def test_a_tag_names_the_owner_before_lineage_does(lab: Lab, mined: History) -> None:
    readers = (Reader("a", "dashboard", owner="sales"), Reader("b", "app", "ops", critical=True))
    listed = read(lab, mined).connections
    tagged = replace(listed[0], tags=frozenset({"pii", "owner: data platform"}))
    space = WorkspaceId(tagged.workspace_id)
    mined.record_fleet(space, [tagged, *listed[1:]], [], [], lab.now + timedelta(hours=1))
    lineage = {each.id: Downstream(readers=readers) for each in listed}
    owners = [each.owner for each in read(lab, mined, Beside(lineage=lineage)).subjects]
    assert owners == ["data platform"] + ["ops"] * 7
