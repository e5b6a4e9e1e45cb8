"""Find the tuning options of a connector in its own specification."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from bot.domain.errors import InputError
from bot.domain.knob import KnobKind
from bot.knobs import never
from bot.knobs.rows import Row

_DEEPEST = 12

# By the last name of the path; the first that matches decides. Two-sided on purpose: a name that
# only looks like tuning (`max_records`, `timezone`) matches none of them.
_NAMES = {
    KnobKind.RATE_LIMIT: r"rate_limit|requests_per_(second|minute|hour)|calls_per_",
    KnobKind.CHECKPOINT: r"checkpoint|auto_commit",
    KnobKind.TIMEOUT: r"timeout|waiting_seconds|wait_time|termination_threshold",
    KnobKind.INTERVAL: r"linger_ms|delay_threshold|poll(ing)?_(time|interval)",
    KnobKind.PARALLELISM: r"^num_(workers?|threads)$|concurren|parallel|^(workers|threads)$"
    r"|max_(db_)?connections|in_flight|max_async_job_count",
    KnobKind.BUFFER: r"queue_size|buffer|block_size|padding_size|page_size_kb|spill_size"
    r"|request_bytes",
    KnobKind.WINDOW: r"(?<!record_)window_(size|in_days)|slice_(range|step)|time_(step|window|range)"
    r"|step_(days|increment)|period_in_days|_events_step",
    KnobKind.BATCH_SIZE: r"batch_size|page_?size|fetch_size|poll_records"
    r"|records_per_(slice|request|page)|element_count|request_size|record_window|^(page_|records_)?limit$",
}
_PAGED = re.compile(r"\bper (page|request|call)\b|page size|\bbatch", re.IGNORECASE)
_DAYS = re.compile(r"\b(days?|date range)\b", re.IGNORECASE)
_DOCUMENTED = re.compile(r"/integrations/(source|destination)s/([a-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a specification holds: rows to add, and what looked like tuning but was left out."""

    connector: str
    rows: list[Row]
    left_out: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Option:
    """One scalar option: where it is in both generations, and its schema."""

    path: str
    typed_path: str | None
    schema: Mapping[str, Any]
    requires: Mapping[str, str]


def scan(file: Path, connector: str | None = None) -> Scan:
    """Read a specification and return the tuning options in it.

    Args:
        file: JSON as printed by the connector's `spec`, returned by Airbyte's API, held in
            `connector_spec_json`, or the bare JSON schema of the configuration.
        connector: its name, where the specification does not link to its documentation.

    Raises:
        InputError: `file` is no specification, or the connector's name cannot be told.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: not readable as JSON ({type(error).__name__})") from error
    schema, documented = _schema(document, file)
    name = _name(connector, documented, file)
    rows: dict[str, Row] = {}
    left_out: list[tuple[str, str]] = []
    for option in _options(schema, _Option("", "", {}, {}), 0):
        row = _judged(name, option, file)
        if isinstance(row, str):
            left_out.append((option.path, row))
        elif row is not None:
            twin = rows.get(row.path)
            rows[row.path] = row if twin is None else _merged(twin, row)
    return Scan(name, [rows[path] for path in sorted(rows)], left_out)


def _judged(connector: str, option: _Option, file: Path) -> Row | str | None:
    """Return the row for an option, why it is left out, or None when it is no tuning at all."""
    kind = _kind(option)
    reason = never.reason(option.path) if _type(option.schema) in {"integer", "number"} else None
    if kind is None or reason is not None:
        return reason
    unfit = _unfit(option.schema) or _might_cap(option, kind)
    if unfit is not None:
        return unfit
    try:
        return _row(connector, option, kind, file)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'][:1])) or 'it'} is nothing that a row can hold"


def _merged(one: Row, other: Row) -> Row:
    """Merge an option that several variants have: what they agree on is what it requires."""
    shared = dict(one.requires.items() & other.requires.items())
    return one.model_copy(update={"requires": shared, "typed_path": None})


def _schema(document: Any, file: Path) -> tuple[Mapping[str, Any], str]:
    documented = ""
    for _ in range(4):
        if not isinstance(document, dict):
            break
        documented = str(document.get("documentationUrl", documented))
        inner = next(
            (document[key] for key in ("spec", "connectionSpecification") if key in document), None
        )
        if inner is None:
            break
        document = inner
    if not isinstance(document, dict) or not isinstance(document.get("properties"), dict):
        raise InputError(
            f"{file}: no connector specification in it",
            "Expected `connectionSpecification`, or a JSON schema with `properties`.",
        )
    return document, documented


def _name(connector: str | None, documented: str, file: Path) -> str:
    if connector is not None:
        if re.fullmatch(r"(source|destination)-[a-z0-9-]+", connector):
            return connector
        raise InputError(
            f"{connector} does not say whether it is a source or a destination",
            f"Write it as source-{connector} or destination-{connector}.",
        )
    link = _DOCUMENTED.search(documented)
    if link is None:
        raise InputError(
            f"{file} does not tell which connector it is for", "Add --connector source-NAME."
        )
    return f"{link[1]}-{link[2]}"


def _options(schema: Mapping[str, Any], at: _Option, depth: int) -> Iterator[_Option]:
    """Walk objects and the variants of a `oneOf`; lists have no paths and are not entered."""
    properties = schema.get("properties")
    if depth > _DEEPEST or not isinstance(properties, dict):
        return
    for name, child in properties.items():
        if not isinstance(child, dict):
            continue
        here = replace(
            at,
            path=_joined(at.path, name),
            typed_path=None if at.typed_path is None else _joined(at.typed_path, _snake(name)),
        )
        variants = child.get("oneOf") or child.get("anyOf")
        if isinstance(variants, list):
            for variant in variants:
                if isinstance(variant, dict):
                    yield from _options(variant, _inside(here, variant), depth + 1)
        elif "properties" in child:
            yield from _options(child, here, depth + 1)
        else:
            yield replace(here, schema=child)


def _inside(at: _Option, variant: Mapping[str, Any]) -> _Option:
    """Step into a variant: typed resources add a level named by its title, JSON a constant."""
    title = variant.get("title")
    typed = at.typed_path
    if typed is not None:
        typed = _joined(typed, _snake(title)) if isinstance(title, str) and title else None
    requires = dict(at.requires)
    properties = variant.get("properties")
    for name, child in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(child, dict):
            continue
        choices = child.get("enum")
        constant = child.get("const")
        if constant is None and isinstance(choices, list) and len(choices) == 1:
            constant = choices[0]
        if isinstance(constant, str):
            requires[_joined(at.path, name)] = constant
    return replace(at, typed_path=typed, requires=requires)


def _kind(option: _Option) -> KnobKind | None:
    leaf = option.path.rpartition(".")[2].lower()
    kind = next((kind for kind, names in _NAMES.items() if re.search(names, leaf)), None)
    if kind is KnobKind.BATCH_SIZE and _DAYS.search(_said(option.schema)):
        return KnobKind.WINDOW
    return kind


def _unfit(schema: Mapping[str, Any]) -> str | None:
    if schema.get("airbyte_secret"):
        return "it is a secret"
    if schema.get("airbyte_hidden"):
        return "it is hidden in the specification"
    stated = _type(schema)
    if stated is None:
        return f"type {schema.get('type', 'unknown')} cannot be turned step by step"
    if stated == "string" and not _numeric(schema.get("default")) and not schema.get("enum"):
        return "a text without a number or a duration in whole days"
    return None


def _might_cap(option: _Option, kind: KnobKind) -> str | None:
    limits = kind is KnobKind.BATCH_SIZE and option.path.lower().endswith("limit")
    if limits and not _PAGED.search(_said(option.schema)):
        return "nothing says that it limits a page, so it might cap the data"
    return None


def _said(schema: Mapping[str, Any]) -> str:
    return f"{schema.get('title', '')} {schema.get('description', '')}"


def _type(schema: Mapping[str, Any]) -> Literal["integer", "number", "string"] | None:
    stated = schema.get("type")
    names = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    for known in ("integer", "number", "string"):
        if known in names:
            return known
    return None


def _numeric(default: object) -> bool:
    return isinstance(default, str) and re.fullmatch(r"[0-9]+|P[0-9]+D", default) is not None


def _row(connector: str, option: _Option, kind: KnobKind, file: Path) -> Row:
    schema = option.schema
    stated = _type(schema)
    assert stated is not None
    default = schema.get("default")
    enum = schema.get("enum")
    said = str(schema.get("description") or schema.get("title") or kind.value)
    return Row(
        connector=connector,
        path=option.path,
        typed_path=option.typed_path,
        type=stated,
        kind=kind,
        default=default if isinstance(default, int | float | str) else None,
        min=_limit(schema, "minimum"),
        max=_limit(schema, "maximum"),
        enum=tuple(enum) if isinstance(enum, list) else None,
        pattern=schema.get("pattern"),
        requires=dict(option.requires),
        effect=_sentence(said),
        provenance=f"specification {file.name}",
    )


def _limit(schema: Mapping[str, Any], name: str) -> float | None:
    """Read an inclusive limit; an exclusive one of a whole number moves by one."""
    inclusive = schema.get(name)
    if isinstance(inclusive, int | float):
        return inclusive
    exclusive = schema.get(f"exclusive{name.capitalize()}")
    if isinstance(exclusive, bool) or not isinstance(exclusive, int | float):
        return None
    return exclusive + 1 if name == "minimum" else exclusive - 1


def _sentence(text: str) -> str:
    plain = re.sub(r"<[^>]*>", "", " ".join(text.split()))
    return re.split(r"(?<=[.!?])\s", plain, maxsplit=1)[0].removesuffix(".")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _snake(title: str) -> str:
    """Spell a title as the typed resources do: `Parquet: Columnar Storage` → snake case."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
