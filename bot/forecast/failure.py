"""Failure risk: the chance that a sync fails, by a logistic model of a handful of features.

What tells most is whether the syncs of the same source have just failed; then come the
connection's own rate, shrunk to the fleet's, and its last outcomes. Everything is as it was known
when a sync was created.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bot.domain.connection import ConnectionId
from bot.forecast.order import Flags, Ints
from bot.forecast.runs import DAY_SECONDS, TIME_BITS, Runs

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

FEATURES: Final = (
    "own rate",
    "last outcome",
    "last three",
    "source, last 6 h",
    "source, last three",
    "family rate",
    "hour, sine",
    "hour, cosine",
    "weekend",
)
_Numbers = NDArray[np.float64]
_PRIOR: Final = 20.0
_RECENT_SECONDS: Final = 6 * 3600
_WARM_UP_SECONDS: Final = 7 * DAY_SECONDS
_LARGEST_SAMPLE: Final = 200_000
_FEWEST_FAILURES: Final = 20
_EPOCH_WEEKDAY: Final = 3
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """Syncs whose risk is asked for: whose they are, and when they are created."""

    connection: Ints
    created: Ints


@dataclass(frozen=True)
class Outcomes:
    """How the runs of a fleet ended; those that were cancelled say nothing."""

    runs: Runs
    failed: Flags
    source: Ints
    family: Ints

    @classmethod
    def of(cls, runs: Runs, sources: Mapping[ConnectionId, str]) -> "Outcomes":
        """Build from runs; `sources` names the source of each connection, where it is known."""
        runs = runs.where(~runs.cancelled)
        names = [sources.get(each, each) for each in runs.connections]
        return cls(runs, ~runs.succeeded, _codes(names), _codes(runs.families))

    @cached_property
    def _pasts(self) -> tuple["_Past", "_Past", "_Past", "_Past"]:
        """The outcomes of everyone, of each connection, of each source and of each family."""
        who, ended, failed = self.runs.connection, self.runs.ended, self.failed
        return (
            _Past.of(np.zeros_like(who), ended, failed),
            _Past.of(who, ended, failed),
            _Past.of(self.source[who], ended, failed),
            _Past.of(self.family[who], ended, failed),
        )

    def features(self, asked: Asked) -> _Numbers:
        """Return one row of `FEATURES` for each sync asked for, from runs that ended before it."""
        everyone, own, source, family = self._pasts
        who, when = asked.connection, asked.created
        base = everyone.rate(np.zeros_like(who), when, np.full(len(who), 0.02))
        hour = 2 * np.pi * (when % DAY_SECONDS) / DAY_SECONDS
        weekday = (when // DAY_SECONDS + _EPOCH_WEEKDAY) % 7
        of_family = family.rate(self.family[who], when, base)
        columns = (
            _logit(own.rate(who, when, of_family)),
            own.last(who, when, 1),
            own.last(who, when, 3),
            source.recent(self.source[who], when),
            source.last(self.source[who], when, 3),
            _logit(of_family),
            np.sin(hour),
            np.cos(hour),
            (weekday >= _SATURDAY).astype(float),
        )
        return np.stack(columns, axis=1)

    def rates(self, asked: Asked) -> _Numbers:
        """Return the connections' own failure rates, shrunk to the family's: for far plans."""
        own = self.features(asked)[:, 0]
        rates: _Numbers = 1 / (1 + np.exp(-own))
        return rates


@dataclass(frozen=True, slots=True)
class FailureModel:
    """A fitted logistic; None where too few failures are on record to fit one."""

    model: "Pipeline | None"

    @classmethod
    def fit(cls, outcomes: Outcomes, until: int) -> "FailureModel":
        """Fit on the runs that had ended by `until`, the latest ones of a large fleet."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        runs = outcomes.runs
        if not len(runs):
            return cls(None)
        warm = runs.created >= runs.created.min() + _WARM_UP_SECONDS
        rows = np.flatnonzero((runs.ended <= until) & warm)
        if len(rows) > _LARGEST_SAMPLE:
            rows = rows[np.sort(np.argsort(runs.created[rows], kind="stable")[-_LARGEST_SAMPLE:])]
        failed = outcomes.failed[rows]
        if min(failed.sum(), (~failed).sum()) < _FEWEST_FAILURES:
            return cls(None)
        features = outcomes.features(Asked(runs.connection[rows], runs.created[rows]))
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
        return cls(model.fit(features, failed))

    def risk(self, outcomes: Outcomes, asked: Asked) -> _Numbers:
        """Return the probability that each sync asked for fails."""
        if self.model is None or not len(asked.created):
            return outcomes.rates(asked)
        risk: _Numbers = self.model.predict_proba(outcomes.features(asked))[:, 1]
        return risk


@dataclass(frozen=True, slots=True)
class _Past:
    """Outcomes by group and time, so that what was known at a moment is two look-ups away."""

    keys: Ints
    failures: Ints

    @classmethod
    def of(cls, group: Ints, ended: Ints, failed: Flags) -> "_Past":
        # One number for each outcome, so that it is sorted and not looked up: the last bit failed.
        outcomes = (((group << TIME_BITS) + ended) << 1) + failed
        outcomes.sort()
        return cls(outcomes >> 1, np.concatenate([[0], np.cumsum(outcomes & 1)]))

    def rate(self, group: Ints, when: Ints, base: _Numbers) -> _Numbers:
        """Return each group's failure rate so far, shrunk to `base` as by twenty syncs."""
        start, end = self._first(group), self._known(group, when)
        failures = self.failures[end] - self.failures[start]
        rate: _Numbers = (failures + _PRIOR * base) / (end - start + _PRIOR)
        return rate

    def last(self, group: Ints, when: Ints, count: int) -> _Numbers:
        """Return the share of failures among the last `count` outcomes."""
        end = self._known(group, when)
        start = np.maximum(end - count, self._first(group))
        share: _Numbers = (self.failures[end] - self.failures[start]) / np.maximum(end - start, 1)
        return share

    def recent(self, group: Ints, when: Ints) -> _Numbers:
        """Return the share of failures of the last six hours, as if one more had succeeded."""
        end, start = self._known(group, when), self._known(group, when - _RECENT_SECONDS)
        share: _Numbers = (self.failures[end] - self.failures[start]) / (end - start + 1)
        return share

    def _first(self, group: Ints) -> Ints:
        return np.searchsorted(self.keys, group << TIME_BITS, side="left")

    def _known(self, group: Ints, when: Ints) -> Ints:
        # Strictly before: a sync that fails in the second of its creation must not tell of itself.
        return np.searchsorted(self.keys, (group << TIME_BITS) + when, side="left")


def _codes(names: list[str] | tuple[str, ...]) -> Ints:
    _, codes = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return codes.astype(np.int64)


def _logit(share: _Numbers) -> _Numbers:
    bounded = np.clip(share, 1e-4, 1 - 1e-4)
    logit: _Numbers = np.log(bounded / (1 - bounded))
    return logit
