"""Hidden uses: places that read a literal where the evaluator cannot see what comes of it.

tfparse knows nothing of values from outside the repository. What depends on them is unknown before
and after an edit, and two unknowns do not differ. So every value that came out unknown, and every
block that could not be evaluated at all, is followed by hand: when it may read the literal, the
edit is refused.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform import validations
from bot.terraform.hcl import Block
from bot.terraform.index import Index as RootIndex
from bot.terraform.index import Place, address_of
from bot.terraform.references import assigned
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
    """An argument of which the value is not known, and the scope to read it in.

    `is_known` when the evaluator gave it a value: that counts unless something that it reads is
    not known, which the evaluator may have taken for null. `stops` when what it reads from other
    blocks does not count.
    """

    address: str
    argument: str
    expression: Expression
    scope: Scope
    stops: bool = False
    is_known: bool = False


def hidden_uses(index: RootIndex, literals: Iterable[Literal]) -> dict[Literal, list[Use]]:
    """Find the unknown arguments that may read each of some literals."""
    found: dict[Literal, list[Use]] = {literal: [] for literal in literals}
    for use in (*_uncertain(index), *_unevaluated(index)):
        read = _Reading(index, stops=use.stops)
        read.follow(use.expression, use.scope)
        if use.is_known and not read.unknown:
            continue
        for literal in read.literals & found.keys():
            found[literal].append(use)
    return found


def _uncertain(index: RootIndex) -> Iterator[Use]:
    """List every argument, and whether the evaluator knows its value."""
    seen: set[Block] = set()
    asked: dict[Place, bool] = {}
    for text, values in index.evaluation.blocks.items():
        address = address_of(text)
        place = None if address is None else index.place(address)
        if address is None or place is None:
            continue
        seen.add(place.block)
        if place not in asked:
            asked[place] = _has_known_keys(index, place)
        scope = index.configuration.scope(place.block, place.instance, address.key)
        for name, expression in _arguments(place.block):
            is_known = name in values and not _has_gap(values[name])
            yield Use(text, name, expression, scope, is_known=is_known)
    seen -= {place.block for place, has_known_keys in asked.items() if not has_known_keys}
    for instance in index.configuration.instances():
        for key, block in instance.module.resources.items():
            if block not in seen:
                address_text = instance.prefix + ".".join(key).removeprefix("resource.")
                scope = Scope(instance, None, block.value("for_each"))
                for name, expression in _arguments(block):
                    yield Use(address_text, name, expression, scope)


def _has_known_keys(index: RootIndex, place: Place) -> bool:
    """Tell whether what is not in the files has no say in how many instances there are."""
    block, scope = place.block, Scope(place.instance)
    while True:
        count = block.value("count")
        if count is not None and _reads_unknown(index, count, scope):
            return False
        collection = block.value("for_each")
        if collection is not None:
            rows = index.resolver.elements(collection, scope)
            if isinstance(rows, Refusal) and _reads_unknown(index, collection, scope):
                return False
        call, around = scope.instance.call, scope.instance.arguments
        if call is None or around is None:
            return True
        block, scope = call, Scope(around.instance)


def _reads_unknown(index: RootIndex, expression: Expression, scope: Scope) -> bool:
    read = _Reading(index, stops=False)
    read.follow(expression, scope)
    return read.unknown


def _unevaluated(index: RootIndex) -> Iterator[Use]:
    """List what is left out of an evaluation: outputs of the root, and what overrides."""
    configuration = index.configuration
    for name, block in configuration.top.module.outputs.items():
        value = block.value("value")
        if value is not None:
            # The output of a block's own attribute is meant to change with it.
            yield Use("output", name, value, Scope(configuration.top), stops=True)
    yield from _unsure_validations(index)
    for instance in configuration.instances():
        for block in instance.module.overriding:
            text = instance.prefix + ".".join((block.type, *block.labels)) + " (override)"
            for name, expression in _arguments(block):
                yield Use(text, name, expression, Scope(instance))


def _unsure_validations(index: RootIndex) -> Iterator[Use]:
    """List the validations that the evaluator cannot tell to hold today."""
    for text, values in index.evaluation.blocks.items():
        address = address_of(text) if validations.KIND in text else None
        instance = None if address is None else index.instance(address)
        if instance is not None:
            for name, (variable, condition) in validations.conditions(instance.module).items():
                if values.get(name) is not True:
                    at = f"{instance.prefix}var.{variable}"
                    yield Use(at, validations.VALIDATION, condition, Scope(instance))


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

    def __init__(self, index: RootIndex, *, stops: bool) -> None:
        self._stops = stops
        self.literals: set[Literal] = set()
        self.unknown = False
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
        elif not self._counts(expression, scope):
            for part in _parts(expression):
                self.follow(part, scope)

    def _counts(self, expression: Expression, scope: Scope) -> bool:
        """Tell whether only the keys or the number of what is in a collection are read."""
        if not isinstance(expression, Call) or expression.name not in {"keys", "length"}:
            return False
        found = (
            self._resolver.reach(expression.arguments[0], scope, ())
            if expression.arguments
            else None
        )
        return isinstance(found, Reached) and isinstance(found.expression, Object | Tuple)

    def _reference(self, expression: Expression, scope: Scope) -> None:
        if self._stops and _names_block(expression, scope):
            return
        found = self._resolver.reach(expression, scope, ())
        if isinstance(found, Reached):
            if found.expression is not expression:
                self.follow(found.expression, found.scope)
            return
        if isinstance(found, Refusal):
            self.unknown = self.unknown or _is_unknown(expression, found)
        definition = self._definition(expression, scope)
        if definition is not None:
            self.follow(*definition)
        elif isinstance(found, Refusal) and isinstance(expression, Attribute | Index):
            # What is behind cannot be told, so all of what is before it counts.
            if isinstance(expression.base, Name | Attribute | Index):
                self._reference(expression.base, scope)
            else:
                self.follow(expression.base, scope)
            if isinstance(expression, Index):
                self.follow(expression.key, scope)
        elif isinstance(expression, Name) and expression.name == "each" and scope.for_each:
            self.follow(scope.for_each, Scope(scope.instance))

    def _definition(self, expression: Expression, scope: Scope) -> tuple[Expression, Scope] | None:
        """Return what a local or a variable is set to, where following it further failed."""
        if not isinstance(expression, Attribute) or not isinstance(expression.base, Name):
            return None
        instance = scope.instance
        if expression.base.name == "local":
            local = instance.module.locals.get(expression.name)
            return None if local is None else (local.value, Scope(instance))
        if expression.base.name == "var" and expression.name in instance.module.variables:
            return assigned(self._resolver, instance, expression.name)
        return None

    def _for(self, expression: For, scope: Scope) -> None:
        rows = self._resolver.elements(expression, scope)
        if isinstance(rows, Refusal):
            parts = (expression.collection, expression.key, expression.value, expression.condition)
            for part in parts:
                if part is not None:
                    self.follow(part, scope)
            return
        for _key, row in rows:
            self.follow(row.expression, row.scope)


def _names_block(expression: Expression, scope: Scope) -> bool:
    """Tell whether a reference starts at a resource or a data source."""
    while isinstance(expression, Attribute | Index):
        expression = expression.base
    if not isinstance(expression, Name) or expression.name in scope.names:
        return False
    return expression.name == "data" or "_" in expression.name


def _is_unknown(expression: Expression, found: Refusal) -> bool:
    """Tell whether a reference leads to a value that is not in the files."""
    if found.reason is RefusalReason.VARIABLE_FILE:
        return True
    while isinstance(expression, Attribute | Index):
        expression = expression.base
    return isinstance(expression, Name) and (
        expression.name in {"terraform", "data", "module"} or "_" in expression.name
    )


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
