"""Calls: the functions of Terraform that a value can be followed through."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.edit import Refusal, RefusalReason
from bot.domain.errors import TerraformError
from bot.terraform import constants
from bot.terraform.address import Step, Steps, Subscript
from bot.terraform.root import normal
from bot.terraform.scope import Derived, Missing, Outcome, Reached, Scope, Trail, refuse, undecided
from bot.terraform.syntax import Call, Expression, For, Kind, Literal, Tuple

if TYPE_CHECKING:
    from bot.terraform.resolver import Resolver

Rows = list[tuple[Step, Reached]]
_CONVERSIONS = {
    "tostring",
    "tonumber",
    "tobool",
    "tomap",
    "tolist",
    "toset",
    "sensitive",
    "nonsensitive",
    "one",
}
_COLLECTIONS = {"merge", "concat", "flatten", "values", "keys", "fileset"}
_ENCODERS = {"jsondecode": "jsonencode", "yamldecode": "yamlencode"}


def reach(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    """Follow a path through a function call."""
    way = _WAYS.get(call.name)
    if way is None or not way.fewest <= len(call.arguments) <= way.most:
        return _unknown(call)
    if call.expanded and call.name not in _COLLECTIONS:
        return _unknown(call)
    return way.follow(resolver, call, scope, path, trail)


def elements(resolver: "Resolver", call: Call, scope: Scope) -> Rows | Refusal:
    """List what a collection function returns, with the keys."""
    if call.expanded:
        return _unknown(call)
    name = call.name
    if name == "fileset":
        return _files(resolver, call, scope)
    sources = []
    for argument in call.arguments:
        found = resolver.elements(argument, scope)
        if isinstance(found, Refusal):
            return found
        sources.append(found)
    if name in {"merge", "concat"}:
        return _joined(name, sources)
    return _of_one(resolver, call, sources[0]) if len(sources) == 1 else _unknown(call)


def _joined(name: str, sources: list[Rows]) -> Rows:
    if name == "concat":
        return _numbered([value for source in sources for _key, value in source])
    merged: dict[Step, Reached] = {}
    for source in sources:
        merged |= dict(source)
    return list(merged.items())


def _of_one(resolver: "Resolver", call: Call, source: Rows) -> Rows | Refusal:
    match call.name:
        case "values" | "keys":
            pairs = sorted(source, key=lambda pair: str(pair[0]))
            wants_keys = call.name == "keys"
            return _numbered([_key_of(pair) if wants_keys else pair[1] for pair in pairs])
        case "flatten":
            return _flatten(resolver, [value for _key, value in source])
        case "toset" | "tolist" | "tomap":
            return _converted(resolver, call.name, source, call)
    return _unknown(call)


def _unknown(call: Call) -> Refusal:
    return undecided(call)


def _convert(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    """Follow through a conversion; an empty path into a collection stops at the call."""
    if call.name == "toset" and path and isinstance(path[0], str):
        found = resolver.elements(call, scope)
        if isinstance(found, Refusal):
            return found
        element = dict(found).get(path[0])
        if element is None:
            return Missing(call, len(path))
        return resolver.reach(element.expression, element.scope, path[1:], trail)
    inner = resolver.reach(call.arguments[0], scope, path, trail)
    if not path and call.name == "toset" and isinstance(inner, Reached):
        return Reached(call, scope, trail)
    return inner


def _encode(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    if not path:
        return _unknown(call)
    return resolver.reach(call.arguments[0], scope, path, trail)


def _read(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    if not path:
        return Reached(call, scope, trail)
    return _file(resolver, call, scope, path, trail)


def _collection(
    resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail
) -> Outcome:
    if not path:
        return Reached(call, scope, trail)
    found = elements(resolver, call, scope)
    if isinstance(found, Refusal):
        return found
    element = dict(found).get(path[0])
    if element is None:
        return Missing(call, len(path))
    return resolver.reach(element.expression, element.scope, path[1:], trail)


def _merge(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    """Ask the operands from right to left: the first that has the key decides."""
    if not path:
        return Reached(call, scope, trail)
    if call.expanded:
        return _unknown(call)
    for argument in reversed(call.arguments):
        found = resolver.reach(argument, scope, path, trail)
        if isinstance(found, Missing) and found.left == len(path):
            continue
        if isinstance(found, Refusal) and found.reason in _UNSURE:
            detail = f"merge() may take it from {argument.text}: {found.detail}"
            return Refusal(RefusalReason.MERGE, detail, found.file, found.line)
        return found
    return Missing(call, len(path))


_UNSURE = {RefusalReason.COMPUTED, RefusalReason.FUNCTION}


def _try(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    found: Outcome = Missing(call, len(path))
    for argument in call.arguments:
        found = resolver.reach(argument, scope, path, trail)
        if not isinstance(found, Missing):
            return found
    return found


def _coalesce(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    found: Outcome = Missing(call, len(path))
    for argument in call.arguments:
        found = resolver.reach(argument, scope, path, trail)
        if not isinstance(found, Reached) or not _is_empty(found.expression):
            return found
    return found


def _is_empty(expression: Expression) -> bool:
    return isinstance(expression, Literal) and (
        expression.kind is Kind.NULL or expression.value == ""
    )


def _lookup(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    key = constants.text(resolver.constant(call.arguments[1], scope))
    if key is None:
        return refuse(
            RefusalReason.COMPUTED,
            f"the key {call.arguments[1].text} is not a constant",
            call.arguments[1],
        )
    whole = (Subscript(key), *path)
    found = resolver.reach(call.arguments[0], scope, whole, trail)
    is_absent = isinstance(found, Missing) and found.left == len(whole)
    if is_absent and len(call.arguments) > 2:  # noqa: PLR2004  the default
        return resolver.reach(call.arguments[2], scope, path, trail)
    return found


def _element(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    index = resolver.constant(call.arguments[1], scope)
    found = resolver.elements(call.arguments[0], scope)
    if isinstance(found, Refusal):
        return found
    if not isinstance(index, int) or not found:
        return _unknown(call)
    chosen = found[index % len(found)][1]
    return resolver.reach(chosen.expression, chosen.scope, path, trail)


def _decode(resolver: "Resolver", call: Call, scope: Scope, path: Steps, trail: Trail) -> Outcome:
    source = call.arguments[0]
    if isinstance(source, Call) and source.name == _ENCODERS[call.name]:
        return resolver.reach(source.arguments[0], scope, path, trail)
    found = resolver.reach(source, scope, (), trail)
    if isinstance(found, Reached):
        inner = found.expression
        if isinstance(inner, Call) and inner.name == "file":
            return _file(resolver, inner, found.scope, path, found.trail, decoder=call.name)
        if isinstance(inner, Literal):
            detail = f"the value is inside text that {call.name}() reads"
            return refuse(RefusalReason.JSON_TEXT, detail, inner)
        return refuse(RefusalReason.HEREDOC, "the value is inside a heredoc", inner)
    return found


def _file(
    resolver: "Resolver",
    call: Call,
    scope: Scope,
    path: Steps,
    trail: Trail,
    *,
    decoder: str = "jsondecode",
) -> Outcome:
    """Go on inside a file that is named by a literal path."""
    given = resolver.constant(call.arguments[0], scope)
    if not isinstance(given, str):
        return refuse(
            RefusalReason.COMPUTED, f"the file name {call.arguments[0].text} is computed", call
        )
    target = normal(resolver.configuration.root.path / given)
    try:
        document = resolver.configuration.document(target)
        top = resolver.configuration.data(document, decoder)
    except TerraformError as error:
        return refuse(RefusalReason.NOT_FOUND, error.message, call)
    if isinstance(top, int):
        return Refusal(
            RefusalReason.SYNTAX, f"{decoder}() cannot read {document.name}", document.name, top
        )
    trail = trail.via(f'{decoder}(file("{document.name}"))', path)
    return resolver.reach(top, scope, path, trail)


def _files(resolver: "Resolver", call: Call, scope: Scope) -> Rows | Refusal:
    values = [resolver.constant(argument, scope) for argument in call.arguments]
    if len(values) != 2 or not all(isinstance(value, str) for value in values):  # noqa: PLR2004
        return _unknown(call)
    folder = normal(resolver.configuration.root.path / Path(str(values[0])))
    pattern = str(values[1])
    if not folder.is_dir() or pattern.startswith("/") or "{" in pattern or ".." in pattern:
        return _unknown(call)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.glob(pattern) if p.is_file())
    return [
        (Subscript(name), Reached(Derived(call.document, call.start, call.end, name), scope))
        for name in names
    ]


def _numbered(values: list[Reached]) -> Rows:
    return list(enumerate(values))


def _key_of(pair: tuple[Step, Reached]) -> Reached:
    where = pair[1].expression
    derived = Derived(where.document, where.start, where.end, str(pair[0]))
    return Reached(derived, pair[1].scope)


def _flatten(resolver: "Resolver", values: list[Reached]) -> Rows | Refusal:
    flat: list[Reached] = []
    for value in values:
        found = resolver.reach(value.expression, value.scope, ())
        if isinstance(found, Refusal):
            return found
        if isinstance(found, Reached) and _is_list(found.expression):
            inner = resolver.elements(found.expression, found.scope)
            if isinstance(inner, Refusal):
                return inner
            nested = _flatten(resolver, [item for _key, item in inner])
            if isinstance(nested, Refusal):
                return nested
            flat += [item for _key, item in nested]
        else:
            flat.append(value)
    return _numbered(flat)


def _is_list(expression: Expression) -> bool:
    if isinstance(expression, Call):
        return expression.name in {"concat", "flatten", "values", "keys", "toset", "tolist"}
    if isinstance(expression, For):
        return expression.key is None
    return isinstance(expression, Tuple)


def _converted(resolver: "Resolver", name: str, source: Rows, call: Call) -> Rows | Refusal:
    if name != "toset":
        return source
    found: dict[Step, Reached] = {}
    for _key, element in source:
        text = constants.text(resolver.constant(element.expression, element.scope))
        if text is None:
            return refuse(RefusalReason.COMPUTED, "a member of the set is not a constant", call)
        found[Subscript(text)] = element
    return list(found.items())


@dataclass(frozen=True, slots=True)
class _Way:
    """How a function is followed, and how many arguments it takes."""

    follow: Callable[["Resolver", Call, Scope, Steps, Trail], Outcome]
    fewest: int
    most: int


_ANY = 1_000
_WAYS = {
    **dict.fromkeys(_CONVERSIONS, _Way(_convert, 1, 1)),
    **dict.fromkeys(_COLLECTIONS, _Way(_collection, 1, _ANY)),
    **dict.fromkeys(_ENCODERS, _Way(_decode, 1, 1)),
    "coalesce": _Way(_coalesce, 1, _ANY),
    "element": _Way(_element, 2, 2),
    "file": _Way(_read, 1, 1),
    "jsonencode": _Way(_encode, 1, 1),
    "lookup": _Way(_lookup, 2, 3),
    "merge": _Way(_merge, 1, _ANY),
    "try": _Way(_try, 1, _ANY),
}
