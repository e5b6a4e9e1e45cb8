"""Rules: policies with the place where they are written, read from a folder."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

from bot.documents.document import Document, parse_document, read_document
from bot.documents.validation import validate
from bot.domain.calendar import Days
from bot.domain.errors import ConfigError, PolicyError
from bot.domain.manners import GroupBy, Manners
from bot.domain.promises import Deadline, Window, WindowKind
from bot.domain.subject import Subject
from bot.policy.match import Match, Test, Truth, compile_match
from bot.policy.model import (
    Calendar,
    Clauses,
    FinishBy,
    PolicyEntry,
    PolicyFile,
    PullRequests,
    WindowRule,
)
from bot.policy.pricing import Prices

PRESETS: Final = ("conservative", "balanced", "cost")
TESTS_FOLDER: Final = "tests"
DEFAULTS: Final = "defaults"
"""What fall-back clauses are called in citations."""


@dataclass(frozen=True)
class Rule:
    """One policy, or the defaults of a file, and where each of its lines is."""

    clauses: Clauses
    name: str
    file: str
    document: Document
    path: tuple[str | int, ...]
    days: "Calendars"

    @cached_property
    def test(self) -> Test:
        """Return what decides whether this policy speaks of a subject."""
        if isinstance(self.clauses, PolicyEntry):
            return compile_match(self.clauses.match)
        return lambda _: True

    @property
    def is_about_all(self) -> bool:
        """Tell whether it is about every connection, since it matches nothing in particular."""
        return not isinstance(self.clauses, PolicyEntry) or self.clauses.match == Match()

    def matches(self, subject: Subject) -> Truth:
        """Tell whether it speaks of a subject; None where that is not known."""
        return self.test(subject)

    def line(self, *path: str | int) -> int:
        """Return the line that holds one of its keys (or the policy itself)."""
        return self.document.position((*self.path, *path)).line

    def where(self, *path: str | int) -> str:
        """Return `file:line` of one of its keys."""
        return f"{self.file}:{self.line(*path)}"

    def windows(self, kind: WindowKind) -> tuple[Window, ...]:
        """Return its blackouts or freezes."""
        return self._windows[kind]

    @cached_property
    def _windows(self) -> dict[WindowKind, tuple[Window, ...]]:
        return {
            kind: tuple(
                window(each, kind, self.days, self.name)
                for each in getattr(self.clauses.guarantee, kind.value)
            )
            for kind in WindowKind
        }

    @cached_property
    def deadlines(self) -> tuple[Deadline, ...]:
        """Return its deadlines."""
        return tuple(
            _deadline(self, number, each)
            for number, each in enumerate(self.clauses.guarantee.finish_by)
        )


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendars that are defined, by name."""

    known: dict[str, Days] = field(default_factory=dict)

    def days(self, name: str | None, weekdays: tuple[int, ...] | None = None) -> Days:
        """Return the days of a calendar, narrowed to some weekdays."""
        found = Days() if name is None else self.known[name]
        if weekdays is None:
            return found
        return Days(
            found.weekdays & frozenset(weekdays), found.holidays, found.months, found.month_days
        )


@dataclass(frozen=True)
class Rules:
    """All that a folder says.

    `policies` are those that match something, in the order of the files; `fallbacks` what holds
    where none of them speaks, the nearest first: the last file's defaults, then what they extend.
    """

    policies: tuple[Rule, ...]
    fallbacks: tuple[Rule, ...]
    prices: tuple[Prices, ...]
    manners: Manners
    digest: str

    def all(self) -> Iterator[Rule]:
        """Yield every rule."""
        yield from self.policies
        yield from self.fallbacks


def read_rules(folder: Path) -> Rules:
    """Read every `*.yaml` of a folder, in the order of the file names, and what they extend.

    Raises:
        PolicyError: the folder is missing, holds no policy, repeats a policy's name, extends in a
            circle, or names a calendar that nobody defines.
        ConfigError: a file is wrong.
    """
    paths = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not paths:
        raise PolicyError(
            f"{folder}: no policy files (*.yaml) there",
            "Copy the shipped policies/ folder, or set `policies:` in trimtab.yaml.",
        )
    reader = _Reader()
    for path in paths:
        reader.read(path, f"{folder.name}/{path.name}")
    if not any(each.extends for each in reader.parsed):
        reader.preset("conservative")
    return reader.rules()


@dataclass(frozen=True, slots=True)
class _Parsed:
    name: str
    document: Document
    content: PolicyFile
    extends: bool


@dataclass
class _Reader:
    """Reads files, each once, and what they extend before they are used."""

    parsed: list[_Parsed] = field(default_factory=list)
    bases: list[_Parsed] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    reading: list[Path] = field(default_factory=list)
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def read(self, path: Path, name: str, *, is_base: bool = False) -> None:
        """Read one file from disk."""
        place = path.resolve()
        if str(place) in self.known:
            return
        self.known[str(place)] = name
        self.reading.append(place)
        self._take(name, read_document(path), path.parent, is_base=is_base)
        self.reading.pop()

    def preset(self, name: str) -> None:
        """Read one of the built-in presets."""
        if name not in self.known:
            self.known[name] = name
            text = files("bot.policy").joinpath(f"presets/{name}.yaml").read_text(encoding="utf-8")
            document = parse_document(text, f"preset {name}")
            self._take(f"preset {name}", document, None, is_base=True)

    def _take(self, name: str, document: Document, folder: Path | None, *, is_base: bool) -> None:
        named = Document(name, document.data, document.positions, document.keys)
        content = validate(PolicyFile, named)
        self._digest.update(content.model_dump_json().encode())
        if content.extends is not None:
            self._extend(content.extends, named, folder)
        made = _Parsed(name, named, content, content.extends is not None)
        (self.bases if is_base else self.parsed).append(made)

    def _extend(self, wanted: str, document: Document, folder: Path | None) -> None:
        if wanted in PRESETS:
            self.preset(wanted)
            return
        where = document.where(("extends",))
        path = None if folder is None else folder / wanted
        if path is None or path.suffix not in {".yaml", ".yml"} or not path.is_file():
            raise ConfigError(
                f"{where}: extends: there is no preset and no file {wanted!r}",
                f"The presets are {', '.join(PRESETS)}; a file is named from this one's folder.",
            )
        if path.resolve() in self.reading:
            chain = " → ".join(each.name for each in (*self.reading, path))
            raise PolicyError(
                f"{where}: extends: it extends itself: {chain}", "Remove one `extends:`."
            )
        self.read(path, wanted, is_base=True)

    def rules(self) -> Rules:
        """Put together what was read."""
        every = [*self.bases, *self.parsed]
        calendars = _calendars(every)
        for each in every:
            _refuse_unknown_calendars(each, calendars.known)
        policies = [rule for each in every for rule in _policies(each, calendars)]
        _refuse_repeated_names(policies)
        fallbacks = [
            Rule(
                each.content.defaults, DEFAULTS, each.name, each.document, ("defaults",), calendars
            )
            for each in reversed(every)
            if "defaults" in each.content.model_fields_set
        ]
        given = [each.content.pull_requests for each in every]
        return Rules(
            policies=tuple(policies),
            fallbacks=tuple(fallbacks),
            prices=tuple(each.content.prices for each in every if each.content.prices),
            manners=_manners(given, calendars),
            digest=f"sha256:{self._digest.hexdigest()}",
        )


def _deadline(rule: Rule, number: int, given: FinishBy) -> Deadline:
    name = rule.name if number == 0 else f"{rule.name} {number + 1}"
    made = Deadline(name, given.time, given.zone, rule.days.days(given.calendar), given.after)
    if given.probability is None:
        return made
    return Deadline(name, given.time, given.zone, made.days, given.after, given.probability)


def window(rule: WindowRule, kind: WindowKind, calendars: Calendars, name: str) -> Window:
    """Return a written window as a value."""
    return Window(
        rule.name or f"{kind.value} of {name}",
        kind,
        rule.start,
        rule.length,
        rule.zone,
        calendars.days(rule.calendar, rule.days),
        rule.first,
        rule.last,
    )


def _policies(parsed: _Parsed, calendars: Calendars) -> Iterator[Rule]:
    for index, entry in enumerate(parsed.content.policies):
        path = ("policies", index)
        yield Rule(entry, entry.name, parsed.name, parsed.document, path, calendars)


def _calendars(every: Iterable[_Parsed]) -> Calendars:
    known: dict[str, Days] = {}
    for parsed in every:
        for index, calendar in enumerate(parsed.content.calendars):
            if calendar.name in known:
                where = parsed.document.where(("calendars", index, "name"))
                raise PolicyError(f"{where}: the calendar {calendar.name!r} is defined twice")
            known[calendar.name] = _days(calendar)
    return Calendars(known)


def _days(calendar: Calendar) -> Days:
    return Days(
        frozenset(calendar.weekdays),
        frozenset(calendar.holidays),
        frozenset(calendar.months),
        frozenset(calendar.month_days),
    )


def _manners(given: Sequence[PullRequests], calendars: Calendars) -> Manners:
    """Join what files say: the last that says something counts, windows add up."""
    last: dict[str, object] = {}
    hours: list[Window] = []
    freezes: list[Window] = []
    for each in given:
        last |= each.model_dump(exclude_none=True, exclude={"working_hours", "freeze"})
        hours += [
            window(one, WindowKind.BLACKOUT, calendars, "hours") for one in each.working_hours
        ]
        freezes += [window(one, WindowKind.FREEZE, calendars, "freeze") for one in each.freeze]
    default = Manners()
    snooze = last.get("snooze", default.snooze)
    assert isinstance(snooze, timedelta)
    return Manners(
        open_limit=int(str(last.get("open_limit", default.open_limit))),
        new_per_run=int(str(last.get("new_per_run", default.new_per_run))),
        per_team=int(str(last.get("per_team", default.per_team))),
        working_hours=tuple(hours),
        freezes=tuple(freezes),
        snooze=snooze,
        group_by=GroupBy(str(last.get("group_by", default.group_by.value))),
    )


def _refuse_repeated_names(rules: Iterable[Rule]) -> None:
    seen: dict[str, Rule] = {}
    for rule in rules:
        first = seen.setdefault(rule.name, rule)
        if first is not rule:
            raise PolicyError(
                f"{rule.where('name')}: the policy {rule.name!r} is defined twice",
                f"The first one is at {first.where('name')}: rename one of them.",
            )


def _refuse_unknown_calendars(parsed: _Parsed, known: Iterable[str]) -> None:
    content = parsed.content
    named: list[tuple[tuple[str | int, ...], Clauses]] = [(("defaults",), content.defaults)]
    named += [(("policies", index), each) for index, each in enumerate(content.policies)]
    places = [
        ((*path, "guarantee", key, number), each)
        for path, clauses in named
        for key in ("finish_by", "blackout", "freeze")
        for number, each in enumerate(getattr(clauses.guarantee, key))
    ]
    places += [
        (("pull_requests", key, number), each)
        for key in ("working_hours", "freeze")
        for number, each in enumerate(getattr(content.pull_requests, key))
    ]
    for path, each in places:
        if each.calendar is not None and each.calendar not in known:
            # One may stand for a list of one: then the file has no number at that place.
            found = next(
                way
                for way in ((*path, "calendar"), (*path[:-1], "calendar"), path)
                if way in parsed.document.positions
            )
            near = get_close_matches(each.calendar, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PolicyError(
                f"{parsed.document.where(found)}: there is no calendar {each.calendar!r}{hint}",
                f"Calendars that are defined: {', '.join(sorted(known)) or 'none'}.",
            )
