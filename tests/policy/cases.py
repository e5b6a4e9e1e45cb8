"""Cases for tests: rules from text, and recommendations of each kind, as small as they can be."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    Schedule,
    SourceId,
    WorkspaceId,
)
from bot.domain.forecast import Evidence, Forecast, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.recommendation import (
    Change,
    Confidence,
    Effect,
    KnobChange,
    Recommendation,
    ScheduleChange,
    StatusChange,
)
from bot.domain.subject import Subject
from bot.domain.tenure import Tenure
from bot.domain.verdict import Allow, Deny, NeedsApproval, Verdict
from bot.knobs.catalogue import load
from bot.policy.case import Case
from bot.policy.judging import Judge
from bot.policy.rules import Rules, read_rules

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
"""A Tuesday, two days after New York put its clocks forward."""
NOT_KNOWN = Unknown("-")
SIX = Cron("0 0 6 * * ?")
BASE = "version: 1\ndefaults: {phase: live}\n"


def rules_of(text: str, *, base: str | None = BASE) -> Rules:
    """Read one file of policies that extends no preset, but a file that lets everything in."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "policies"
        folder.mkdir()
        if base is not None:
            shared = Path(place) / "base.yaml"
            shared.write_text(base)
            text = text.replace("version: 1\n", "version: 1\nextends: ../base.yaml\n", 1)
        (folder / "rules.yaml").write_text(text)
        return read_rules(folder)


def judge_of(*policies: str, base: str | None = BASE) -> Judge:
    """Return a judge of policies, each given as the flow mapping behind its dash."""
    lines = "".join(f"  - {each}\n" for each in policies)
    return Judge(rules_of(f"version: 1\npolicies:\n{lines}", base=base))


def subject(name: str = "a", *tags: str, schedule: Schedule = SIX, **rest: Any) -> Subject:
    space = WorkspaceId("w")
    connection = Connection(
        ConnectionId(rest.pop("key", name)),
        name,
        SourceId(rest.pop("source_id", "s")),
        DestinationId("d"),
        space,
        ConnectionStatus.ACTIVE,
        schedule,
        tags=frozenset(tags),
    )
    source = Endpoint("s", "s", rest.pop("source", "source-stripe"), space)
    given: dict[str, Any] = {"destination": Endpoint("d", "d", "destination-snowflake", space)}
    return Subject(connection, **({"source": source, "workspace": "main", **given} | rest))


def move(after: str = "0 10 6 * * ?", before: Schedule = SIX) -> ScheduleChange:
    return ScheduleChange(before, Cron(after))


def turn(before: int | None, after: int, path: str = "num_workers") -> KnobChange:
    connector = {"num_workers": "source-stripe", "page_size": "source-mixpanel"}[path]
    knob = load().find(connector, path)
    assert knob is not None
    return KnobChange("s", knob, before, after)


PAUSE = StatusChange(ConnectionStatus.ACTIVE, ConnectionStatus.INACTIVE)


def effect(
    saving: int | None = 10,
    deadlines: str | None = "0",
    delays: Mapping[str, timedelta] | None = None,
) -> Effect:
    return Effect(
        NOT_KNOWN if saving is None else Quantiles.exactly(Money.of(saving)),
        NOT_KNOWN,
        NOT_KNOWN if deadlines is None else Quantiles.exactly(Decimal(deadlines)),
        {ConnectionId(key): delay for key, delay in (delays or {}).items()},
    )


def case(of: Subject, change: Change, **rest: Any) -> Case:
    """Return a case of which everything is known, and nothing speaks against it."""
    made = Recommendation(
        of.connection.id,
        "test",
        change,
        "because",
        (),
        Evidence(NOW - timedelta(days=28), NOW, 28),
        rest.pop("effect", effect()),
        rest.pop("confidence", Confidence.HIGH),
    )
    year = NOW - timedelta(days=365)
    full = Case(
        of,
        made,
        NOW,
        month=month(of, 100),
        success_rate=Decimal(1),
        schedules=(Tenure(of.connection.schedule, year, NOW),),
        knobs=(Tenure({}, year, NOW),),
    )
    return replace(full, **rest)


def month(of: Subject, cost: int | None) -> Forecast:
    evidence = Evidence(NOW, NOW, 28)
    known = NOT_KNOWN if cost is None else Quantiles.exactly(Money.of(cost))
    return Forecast(
        of.connection.id,
        "month",
        NOW,
        evidence,
        "test",
        NOT_KNOWN,
        NOT_KNOWN,
        NOT_KNOWN,
        known,
        NOT_KNOWN,
    )


def strictness(verdict: Verdict) -> int:
    """Order verdicts from the loosest to the strictest."""
    match verdict:
        case Allow():
            return 0
        case NeedsApproval(level):
            return int(level)
        case Deny():
            return 9


def sentences(verdict: Verdict) -> Sequence[str]:
    return [each.sentence for each in verdict.citations]
