"""Differences between two values of a plan, leaf by leaf."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from bot.terraform.planfile import OutputChange, PlannedChange, strict

Path = tuple[str, ...]


class Missing(Enum):
    """What stands where there is no value."""

    ABSENT = "absent"
    UNKNOWN = "known after apply"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One place where two values differ.

    `remark` says what else is wrong with it, where a plain difference does not tell. Values may be
    secrets: they are compared, never printed.
    """

    path: Path
    before: Any = field(repr=False)
    after: Any = field(repr=False)
    sensitive: bool = False
    remark: str = ""

    @property
    def changes_type(self) -> bool:
        """Tell whether a value of one type gives way to one of another, as 4 does to "4"."""
        return (
            self.before is not None
            and self.before is not Missing.ABSENT
            and _type(self.before) != _type(self.after)
        )

    def identity(self) -> tuple[Path, str, str, str]:
        """Return what makes two leaves the same difference."""
        return self.path, _canonical(self.before), _canonical(self.after), self.remark


def dotted(path: Path) -> str:
    """Return a path as people write it; a part that holds a dot or worse is quoted."""
    return ".".join(
        part if part.replace("_", "").replace("-", "").isalnum() else json.dumps(part)
        for part in path
    )


def leaves(change: PlannedChange) -> list[Leaf]:
    """Return every leaf in which a change moves a resource.

    The `configuration` of a source or destination is one JSON text to Terraform; it is decoded and
    compared by key.
    """
    before = change.before if isinstance(change.before, Mapping) else {}
    after = change.after if isinstance(change.after, Mapping) else {}
    found: list[Leaf] = []
    for name in sorted({*before, *after, *_inner(change.unknown)}):
        old = before.get(name, Missing.ABSENT)
        new = _with_unknown(after.get(name, Missing.ABSENT), _member(change.unknown, name))
        marks = (_member(change.before_sensitive, name), _member(change.after_sensitive, name))
        if name == "configuration" and isinstance(old, str) and isinstance(new, str):
            found += _configuration(old, new)
        else:
            found += differences(old, new, (name,), sensitive=any(map(_any_mark, marks)))
        if old is not Missing.ABSENT and _is_unmarked(*marks):
            found.append(Leaf((name,), None, None, sensitive=True, remark="no longer a secret"))
    return found


def output_leaves(change: OutputChange) -> list[Leaf]:
    """Return every leaf in which an output changes."""
    after = _with_unknown(change.after, change.unknown)
    return list(differences(change.before, after, ("value",), sensitive=True))


def differences(old: Any, new: Any, path: Path, *, sensitive: bool = False) -> Iterator[Leaf]:
    """Yield the leaves in which two JSON values differ; numbers are equal by value."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from differences(
                old.get(name, Missing.ABSENT),
                new.get(name, Missing.ABSENT),
                (*path, name),
                sensitive=sensitive,
            )
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, (*path, str(index)), sensitive=sensitive)
    elif not same(old, new):
        yield Leaf(path, old, new, sensitive)


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal, with `true` and 1 kept apart."""
    return _canonical(one) == _canonical(other)


def _configuration(old: str, new: str) -> Iterator[Leaf]:
    if old == new:
        return
    path = ("configuration",)
    try:
        found = list(differences(strict(old), strict(new), path, sensitive=True))
    except (ValueError, RecursionError):
        yield Leaf(path, old, new, sensitive=True, remark="not JSON that can be compared by key")
        return
    if not found:
        yield Leaf(path, old, new, sensitive=True, remark="spelled anew, with the same content")
    yield from found


def _with_unknown(value: Any, unknown: Any) -> Any:
    """Lay the marks of `after_unknown` over a planned value."""
    if unknown is True:
        return Missing.UNKNOWN
    if isinstance(unknown, Mapping) and unknown:
        known = value if isinstance(value, Mapping) else {}
        return {
            name: _with_unknown(known.get(name, Missing.ABSENT), unknown.get(name))
            for name in {*known, *(key for key, mark in unknown.items() if _any_mark(mark))}
        }
    if isinstance(unknown, list) and isinstance(value, list) and len(unknown) == len(value):
        return [_with_unknown(one, mark) for one, mark in zip(value, unknown, strict=True)]
    return Missing.UNKNOWN if isinstance(unknown, list) and any(map(_any_mark, unknown)) else value


def _is_unmarked(before: Any, after: Any) -> bool:
    """Tell whether anything that was marked as a secret no longer is."""
    if after is True:
        return False
    if isinstance(before, Mapping):
        inner = after if isinstance(after, Mapping) else {}
        return any(_is_unmarked(mark, inner.get(name)) for name, mark in before.items())
    if isinstance(before, list):
        others = after if isinstance(after, list) and len(after) == len(before) else []
        pairs = zip(before, others or [None] * len(before), strict=True)
        return any(_is_unmarked(mark, other) for mark, other in pairs)
    return before is True


def _any_mark(mark: Any) -> bool:
    if isinstance(mark, Mapping):
        return any(map(_any_mark, mark.values()))
    if isinstance(mark, list):
        return any(map(_any_mark, mark))
    return mark is True


def _inner(marks: Any) -> Mapping[str, Any]:
    """Return the marks by attribute; a resource as a whole is never unknown."""
    return {k: v for k, v in marks.items() if _any_mark(v)} if isinstance(marks, Mapping) else {}


def _member(marks: Any, name: str) -> Any:
    """Return the mark of one attribute; `true` on the whole marks each."""
    return marks.get(name) if isinstance(marks, Mapping) else marks


def _canonical(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, Missing):
        return {"": value.name}
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _number(value)
    return value


def _type(value: Any) -> str:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return "number" if is_number else type(value).__name__


def _number(value: float | Decimal) -> list[str]:
    """Spell a number in one way only, without rounding: 1, 1.0 and 10e-1 are the same."""
    sign, digits, exponent = Decimal(str(value)).as_tuple()
    significant = "".join(map(str, digits)).lstrip("0").rstrip("0")
    shift = len("".join(map(str, digits)).rstrip("0")) - len(digits)
    scale = int(exponent) - shift if significant else 0
    return ["number", "-" if sign and significant else "", significant, str(scale)]
