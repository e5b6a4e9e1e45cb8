"""Twelve situations that a body has to be good in, as values."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    Schedule,
    SourceId,
    Stream,
    WorkspaceId,
)
from bot.domain.edit import Edit, Site
from bot.domain.forecast import Evidence, Forecast, Quantiles, Unknown
from bot.domain.knob import Bounds, Knob, KnobKind
from bot.domain.lineage import Downstream, Reader
from bot.domain.money import Money
from bot.domain.promises import Deadline
from bot.domain.proposal import ProposedChange
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
from bot.domain.verdict import Allow, ApprovalLevel, Citation, NeedsApproval, Verdict
from bot.pulls.body_content import Carried, Frame

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
EVIDENCE = Evidence(NOW - timedelta(days=28), NOW, 668)
HOURLY, SIX_HOURLY = Cron("0 0 * * * ?"), Cron("0 0 0/6 * * ?")
NO_MONEY = Unknown("moving a start by minutes moves no row and changes no bill")
FRAME = Frame(
    files_url="https://github.com/acme/data/blob/main",
    names={ConnectionId("c-2"): "billing → warehouse", ConnectionId("c-3"): "events → lake"},
    version="1.0.0",
)
TEAM = NeedsApproval(
    ApprovalLevel.TEAM,
    (
        Citation("defaults", "policies/00-defaults.yaml", 12, "team approves"),
        Citation(
            "freshness", "policies/sla.yaml", 14, "data may be 12 h old", {"oldest": "6 h 10 min"}
        ),
    ),
)
AUTO = Allow((Citation("small-steps", "policies/10-auto.yaml", 9, "no approval is asked for"),))
BATCH = Knob(
    "source-mssql", "batch_size_rows", None, "integer", KnobKind.BATCH_SIZE,
    "rows in one fetch", "cloud registry 2026-08-21", 5_000,
    Bounds(1, 1_000_000), Bounds(500, 50_000), caution="a tenth to ten times the default",
)  # fmt: skip
WORKERS = Knob(
    "source-stripe", "num_workers", "num_workers", "integer", KnobKind.PARALLELISM,
    "requests at once", "cloud registry 2026-08-21", 4,
    Bounds(1, 20), Bounds(1, 8), caution="up to 8, or twice the default",
)  # fmt: skip


def dollars(p05: int, p50: int, p80: int, p95: int) -> Quantiles[Money]:
    return Quantiles(p05, p50, p80, p95).map(Money.of)


def minutes(p05: int, p50: int, p80: int, p95: int) -> Quantiles[timedelta]:
    return Quantiles(*(timedelta(minutes=each) for each in (p05, p50, p80, p95)))


def connection(name: str = "orders_db → bigquery", schedule: Schedule = HOURLY) -> Connection:
    return Connection(
        ConnectionId("9bb6b8f9-1dfc-4d53-9a7c-3f1b2c4d5e6f"),
        name,
        SourceId("s-1"),
        DestinationId("d-1"),
        WorkspaceId("w-1"),
        ConnectionStatus.ACTIVE,
        schedule,
    )


def forecasts() -> dict[str, Forecast]:
    given = Forecast(
        ConnectionId("c-1"), "next_sync", NOW, EVIDENCE, "local",
        duration=minutes(2, 3, 5, 11), rows=Quantiles(0, 1_200, 5_000, 20_000),
        bytes=Unknown("not told"), cost=dollars(0, 1, 1, 2), failure=Decimal("0.01"),
    )  # fmt: skip
    return {
        "next_sync": given,
        "month": replace(given, horizon="month", cost=dollars(240, 268, 280, 301)),
    }


def carried(
    change: Change,
    reason: str,
    *,
    against: tuple[str, ...] = (),
    effect: Effect | None = None,
    confidence: Confidence = Confidence.HIGH,
    verdict: Verdict = TEAM,
    subject: Subject | None = None,
    evidence: Evidence = EVIDENCE,
    figures: Mapping[str, str] | None = None,
    **given: Forecast | tuple[str, ...],
) -> Carried:
    own = subject or Subject(connection())
    before, after = _values(change)
    recommendation = Recommendation(
        connection_id=own.connection.id,
        advisor={"schedule": "cadence", "status": "idle"}.get(change.setting, "tuning"),
        change=change,
        reason=reason,
        against=against,
        evidence=evidence,
        effect=effect or Effect(NO_MONEY, Unknown("it was not measured"), Unknown("none declared")),
        confidence=confidence,
        figures=figures or {},
    )
    edit = Edit(
        address='module.connection["orders"].airbyte_connection.this',
        path="schedule.cron_expression" if change.setting == "schedule" else change.setting,
        site=Site(
            "main.tf", 31, 700, 719, f'"{before}"', before,
            ("module.connection.schedule", 'local.connections["orders"].cron'),
        ),
        after_literal=f'"{after}"',
        after=after,
        diff="",
    )  # fmt: skip
    made = Carried(
        own,
        ProposedChange(recommendation, verdict, edit),
        "terraform/prod/main.tf",
        approvers=("@acme/data-platform",) if verdict is TEAM else (),
    )
    return replace(made, **given)  # type: ignore[arg-type]


def _values(change: Change) -> tuple[str, str]:
    match change:
        case ScheduleChange(before, after):
            old = before.expression if isinstance(before, Cron) else "manual"
            return f"{old} UTC", f"{after.expression} UTC"
        case KnobChange(before=old_value, after=new_value):
            return str(old_value), str(new_value)
        case StatusChange(before=old_status, after=new_status):
            return old_status.value, new_status.value


def saving() -> list[Carried]:
    return [
        carried(
            ScheduleChange(HOURLY, SIX_HOURLY),
            "New rows arrive in 4 bursts a day (02, 08, 14 and 20 h UTC, ±25 min) on 26 of 28 days.",
            against=("On 2 days (Nov 3, Nov 17) a burst came 3 h late: it would have waited 5 h.",),
            effect=Effect(
                dollars(168, 212, 230, 251), minutes(12, 21, 27, 35), Unknown("none is declared")
            ),
            figures={"syncs without new rows": "551 of 668 (82 %)", "rows per sync": "4,100"},
            subject=Subject(connection(), downstream=Downstream(models=("stg_orders",))),
            next_sync=forecasts()["next_sync"],
            month=forecasts()["month"],
        )
    ]


def deadline() -> list[Carried]:
    reader = Reader(
        "Morning revenue report", "exposure", "finance", critical=True,
        critical_path=timedelta(minutes=42),
        deadline=Deadline("report", time(8, 0), "Europe/Berlin"),
    )  # fmt: skip
    return [
        carried(
            ScheduleChange(Cron("0 30 4 * * ?"), Cron("0 10 3 * * ?")),
            "Its syncs end after 06:18 on one day in nine, and the models below take 42 min.",
            against=(
                "The source's nightly backup ends at 03:00 on most days, at 03:25 on 2 of 28.",
            ),
            effect=Effect(
                Unknown("the same rows move at another hour"),
                minutes(-4, -1, 0, 3),
                Quantiles(*(Decimal(each) for each in ("-4.1", "-2.9", "-2.2", "-1.3"))),
                delays={ConnectionId("c-2"): timedelta(minutes=6)},
            ),
            figures={"days late": "3 of 28"},
            subject=Subject(
                connection(schedule=Cron("0 30 4 * * ?")),
                downstream=Downstream(models=("fct_revenue",), readers=(reader,)),
            ),
            next_sync=forecasts()["next_sync"],
            month=forecasts()["month"],
        )
    ]


def no_money() -> list[Carried]:
    return [
        carried(
            ScheduleChange(Cron("0 0 6 * * ?"), Cron("0 7 6 * * ?")),
            "It starts in the same minute as 4 other connections; 7 min away it starts alone.",
            against=("Its data arrives up to 7 min later than today.",),
            verdict=AUTO,
            subject=Subject(connection(schedule=Cron("0 0 6 * * ?"))),
            evidence=replace(EVIDENCE, n=28),
        )
    ]


def low_confidence() -> list[Carried]:
    return [
        carried(
            ScheduleChange(HOURLY, Cron("0 0 0/2 * * ?")),
            "14 of 15 syncs since it was created moved no row.",
            effect=Effect(
                dollars(-4, 31, 60, 88),
                Unknown("15 syncs are on record, and 50 are needed"),
                Unknown("no deadline is declared for it"),
            ),
            confidence=Confidence.LOW,
            evidence=Evidence(NOW - timedelta(hours=15), NOW, 15),
        )
    ]


def clamped_knob() -> list[Carried]:
    return [
        carried(
            KnobChange("s-1", BATCH, 12_500, 50_000),
            "Throughput still grew between 25,000 and 50,000 rows in one fetch.",
            against=(
                "Each fetch holds up to 50,000 rows in memory: about 210 MB at the widest table.",
            ),
            effect=Effect(
                dollars(3, 9, 12, 18), minutes(-30, -21, -18, -9), Unknown("none declared")
            ),
            confidence=Confidence.MEDIUM,
            figures={"optimal_batch_size": "71,000 rows (58,000 … 90,000)", "clamped to": "50,000"},
            next_sync=replace(forecasts()["next_sync"], duration=minutes(61, 74, 80, 97)),
            month=forecasts()["month"],
        )
    ]


def batch_size() -> list[Carried]:
    return [
        carried(
            KnobChange("s-1", BATCH, 5_000, 7_500),
            "At 7,500 rows in one fetch a sync took 18 % less time in 12 of 14 trials.",
            against=("At 10,000 rows 2 of 14 trials ran into time-outs of the source.",),
            effect=Effect(
                Unknown("the plan bills rows, and as many rows move"),
                minutes(-6, -4, -3, -1),
                Unknown("none declared"),
            ),
            figures={"optimal_batch_size": "7,800 rows (6,900 … 9,200)"},
            next_sync=replace(forecasts()["next_sync"], duration=minutes(19, 22, 25, 31)),
        )
    ]


def parallelism() -> list[Carried]:
    endpoint = Endpoint("s-1", "stripe", "source-stripe", WorkspaceId("w-1"), {"num_workers": 4})
    return [
        carried(
            KnobChange("s-1", WORKERS, 4, 6),
            "The source answered 4 requests at once without a single refusal in 28 days.",
            against=(
                "Stripe allows 100 requests a second; 6 workers reach 61 at the busiest minute.",
            ),
            effect=Effect(
                Unknown("the plan bills rows, and as many rows move"),
                minutes(-14, -9, -7, -2),
                Unknown("none declared"),
            ),
            figures={"can_parallelize": "yes, 31 of 34 streams"},
            subject=Subject(connection("stripe → snowflake"), source=endpoint, owner="finance"),
            verdict=NeedsApproval(ApprovalLevel.OWNER, TEAM.citations[:1]),
            approvers=("@ada",),
        )
    ]


def pause() -> list[Carried]:
    return [
        carried(
            StatusChange(ConnectionStatus.ACTIVE, ConnectionStatus.INACTIVE),
            "No sync has moved a row for 61 days, and no model reads its tables.",
            against=("Its source may be seasonal: the last rows came on Sep 21.",),
            effect=Effect(dollars(11, 12, 12, 14), Unknown("none runs"), Unknown("none declared")),
            verdict=NeedsApproval(ApprovalLevel.TWO_PERSON, TEAM.citations),
            approvers=("@acme/data-platform", "@ada"),
            figures={"rows in 61 days": "0"},
        )
    ]


def full_refresh() -> list[Carried]:
    streams = (Stream("orders", "full_refresh_overwrite"), Stream("events", "incremental_append"))
    return [
        carried(
            ScheduleChange(Cron("0 0/30 * * * ?"), Cron("0 0 0/4 * * ?")),
            "The stream orders is read in full each time: 48 times a day the same 2.1 M rows, of "
            "which 0.3 % changed. The incremental stream costs by new rows, however often it runs.",
            against=(
                "Reading orders incrementally would save more, and is a change for a person.",
            ),
            effect=Effect(
                dollars(1_410, 1_730, 1_820, 1_990), minutes(-1, 0, 1, 2), Unknown("none declared")
            ),
            figures={"full-refresh share of rows": "99.1 %"},
            subject=Subject(replace(connection(schedule=Cron("0 0/30 * * * ?")), streams=streams)),
            month=replace(forecasts()["month"], cost=dollars(1_700, 1_980, 2_050, 2_230)),
        )
    ]


def grouped() -> list[Carried]:
    some = []
    for index, name in enumerate(["orders → bigquery", "events → lake", "@ops | audit → lake"]):
        change = ScheduleChange(Cron("0 0 6 * * ?"), Cron(f"0 {7 * (index + 1)} 6 * * ?"))
        own = replace(
            connection(name, Cron("0 0 6 * * ?")), id=ConnectionId(f"c-{index}0000000-1111")
        )
        some.append(
            carried(
                change,
                f"It starts in the same minute as 2 other connections; {7 * (index + 1)} min "
                "away it starts alone.",
                against=(f"Its data arrives up to {7 * (index + 1)} min later than today.",),
                subject=Subject(own),
                effect=Effect(
                    dollars(1, 2 + index, 4, 6) if index else NO_MONEY,
                    Unknown("it was not measured"),
                    Unknown("none declared"),
                ),
            )
        )
    return some


def over_long() -> list[Carried]:
    (one,) = saving()
    recommendation = replace(
        one.recommendation,
        against=tuple(f"On day {n} {'a burst came late and ' * 40}data waited." for n in range(80)),
        figures={f"figure {n}": "x" * 150 for n in range(200)},
    )
    return [replace(one, change=replace(one.change, recommendation=recommendation))]


def hostile_names() -> list[Carried]:
    name = "@everyone | <!-- --> </details><script>alert(1)</script> `x` \u202egnp.exe #1 [a](http://e.vil)"
    (one,) = saving()
    citation = Citation(
        "p | @x", "policies/a b|c.yaml", 3, "<img src=x> **bold** --> @acme/all $x$"
    )
    edit = replace(
        one.edit,
        address='airbyte_connection.this["`|<!--"]',
        stale_comment="# --> | @channel `hourly`",
        site=replace(one.edit.site, value="`0` | <b>", literal='"`0` | <b>"'),
    )
    recommendation = replace(
        one.recommendation,
        reason="# heading\n\n- [ ] task @team GH-1 https://evil.example www.evil.example",
        against=("--> <details> ``` | $a$ \u2066x\u2069",),
        figures={"<b>|": "@x | --> ```"},
    )
    return [
        replace(
            one,
            subject=replace(one.subject, connection=connection(name)),
            change=ProposedChange(
                recommendation, NeedsApproval(ApprovalLevel.TEAM, (citation,)), edit
            ),
            file="terraform/a|b/`x`.tf",
            approvers=("@acme/`x` | y",),
        )
    ]


SITUATIONS: Mapping[str, Callable[[], list[Carried]]] = {
    "saving": saving,
    "deadline": deadline,
    "no-money": no_money,
    "low-confidence": low_confidence,
    "clamped-knob": clamped_knob,
    "batch-size": batch_size,
    "parallelism": parallelism,
    "pause": pause,
    "full-refresh": full_refresh,
    "grouped": grouped,
    "over-long": over_long,
    "hostile-names": hostile_names,
}
