"""Backtests: forecasts made at every midnight of the past, held against what happened then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.forecast.baselines import BASELINES
from bot.forecast.conformal import CALIBRATION_DAYS, LEVELS
from bot.forecast.learned import Learned
from bot.forecast.order import Flags, Floats
from bot.forecast.series import Calibration, Series

if TYPE_CHECKING:
    import pandas as pd

LOCAL: Final = "trimtab"
LEARNED: Final = "trimtab with ml"
BADLY_COVERED: Final = 0.85
"""A connection whose 95 % bound holds less often than this has no bound worth the name."""
_FEWEST_TO_JUDGE: Final = 14


@dataclass(frozen=True, slots=True)
class Score:
    """How one method did on one quantity at one horizon.

    Errors are in percent; `wape` is total absolute error over total actual. `pinball` is the
    mean over p50, p80 and p95, in percent of the mean actual. `p80` and `p95` are the shares of
    syncs that stayed under these bounds, `interval` that between p05 and p95; `bad` is the
    share of the `judged` connections whose p95 held for less than 85 % of their syncs. What could
    not be measured is NaN.
    """

    quantity: str
    ahead_days: int
    method: str
    n: int
    mape: float
    wape: float
    pinball: float
    p80: float
    p95: float
    interval: float
    bad: float
    judged: int


def backtest(
    series: Series, quantity: str, aheads: Sequence[int], test_days: int, *, learn: bool = False
) -> Iterator[Score]:
    """Score the local forecaster and the baselines on the last `test_days` of a series.

    With `learn` the learned forecaster (see `bot.forecast.learned`) stands beside them one day
    ahead, in the families that it was promoted for by then.

    Every method is scored on the same syncs: those that each of them had a forecast for, of
    connections that have a forecast of their own. All get the same rolling conformal
    intervals, around their own point.
    """
    for ahead in aheads:
        chosen, points = _compared(series, ahead, test_days, learn=learn)
        for method, predicted in points.items():
            bounds = _bounds(Calibration(series, ahead, predicted), chosen)
            point = predicted if method in BASELINES else None
            yield _score((quantity, ahead, method), frame(series, chosen, bounds, point))


def frame(
    series: Series, chosen: Flags, bounds: Floats, point: Floats | None = None
) -> "pd.DataFrame":
    """Lay out forecasts beside what happened: one row for each chosen run.

    Columns: `connection`, `created_at`, `actual`, `point` (the median forecast when None), and
    one column for each of `LEVELS`.
    """
    import pandas as pd

    with np.errstate(over="ignore"):
        levels = np.exp(bounds.astype(np.float64))
        points = levels[:, 1] if point is None else np.exp(point[chosen].astype(np.float64))
    return pd.DataFrame(
        {
            "connection": series.runs.connection[chosen],
            "created_at": pd.to_datetime(series.runs.created[chosen], unit="s", utc=True),
            "actual": series.amounts[chosen].astype(np.float64),
            "point": points,
            **{f"p{round(100 * q):02d}": levels[:, i] for i, q in enumerate(LEVELS)},
        }
    )


def _compared(
    series: Series, ahead: int, test_days: int, *, learn: bool
) -> tuple[Flags, dict[str, Floats]]:
    points = {LOCAL: series.predicted(ahead)}
    if learn and ahead == 1:
        # Intervals of the first day to judge come from what was forecast in the weeks before.
        first = series.fits.grid.days - test_days - CALIBRATION_DAYS - 1
        points[LEARNED] = Learned(series).predicted(first)
    points |= {name: baseline(series, ahead) for name, baseline in BASELINES.items()}
    chosen = (series.days >= series.fits.grid.days - test_days) & series.is_local(ahead)
    chosen &= (series.days >= ahead) & (series.amounts > 0)
    for predicted in points.values():
        chosen &= np.isfinite(predicted)
    return chosen, points


def _bounds(calibration: Calibration, chosen: Flags) -> Floats:
    """Return the log of each chosen run's quantiles, as they were at its origin."""
    result = np.full((len(chosen), len(LEVELS)), np.nan, np.float32)
    for origin in np.unique(calibration.origins[chosen]):
        here = chosen & (calibration.origins == origin)
        widths = calibration.at(int(origin))[calibration.series.runs.connection[here]]
        result[here] = calibration.predicted[here, None] + widths
    return result[chosen]


def _score(what: tuple[str, int, str], scored: "pd.DataFrame") -> Score:
    quantity, ahead, method = what
    if scored.empty:
        return Score(quantity, ahead, method, 0, *(float("nan"),) * 7, judged=0)
    actual = scored["actual"]
    error = (actual - scored["point"]).abs()
    pinball = [
        np.maximum(q * (actual - scored[name]), (q - 1) * (actual - scored[name])).mean()
        for name, q in (("p50", 0.5), ("p80", 0.8), ("p95", 0.95))
    ]
    under = actual <= scored["p95"]
    by_connection = under.groupby(scored["connection"]).agg(["mean", "size"])
    judged = by_connection[by_connection["size"] >= _FEWEST_TO_JUDGE]["mean"]
    return Score(
        quantity,
        ahead,
        method,
        len(scored),
        mape=float(100 * (error / actual).mean()),
        wape=float(100 * error.sum() / actual.sum()),
        pinball=float(100 * np.mean(pinball) / actual.mean()),
        p80=float(100 * (actual <= scored["p80"]).mean()),
        p95=float(100 * under.mean()),
        interval=float(100 * (under & (actual >= scored["p05"])).mean()),
        bad=float(100 * (judged < BADLY_COVERED).mean()) if len(judged) else float("nan"),
        judged=len(judged),
    )
