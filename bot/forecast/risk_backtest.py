"""Backtests of failure risk: does it rank, and does it happen as often as it says?"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.forecast.failure import Asked, FailureModel, Outcomes
from bot.forecast.order import Flags
from bot.forecast.runs import DAY_SECONDS

_WEEK: Final = 7
_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Syncs of like risk: how many, the mean probability that was told, the share that failed."""

    n: int
    told: float
    failed: float


@dataclass(frozen=True, slots=True)
class RiskScore:
    """How failure risk did: area under the ROC curve, Brier skill over the fleet's rate, and bins.

    `own_rate_auc` is that of each connection's own past rate, which is the simple thing to
    beat; `error` is the mean distance of told and failed over the bins (expected calibration
    error). AUC is NaN when nothing or everything failed.
    """

    n: int
    failures: int
    auc: float
    own_rate_auc: float
    skill: float
    error: float
    bins: tuple[Bin, ...]


def backtest_risk(outcomes: Outcomes, test_days: int) -> RiskScore:
    """Tell the risk of every sync of the last days, with a model that is fitted anew each week."""
    runs = outcomes.runs
    end = int(runs.created.max()) // DAY_SECONDS * DAY_SECONDS + DAY_SECONDS
    told, rates, failed = [], [], []
    for begin in range(end - test_days * DAY_SECONDS, end, _WEEK * DAY_SECONDS):
        week = (runs.created >= begin) & (runs.created < min(begin + _WEEK * DAY_SECONDS, end))
        asked = Asked(runs.connection[week], runs.created[week])
        told.append(FailureModel.fit(outcomes, begin).risk(outcomes, asked))
        rates.append(outcomes.rates(asked))
        failed.append(outcomes.failed[week])
    return _judge(np.concatenate(told), np.concatenate(rates), np.concatenate(failed))


def _judge(told: NDArray[np.float64], rates: NDArray[np.float64], failed: Flags) -> RiskScore:
    from sklearn.metrics import roc_auc_score

    both = 0 < failed.sum() < len(failed)
    base = float(failed.mean())
    brier = float(((told - failed) ** 2).mean())
    parts = np.array_split(np.argsort(told, kind="stable"), _BINS)
    bins = tuple(
        Bin(len(part), float(told[part].mean()), float(failed[part].mean()))
        for part in parts
        if len(part)
    )
    return RiskScore(
        len(failed),
        int(failed.sum()),
        float(roc_auc_score(failed, told)) if both else float("nan"),
        float(roc_auc_score(failed, rates)) if both else float("nan"),
        1 - brier / (base * (1 - base)) if both else float("nan"),
        sum(abs(each.told - each.failed) * each.n for each in bins) / len(failed),
        bins,
    )
