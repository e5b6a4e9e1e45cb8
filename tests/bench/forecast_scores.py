"""Tables of backtests: what trimtab forecasts beside simple methods, on the same runs."""

from collections.abc import Iterable, Mapping

from bot.domain.connection import ConnectionId
from bot.forecast.backtest import Score, backtest
from bot.forecast.failure import Outcomes
from bot.forecast.risk_backtest import RiskScore, backtest_risk
from bot.forecast.runs import Runs
from bot.forecast.series import Series

AHEADS = (1, 7)
BASELINE = "weekday median"


def scores(runs: Runs, quantity: str, column: str, days: int, *, learn: bool) -> list[Score]:
    """Backtest one column of the runs."""
    series = Series.of(runs, getattr(runs, column), int(runs.created.max()))
    return list(backtest(series, quantity, AHEADS, days, learn=learn))


def print_scores(found: Iterable[Score]) -> None:
    """Print a line for each method; `vs` is its WAPE beside that of the weekday median."""
    heading = None
    ordered = list(found)
    base = {
        (each.quantity, each.ahead_days): each.wape for each in ordered if each.method == BASELINE
    }
    for each in ordered:
        key = (each.quantity, each.ahead_days)
        if key != heading:
            heading = key
            title = f"{each.quantity}, {each.ahead_days} d ahead ({each.n:,} runs)"
            print(
                f"\n{title:<40}{'MAPE':>7}{'WAPE':>7}{'vs':>8}{'pinball':>9}"
                f"{'<p80':>7}{'<p95':>7}{'bad':>6}"
            )
        versus = 100 * (each.wape / base[key] - 1)
        print(
            f"  {each.method:<38}{each.mape:>7.2f}{each.wape:>7.2f}{versus:>+7.1f}%"
            f"{each.pinball:>9.2f}{each.p80:>7.1f}{each.p95:>7.1f}{each.bad:>6.1f}"
        )


def risk(runs: Runs, sources: Mapping[ConnectionId, str], days: int) -> RiskScore:
    """Backtest the risk of failure."""
    return backtest_risk(Outcomes.of(runs, sources), days)


def print_risk(found: RiskScore) -> None:
    """Print how failure risk ranks and whether it happens as often as told."""
    print(
        f"\nfailure: {found.failures:,} of {found.n:,}; AUC {found.auc:.3f}, by own rate "
        f"{found.own_rate_auc:.3f}; Brier skill {100 * found.skill:.1f} %; calibration error "
        f"{100 * found.error:.2f} points"
    )
    print("  told %   " + "".join(f"{100 * each.told:>7.2f}" for each in found.bins))
    print("  failed % " + "".join(f"{100 * each.failed:>7.2f}" for each in found.bins))
