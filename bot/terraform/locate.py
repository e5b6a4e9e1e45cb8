"""Locate: from an address and a path to the one literal that decides the value, or a refusal."""

import re
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.edit import Refusal, RefusalReason, Site
from bot.domain.errors import InputError, TerraformError
from bot.terraform import snippet
from bot.terraform.address import Address, Steps, parse_address, parse_path, render
from bot.terraform.configuration import call_folder
from bot.terraform.evaluation import ABSENT
from bot.terraform.hcl import Block
from bot.terraform.index import Index, Place, is_known_type
from bot.terraform.lifecycle import covers, ignored_changes
from bot.terraform.provider import provider_of
from bot.terraform.references import CONFIGURATION_DATA
from bot.terraform.root import unused_variable_files
from bot.terraform.scope import Missing, Reached, Trail, refuse, undecided
from bot.terraform.soundness import UnsoundError
from bot.terraform.syntax import Kind, Literal, Scalar, scalar_text

CRON: Steps = ("schedule", "cron_expression")
_SECRET = re.compile(
    r"passw|secret|token|credential|private_?key|api_?key|access_?key|auth|connection_string",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Location:
    """A literal that was found; `through` is the data source that the value goes through."""

    address: Address
    path: Steps
    literal: Literal
    trail: Trail
    through: tuple[tuple[str, Steps], ...]

    @property
    def target(self) -> tuple[str, Steps]:
        """Return where the evaluated value shows."""
        return self.through[-1] if self.through else (str(self.address), self.path)

    @property
    def places(self) -> tuple[tuple[str, Steps], ...]:
        """Return every address and path that the value is meant to show at."""
        return ((str(self.address), self.path), *self.through)

    @property
    def site(self) -> Site:
        """Return the place, as a plain value."""
        literal = self.literal
        return Site(
            literal.document.name,
            literal.line,
            literal.start,
            literal.end,
            literal.text,
            scalar_text(literal.value),
            self.trail.names,
        )


def locate(index: Index, address: str, path: str) -> Site | Refusal:
    """Find the one literal that decides the value at `path` of the instance at `address`."""
    found = find(index, address, path)
    return found if isinstance(found, Refusal) else found.site


def find(index: Index, address: str, path: str, wanted: Scalar = None) -> Location | Refusal:
    """Do what `locate` does, and keep what an edit needs; `wanted` goes into the snippets."""
    try:
        target, steps = parse_address(address), parse_path(path)
    except InputError as error:
        first = index.configuration.top.module.documents[0]
        return Refusal(RefusalReason.NOT_FOUND, error.message, first.name, 1, error.hint)
    found: Location | Refusal
    try:
        index.evaluated()
        found = _merged_call(index) or _find(index, target, steps)
    except UnsoundError as error:
        found = Refusal(error.reason, error.detail, error.file, error.line)
    except TerraformError as error:
        found = Refusal(RefusalReason.SYNTAX, error.message)
    return helped(index, target, steps, found, wanted) if isinstance(found, Refusal) else found


def _find(index: Index, address: Address, path: Steps) -> Location | Refusal:
    place = index.place(address)
    if place is None:
        return _no_block(index, address)
    block = place.block
    refusal = _unsuitable(index, address, path, place)
    if refusal is not None:
        return refusal
    value = block.value(str(path[0]))
    if value is None:
        return _at_block(RefusalReason.ABSENT, f"{address} does not set {path[0]}", block)
    scope = index.configuration.scope(block, place.instance, address.key)
    trail = Trail((f"{address.block}{render(path)}",))
    found = index.resolver.reach(value, scope, path[1:], trail)
    if isinstance(found, Refusal):
        return found
    if isinstance(found, Missing):
        return refuse(RefusalReason.ABSENT, f"{address} does not set {dotted(path)}", found.where)
    location = _literal(address, path, found)
    return location if isinstance(location, Refusal) else _confirmed(index, location)


def _unsuitable(index: Index, address: Address, path: Steps, place: Place) -> Refusal | None:
    """Say why a block is not edited at all, whatever its value is written as."""
    block = place.block
    if not is_known_type(address.mode, address.type):
        return _at_block(
            RefusalReason.NOT_FOUND, f"trimtab does not edit blocks of type {address.type}", block
        )
    name = f"{address.mode}.{address.type}.{address.name}"
    refusals = (
        _foreign(index, place),
        _redeclared(place, name),
        _wrong_key(index, address, block),
        _secret(path, block),
        _ignored(path, block),
        _ignored_by_readers(index, address, path),
        _manual(index, address, path, place),
    )
    return next((refusal for refusal in refusals if refusal is not None), None)


def _merged_call(index: Index) -> Refusal | None:
    """Refuse a root in which a module call is written twice: the evaluator takes the first."""
    for module in index.configuration.modules():
        for name, (document, line) in module.twice.items():
            if name.startswith("module."):
                return Refusal(
                    RefusalReason.AMBIGUOUS,
                    f"{name} is declared again at {document.name}:{line}",
                    document.name,
                    line,
                )
    return None


def _redeclared(place: Place, name: str) -> Refusal | None:
    """Refuse a block that an override file changes."""
    place_twice = place.instance.module.twice.get(name)
    if place_twice is None:
        return None
    document, line = place_twice
    return Refusal(
        RefusalReason.AMBIGUOUS,
        f"{name.removeprefix('resource.')} is declared again at {document.name}:{line}",
        document.name,
        line,
    )


def _foreign(index: Index, place: Place) -> Refusal | None:
    provider = provider_of(place.instance, index.configuration.top.module, place.block)
    if provider.is_known:
        return None
    source = provider.source or "another provider (schedule_data, cron_schedule)"
    return _at_block(
        RefusalReason.FOREIGN_PROVIDER,
        f"the block belongs to {source}, trimtab edits airbytehq/airbyte only",
        place.block,
    )


def _wrong_key(index: Index, address: Address, block: Block) -> Refusal | None:
    has_keys = block.value("for_each") is not None or block.value("count") is not None
    if has_keys and address.key is None:
        known = ", ".join(sorted(index.instances(address))[:5])
        return _at_block(
            RefusalReason.AMBIGUOUS, f"{address} has several instances: {known}", block
        )
    if address.key is not None and not has_keys:
        return _at_block(RefusalReason.NOT_FOUND, f"{address.block} has no instance keys", block)
    return None


def _secret(path: Steps, block: Block) -> Refusal | None:
    names = [step for step in path if isinstance(step, str)]
    if "configuration_secrets" in names or any(_SECRET.search(name) for name in names[1:]):
        return _at_block(
            RefusalReason.SENSITIVE, f"{dotted(path)} may hold a secret, trimtab leaves it", block
        )
    return None


def _ignored(path: Steps, block: Block) -> Refusal | None:
    ignored = covers(ignored_changes(block), path)
    if ignored is None:
        return None
    return _at_block(
        RefusalReason.IGNORED,
        f"ignore_changes has {dotted(ignored)}: Terraform would not apply the change",
        block,
    )


def _ignored_by_readers(index: Index, address: Address, path: Steps) -> Refusal | None:
    """Ask those that a data source configures as well: only there a change shows."""
    if address.type != CONFIGURATION_DATA:
        return None
    for user in index.users_of_data(str(address)):
        reader = index.place(parse_address(user))
        if reader is not None and path[0] == "configuration":
            refusal = _ignored(path, reader.block)
            if refusal is not None:
                return refusal
    return None


def _manual(index: Index, address: Address, path: Steps, place: Place) -> Refusal | None:
    if address.type != "airbyte_connection" or path != CRON:
        return None
    schedule = place.block.value("schedule")
    if schedule is None:
        return None
    scope = index.configuration.scope(place.block, place.instance, address.key)
    found = index.resolver.reach(schedule, scope, ("schedule_type",))
    if isinstance(found, Reached) and getattr(found.expression, "value", None) == "manual":
        return refuse(
            RefusalReason.MANUAL,
            f"{address} is started by hand or by an orchestrator (schedule_type manual)",
            found.expression,
        )
    return None


def _literal(address: Address, path: Steps, found: Reached) -> Location | Refusal:
    expression = found.expression
    if not isinstance(expression, Literal):
        return undecided(expression)
    if expression.kind is Kind.NULL:
        return refuse(RefusalReason.ABSENT, f"{dotted(path)} is null", expression)
    if expression.document.embedded is not None:
        return refuse(
            RefusalReason.INTERPOLATION, "the value is inside an expression in JSON", expression
        )
    through = tuple(
        block for block in found.trail.blocks if block[0].split(".")[-2:][0] == CONFIGURATION_DATA
    )
    return Location(address, path, expression, found.trail, through)


def _confirmed(index: Index, location: Location) -> Location | Refusal:
    """Let the evaluator agree: the instance exists, and has the value of the literal."""
    literal = location.literal
    blocks = index.evaluation.blocks
    if str(location.address) not in blocks:
        known = ", ".join(sorted(index.instances(location.address))[:5]) or "none"
        return refuse(
            RefusalReason.NOT_FOUND,
            f"there is no instance {location.address}; evaluated: {known}",
            literal,
        )
    if str(location.address) in index.evaluation.repeated:
        return refuse(RefusalReason.AMBIGUOUS, f"{location.address} is declared twice", literal)
    value = index.evaluation.at(*location.target)
    if value is ABSENT or not same(value, literal.value):
        return refuse(
            RefusalReason.UNVERIFIED,
            f"evaluating {dotted(location.path)} does not give this literal",
            literal,
        )
    return location


def same(value: Any, other: Scalar) -> bool:
    """Compare as Terraform does after converting between strings, numbers and booleans."""
    if value is None or other is None or isinstance(value, dict | list):
        return value is other
    return scalar_text(value) == scalar_text(other)


def _no_block(index: Index, address: Address) -> Refusal:
    instance = index.configuration.top
    for step in address.modules:
        call = instance.module.calls.get(step.name)
        if call is None:
            break
        if call_folder(instance.module, call) is None:
            return _at_block(
                RefusalReason.OUTSIDE, f"module {step.name!r} comes from elsewhere", call
            )
        child = index.configuration.child(instance, step)
        if child is None:
            break
        instance = child
    known = ", ".join(str(one.address) for one in index.resources[:5]) or "none"
    return Refusal(RefusalReason.NOT_FOUND, f"there is no {address}; this root has: {known}")


def _at_block(reason: RefusalReason, detail: str, block: Block) -> Refusal:
    return Refusal(reason, detail, block.document.name, block.line)


def dotted(path: Steps) -> str:
    """Write a path as people do: `schedule.cron_expression`."""
    return render(path).removeprefix(".")


def helped(
    index: Index, address: Address, path: Steps, refusal: Refusal, wanted: Scalar
) -> Refusal:
    """Complete a refusal: where to edit by hand, and what to paste there."""
    file, line = refusal.file, refusal.line
    if file is None:
        place = index.place(address)
        first = index.configuration.top.module.documents[0]
        document = first if place is None else place.block.document
        file, line = document.name, 1 if place is None else place.block.line
    text = refusal.snippet
    detail = refusal.detail
    if text is not None and wanted is not None:
        text = text.replace(snippet.BLANK, snippet.written(wanted))
    if refusal.reason is RefusalReason.VARIABLE_FILE:
        unused = [index.root.name(path) for path in unused_variable_files(index.root)]
        if unused:
            detail += f"; give one of these with --var-file: {', '.join(unused[:5])}"
    if text is None:
        text = snippet.assignment(path, wanted)
    return replace(refusal, detail=detail, file=file, line=line, snippet=text)
