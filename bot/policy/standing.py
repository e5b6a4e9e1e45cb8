"""Standing: which rules speak of one subject, and what they say together.

What matching policies say counts, the tightest of several; a rule of which it is not known whether it
matches binds as well. Where no matching policy says anything of a thing, the nearest default does.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from bot.domain.knob import Bounds, KnobKind
from bot.domain.promises import Deadline, Phase, StepLimit, Terms, Window, WindowKind
from bot.domain.subject import Subject
from bot.domain.verdict import Citation
from bot.policy.fields import ANY
from bot.policy.model import Clauses
from bot.policy.rules import Rule, Rules

T = TypeVar("T")
Memory = dict[Any, dict[Any, list[Any]]]
"""What rules come to, by the rules and the path."""
_OTHER_KINDS: Final = tuple(
    kind.value for kind in KnobKind if kind not in (KnobKind.BATCH_SIZE, KnobKind.PARALLELISM)
)
RATIOS: Final = {
    "frequency": "frequency_ratio",
    "batch_size": "batch_size_ratio",
    "parallelism": "parallelism_ratio",
    **dict.fromkeys(_OTHER_KINDS, "knob_ratio"),
}
"""Which limit bounds which setting by a factor."""


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """One value that a rule gives, and where."""

    value: T
    rule: Rule
    path: tuple[str | int, ...]

    def cite(self, sentence: str, **inputs: str) -> Citation:
        """Return the citation of it."""
        return Citation(
            self.rule.name, self.rule.file, self.rule.line(*self.path), sentence, inputs
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """The rules that speak of a subject: `sure` ones, and those that `perhaps` do."""

    subject: Subject
    sure: tuple[Rule, ...]
    perhaps: tuple[Rule, ...]
    fallbacks: tuple[Rule, ...]
    _kept: dict[Any, list[Any]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, rules: Rules, subject: Subject, kept: "Memory | None" = None) -> "Standing":
        """Hold every rule against a subject.

        Args:
            rules: all that a folder says.
            subject: whom they may speak of.
            kept: what was worked out before, by the rules that speak; it is added to.
        """
        sure: list[Rule] = []
        perhaps: list[Rule] = []
        for rule in rules.policies:
            found = rule.test(subject)
            if found:
                sure.append(rule)
            elif found is None:
                perhaps.append(rule)
        speaking = (tuple(map(id, sure)), tuple(map(id, perhaps)))
        shared = {} if kept is None else kept.setdefault(speaking, {})
        return cls(subject, tuple(sure), tuple(perhaps), rules.fallbacks, shared)

    @property
    def binding(self) -> tuple[Rule, ...]:
        """Return the policies that bind."""
        return (*self.sure, *self.perhaps)

    def said(self, read: Callable[[Clauses], T | None], *path: str | int) -> list[Said[T]]:
        """Return what is said of one thing, by whom; the nearest default where no policy speaks.

        A path is always read the same way: what it comes to is kept for all of whom the same rules
        speak.
        """
        kept: list[Said[T]] | None = self._kept.get(path)
        if kept is None:
            found = _given(self.sure, read, path)
            if not found:
                found = _given(self.fallbacks, read, path)[:1]
            kept = self._kept[path] = [*found, *_given(self.perhaps, read, path)]
        return kept

    def granted(self, read: Callable[[Clauses], T | None], *path: str | int) -> list[Said[T]]:
        """Return what is said of a thing that may not be done without a word.

        A rule that perhaps speaks tightens what others grant, and grants nothing by itself.
        """
        found = self.said(read, *path)
        doubtful = {id(rule) for rule in self.perhaps}
        return found if any(id(each.rule) not in doubtful for each in found) else []

    def ratio(self, setting: str) -> Said[Decimal | str] | None:
        """Return the tightest factor by which a setting may change; None when it may not."""
        name = RATIOS[setting]
        found = self.granted(lambda each: getattr(each.limits, name), "limits", name)
        return min(found, key=lambda each: _size(each.value), default=None)

    def shift(self) -> Said[timedelta | str] | None:
        """Return the tightest distance by which starts may move; None when they may not."""
        found: list[Said[timedelta | str]] = self.granted(
            lambda each: each.limits.schedule_shift, "limits", "schedule_shift"
        )
        return min(found, key=lambda each: _size(each.value), default=None)

    def pauses(self) -> list[Said[bool]]:
        """Return who says whether it may be paused."""
        return self.granted(lambda each: each.limits.pause, "limits", "pause")

    def phase(self) -> Said[str] | None:
        """Return the most cautious phase that is declared."""
        found = self.granted(lambda each: each.phase, "phase")
        return min(found, key=lambda each: phase_of(each.value), default=None)

    def bounds(self, path: str) -> list[Said[Bounds]]:
        """Return what is said of a knob by its path."""

        def read(clauses: Clauses) -> Bounds | None:
            found = clauses.limits.knobs.get(path)
            return None if found is None else Bounds(found.min, found.max)

        return self.said(read, "limits", "knobs", path)

    def deadlines(self) -> list[Said[Deadline]]:
        """Return every deadline that binds, and who says so."""
        return [
            Said(each, rule, ("guarantee", "finish_by", number))
            for rule in self._speaking(lambda each: bool(each.guarantee.finish_by))
            for number, each in enumerate(rule.deadlines)
        ]

    def windows(self, kind: WindowKind) -> list[Said[Window]]:
        """Return every blackout or freeze that binds, and who says so."""
        return [
            Said(each, rule, ("guarantee", kind.value, number))
            for rule in self._speaking(lambda each: bool(getattr(each.guarantee, kind.value)))
            for number, each in enumerate(rule.windows(kind))
        ]

    def terms(self) -> Terms:
        """Return what is said of the subject before anything is advised."""
        staleness = self.said(
            lambda each: each.guarantee.max_staleness, "guarantee", "max_staleness"
        )
        success = self.said(
            lambda each: each.guarantee.min_success_rate, "guarantee", "min_success_rate"
        )
        priority = self.said(lambda each: each.priority, "priority")
        phase = self.phase()
        windows = (*self.windows(WindowKind.BLACKOUT), *self.windows(WindowKind.FREEZE))
        return Terms(
            phase=Phase.MONITOR if phase is None else phase_of(phase.value),
            steps={step.setting: step for step in self._steps()},
            bounds={path: self._joined(path) for path in self._knob_paths()},
            deadlines=tuple(each.value for each in self.deadlines()),
            windows=tuple(each.value for each in windows),
            max_staleness=min((each.value for each in staleness), default=None),
            min_success_rate=max((each.value for each in success), default=None),
            priority=max((each.value for each in priority), default=0),
        )

    def step_window(self) -> timedelta | None:
        """Return the longest time over which steps add up."""
        found = self.said(lambda each: each.limits.step_window, "limits", "step_window")
        return max((each.value for each in found), default=None)

    def _steps(self) -> Iterator[StepLimit]:
        span = self.step_window()
        shift = self.shift()
        if shift is not None:
            most = shift.value if isinstance(shift.value, timedelta) else None
            yield StepLimit("schedule", shift=most, window=span)
        for setting in RATIOS:
            ratio = self.ratio(setting)
            if ratio is not None:
                factor = ratio.value if isinstance(ratio.value, Decimal) else None
                yield StepLimit(setting, ratio=factor, window=span)
        pauses = self.pauses()
        if pauses and all(each.value for each in pauses):
            yield StepLimit("status")

    def _knob_paths(self) -> set[str]:
        rules = (*self.binding, *self.fallbacks)
        return {path for rule in rules for path in rule.clauses.limits.knobs}

    def _joined(self, path: str) -> Bounds:
        joined = Bounds()
        for each in self.bounds(path):
            joined = joined.intersect(each.value)
        return joined

    def _speaking(self, speaks: Callable[[Clauses], bool]) -> Iterable[Rule]:
        found = [rule for rule in self.sure if speaks(rule.clauses)]
        if not found:
            found = [rule for rule in self.fallbacks if speaks(rule.clauses)][:1]
        return [*found, *(rule for rule in self.perhaps if speaks(rule.clauses))]


def phase_of(name: str) -> Phase:
    """Read a phase as policies spell it."""
    return Phase[name.upper().replace("-", "_")]


def _given(
    rules: Iterable[Rule], read: Callable[[Clauses], T | None], path: tuple[str | int, ...]
) -> list[Said[T]]:
    return [Said(value, rule, path) for rule in rules if (value := read(rule.clauses)) is not None]


def _size(value: timedelta | Decimal | str) -> tuple[bool, float]:
    """Order limits, `any` last."""
    if isinstance(value, str):
        assert value == ANY
        return True, 0.0
    return False, value.total_seconds() if isinstance(value, timedelta) else float(value)
