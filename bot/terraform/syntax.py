"""Expressions: what a value is written as, and where, whatever language the file is in.

The classes are the union of what HCL, JSON and YAML can write. Spans are byte offsets in the
document. Two expressions are equal only when they are the same one, so they can be dictionary
keys. Containers convert their content when it is asked for, and only once: a root of 100,000
lines is mostly lines that nobody looks at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from bot.terraform.document import Document

Scalar = str | int | float | bool | None


class Kind(StrEnum):
    """The types that a literal can have."""

    STRING = "string"
    NUMBER = "number"
    BOOL = "bool"
    NULL = "null"


@dataclass(eq=False)
class Expression:
    """Something that has a value, at `start`..`end` of `document`."""

    document: Document
    start: int
    end: int

    @property
    def line(self) -> int:
        """Return the line it starts on."""
        return self.document.line(self.start)

    @property
    def text(self) -> str:
        """Return it as written."""
        return self.document.text(self.start, self.end)


@dataclass(eq=False)
class Literal(Expression):
    """A constant; `style` is the quote that YAML puts around it ("" when there is none)."""

    kind: Kind
    value: Scalar
    style: str = ""


@dataclass(eq=False)
class Template(Expression):
    """A quoted string with interpolations; `parts` are its texts and expressions, in order."""

    parts: tuple[str | Expression, ...]


@dataclass(eq=False)
class Heredoc(Expression):
    """A `<<EOF` text, or a block scalar of YAML."""


@dataclass(eq=False)
class Name(Expression):
    """A bare name: `var`, `local`, `each`, the variable of a `for`."""

    name: str


@dataclass(eq=False)
class Attribute(Expression):
    """`base.name`."""

    base: Expression
    name: str


@dataclass(eq=False)
class Index(Expression):
    """`base[key]`."""

    base: Expression
    key: Expression


@dataclass(eq=False)
class Call(Expression):
    """`name(arguments)`; `expanded` when the last argument ends in `...`."""

    name: str
    arguments: tuple[Expression, ...]
    expanded: bool = False


@dataclass(eq=False)
class Conditional(Expression):
    """`condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(eq=False)
class Operation(Expression):
    """An operator with one or two operands."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(eq=False)
class For(Expression):
    """A `for` in brackets (`key` is None) or in braces."""

    names: tuple[str, ...]
    collection: Expression
    key: Expression | None
    value: Expression
    condition: Expression | None
    grouped: bool


@dataclass(eq=False)
class Opaque(Expression):
    """Anything that trimtab does not follow; `what` names it for people."""

    what: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key = value` of an object."""

    key: Expression
    value: Expression


@dataclass(eq=False)
class Object(Expression):
    """`{ … }`: values by their constant key, and the entries whose key has to be worked out."""

    load: Callable[[], Sequence[Entry]]

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Return every entry, in the order of the file."""
        return tuple(self.load())

    @cached_property
    def known(self) -> dict[str, list[Expression]]:
        """Return the values by constant key; two or more for a key that is written twice."""
        known: dict[str, list[Expression]] = {}
        for entry in self.entries:
            key = constant_key(entry.key)
            if key is not None:
                known.setdefault(key, []).append(entry.value)
        return known

    @cached_property
    def computed(self) -> tuple[Entry, ...]:
        """Return the entries whose key is an expression."""
        return tuple(entry for entry in self.entries if constant_key(entry.key) is None)


@dataclass(eq=False)
class Tuple(Expression):
    """`[ … ]`."""

    load: Callable[[], Sequence[Expression]]

    @cached_property
    def items(self) -> tuple[Expression, ...]:
        """Return the elements in order."""
        return tuple(self.load())


def constant_key(key: Expression) -> str | None:
    """Return the text of an object key, or None when it is not a constant."""
    if isinstance(key, Literal) and key.value is not None:
        return scalar_text(key.value)
    return None


def scalar_text(value: Scalar) -> str:
    """Write a scalar as Terraform converts it to a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
