"""Goodput search: find the batch size that lands the most rows per second, whatever the sink.

Every bulk sink costs `fixed + n·per_row`, often with a knee or a hard limit behind it, and none
tells where. The search first sweeps over sizes a factor of three apart while that pays, upwards
or else downwards. Then it holds a settled size and puts neighbours on trial: batches of the settled size and of one `ratio` away alternate, and a
sequential test on the logarithm of rows per second decides. A neighbour that wins becomes the
settled size and widens the ratio; when neither wins the ratio narrows, and at its narrowest the
search rests for a while, watching for a collapse of the rate. A batch that fails whole sets a
ceiling, which is forgotten ever more slowly.

Compared with AIMD: the step follows from the slope; sizes are whole parts of a page, so no slice
is a tail; samples of one size are never judged with those of another; and a latency target
weighs the time of a write against what a smaller one would cost per row.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto

from bot.domain.aimd import AimdSettings, clamp
from bot.domain.batch_size import Decision, Observation, Reason, Step

SWEEP = 3.0
"""Ratio between the sizes that the search begins with."""
SWEEP_GAIN, SWEEP_MISSES = 0.03, 2
"""The sweep goes on until so many sizes in a row did not bring this much more (log rows/s)."""
WIDEST, RETRIAL, NARROWEST = 2.0, 1.3, 1.2
"""Ratios between the settled size and its neighbours: at first, after a rest, at the end."""
TRIAL_PROBES = 24
WORTHWHILE = 0.02
"""A trial that is undecided after so many probes is won by a neighbour that is this much better."""
CONFIDENCE = 1.65
"""Standard errors that a difference has to exceed (95 %, one-sided)."""
PRIOR_SIGMA, PRIOR_WEIGHT = 0.2, 4
"""Two samples that happen to agree are no proof of a quiet sink."""
SHORTEST_REST, LONGEST_REST = 100, 400
TRIAL_BUDGET = 0.015
"""Share of the time that trials may lose: the rest after them is long enough for that."""
CEILING_PATIENCE, LONGEST_PATIENCE = 75, 20_000
"""Clean batches until a ceiling is tried again; doubles each time it proves right."""
JUDGED_SHARE = 0.7
"""A slice below this share of its size was cut short by its page and tells nothing."""
COLLAPSE, COLLAPSE_SAMPLES = math.log(1.6), 3
"""So many samples in a row, slower by so much: the sink has changed."""
SPIKE = math.log(1.6)
"""A sample slower than usual by more than this counts as slower by this."""
PAGES_REMEMBERED = 16
TARGET_ELASTICITY = 0.5
"""Over the target, growth has to bring back this much of itself in rows per second: true while
the fixed cost is more than about half of the write."""


class _Direction(IntEnum):
    UP = 1
    DOWN = -1


class _Verdict(Enum):
    OPEN = auto()
    WON = auto()
    LOST = auto()


@dataclass(slots=True)
class _Samples:
    """Logarithms of rows per second at one size."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        if self.count >= COLLAPSE_SAMPLES:
            value = max(value, self.mean - SPIKE)
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.squares += delta * (value - self.mean)


@dataclass(slots=True)
class _Sweep:
    """Ever larger, or else ever smaller sizes: the best so far, its value, the misses since."""

    first: int
    best: int
    direction: _Direction = _Direction.UP
    value: float = -math.inf
    misses: int = 0


@dataclass(slots=True)
class _Trial:
    """A neighbour on trial against the settled size."""

    direction: _Direction
    size: int
    settled: _Samples = field(default_factory=_Samples)
    probe: _Samples = field(default_factory=_Samples)

    def verdict(self, margin: float) -> _Verdict:
        """Decide whether the neighbour brings more than `margin` (log rows per second)."""
        few = min(self.settled.count, self.probe.count)
        if few < 2:  # noqa: PLR2004  a difference of single samples says nothing
            return _Verdict.OPEN
        gain = self.probe.mean - self.settled.mean - margin
        squares = self.settled.squares + self.probe.squares + PRIOR_WEIGHT * PRIOR_SIGMA**2
        pooled = squares / (self.settled.count + self.probe.count - 2 + PRIOR_WEIGHT)
        error = math.sqrt(pooled * (1 / self.settled.count + 1 / self.probe.count))
        if self.probe.count >= TRIAL_PROBES:
            return _Verdict.WON if gain > WORTHWHILE else _Verdict.LOST
        if abs(gain) <= CONFIDENCE * error:
            return _Verdict.OPEN
        return _Verdict.WON if gain > 0 else _Verdict.LOST


@dataclass(slots=True)
class _Rest:
    """Batches of the settled size, left to go, and what is normal for them."""

    left: int
    normal: _Samples = field(default_factory=_Samples)
    collapsed: int = 0


class GoodputController:
    """The search with its state.

    Args:
        settings: bounds, latency target and window; the steps, the cool-down and the threshold
            of AIMD have no meaning here.
        start_rows: where the search starts, clamped.
    """

    def __init__(self, settings: AimdSettings, start_rows: int) -> None:
        self._settings = settings
        self._settled = self._size = clamp(start_rows, settings)
        self._phase: _Sweep | _Trial | _Rest = _Sweep(self._settled, self._settled)
        self._ratio = WIDEST
        self._heading = _Direction.UP
        self._lost: set[_Direction] = set()
        self._losers: set[int] = set()
        self._lost_seconds = 0.0
        self._settled_seconds = 0.0
        self._ceiling: int | None = None
        self._patience = CEILING_PATIENCE
        self._clean = 0
        self._retest = False
        self._pages: deque[int] = deque(maxlen=PAGES_REMEMBERED)
        self._window: deque[float] = deque(maxlen=settings.latency_window)

    @property
    def size(self) -> int:
        """Rows that the next slice may carry."""
        return self._size

    def cut(self, left_rows: int) -> int:
        """Cut what is left of a page into equal parts, so that none of them is a tail."""
        return math.ceil(left_rows / math.ceil(left_rows / self._size))

    def observe(self, observation: Observation) -> Step:
        """Take one slice into account."""
        before, settled = self._size, self._settled
        self._pages.append(observation.page_rows)
        if observation.rows < JUDGED_SHARE * before:
            # Nor does a short one that failed say anything: its few rows may all be bad ones.
            reason = Reason.PROBE
            if self._size > self._top():
                # Pages have become smaller: what was learnt of larger sizes is of no use.
                self._move(self._top())
                self._reopen(WIDEST, _Direction.DOWN)
        elif 0 < observation.rows <= observation.errors:
            self._fail(observation.rows)
            reason = Reason.ERROR
        else:
            self._judge(observation)
            reason = Reason.PROBE if settled == self._settled else Reason.SUCCESS
        if self._settled != settled:
            self._window.clear()
        return self._step(before, settled, reason)

    def _judge(self, observation: Observation) -> None:
        seconds = max(observation.latency_ms, 0.001) / 1000
        value = math.log(max(observation.rows - observation.errors, 1) / seconds)
        self._clean += 1
        if self._ceiling is not None and observation.rows >= self._ceiling:
            self._ceiling, self._patience = None, CEILING_PATIENCE
        self._retest = self._ceiling is not None and self._clean >= self._patience
        if self._size == self._settled:
            self._window.append(observation.latency_ms)
        match self._phase:
            case _Sweep() as sweep:
                self._sweep_on(sweep, value)
            case _Trial() as trial:
                self._try(trial, value)
            case _Rest() as rest:
                self._idle(rest, value)

    def _sweep_on(self, sweep: _Sweep, value: float) -> None:
        if value > sweep.value + SWEEP_GAIN:
            sweep.best, sweep.value, sweep.misses = self._size, value, 0
        else:
            sweep.misses += 1 if value > sweep.value - COLLAPSE else SWEEP_MISSES
        onward = None
        if sweep.misses < SWEEP_MISSES:
            onward = self._neighbour(self._size, sweep.direction, SWEEP)
        if onward is None and sweep.direction is _Direction.UP and sweep.best == sweep.first:
            sweep.direction, sweep.misses = _Direction.DOWN, 0
            onward = self._neighbour(sweep.first, _Direction.DOWN, SWEEP)
        if onward is not None:
            self._move(onward)
            return
        self._move(sweep.best)
        self._next_trial()

    def _try(self, trial: _Trial, value: float) -> None:
        probing = self._size == trial.size
        (trial.probe if probing else trial.settled).add(value)
        if not probing:
            self._settled_seconds = self._settled * math.exp(-trial.settled.mean)
        elif trial.settled.count:
            slower = 1 - math.exp(min(0.0, value - trial.settled.mean))
            self._lost_seconds += slower * trial.size * math.exp(-value)
        verdict = trial.verdict(self._margin(trial))
        if verdict is _Verdict.OPEN:
            self._size = self._settled if probing else trial.size
            return
        if verdict is _Verdict.WON:
            self._move(trial.size)
            self._ratio = min(WIDEST, self._ratio * math.sqrt(2))
            self._heading = trial.direction
            self._lost = {_Direction(-trial.direction)}
            self._losers = set()
        else:
            self._lost.add(trial.direction)
            self._losers.add(trial.size)
        self._next_trial()

    def _idle(self, rest: _Rest, value: float) -> None:
        slow = rest.normal.count >= COLLAPSE_SAMPLES and value < rest.normal.mean - COLLAPSE
        rest.collapsed = rest.collapsed + 1 if slow else 0
        if not slow:
            rest.normal.add(value)
        rest.left -= 1
        if rest.collapsed >= COLLAPSE_SAMPLES:
            self._reopen(WIDEST, _Direction.DOWN)
        elif rest.left <= 0:
            self._reopen(RETRIAL, _Direction(-self._heading))

    def _reopen(self, ratio: float, heading: _Direction) -> None:
        self._ratio, self._heading, self._lost = ratio, heading, set()
        self._losers, self._lost_seconds = set(), 0.0
        self._next_trial()

    def _rest_batches(self) -> int:
        """Rest until the time that the last trials lost is a small share of all."""
        if self._settled_seconds <= 0:
            return SHORTEST_REST
        batches = self._lost_seconds / self._settled_seconds / TRIAL_BUDGET
        return int(min(max(batches, SHORTEST_REST), LONGEST_REST))

    def _next_trial(self) -> None:
        """Put the next neighbour on trial, narrower when both have lost; rest when done."""
        while True:
            for direction in (self._heading, _Direction(-self._heading)):
                if direction in self._lost:
                    continue
                neighbour = self._neighbour(self._settled, direction, self._ratio)
                if neighbour is not None and neighbour not in self._losers:
                    self._phase = _Trial(direction, neighbour)
                    self._size = neighbour
                    return
                self._lost.add(direction)
            if self._ratio <= NARROWEST:
                self._phase = _Rest(self._rest_batches())
                self._size = self._settled
                return
            self._ratio = max(NARROWEST, math.sqrt(self._ratio))
            self._lost = set()

    def _fail(self, rows: int) -> None:
        """Take a batch that failed whole as too large: stay below it for a while."""
        if self._retest and self._size > self._settled:
            self._patience = min(2 * self._patience, LONGEST_PATIENCE)
        self._ceiling = rows if self._ceiling is None else min(self._ceiling, rows)
        self._clean, self._retest = 0, False
        best = self._phase.best if isinstance(self._phase, _Sweep) else self._settled
        self._move(best if best < rows else max(self._settings.min_rows, rows // 2))
        self._reopen(WIDEST, _Direction.UP)
        self._size = self._settled

    def _move(self, size: int) -> None:
        self._settled = self._size = size

    def _neighbour(self, size: int, direction: _Direction, ratio: float) -> int | None:
        """Return the size one ratio away that cuts a page into whole parts, None at a bound."""
        page, settings = self._page(), self._settings
        parts = math.ceil(page / size)
        if direction is _Direction.DOWN:
            parts = max(parts + 1, math.ceil(page * ratio / size))
            smaller = max(settings.min_rows, math.ceil(page / parts))
            return smaller if smaller < size else None
        wanted, ceiling = min(size * ratio, self._top()), self._ceiling
        if ceiling is not None and wanted >= ceiling:
            wanted = ceiling if self._retest else math.sqrt(size * ceiling)
        parts = max(1, min(parts - 1, math.ceil(page / wanted)))
        larger = min(math.ceil(page / parts), self._top())
        if ceiling is not None and larger >= ceiling and not self._retest:
            return None
        return larger if larger > size * 1.02 else None

    def _page(self) -> int:
        return max(self._pages, default=self._settled) or 1

    def _top(self) -> int:
        return max(self._settings.min_rows, min(self._settings.max_rows, self._page()))

    def _margin(self, trial: _Trial) -> float:
        """Return what a neighbour has to bring for its side of the latency target."""
        target = self._settings.target_latency_ms
        if target is None:
            return 0.0
        larger, mean = (
            (trial.size, trial.probe.mean)
            if trial.direction is _Direction.UP
            else (self._settled, trial.settled.mean)
        )
        if larger * math.exp(-mean) * 1000 <= 1.2 * target:
            return 0.0
        step = abs(math.log(trial.size / self._settled))
        return TARGET_ELASTICITY * step * trial.direction

    def _step(self, before: int, settled: int, reason: Reason) -> Step:
        after = self._size
        decision = Decision.HOLD
        if after > before:
            decision = Decision.GROW
        elif after < before:
            decision = Decision.SHRINK
        if reason is Reason.SUCCESS and self._settled < settled:
            reason = Reason.LATENCY
        if decision is Decision.HOLD:
            reason = self._holding()
        window = sorted(self._window)
        targeted = self._settings.target_latency_ms is not None and window
        return Step(
            before,
            decision,
            reason,
            after,
            self._phase.left if isinstance(self._phase, _Rest) else 0,
            int(window[len(window) // 2]) if targeted else None,
            len(window) == self._settings.latency_window,
        )

    def _holding(self) -> Reason:
        if self._size <= self._settings.min_rows:
            return Reason.AT_MIN
        if self._size >= self._top():
            return Reason.AT_MAX
        return Reason.COOLDOWN if isinstance(self._phase, _Rest) else Reason.DEAD_BAND
