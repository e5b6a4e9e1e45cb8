from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    DestinationId,
    Manual,
    SourceId,
    WorkspaceId,
)
from bot.domain.knob import Knob, KnobKind
from bot.domain.recommendation import Advice, Keep, KnobChange, NotKnown, Recommendation
from bot.pulls.change import Target
from bot.pulls.execution import execute
from bot.pulls.metadata import CloseReason
from bot.pulls.obsolescence import Signs, find_obsolete
from bot.pulls.operations import OpenPull
from tests.pulls.memory import MemoryWorld
from tests.pulls.test_tracking import proposed
from tests.pulls.worlds import FILE, content, draft

ANT = ConnectionId("ant")
TARGET = Target("ant", "size")


def connection(status: ConnectionStatus = ConnectionStatus.ACTIVE) -> Connection:
    return Connection(
        ANT, "Ant", SourceId("s"), DestinationId("d"), WorkspaceId("w"), status, Manual()
    )


def found(
    connections: Sequence[Connection] = (connection(),),
    advice: Sequence[Advice] = (),
    denied: str | None = None,
    written: str | None = "1",
) -> CloseReason | None:
    world = MemoryWorld({FILE: content({"ant": 1})})
    execute(world, OpenPull(draft(world.content("main")[FILE], "ant", 20)), world.base)
    signs = Signs(connections, advice, {TARGET: denied} if denied else {}, lambda change: written)
    evidence = find_obsolete(world.snapshot(), signs).get(TARGET)
    return evidence.reason if evidence else None


def size_recommendation() -> Recommendation:
    knob = Knob("source-x", "size", None, "integer", KnobKind.BATCH_SIZE, "rows", "test")
    change = KnobChange("s", knob, 1, 2)
    return replace(proposed(change).recommendation, connection_id=ANT, advisor="")


def test_nothing_said_is_no_evidence() -> None:
    assert found() is None


def test_not_known_is_no_evidence() -> None:
    assert found(advice=[NotKnown(ANT, "", "too little history")]) is None


def test_an_advisor_that_keeps_things_as_they_are_is_evidence() -> None:
    assert found(advice=[Keep(ANT, "", "it is fine")]) is CloseReason.EVIDENCE_VANISHED


def test_another_advisors_keep_is_not() -> None:
    assert found(advice=[Keep(ANT, "other", "it is fine")]) is None


def test_one_that_waits_for_room_is_not() -> None:
    assert found(advice=[Keep(ANT, "", "this run may change no more", waits=True)]) is None


def test_nor_one_beside_a_recommendation_for_the_same_setting() -> None:
    recommended = size_recommendation()
    assert recommended.change.setting == "configuration.size"
    world = MemoryWorld({FILE: content({"ant": 1})})
    made = draft(world.content("main")[FILE], "ant", 20)
    changes = (replace(made.changes[0], setting="configuration.size"),)
    execute(world, OpenPull(replace(made, changes=changes)), world.base)
    signs = Signs([connection()], [Keep(ANT, "", "fine"), recommended], {}, lambda change: "1")
    assert find_obsolete(world.snapshot(), signs) == {}


@pytest.mark.parametrize("connections", [[], [connection(ConnectionStatus.DEPRECATED)]])
def test_a_connection_that_is_gone_is_evidence(connections: Sequence[Connection]) -> None:
    assert found(connections) is CloseReason.CONNECTION_DELETED


def test_a_paused_connection_is_not_gone() -> None:
    assert found([connection(ConnectionStatus.INACTIVE)]) is None


def test_what_the_base_says_already_is_applied() -> None:
    assert found(written="20") is CloseReason.ALREADY_APPLIED


def test_what_policy_denies_is_evidence() -> None:
    assert found(denied="quiet-hours denies it") is CloseReason.POLICY_DENIES
