"""Rate limits: the chance that a source turns a sync away, before it does.

What tells is how many syncs read the source at once and how much they ask of it together, beside
how often the source has done it before. All of it is known of a plan, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.domain.connection import Connection, ConnectionId
from bot.domain.forecast import Unknown
from bot.forecast.order import Flags, Ints, grouped_median
from bot.forecast.outlook import Outlook
from bot.forecast.plans import Plans
from bot.forecast.runs import Runs, epoch, moment

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Numbers: TypeAlias = NDArray[np.float64]
_DAY: Final = timedelta(days=1)
_BEFORE: Final = timedelta(hours=6)
"""Syncs that were due so long ago may still be running."""
_PRIOR: Final = 50.0
_FEWEST: Final = 20
_SAMPLE: Final = 200_000
_TIME_BITS: Final = 34
_FEATURES: Final = ("its rate", "how many syncs read it at once", "how fast they read together")
UNSEEN: Final = Unknown("the failures of attempts were not mined")


@dataclass(frozen=True, slots=True)
class LimitForecast:
    """The chance that one sync of the next day is turned away.

    `next` is that of the connection's next sync, `worst` the highest of the next 24 hours, at
    `worst_at`, when `beside` other syncs are planned to read the source.
    """

    next: Decimal
    worst: Decimal
    worst_at: datetime
    beside: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reads:
    """Syncs as their sources see them: when each reads which source, and how much of it.

    `source` is a number for each, `pace` rows a second.
    """

    source: Ints
    created: Ints
    ended: Ints
    pace: Numbers

    def crowd(self, source: Ints, at: Ints) -> tuple[Numbers, Numbers]:
        """Return how many of these read a source at a moment, and how fast together."""
        begun = _Running.of(self.source, self.created, self.pace)
        over = _Running.of(self.source, self.ended, self.pace)
        count_begun, pace_begun = begun.until(source, at)
        count_over, pace_over = over.until(source, at)
        return count_begun - count_over, np.maximum(pace_begun - pace_over, 0.0)


@dataclass(frozen=True, slots=True)
class _Running:
    """Running totals by source and time."""

    keys: Ints
    pace: Numbers

    @classmethod
    def of(cls, source: Ints, when: Ints, pace: Numbers) -> "_Running":
        keys = (source << _TIME_BITS) + when
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], np.concatenate([[0.0], np.cumsum(pace[order])]))

    def until(self, source: Ints, at: Ints) -> tuple[Numbers, Numbers]:
        first = np.searchsorted(self.keys, source << _TIME_BITS, side="left")
        end = np.searchsorted(self.keys, (source << _TIME_BITS) + at, side="right")
        return (end - first).astype(np.float64), self.pace[end] - self.pace[first]


@dataclass(frozen=True)
class LimitModel:
    """How often sources turn syncs away, and what that hangs on.

    `rates` are those of each source, shrunk to the fleet's; `model` is None where too few syncs
    were turned away to tell what it hangs on. `usual` is each source's usual pace.
    """

    rates: Numbers
    usual: Numbers
    limited: Ints
    n: Ints
    used: tuple[int, ...]
    model: "Pipeline | None"

    @classmethod
    def fit(cls, reads: Reads, limited: Flags, sources: int) -> "LimitModel":
        """Fit on the past; `limited` tells which reads were turned away."""
        n = np.bincount(reads.source, minlength=sources)
        hit = np.bincount(reads.source[limited], minlength=sources)
        base = (hit.sum() + 0.5) / (n.sum() + 1)
        rates = (hit + _PRIOR * base) / (n + _PRIOR)
        count, pace = reads.crowd(reads.source, reads.created)
        medians = grouped_median(reads.source, np.log1p(pace).astype(np.float32), sources)
        usual = np.nan_to_num(medians.astype(np.float64))
        made = cls(rates, usual, hit.astype(np.int64), n.astype(np.int64), (), None)
        if min(limited.sum(), (~limited).sum()) < _FEWEST:
            return made
        rows = np.argsort(reads.created, kind="stable")[-_SAMPLE:]
        features = made.features(reads.source[rows], count[rows] - 1, pace[rows])
        used, model = _fitted(features, limited[rows])
        return cls(rates, usual, made.limited, made.n, used, model)

    def features(self, source: Ints, beside: Numbers, pace: Numbers) -> Numbers:
        """Return source's rate, syncs beside and pace over the usual, for each read."""
        rate = np.log(self.rates[source] / (1 - self.rates[source]))
        columns = (rate, np.log1p(beside), np.log1p(pace) - self.usual[source])
        return np.stack(columns, axis=1)

    def chances(self, source: Ints, beside: Numbers, pace: Numbers) -> Numbers:
        """Return the probability that each read is turned away."""
        if self.model is None or not len(source):
            return self.rates[source]
        asked = self.features(source, beside, pace)[:, self.used]
        found: Numbers = self.model.predict_proba(asked)[:, 1]
        return found

    def reason(self, source: int) -> str:
        """Say in one sentence what a source's chance rests on."""
        told = f"the source turned away {self.limited[source]:,} of {self.n[source]:,} syncs"
        if self.model is None:
            return f"{told}; too few of the fleet were to tell what it hangs on"
        names = [_FEATURES[each] for each in self.used if each]
        return told + (f"; it hangs on {' and '.join(names)}" if names else "")


def _fitted(features: Numbers, limited: Flags) -> tuple[tuple[int, ...], "Pipeline"]:
    """Fit a logistic in which no feature lowers the chance: fewer syncs never provoke a source."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    used = list(range(features.shape[1]))
    while True:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
        model.fit(features[:, used], limited)
        falling = [place for place, weight in enumerate(model[-1].coef_[0]) if weight < 0]
        if not falling or len(used) == 1:
            return tuple(used), model
        used = [each for place, each in enumerate(used) if place not in falling]
        used = used or [0]


@dataclass(frozen=True)
class Limits:
    """The fleet's rate limits at the present.

    `names` are the sources by their numbers; `model` is None when nobody looked at attempts.
    """

    names: Mapping[str, int]
    model: LimitModel | None

    @classmethod
    def of(
        cls,
        runs: Runs,
        sources: Mapping[ConnectionId, str],
        limited: Iterable[tuple[ConnectionId, datetime]] | None,
    ) -> "Limits":
        """Build from ended runs and those that were turned away; None for "not looked at"."""
        used = sorted({*sources.values(), *runs.connections})
        names = {name: number for number, name in enumerate(used)}
        if limited is None:
            return cls(names, None)
        of_connection = np.asarray([names[sources.get(c, c)] for c in runs.connections], np.int64)
        seconds = np.maximum(np.nan_to_num(runs.seconds.astype(np.float64)), 1.0)
        pace = np.nan_to_num(runs.rows.astype(np.float64)) / seconds
        source = of_connection[runs.connection] if len(runs) else np.empty(0, np.int64)
        reads = Reads(source, runs.created, runs.ended, pace)
        place = {each: number for number, each in enumerate(runs.connections)}
        keys = [(place[c] << _TIME_BITS) + epoch(at) for c, at in limited if c in place]
        mine = (runs.connection << _TIME_BITS) + runs.created
        return cls(names, LimitModel.fit(reads, np.isin(mine, keys), len(names)))

    def forecast(
        self, outlook: Outlook, connections: Sequence[Connection]
    ) -> dict[ConnectionId, LimitForecast | Unknown]:
        """Forecast every connection's syncs of the next 24 hours.

        Args:
            outlook: what they will take.
            connections: all that read these sources; one that is left out crowds nobody.
        """
        if self.model is None:
            return dict.fromkeys((each.id for each in connections), UNSEEN)
        now = outlook.now
        plans = Plans.until(connections, outlook.last_start, now - _BEFORE, now + _DAY)
        seconds, rows = (each[plans.who] for each in _usual(outlook, connections))
        known = np.asarray([self.names.get(each.source_id, -1) for each in connections], np.int64)
        source = known[plans.who]
        ended = plans.when + np.ceil(seconds).astype(np.int64)
        reads = Reads(source, plans.when, ended, rows / np.maximum(seconds, 1.0))
        count, pace = reads.crowd(source, plans.when)
        beside = np.maximum(count - 1, 0.0)
        chances = self.model.chances(source, beside, pace)
        ahead = plans.when >= epoch(now)
        found: dict[ConnectionId, LimitForecast | Unknown] = {}
        edges = np.searchsorted(plans.who, np.arange(len(connections) + 1)).tolist()
        for place, each in enumerate(connections):
            mine = slice(*edges[place : place + 2])
            due = np.flatnonzero(ahead[mine]) + edges[place]
            if place in plans.unknown:
                found[each.id] = plans.unknown[place]
            elif known[place] < 0:
                found[each.id] = Unknown("its source has not been read yet")
            elif not len(due):
                found[each.id] = Unknown("it does not start in the next 24 hours")
            else:
                worst = int(due[np.argmax(chances[due])])
                found[each.id] = LimitForecast(
                    _probability(chances[due[0]]),
                    _probability(chances[worst]),
                    moment(int(plans.when[worst])),
                    int(beside[worst]),
                    self.model.reason(int(known[place])),
                )
        return found


def _usual(outlook: Outlook, connections: Sequence[Connection]) -> tuple[Numbers, Numbers]:
    """Return the usual seconds and rows of each connection; the fleet's where it has none."""
    index = [outlook.index(each.id) for each in connections]
    places = np.asarray([-1 if each is None else each for each in index], np.int64)
    found = []
    for quantity in (outlook.seconds, outlook.rows):
        logs = quantity.medians.astype(np.float64)
        known = logs[np.isfinite(logs)]
        usual = np.where(np.isfinite(logs), logs, np.median(known) if len(known) else 0.0)
        everyone = np.concatenate([usual, [np.median(usual) if len(usual) else 0.0]])
        found.append(np.exp(everyone[places]))
    return found[0], found[1]


def _probability(chance: float) -> Decimal:
    return Decimal(str(round(float(chance), 4)))
