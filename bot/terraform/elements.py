"""Collections: what a `for_each` or a `for` runs over, element by element."""

from typing import TYPE_CHECKING

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform import calls, constants
from bot.terraform.address import Step, Subscript
from bot.terraform.scope import Derived, Missing, Reached, Scope, refuse, undecided
from bot.terraform.syntax import Call, Expression, For, Kind, Literal, Object, Tuple

if TYPE_CHECKING:
    from bot.terraform.resolver import Resolver

Table = dict[Step, Reached] | Refusal
Elements = list[tuple[Step, Reached]]


def elements(  # noqa: PLR0911  one return per form of collection
    resolver: "Resolver", expression: Expression, scope: Scope
) -> Elements | Refusal:
    """List what a collection holds, with the keys, or say why that cannot be told."""
    found = resolver.reach(expression, scope, ())
    if isinstance(found, Refusal):
        return found
    if isinstance(found, Missing):
        return refuse(RefusalReason.ABSENT, "there is no collection", found.where)
    inner, scope = found.expression, found.scope
    match inner:
        case Object():
            return _entries(resolver, inner, scope)
        case Tuple():
            return [(i, Reached(item, scope)) for i, item in enumerate(inner.items)]
        case For():
            rows = table(resolver, inner, scope)
            return rows if isinstance(rows, Refusal) else list(rows.items())
        case Call():
            return calls.elements(resolver, inner, scope)
        case Literal(kind=Kind.NULL):
            return []
    return undecided(inner)


def table(resolver: "Resolver", expression: For, scope: Scope) -> Table:
    """Work out a `for` expression once: what each key, or position, comes from."""
    known = resolver.tables.get((expression, scope))
    if known is None:
        known = _table(resolver, expression, scope)
        resolver.tables[expression, scope] = known
    return known


def _table(resolver: "Resolver", expression: For, scope: Scope) -> Table:
    source = resolver.elements(expression.collection, scope)
    if isinstance(source, Refusal):
        return source
    rows: dict[Step, Reached] = {}
    for key, element in source:
        inner = resolver.bind(scope, _bound(expression, key, element))
        if expression.condition is not None:
            kept = resolver.constant(expression.condition, inner)
            if not isinstance(kept, bool):
                return refuse(
                    RefusalReason.CONDITIONAL,
                    f"a condition chooses the elements: if {expression.condition.text}",
                    expression.condition,
                )
            if not kept:
                continue
        position: Step = len(rows)
        if expression.key is not None:
            name = constants.text(resolver.constant(expression.key, inner))
            if name is None or expression.grouped:
                return refuse(
                    RefusalReason.COMPUTED,
                    f"the key {expression.key.text} is not a constant",
                    expression.key,
                )
            if name in rows:
                return refuse(
                    RefusalReason.AMBIGUOUS, f"two elements have the key {name!r}", expression.key
                )
            position = Subscript(name)
        rows[position] = Reached(expression.value, inner)
    return rows


def _bound(expression: For, key: Step, element: Reached) -> dict[str, Reached]:
    where = element.expression
    if len(expression.names) == 1:
        return {expression.names[0]: element}
    derived = Derived(where.document, where.start, where.end, key)
    return {expression.names[0]: Reached(derived, element.scope), expression.names[1]: element}


def _entries(resolver: "Resolver", expression: Object, scope: Scope) -> Elements | Refusal:
    found: Elements = []
    for entry in expression.entries:
        key = constants.text(resolver.constant(entry.key, scope))
        if key is None:
            return refuse(
                RefusalReason.COMPUTED, f"the key {entry.key.text} is not a constant", entry.key
            )
        found.append((Subscript(key), Reached(entry.value, scope)))
    return found
