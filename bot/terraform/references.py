"""References: what `var.x`, `local.x`, `each.value`, `module.m.out`, `data.t.n.a` stand for."""

from typing import TYPE_CHECKING

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform import optional, snippet
from bot.terraform.address import Key, ModuleStep, Step, Steps, Subscript
from bot.terraform.configuration import call_folder, redeclared
from bot.terraform.hcl import Block
from bot.terraform.scope import Derived, Identity, Instance, Outcome, Reached, Scope, Trail, refuse
from bot.terraform.syntax import Expression, Kind, Literal, Name

if TYPE_CHECKING:
    from bot.terraform.resolver import Resolver

CONFIGURATION_DATA = "airbyte_connector_configuration"


def reach(  # noqa: PLR0911  one case per kind of name
    resolver: "Resolver", name: Name, scope: Scope, steps: Steps, trail: Trail
) -> Outcome:
    """Follow a name and the steps behind it."""
    bound = scope.names.get(name.name)
    if bound is not None:
        return resolver.reach(bound.expression, bound.scope, steps, trail)
    head = steps[0] if steps else None
    match name.name, head:
        case "var", str():
            return _variable(resolver, name, scope.instance, head, steps[1:], trail)
        case "local", str():
            return _local(resolver, name, scope.instance, head, steps[1:], trail)
        case "each", ("key" | "value"):
            return _each(resolver, name, scope, steps, trail)
        case "count", "index":
            return _derived(name, scope, scope.key if isinstance(scope.key, int) else None, trail)
        case "path", ("module" | "root" | "cwd"):
            folder = scope.instance.module.folder
            root = resolver.configuration.root.path
            return _derived(name, scope, str(folder if head == "module" else root), trail)
        case "module", str():
            return _output(resolver, name, scope.instance, steps, trail)
        case "data", str():
            return _resource(resolver, name, scope.instance, ("data", *steps), trail)
        case _, str() if "_" in name.name:
            full = ("resource", name.name, *steps)
            return _resource(resolver, name, scope.instance, full, trail)
    return refuse(RefusalReason.COMPUTED, f"trimtab does not follow {name.text}", name)


def _derived(name: Name, scope: Scope, value: Key | None, trail: Trail) -> Outcome:
    if value is None:
        return refuse(RefusalReason.COMPUTED, f"{name.text} has no value here", name)
    return Reached(Derived(name.document, name.start, name.end, value), scope, trail)


def _variable(
    resolver: "Resolver", at: Name, instance: Instance, name: str, rest: Steps, trail: Trail
) -> Outcome:
    trail = trail.via(f"{instance.prefix}var.{name}", rest)
    block = instance.module.variables.get(name)
    if block is None:
        return refuse(RefusalReason.NOT_FOUND, f"there is no variable {name!r}", at)
    twice = redeclared(instance, f"var.{name}", at)
    if twice is not None:
        return twice
    found = assigned(resolver, instance, name)
    if found is None:
        return _no_value(block, instance, (name, *rest))
    value, scope = found
    if scope.instance is not instance:
        called = f"{scope.instance.prefix}module.{instance.steps[-1].name}.{name}"
        trail = trail.via(called, rest)
    result = resolver.reach(value, scope, rest, trail)
    kind = block.value("type")
    if kind is not None:
        result = optional.fill(resolver, kind, Scope(instance), rest, result, trail)
    return result


def assigned(
    resolver: "Resolver", instance: Instance, name: str
) -> tuple[Expression, Scope] | None:
    """Return what gives a variable its value: a file or the caller, else the default."""
    own = Scope(instance)
    block = instance.module.variables[name]
    if instance.call is None:
        assignment = resolver.configuration.assignments.get(name)
        given = None if assignment is None else (assignment.value, own)
    else:
        argument = instance.call.value(name)
        assert instance.arguments is not None
        given = None if argument is None else (argument, instance.arguments)
    if given is not None:
        nullable = block.value("nullable")
        never_null = isinstance(nullable, Literal) and nullable.value is False
        is_null = isinstance(given[0], Literal) and given[0].kind is Kind.NULL
        if not (never_null and is_null):
            return given
    default = block.value("default")
    return None if default is None else (default, own)


def _no_value(block: Block, instance: Instance, path: Steps) -> Refusal:
    name = path[0]
    paste = snippet.assignment(path, None)
    if instance.call is not None:
        detail = f"the call of {instance.prefix.rstrip('.')} does not set {name!r}"
        place = (instance.call.document.name, instance.call.line)
    else:
        detail = f"variable {name!r} has no value in the variable files that were given"
        place = (block.document.name, block.line)
    return Refusal(RefusalReason.VARIABLE_FILE, detail, *place, paste)


def _local(
    resolver: "Resolver", at: Name, instance: Instance, name: str, rest: Steps, trail: Trail
) -> Outcome:
    argument = instance.module.locals.get(name)
    if argument is None:
        return refuse(RefusalReason.NOT_FOUND, f"there is no local {name!r}", at)
    twice = redeclared(instance, f"local.{name}", at)
    if twice is not None:
        return twice
    trail = trail.via(f"{instance.prefix}local.{name}", rest)
    return resolver.reach(argument.value, Scope(instance), rest, trail)


def _each(resolver: "Resolver", name: Name, scope: Scope, steps: Steps, trail: Trail) -> Outcome:
    if scope.for_each is None or scope.key is None:
        return refuse(RefusalReason.COMPUTED, "there is no for_each around it", name)
    if steps[0] == "key":
        return _derived(name, scope, scope.key, trail)
    trail = trail.via("each.value", steps[1:])
    # The collection is read outside of the block: `each` has no meaning in it.
    outside = Scope(scope.instance)
    path = (Subscript(scope.key), *steps[1:])
    return resolver.reach(scope.for_each, outside, path, trail)


def _output(
    resolver: "Resolver", at: Name, instance: Instance, steps: Steps, trail: Trail
) -> Outcome:
    name, key, rest = _keyed(steps)
    call = instance.module.calls.get(name)
    if call is None or not rest or not isinstance(rest[0], str):
        return refuse(RefusalReason.NOT_FOUND, f"there is no module {name!r}", at)
    child = resolver.configuration.child(instance, ModuleStep(name, key))
    if child is None:
        where = (
            "outside of the repository" if call_folder(instance.module, call) is None else "lost"
        )
        return refuse(RefusalReason.OUTSIDE, f"module {name!r} is {where}", at)
    block = child.module.outputs.get(rest[0])
    value = None if block is None else block.value("value")
    if value is None:
        return refuse(RefusalReason.NOT_FOUND, f"module {name!r} has no output {rest[0]!r}", at)
    trail = trail.via(f"{instance.prefix}{ModuleStep(name, key)}.{rest[0]}", rest[1:])
    return resolver.reach(value, Scope(child), rest[1:], trail)


def _resource(
    resolver: "Resolver", at: Name, instance: Instance, steps: Steps, trail: Trail
) -> Outcome:
    """Follow an argument of another block: `data.t.n.a`, `t.n["k"].a`."""
    mode, kind, rest = str(steps[0]), str(steps[1]), steps[2:]
    if not rest:
        return refuse(RefusalReason.COMPUTED, f"{at.text} is not a value", at)
    name, key, rest = _keyed(rest)
    block = instance.module.resources.get((mode, kind, name))
    if block is None or not rest:
        return refuse(RefusalReason.NOT_FOUND, f"there is no {kind}.{name}", at)
    twice = redeclared(instance, f"{mode}.{kind}.{name}", at)
    if twice is not None:
        return twice
    attribute, rest = str(rest[0]), rest[1:]
    if kind == CONFIGURATION_DATA and attribute == "configuration_json":
        attribute = "configuration"
    value = block.value(attribute)
    prefix = f"{instance.prefix}{'data.' if mode == 'data' else ''}{kind}.{name}"
    keyed = prefix if key is None else str(ModuleStep(prefix, key)).removeprefix("module.")
    if value is None and not rest and _is_own_id(kind, attribute):
        own = Identity(at.document, at.start, at.end, keyed, attribute)
        return Reached(own, Scope(instance), trail)
    if value is None:
        return refuse(
            RefusalReason.COMPUTED, f"{kind}.{name}.{attribute} is only known after apply", at
        )
    path = (attribute, *rest)
    trail = trail.via(prefix, path).into(keyed, path)
    scope = resolver.configuration.scope(block, instance, key)
    return resolver.reach(value, scope, rest, trail)


def _is_own_id(kind: str, attribute: str) -> bool:
    """Tell whether an attribute is the id that Airbyte gives to a block of this type."""
    what = attribute.removesuffix("_id")
    return what != attribute and (kind == f"airbyte_{what}" or kind.startswith(f"airbyte_{what}_"))


def _keyed(steps: Steps) -> tuple[str, Key | None, Steps]:
    """Split a name, the instance key behind it if there is one, and the rest."""
    name, rest = str(steps[0]), steps[1:]
    if rest and isinstance(rest[0], int | Subscript):
        key: Step = rest[0]
        return name, key, rest[1:]
    return name, None, rest
