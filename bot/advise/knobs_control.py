"""Control: what the AIMD rule and the guardrails make of a dial's history; nothing is remembered.

The rule is that of `bot.domain.aimd`, turned once per evidence window instead of once per batch:
trouble backs off at once, the windows after it only cool down, clean windows allow the next step.
The state is worked out anew from the history each time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.knobs_contrast import seen
from bot.advise.knobs_dials import Panel, Stretch
from bot.domain.aimd import AimdSettings, grow, shrink, too_many_errors
from bot.domain.knob import Bounds, Knob, KnobKind
from bot.domain.trouble import Cause

WINDOW_SYNCS: Final = 5
"""Syncs of an evidence window: one step at most for each."""
COOL_DOWN: Final = timedelta(days=14)
"""Between two steps of one endpoint, so that the effect of the first can be told."""
STEP: Final = 1.5
"""No step is larger; policy may narrow it."""
BACK_OFF: Final = 0.7
"""What trouble multiplies a dial by, and the highest share of a size that ran out of memory."""
_TOLERATED: Final = 0.1
_HARDLY_EVER: Final = 0.02
_COOL_WINDOWS: Final = 2


@dataclass(frozen=True, slots=True)
class Watch:
    """What was seen of one stretch: how many syncs ended well, and what the others failed of.

    `troubled` counts the syncs with a failed attempt by cause.
    """

    stretch: Stretch
    ended: int
    good: int
    troubled: Mapping[Cause, int]

    @property
    def of_load(self) -> int:
        """Return how many syncs failed for want of memory, quota or time."""
        return sum(count for cause, count in self.troubled.items() if cause.is_of_load)

    @property
    def is_overloaded(self) -> bool:
        """Tell whether it has to back off: out of memory once, or too slow or too fast too often."""
        if self.troubled.get(Cause.OUT_OF_MEMORY):
            return True
        settings = AimdSettings(error_threshold=_TOLERATED)
        return self.of_load > 1 and too_many_errors(self.of_load, max(self.ended, 1), settings)

    @property
    def is_clean(self) -> bool:
        """Tell whether it never ran out of memory, and hardly ever failed for load otherwise."""
        settings = AimdSettings(error_threshold=_HARDLY_EVER)
        memory = self.troubled.get(Cause.OUT_OF_MEMORY, 0)
        return not memory and not too_many_errors(self.of_load, self.ended, settings)

    @property
    def windows(self) -> int:
        """Return how many whole evidence windows it has."""
        return self.good // WINDOW_SYNCS


def watches(situation: Situation, panel: Panel) -> list[Watch]:
    """Look at each stretch of a panel, over all its connections."""
    count = len(panel.stretches)
    ended, good = np.zeros(count, np.int64), np.zeros(count, np.int64)
    troubled: list[dict[Cause, set[tuple[str, datetime]]]] = [{} for _ in range(count)]
    runs = situation.runs
    for subject in panel.subjects:
        key = subject.connection.id
        place = None if runs is None else runs.find(key)
        if runs is not None and place is not None:
            mine = runs.place(place)
            stretch = seen(runs, mine, panel)
            inside = stretch >= 0
            counts = inside & ~runs.cancelled[mine]
            ended += np.bincount(stretch[counts], minlength=count)
            fine = inside & runs.succeeded[mine]
            good += np.bincount(stretch[fine], minlength=count)
        for trouble in situation.troubles.get(key, ()):
            for number, each in enumerate(panel.stretches):
                if each.start <= trouble.at <= each.end:
                    troubled[number].setdefault(trouble.cause, set()).add((key, trouble.at))
    return [
        Watch(
            each,
            int(ended[number]),
            int(good[number]),
            {cause: len(syncs) for cause, syncs in troubled[number].items()},
        )
        for number, each in enumerate(panel.stretches)
    ]


@dataclass(frozen=True, slots=True)
class Rails:
    """Between which values one dial may move, and by which factor at once.

    `bounds` are the catalogue's within those of every policy; `cap` is below whatever ran out of
    memory.
    """

    knob: Knob
    now: float
    bounds: Bounds
    factor: float
    cap: float | None

    @classmethod
    def of(
        cls, panel: Panel, knob: Knob, seen_so_far: Sequence[Watch], bounds: Bounds, factor: float
    ) -> "Rails":
        """Draw them from what was seen so far."""
        # Memory is for sizes; only where there is none can it be for parallelism.
        sizes = [each for each in panel.knobs if each.kind is not KnobKind.PARALLELISM]
        holds_memory = knob in sizes or not sizes
        failed = [
            watch.stretch.values[knob.path]
            for watch in seen_so_far
            if holds_memory and watch.troubled.get(Cause.OUT_OF_MEMORY)
        ]
        cap = BACK_OFF * min(failed) if failed else None
        return cls(knob, panel.now.values[knob.path], bounds, factor, cap)

    @property
    def is_too_high(self) -> bool:
        """Tell whether it stands above what its own history allows."""
        return self.cap is not None and self.now > self.cap

    @property
    def ceiling(self) -> float | None:
        """Return the highest value that may ever be chosen; None is "no limit"."""
        return self.bounds.intersect(Bounds(None, self.cap)).high

    def reachable(self) -> Bounds:
        """Return where one step may lead."""
        step = Bounds(self.now / self.factor, self.now * self.factor)
        return self.bounds.intersect(Bounds(None, self.cap)).intersect(step)

    def up(self) -> float | None:
        """Return the value after one additive step; None when it is at its end."""
        added = max(1, round(self.now * (STEP - 1)))
        return self._fitting(grow(round(self.now), self._settings(added)))

    def down(self) -> float | None:
        """Return the value one step below; None when it is at its end."""
        return self._fitting(self.now / STEP)

    def back_off(self) -> float | None:
        """Return the value after one multiplicative decrease; None when it cannot fall.

        Where a policy's step does not reach below what failed, it goes as far as the step goes.
        """
        wanted = shrink(round(self.now), self._settings(1))
        if self.cap is not None:
            wanted = min(wanted, int(self.cap))
        lowest = max(self.now / self.factor, self.bounds.low or 0.0)
        value = self._whole(max(float(wanted), lowest), up=True)
        return value if value < self.now and self.bounds.admits(value) else None

    def _settings(self, added: int) -> AimdSettings:
        ceiling = self.ceiling
        return AimdSettings(
            min_rows=max(1, round(self.bounds.low or 1)),
            max_rows=int(ceiling) if ceiling is not None else 1 << 62,
            increase_rows=added,
            decrease_factor=BACK_OFF,
        )

    def _fitting(self, value: float) -> float | None:
        """Bring a value to what one step reaches and the option takes; None if it stays."""
        near = self.reachable()
        if near.low is not None and near.high is not None and near.low > near.high:
            return None
        value = near.clamp(value)
        value = self._whole(value, up=value < self.now)
        spelled, present = self.knob.spell(value), self.knob.spell(self.now)
        if value == self.now or not near.admits(value) or self.knob.objection(spelled, present):
            return None
        return value

    def _whole(self, value: float, *, up: bool) -> float:
        if self.knob.type == "number":
            return value
        return float(np.ceil(value - 1e-9) if up else np.floor(value + 1e-9))


def cooling(seen_so_far: Sequence[Watch]) -> bool:
    """Tell whether the windows after a back-off are still being passed over."""
    if len(seen_so_far) < 2 or not seen_so_far[-2].is_overloaded:  # noqa: PLR2004  a stretch before
        return False
    return seen_so_far[-1].windows < _COOL_WINDOWS


def last_change(panel: Panel) -> datetime | None:
    """Return when a dial of the panel was last turned, as far as anybody saw; None if never."""
    return panel.now.start if len(panel.stretches) > 1 else None


def taken_back(panel: Panel, since: datetime) -> list[Stretch]:
    """Return what was tried and did not stay, where that ended after an instant."""
    each = panel.stretches
    return [
        tried
        for before, tried, after in zip(each, each[1:], each[2:], strict=False)
        if after.values == before.values and after.start >= since and tried.values != after.values
    ]


def recent_incident(situation: Situation, panel: Panel, days: int = 2) -> bool:
    """Tell whether the last days were bad for another reason, so that nothing is to be learnt."""
    runs = situation.runs
    since = situation.now - timedelta(days=days)
    ended = failed = 0
    for subject in panel.subjects:
        place = None if runs is None else runs.find(subject.connection.id)
        if runs is None or place is None:
            continue
        mine = runs.place(place)
        recent = (runs.created[mine] >= since.timestamp()) & ~runs.cancelled[mine]
        ended += int(recent.sum())
        failed += int((recent & ~runs.succeeded[mine]).sum())
    return failed > 1 and failed > _TOLERATED * ended
