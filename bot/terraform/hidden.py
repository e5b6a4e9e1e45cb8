"""Hidden uses: places that read a literal where the evaluator cannot see what comes of it.

tfparse knows nothing of values from outside the repository. What depends on them is unknown before
and after an edit, and two unknowns do not differ. So every value that came out unknown, and every
block that could not be evaluated at all, is followed by hand: when it may read the literal, the
edit is refused.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.domain.edit import Refusal
from bot.terraform.hcl import Block
from bot.terraform.index import Index as RootIndex
from bot.terraform.index import address_of
from bot.terraform.scope import Reached, Scope
from bot.terraform.syntax import (
    Attribute,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    Literal,
    Name,
    Object,
    Operation,
    Template,
    Tuple,
)

_META = {"count", "depends_on", "for_each", "provider", "providers"}


@dataclass(frozen=True, slots=True)
class Use:
    """An argument of which the value is not known, and the scope to read it in."""

    address: str
    argument: str
    expression: Expression
    scope: Scope


def hidden_uses(index: RootIndex, literals: Iterable[Literal]) -> dict[Literal, list[Use]]:
    """Find the unknown arguments that may read each of some literals."""
    found: dict[Literal, list[Use]] = {literal: [] for literal in literals}
    for use in _uncertain(index):
        read = _Reading(index)
        read.follow(use.expression, use.scope)
        for literal in read.literals & found.keys():
            found[literal].append(use)
    return found


def _uncertain(index: RootIndex) -> Iterator[Use]:
    """List the arguments of which the evaluator does not know the value."""
    seen: set[Block] = set()
    for text, values in index.evaluation.blocks.items():
        address = address_of(text)
        place = None if address is None else index.place(address)
        if address is None or place is None:
            continue
        seen.add(place.block)
        scope = index.configuration.scope(place.block, place.instance, address.key)
        for name, expression in _arguments(place.block):
            if name not in values or _has_gap(values[name]):
                yield Use(text, name, expression, scope)
    for instance in index.configuration.instances():
        for key, block in instance.module.resources.items():
            if block not in seen:
                address_text = instance.prefix + ".".join(key).removeprefix("resource.")
                scope = Scope(instance, None, block.value("for_each"))
                for name, expression in _arguments(block):
                    yield Use(address_text, name, expression, scope)


def _arguments(block: Block) -> Iterator[tuple[str, Expression]]:
    for name, argument in block.arguments.items():
        if name not in _META:
            yield name, argument.value
    for inner in block.blocks:
        if inner.type not in {"lifecycle", "content"} or inner.arguments:
            yield from _arguments(inner)


def _has_gap(value: Any) -> bool:
    if value is None or (isinstance(value, str) and "${" in value):
        return True
    if isinstance(value, dict):
        return "__attribute__" in value or any(_has_gap(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_gap(inner) for inner in value)


class _Reading:
    """Collects every literal that an expression may read, whatever the conditions in it say."""

    def __init__(self, index: RootIndex) -> None:
        self.literals: set[Literal] = set()
        self._resolver = index.resolver
        self._seen: set[tuple[Expression, Scope]] = set()

    def follow(self, expression: Expression, scope: Scope) -> None:
        if (expression, scope) in self._seen:
            return
        self._seen.add((expression, scope))
        if isinstance(expression, Literal):
            self.literals.add(expression)
        elif isinstance(expression, Name | Attribute | Index):
            self._reference(expression, scope)
        elif isinstance(expression, For):
            self._for(expression, scope)
        else:
            for part in _parts(expression):
                self.follow(part, scope)

    def _reference(self, expression: Expression, scope: Scope) -> None:
        found = self._resolver.reach(expression, scope, ())
        if isinstance(found, Reached):
            if found.expression is not expression:
                self.follow(found.expression, found.scope)
        elif isinstance(found, Refusal) and isinstance(expression, Attribute | Index):
            # What is behind cannot be told, so all of what is before it counts.
            self._reference(expression.base, scope)
            if isinstance(expression, Index):
                self.follow(expression.key, scope)
        elif isinstance(expression, Name) and expression.name == "each" and scope.for_each:
            self.follow(scope.for_each, Scope(scope.instance))

    def _for(self, expression: For, scope: Scope) -> None:
        rows = self._resolver.elements(expression, scope)
        if isinstance(rows, Refusal):
            self.follow(expression.collection, scope)
            self.follow(expression.value, scope)
            return
        for _key, row in rows:
            self.follow(row.expression, row.scope)


def _parts(expression: Expression) -> Iterator[Expression]:
    match expression:
        case Object(entries=entries):
            for entry in entries:
                yield entry.value
        case Tuple(items=items):
            yield from items
        case Call(arguments=arguments):
            yield from arguments
        case Conditional():
            yield from (expression.condition, expression.yes, expression.no)
        case Operation(operands=operands):
            yield from operands
        case Template(parts=parts):
            yield from (part for part in parts if isinstance(part, Expression))
