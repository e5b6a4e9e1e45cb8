"""Constants: the value of an expression when everything it is made of is written down."""

import operator
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from typing import Literal as Only

from bot.terraform.scope import Derived, Reached, Scope
from bot.terraform.syntax import (
    Attribute,
    Call,
    Conditional,
    Expression,
    Index,
    Literal,
    Name,
    Operation,
    Scalar,
    Template,
    scalar_text,
)

if TYPE_CHECKING:
    from bot.terraform.resolver import Resolver


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Unknown.UNKNOWN
Constant = Scalar | Only[_Unknown.UNKNOWN]


def constant(  # noqa: PLR0911  one return per form of expression
    resolver: "Resolver", expression: Expression, scope: Scope
) -> Constant:
    """Work out a scalar, or return `UNKNOWN`."""
    match expression:
        case Literal(value=value) | Derived(value=value):
            return value
        case Name() | Attribute() | Index():
            found = resolver.reach(expression, scope, ())
            if isinstance(found, Reached) and found.expression is not expression:
                return constant(resolver, found.expression, found.scope)
            return UNKNOWN
        case Template(parts=parts):
            return _join(resolver, parts, scope)
        case Conditional():
            chosen = constant(resolver, expression.condition, scope)
            if not isinstance(chosen, bool):
                return UNKNOWN
            return constant(resolver, expression.yes if chosen else expression.no, scope)
        case Operation():
            return _operate(resolver, expression, scope)
        case Call():
            return _call(resolver, expression, scope)
    return UNKNOWN


def text(value: Constant) -> str | None:
    """Convert a constant to a string as Terraform does; None when it is not known or null."""
    return None if value is UNKNOWN or value is None else scalar_text(value)


def _join(resolver: "Resolver", parts: tuple[str | Expression, ...], scope: Scope) -> Constant:
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return constant(resolver, parts[0], scope)
    whole = []
    for part in parts:
        piece = part if isinstance(part, str) else text(constant(resolver, part, scope))
        if piece is None:
            return UNKNOWN
        whole.append(piece)
    return "".join(whole)


def _operate(resolver: "Resolver", expression: Operation, scope: Scope) -> Constant:
    values = [constant(resolver, operand, scope) for operand in expression.operands]
    if UNKNOWN in values:
        return UNKNOWN
    apply = (_UNARY if len(values) == 1 else _BINARY).get(expression.operator)
    if apply is None:
        return UNKNOWN
    try:
        result: Constant = apply(*values)
    except TypeError:
        return UNKNOWN
    return result


def _call(resolver: "Resolver", expression: Call, scope: Scope) -> Constant:
    apply = _FUNCTIONS.get(expression.name)
    if apply is None:
        found = resolver.reach(expression, scope, ())
        if isinstance(found, Reached) and found.expression is not expression:
            return constant(resolver, found.expression, found.scope)
        return UNKNOWN
    values = [constant(resolver, argument, scope) for argument in expression.arguments]
    if UNKNOWN in values or expression.expanded:
        return UNKNOWN
    try:
        result: Constant = apply(*values)
    except (TypeError, ValueError, AttributeError):
        return UNKNOWN
    return result


def _replace(value: str, old: str, new: str) -> Constant:
    is_pattern = len(old) > 1 and old.startswith("/") and old.endswith("/")
    return UNKNOWN if is_pattern else value.replace(old, new)


def _format(pattern: str, *values: Scalar) -> Constant:
    simple = pattern.replace("%s", "").replace("%d", "")
    if "%" in simple:
        return UNKNOWN
    return pattern.replace("%d", "%s") % tuple(scalar_text(value) for value in values)


_UNARY: dict[str, Callable[..., Any]] = {"!": operator.not_, "-": operator.neg}
_BINARY: dict[str, Callable[..., Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&&": lambda left, right: left is True and right is True,
    "||": lambda left, right: left is True or right is True,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "lower": lambda value: value.lower(),
    "upper": lambda value: value.upper(),
    "title": lambda value: value.title(),
    "trimspace": lambda value: value.strip(),
    "trimsuffix": lambda value, suffix: value.removesuffix(suffix),
    "trimprefix": lambda value, prefix: value.removeprefix(prefix),
    "basename": lambda value: value.rstrip("/").rpartition("/")[2],
    "dirname": lambda value: value.rpartition("/")[0] or ".",
    "startswith": lambda value, prefix: value.startswith(prefix),
    "endswith": lambda value, suffix: value.endswith(suffix),
    "replace": _replace,
    "format": _format,
}
