"""Plans as `terraform show -json` prints them, read for what a check needs and nothing more.

A plan of a big fleet is hundreds of megabytes, most of it values that do not change. The file is
read member by member, so that only what changes is kept. It holds secrets in clear text: values
never go into a message.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from bot.domain.errors import TerraformError

_BLANK = re.compile(r"[ \t\n\r]*")
_QUIET = {("no-op",), ("read",)}


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One entry of `resource_changes` that does something.

    `before`, `after`, `unknown` and the two marks are as Terraform prints them; `moved_from` and
    `imported` tell of a `moved` or an `import` block.
    """

    address: str
    module: str
    mode: str
    type: str
    name: str
    index: str | int | None
    provider: str
    actions: tuple[str, ...]
    before: Any = field(repr=False)
    after: Any = field(repr=False)
    unknown: Any = field(repr=False)
    before_sensitive: Any = field(repr=False)
    after_sensitive: Any = field(repr=False)
    moved_from: str | None = None
    imported: bool = False
    deposed: str | None = None


@dataclass(frozen=True, slots=True)
class OutputChange:
    """One entry of `output_changes` that does something."""

    actions: tuple[str, ...]
    before: Any = field(repr=False)
    after: Any = field(repr=False)
    unknown: Any = field(repr=False)
    is_revealed: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What one plan would do, and the configuration it was made from."""

    changes: tuple[PlannedChange, ...] = ()
    outputs: Mapping[str, OutputChange] = field(default_factory=dict, repr=False)
    drifted: tuple[PlannedChange, ...] = ()
    deferred: tuple[str, ...] = ()
    invoked: tuple[str, ...] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read(file: Path) -> Plan:
    """Read a plan from a file.

    Raises:
        TerraformError: see `parse`, or the file cannot be read.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise TerraformError(f"{file}: cannot be read ({error.strerror})") from error
    return parse(raw, str(file))


def parse(raw: bytes, name: str) -> Plan:
    """Read a plan from bytes; `name` stands for them in errors.

    Raises:
        TerraformError: this is not a complete plan in Terraform's JSON; the message says what it
            seems to be instead, and never quotes it.
    """
    if raw.startswith(b"PK"):
        raise TerraformError(
            f"{name}: this is the saved plan, not its JSON",
            "Run: terraform show -json tfplan > plan.json",
        )
    try:
        return _plan(dict(_members(raw.decode(json.detect_encoding(raw)))), name)
    except (ValueError, RecursionError) as error:
        raise TerraformError(
            f"{name}: not the JSON of a Terraform plan ({_place(error)})",
            "Write it with `terraform show -json`; in GitHub Actions set `terraform_wrapper: false`.",
        ) from error


def strict(text: str) -> Any:
    """Decode JSON; a repeated key, NaN or Infinity is an error, and no number loses a digit.

    Raises:
        ValueError: `text` is not JSON that every reader takes for the same value.
    """
    return _DECODER.decode(text)


def _place(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}"
    return type(error).__name__


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_unique
)

# For members that no check looks at: several times as fast.
_SKIPPER = json.JSONDecoder()


def _plan(found: Mapping[str, Any], name: str) -> Plan:
    version = found.get("format_version")
    if not isinstance(version, str) or not version.startswith("1."):
        raise TerraformError(f"{name}: no plan of a format that is known (1.x)")
    if "resource_changes" not in found and "planned_values" not in found:
        raise TerraformError(
            f"{name}: a state, not a plan", "Run: terraform show -json tfplan > plan.json"
        )
    if found.get("errored"):
        raise TerraformError(f"{name}: the plan stopped on an error and shows only a part")
    if found.get("complete") is False:
        raise TerraformError(
            f"{name}: the plan is not complete", "Plan the whole root, without -target."
        )
    return Plan(
        changes=tuple(found.get("resource_changes") or ()),
        outputs=_outputs(found.get("output_changes", {})),
        drifted=tuple(found.get("resource_drift") or ()),
        deferred=tuple(found.get("deferred_changes") or ()),
        invoked=tuple(found.get("action_invocations") or ()),
        configuration=_OBJECT.validate_python(found.get("configuration", {})),
    )


_Members = Iterator[tuple[str, Any]]


def _members(text: str) -> _Members:
    """Yield the members of the outermost object; big ones that no check needs are dropped."""
    at = _expect(text, _skip(text, 1 if text.startswith("\ufeff") else 0), "{")
    seen: set[str] = set()
    while True:
        name, at = _DECODER.raw_decode(text, _skip(text, at))
        if not isinstance(name, str) or name in seen:
            raise ValueError("a key is repeated")
        seen.add(name)
        at = _skip(text, _expect(text, _skip(text, at), ":"))
        build = _ELEMENTS.get(name)
        if build is not None and text.startswith("[", at):
            kept: list[Any] = []
            at = _elements(text, at, build, kept)
            yield name, kept
        else:
            decoder = _DECODER if name in _KEPT else _SKIPPER
            value, at = decoder.raw_decode(text, at)
            if build is not None and value is not None:
                raise ValueError(f"{name} is not a list")
            yield name, value if name in _KEPT else None
        at = _skip(text, at)
        if text.startswith("}", at):
            if _skip(text, at + 1) != len(text):
                raise ValueError("something follows the plan")
            return
        at = _expect(text, at, ",")


def _elements(text: str, at: int, build: Callable[[Any], Any], kept: list[Any]) -> int:
    """Read a list one element at a time into `kept`, without those that `build` turns to None."""
    at = _skip(text, at + 1)
    if text.startswith("]", at):
        return at + 1
    while True:
        value, at = _DECODER.raw_decode(text, _skip(text, at))
        built = build(value)
        if built is not None:
            kept.append(built)
        at = _skip(text, at)
        if text.startswith("]", at):
            return at + 1
        at = _expect(text, at, ",")


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return at if blank is None else blank.end()


def _expect(text: str, at: int, wanted: str) -> int:
    if not text.startswith(wanted, at):
        raise json.JSONDecodeError(f"expected {wanted}", text, at)
    return at + 1


class _Change(BaseModel):
    """The part of `resource_changes[].change` that a check needs."""

    actions: tuple[str, ...]
    before: Any = None
    after: Any = None
    after_unknown: Any = None
    before_sensitive: Any = None
    after_sensitive: Any = None
    importing: Any = None


class _Entry(BaseModel):
    """One entry of `resource_changes` or `resource_drift`."""

    address: str
    module_address: str = ""
    mode: str
    type: str
    name: str
    index: str | int | None = None
    provider_name: str = ""
    previous_address: str | None = None
    deposed: str | None = None
    change: _Change


_OUTPUTS = TypeAdapter(dict[str, _Change])
_OBJECT = TypeAdapter(dict[str, Any])


def _change(raw: Any) -> PlannedChange | None:
    entry = _Entry.model_validate(raw)
    change = entry.change
    imported = change.importing is not None
    if change.actions in _QUIET and entry.previous_address is None and not imported:
        return None
    return PlannedChange(
        address=entry.address,
        module=entry.module_address,
        mode=entry.mode,
        type=entry.type,
        name=entry.name,
        index=entry.index,
        provider=entry.provider_name,
        actions=change.actions,
        before=change.before,
        after=change.after,
        unknown=change.after_unknown,
        before_sensitive=change.before_sensitive,
        after_sensitive=change.after_sensitive,
        moved_from=entry.previous_address,
        imported=imported,
        deposed=entry.deposed,
    )


def _outputs(raw: Any) -> dict[str, OutputChange]:
    return {
        name: OutputChange(
            actions=change.actions,
            before=change.before,
            after=change.after,
            unknown=change.after_unknown,
            is_revealed=bool(change.before_sensitive) and not change.after_sensitive,
        )
        for name, change in _OUTPUTS.validate_python(raw).items()
        if change.actions not in _QUIET
    }


class _Deferred(BaseModel):
    """One entry of `deferred_changes`."""

    resource_change: dict[str, Any]


def _deferred(raw: Any) -> str:
    return str(_Deferred.model_validate(raw).resource_change.get("address"))


def _invoked(raw: Any) -> str:
    return str(_OBJECT.validate_python(raw).get("address"))


_ELEMENTS: Mapping[str, Callable[[Any], Any]] = {
    "resource_changes": _change,
    "resource_drift": _change,
    "deferred_changes": _deferred,
    "action_invocations": _invoked,
}
_KEPT = {"format_version", "errored", "complete", "output_changes", "configuration"} | set(
    _ELEMENTS
)
