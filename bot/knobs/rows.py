"""Catalogue files: JSON Lines, one tuning option of one connector a line, facts only."""

import json
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.domain.connection import KnobValue
from bot.domain.errors import ConfigError
from bot.domain.knob import Bounds, Knob, KnobKind
from bot.knobs import caution

_Dotted = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-\[\]]+(\.[A-Za-z0-9_\-\[\]]+)*$")]


class Row(BaseModel):
    """One line of a catalogue file.

    `min`, `max`, `enum`, `pattern` and `default` are what the connector's specification states.
    `safe_min` and `safe_max` narrow further, with the reason in `safe_why`; where they are absent
    `bot.knobs.caution` has a rule. `never` is the reason why trimtab leaves the option alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    connector: Annotated[str, Field(pattern=r"^(source|destination)-[a-z0-9][a-z0-9-]*$")]
    path: _Dotted
    typed_path: _Dotted | None = None
    type: Literal["integer", "number", "string"]
    kind: KnobKind | None = None
    default: KnobValue | None = None
    min: int | float | None = None
    max: int | float | None = None
    enum: tuple[KnobValue, ...] | None = None
    pattern: str | None = None
    requires: dict[str, str] = Field(default_factory=dict)
    safe_min: int | float | None = None
    safe_max: int | float | None = None
    safe_why: str | None = None
    never: str | None = None
    effect: str
    provenance: str = ""
    definition_id: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "Row":
        if self.kind is None and self.never is None:
            raise ValueError("a row needs `kind`, or `never` with the reason")
        if (self.safe_min is not None or self.safe_max is not None) and not self.safe_why:
            raise ValueError("`safe_min` and `safe_max` need `safe_why`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`")
        return self

    def knob(self) -> Knob:
        """Turn the row into a knob with its limits; only for a row that has a kind."""
        assert self.kind is not None
        knob = Knob(
            connector=self.connector,
            path=self.path,
            typed_path=self.typed_path,
            type=self.type,
            kind=self.kind,
            effect=self.effect,
            provenance=self.provenance,
            default=self.default,
            spec=Bounds(self.min, self.max),
            enum=self.enum,
            pattern=self.pattern,
            requires=self.requires,
        )
        number = None if self.default is None else knob.number(self.default)
        rule = caution.limits(self.kind, self.path, self.default, number)
        fills_low = self.min is None and self.safe_min is None
        fills_high = self.max is None and self.safe_max is None
        said = (self.safe_why, rule.rule if fills_low or fills_high else None)
        return replace(
            knob,
            safe=Bounds(
                rule.safe.low if fills_low else self.safe_min,
                rule.safe.high if fills_high else self.safe_max,
            ),
            direction=rule.direction,
            caution="; ".join(part for part in said if part),
        )


def read(text: str, where: str) -> list[Row]:
    """Parse a catalogue file; empty lines and lines that start with `#` are skipped.

    Args:
        text: the file's content.
        where: what to call the file in errors and in the provenance of rows that have none.

    Raises:
        ConfigError: a line is not a row; the message names file and line.
    """
    rows: list[Row] = []
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        row = _row(line, f"{where}:{number}")
        first = seen.setdefault((row.connector, row.path), number)
        if first != number:
            raise ConfigError(
                f"{where}:{number}: {row.connector} {row.path} is listed twice",
                f"Line {first} already has it; keep one of the two.",
            )
        rows.append(row)
    return rows


def write(row: Row) -> str:
    """Return the line of a catalogue file for `row`, without a line break."""
    return json.dumps(row.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)


def _row(line: str, where: str) -> Row:
    try:
        row = Row.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            f"{where}: {field + ': ' if field else ''}{said}",
            "Each line is one JSON object; `trimtab knobs scan SPEC.json` prints such lines.",
        ) from error
    return row if row.provenance else row.model_copy(update={"provenance": where})
