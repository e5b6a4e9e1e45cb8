"""`trimtab backtest`: forecasts of the past, held against what happened."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bot.cli.connect import config_option, history_option, history_url

if TYPE_CHECKING:
    from bot.domain.connection import ConnectionId
    from bot.forecast.backtest import Score
    from bot.forecast.risk_backtest import RiskScore
    from bot.forecast.runs import Runs

_QUANTITIES: Final = {"duration": "seconds", "rows": "rows", "bytes": "bytes"}
_FAILURE: Final = "failure"
_AHEADS: Final = (1, 7)


@click.command("backtest")
@config_option
@history_option
@click.option(
    "--days",
    type=click.IntRange(7, 365),
    default=28,
    show_default=True,
    help="How many days to forecast and to judge.",
)
@click.option(
    "--quantity",
    "quantities",
    type=click.Choice([*_QUANTITIES, _FAILURE]),
    multiple=True,
    default=[*_QUANTITIES, _FAILURE],
    help="Only this quantity; repeatable.  [default: all]",
)
@click.option(
    "--ml",
    is_flag=True,
    help="Judge the learned forecaster too; it takes minutes on a large history.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)
def command(
    config: Path | None,
    history: str | None,
    days: int,
    quantities: tuple[str, ...],
    ml: bool,
    output: str,
) -> None:
    """Hold forecasts of the past against what happened.

    Each of the last days is forecast from what was known before it began. Forecasts are made one day ahead (at the midnight, UTC, that begins the day) and seven (six
    midnights before that). Beside trimtab's stand four simple methods on the same syncs, each
    with intervals of the same making.
    """
    runs, sources = _read(history_url(config, history), days)
    chosen = [each for each in quantities if each != _FAILURE]
    scores = list(_scores(runs, chosen, days, learn=ml))
    risk = _risk(runs, sources, days) if _FAILURE in quantities else None
    if output == "json":
        found = {
            "forecasts": [_plain(asdict(score)) for score in scores],
            _FAILURE: risk and _plain(asdict(risk)),
        }
        click.echo(json.dumps(found, indent=2))
        return
    if scores:
        click.echo(_table(scores, days))
    if risk is not None:
        click.echo(_risk_table(risk))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Put null where nothing could be measured: JSON knows no NaN."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in values.items()
    }


def _read(url: str, days: int) -> tuple["Runs", dict["ConnectionId", str]]:
    """Read the last days of the history and what their forecasts rest on.

    Raises:
        HistoryError: there is no history, or it is too short to judge anything by.
    """
    from bot.domain.errors import HistoryError
    from bot.forecast.fleet import READ, read_runs, sources
    from bot.history.location import opened

    with opened(url, read_only=True) as store:
        ((last,),) = store.execute("select max(created_at) from syncs where kind = 'sync'")
        if last is None:
            raise HistoryError(f"The history {url} holds no syncs", "Run `trimtab mine` first.")
        # Only whole days are judged: up to the midnight that began the last one.
        until = datetime.combine(last.date(), datetime.min.time(), UTC)
        runs = read_runs(store, until, READ + timedelta(days=days))
        found = sources(store)
    if not runs.succeeded.any():
        raise HistoryError(
            f"The history {url} holds no successful sync before {until:%Y-%m-%d}",
            "A backtest needs about eight weeks of history.",
        )
    return runs, found


def _scores(
    runs: "Runs", quantities: Sequence[str], days: int, *, learn: bool
) -> Iterator["Score"]:
    from bot.forecast.backtest import backtest
    from bot.forecast.series import Series

    until = int(runs.created.max())
    for quantity in quantities:
        series = Series.of(runs, getattr(runs, _QUANTITIES[quantity]), until)
        yield from backtest(series, quantity, _AHEADS, days, learn=learn)


def _risk(runs: "Runs", sources: dict["ConnectionId", str], days: int) -> "RiskScore":
    from bot.forecast.failure import Outcomes
    from bot.forecast.risk_backtest import backtest_risk

    return backtest_risk(Outcomes.of(runs, sources), days)


def _risk_table(risk: "RiskScore") -> str:
    if math.isnan(risk.auc):
        return (
            f"\nfailure of the next sync: {risk.failures:,} of {risk.n:,} failed; nothing to rank"
        )
    lines = [
        "",
        f"failure of the next sync: {risk.failures:,} of {risk.n:,} failed",
        f"  AUC {risk.auc:.3f}; {risk.own_rate_auc:.3f} by each connection's own past rate",
        f"  Brier skill {100 * risk.skill:.1f} % over the fleet's rate",
        f"  calibration error {100 * risk.error:.2f} points",
        f"  {'tenths by risk':<18}{'syncs':>9}{'told %':>9}{'failed %':>10}",
    ]
    lines += [
        f"  {place:<18}{each.n:>9,}{100 * each.told:>9.2f}{100 * each.failed:>10.2f}"
        for place, each in enumerate(risk.bins, start=1)
    ]
    return "\n".join(lines)


def _table(scores: Sequence["Score"], days: int) -> str:
    if not any(score.n for score in scores):
        return "No connection has 14 successful syncs before the days to judge."
    lines = [
        f"Last {days} days, all in %. pinball: of p50, p80, p95, over the mean. <p80, <p95, p05-p95:",
        "syncs inside. bad: connections whose p95 held for less than 85 % of at least 14 syncs.",
    ]
    heading = None
    for score in scores:
        if not score.n:
            continue
        if heading != (score.quantity, score.ahead_days):
            heading = (score.quantity, score.ahead_days)
            ahead = "1 day" if score.ahead_days == 1 else f"{score.ahead_days} days"
            title = f"{score.quantity}, {ahead} ahead ({score.n:,} syncs)"
            lines += ["", f"{title:<42}{_HEADINGS}"]
        lines.append(
            f"  {score.method:<40}{score.mape:>7.1f}{score.wape:>7.1f}{score.pinball:>9.2f}"
            f"{score.p80:>7.1f}{score.p95:>7.1f}{score.interval:>9.1f}{score.bad:>6.1f}"
        )
    return "\n".join(lines)


_HEADINGS: Final = (
    f"{'MAPE':>7}{'WAPE':>7}{'pinball':>9}{'<p80':>7}{'<p95':>7}{'p05-p95':>9}{'bad':>6}"
)
