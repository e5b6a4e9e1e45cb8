"""Quartz fields as text: each comma-separated term read into values and marks.

The grammar is that of `org.quartz.CronExpression` 2.3.2, the evaluator that Airbyte runs,
including what it tolerates: it stops reading a term at the first character it has no use for
(`MON-FRI/2` is `MON-FRI`, `5X` is `5`). What it drops is kept in `Field.ignored`, so that it
can be shown to whoever wrote it. Deliberately stricter than Quartz: see `docs/cron.md`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from bot.domain.errors import CronError

LAST_YEAR = 2999
"""Quartz abandons any search beyond this year."""

NO_DAY = 98
EVERY = 99
"""Quartz keeps `?` and `*` as these numbers, and reads the numbers themselves as such."""

_LARGEST_INT = 2**31 - 1
_LARGEST_OFFSET = 30
_SHOWN = 40


class Mark(Enum):
    """What a term asks for beyond plain values."""

    NEAREST_WORKDAY = auto()
    LAST_DAY = auto()
    LAST_WORKDAY = auto()
    LAST_OF_WEEKDAY = auto()
    NTH_WEEKDAY = auto()


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the seven places of an expression, and the numbers that may stand there.

    `largest_step` is None where Quartz sets no limit. `is_day` is true for the two places that
    take `?`.
    """

    name: str
    low: int
    high: int
    largest_step: int | None
    names: Mapping[str, int] = field(default_factory=dict)
    is_day: bool = False

    @property
    def size(self) -> int:
        """Return how many numbers may stand here."""
        return self.high - self.low + 1

    def admits(self, value: int) -> bool:
        """Tell whether `value` may stand here."""
        return self.low <= value <= self.high

    @property
    def allowed(self) -> str:
        """Say what may stand here, for an error message."""
        numbers = f"{self.low} to {self.high}"
        if not self.names:
            return numbers
        first, *_, last = self.names
        return f"{numbers}, or {first} to {last}"


_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

SECONDS = Slot("seconds", 0, 59, 59)
MINUTES = Slot("minutes", 0, 59, 59)
HOURS = Slot("hours", 0, 23, 23)
MONTH_DAYS = Slot("day-of-month", 1, 31, 31, is_day=True)
MONTHS = Slot("month", 1, 12, 12, {name: n for n, name in enumerate(_MONTHS, 1)})
WEEKDAYS = Slot("day-of-week", 1, 7, 7, {n: i for i, n in enumerate(_WEEKDAYS, 1)}, is_day=True)
YEARS = Slot("year", 1970, LAST_YEAR, None)
SLOTS = (SECONDS, MINUTES, HOURS, MONTH_DAYS, MONTHS, WEEKDAYS, YEARS)


@dataclass(frozen=True, slots=True)
class Field:
    """What one place of an expression says.

    `values` are the numbers it names; `number` belongs to `mark`: the offset of `L-3`, the
    count of `6#3`. `ignored` is the text that Quartz does not read.
    """

    values: frozenset[int] = frozenset()
    mark: Mark | None = None
    number: int = 0
    ignored: tuple[str, ...] = ()

    @property
    def is_unset(self) -> bool:
        """Tell whether the field is `?`: the other day field decides."""
        return NO_DAY in self.values

    @property
    def ordered(self) -> tuple[int, ...]:
        """Return the values in ascending order."""
        return tuple(sorted(self.values))


def read_field(text: str, slot: Slot) -> Field:
    """Read the upper-case `text` of one place.

    Raises:
        CronError: Quartz would refuse it, or accept it and then never answer.
    """
    terms = [term for term in text.split(",") if term]
    if slot.is_day and "L" in text and "," in text:
        raise _refuse(text, slot, "L stands alone, it cannot be one of a list")
    if slot is WEEKDAYS and text.count("#") > 1:
        raise _refuse(text, slot, "only one # is possible")
    fields = [_read_term(term, slot) for term in terms]
    values = frozenset[int]().union(*(one.values for one in fields))
    marked = [one for one in fields if one.mark]
    ignored = tuple(part for one in fields for part in one.ignored)
    if len(fields) > 1 and any(one.mark is Mark.NEAREST_WORKDAY for one in marked):
        # Quartz would accept the list and then use its smallest day alone.
        raise _refuse(text, slot, "W stands alone, it cannot be one of a list")
    if not values and not marked and slot is not YEARS:
        raise _refuse(text, slot, f"it names no value; allowed are {slot.allowed}")
    mark, number = (marked[-1].mark, marked[-1].number) if marked else (None, 0)
    return Field(values, mark, number, ignored)


def _read_term(term: str, slot: Slot) -> Field:
    first = term[0]
    if re.fullmatch(r"L|LW|L-[0-9]*W?", term):
        return _read_last(term, slot)
    if "A" <= first <= "Z":
        return _read_named(term, slot)
    if first == "?":
        return _read_unset(term, slot)
    if first in "*/":
        return _read_every(term, slot)
    if "0" <= first <= "9":
        return _read_number(term, slot)
    raise _refuse(term, slot, f"{first!r} cannot stand there; allowed are {slot.allowed}")


def _read_last(term: str, slot: Slot) -> Field:
    if slot is WEEKDAYS:
        return Field(frozenset({7}), ignored=_rest(term, 1))
    if slot is not MONTH_DAYS:
        return Field(ignored=(term,))
    if term == "L-":
        raise _refuse(term, slot, f"a number of days from 0 to {_LARGEST_OFFSET} must follow L-")
    digits = term.strip("LW-")
    offset = _integer(digits, term, slot) if digits else 0
    if offset > _LARGEST_OFFSET:
        raise _refuse(term, slot, f"a number of days from 0 to {_LARGEST_OFFSET} must follow L-")
    mark = Mark.LAST_WORKDAY if term.endswith("W") else Mark.LAST_DAY
    return Field(mark=mark, number=offset)


def _read_named(term: str, slot: Slot) -> Field:
    start = _named(term[:3], term, slot)
    rest = term[3:]
    if rest.startswith("-"):
        end = _named(rest[1:4], term, slot)
        return Field(_span(start, end, 1, slot), ignored=_rest(rest, 4))
    if slot is WEEKDAYS and rest.startswith("#"):
        return Field(frozenset({start}), Mark.NTH_WEEKDAY, _nth(rest[1:], term, slot))
    if slot is WEEKDAYS and rest.startswith("L"):
        return Field(frozenset({start}), Mark.LAST_OF_WEEKDAY, ignored=_rest(rest, 1))
    return Field(frozenset({start}), ignored=_rest(rest, 0))


def _named(name: str, term: str, slot: Slot) -> int:
    number = slot.names.get(name)
    if number is None:
        raise _refuse(term, slot, f"{name!r} is no {slot.name}; allowed are {slot.allowed}")
    return number


def _read_unset(term: str, slot: Slot) -> Field:
    if not slot.is_day:
        raise _refuse(term, slot, f"? belongs to the day fields; allowed are {slot.allowed}")
    if term[2:]:  # Quartz overlooks a single character
        raise _refuse(term, slot, "nothing may follow the ?")
    return Field(frozenset({NO_DAY}), ignored=_rest(term, 1))


def _read_every(term: str, slot: Slot) -> Field:
    head, slash, step_text = term.partition("/")
    if head not in {"", "*"}:
        return Field(_span(EVERY, None, 1, slot), ignored=_rest(term, 1))
    if not slash:
        return Field(_span(EVERY, None, 1, slot))
    if not re.fullmatch(r"[+-]?\d+", step_text):
        raise _refuse(term, slot, "a whole number must follow the /")
    step = _integer(step_text, term, slot)
    _check_step(step, term, slot)
    return Field(_span(EVERY, None, max(step, 1), slot))


def _read_number(term: str, slot: Slot) -> Field:
    digits = _leading_digits(term)
    value = _integer(digits, term, slot)
    rest = term[len(digits) :]
    if rest.startswith("L"):
        if slot is not WEEKDAYS or not slot.admits(value):
            raise _refuse(term, slot, "a number before L must be a day-of-week from 1 to 7")
        return Field(frozenset({value}), Mark.LAST_OF_WEEKDAY, ignored=_rest(rest, 1))
    if rest.startswith("W"):
        if slot is not MONTH_DAYS or not slot.admits(value):
            raise _refuse(term, slot, "a number before W must be a day-of-month from 1 to 31")
        return Field(frozenset({value}), Mark.NEAREST_WORKDAY, ignored=_rest(rest, 1))
    if rest.startswith("#"):
        if slot is not WEEKDAYS:
            raise _refuse(term, slot, "# belongs to the day-of-week field")
        return Field(frozenset({value}), Mark.NTH_WEEKDAY, _nth(rest[1:], term, slot))
    if rest.startswith("-"):
        return _read_range(value, rest[1:], term, slot)
    if rest.startswith("/"):
        return _read_steps(value, rest[1:], term, slot)
    return Field(_single(value, term, slot), ignored=_rest(rest, 0))


def _read_range(start: int, rest: str, term: str, slot: Slot) -> Field:
    digits = _leading_digits(rest)
    if not digits:
        raise _refuse(term, slot, "a number must follow the -")
    end = _integer(digits, term, slot)
    rest = rest[len(digits) :]
    step = 1
    if rest.startswith("/"):
        steps = _leading_digits(rest[1:])
        if not steps:
            raise _refuse(term, slot, "a whole number must follow the /")
        step = _integer(steps, term, slot)
        rest = rest[1 + len(steps) :]
    _check_value(start, term, slot)
    if slot is not YEARS and end > slot.high and slot.admits(start):
        raise _refuse(term, slot, f"{end} is out of range; allowed are {slot.allowed}")
    if step == 0 and start != EVERY:
        return Field(frozenset({start}), ignored=_rest(rest, 0))
    if slot is YEARS and end < (slot.low if start == EVERY else start):
        raise _refuse(term, slot, "the first year of a range must not be after its last")
    return Field(_span(start, end, max(step, 1), slot), ignored=_rest(rest, 0))


def _read_steps(start: int, rest: str, term: str, slot: Slot) -> Field:
    digits = _leading_digits(rest)
    ignored = rest[len(digits) :]
    if not digits or (ignored and len(digits) == 1):
        raise _refuse(term, slot, "a whole number, and nothing else, must follow the /")
    step = _integer(digits, term, slot)
    _check_step(step, term, slot)
    _check_value(start, term, slot)
    if step == 0 and start != EVERY:
        return Field(_single(start, term, slot), ignored=_rest(ignored, 0))
    if start > max(slot.high, EVERY):
        raise _refuse(term, slot, f"{start} is out of range; allowed are {slot.allowed}")
    return Field(_span(start, None, max(step, 1), slot), ignored=_rest(ignored, 0))


def _single(value: int, term: str, slot: Slot) -> frozenset[int]:
    _check_value(value, term, slot)
    return _span(EVERY, None, 1, slot) if value == EVERY else frozenset({value})


def _span(start: int, end: int | None, step: int, slot: Slot) -> frozenset[int]:
    """List `start`, `start + step`, … up to `end`, past the highest value and round again."""
    if start == EVERY:
        start, end = slot.low, slot.high if end is None else min(end, slot.high)
    if end is None:
        end = slot.high
    if slot is YEARS:
        return frozenset(range(start, min(end, slot.high) + 1, step))
    if end >= start:
        return frozenset(range(start, end + 1, step))
    return frozenset(
        (n - slot.low) % slot.size + slot.low for n in range(start, end + slot.size + 1, step)
    )


def _nth(text: str, term: str, slot: Slot) -> int:
    if not re.fullmatch(r"\+?0*[1-5]", text):
        raise _refuse(term, slot, "a number from 1 to 5 must follow the #")
    return int(text)


def _check_value(value: int, term: str, slot: Slot) -> None:
    if slot is YEARS or value == EVERY or (slot.is_day and value == NO_DAY):
        return
    if not slot.admits(value):
        raise _refuse(term, slot, f"{value} is out of range; allowed are {slot.allowed}")


def _check_step(step: int, term: str, slot: Slot) -> None:
    if slot.largest_step is not None and step > slot.largest_step:
        raise _refuse(term, slot, f"the step {step} is over {slot.largest_step}")


def _leading_digits(text: str) -> str:
    match = re.match(r"[0-9]*", text)
    assert match is not None
    return match.group()


def _integer(digits: str, term: str, slot: Slot) -> int:
    number = int(digits)
    if abs(number) > _LARGEST_INT:
        raise _refuse(term, slot, "the number is too large")
    return number


def _rest(text: str, start: int) -> tuple[str, ...]:
    return (text[start:],) if text[start:] else ()


def _refuse(text: str, slot: Slot, why: str) -> CronError:
    return CronError(f"the {slot.name} field cannot be {quote(text)}: {why}")


def quote(text: str) -> str:
    """Quote what someone wrote for an error message, cut to a readable length."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
