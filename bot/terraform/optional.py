"""Optional attributes: `optional(string, "x")` in the type of a variable holds a value too."""

from typing import TYPE_CHECKING

from bot.terraform.address import Steps
from bot.terraform.scope import Missing, Outcome, Reached, Scope, Trail
from bot.terraform.syntax import Call, Expression, Kind, Literal, Object

if TYPE_CHECKING:
    from bot.terraform.resolver import Resolver


def fill(
    resolver: "Resolver",
    kind: Expression,
    scope: Scope,
    path: Steps,
    found: Outcome,
    trail: Trail,
) -> Outcome:
    """Where a value is missing or null, follow the default that the variable's type gives."""
    at = -1
    while True:
        if isinstance(found, Missing):
            next_at = len(path) - found.left
        elif _is_null(found):
            next_at = len(path) - 1
        else:
            return found
        if not at < next_at < len(path):
            return found
        at = next_at
        default = _default(kind, path[: at + 1])
        if default is None:
            return found
        found = resolver.reach(default, scope, path[at + 1 :], trail)


def _is_null(found: Outcome) -> bool:
    return (
        isinstance(found, Reached)
        and isinstance(found.expression, Literal)
        and found.expression.kind is Kind.NULL
    )


def _default(kind: Expression, path: Steps) -> Expression | None:
    """Walk down a type; return the default of the attribute at the end of the path."""
    default: Expression | None = None
    for step in path:
        inner = _unwrap(kind)
        if not isinstance(inner, Call) or not inner.arguments:
            return None
        default = None
        if inner.name == "object":
            shape = inner.arguments[0]
            values = shape.known.get(str(step), []) if isinstance(shape, Object) else []
            if len(values) != 1:
                return None
            kind = values[0]
            if isinstance(kind, Call) and kind.name == "optional":
                # Without a default the attribute is there all the same, and null.
                null = Literal(kind.document, kind.start, kind.end, Kind.NULL, None)
                default = kind.arguments[1] if len(kind.arguments) > 1 else null
        elif inner.name in {"map", "list", "set"}:
            kind = inner.arguments[0]
        else:
            return None
    return default


def _unwrap(kind: Expression) -> Expression:
    while isinstance(kind, Call) and kind.name == "optional" and kind.arguments:
        kind = kind.arguments[0]
    return kind
