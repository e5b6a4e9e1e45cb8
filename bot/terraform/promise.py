"""What a pull request promises: the proposal file that a plan is held against."""

import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.domain.edit import Edit
from bot.domain.errors import ConfigError, InputError
from bot.knobs import never
from bot.terraform.address import parse_path
from bot.terraform.plandiff import Missing

PromisedValue = str | int | float | bool | None


class Promise(BaseModel):
    """One value that changes.

    `address` is as Terraform prints it; `path` is dotted, and goes on into the JSON of a source's
    or destination's `configuration` (`configuration.num_workers`); `[0]` reaches into a list. A
    number may be given as text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    address: Annotated[str, Field(min_length=1)]
    path: Annotated[str, Field(min_length=1)]
    before: PromisedValue
    after: PromisedValue

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the path in parts; places in a list are numbers in text."""
        return tuple(str(step) for step in parse_path(self.path))

    @model_validator(mode="after")
    def _is_tuning(self) -> "Promise":
        try:
            first = self.parts[0]
        except InputError as error:
            raise ValueError(error.message) from error
        if self.before == self.after and type(self.before) is type(self.after):
            raise ValueError(f"{self.path}: `before` and `after` are the same")
        reason = never.reason(self.path)
        if first == "configuration" and reason is not None:
            raise ValueError(f"{self.path} is never changed: {reason}")
        return self


class Proposal(BaseModel):
    """The proposal file: JSON, one entry a changed value.

    `{"version": 1, "changes": [{"address": "airbyte_connection.c", "path":
    "schedule.cron_expression", "before": "0 0 0 * * ? UTC", "after": "0 20 0 * * ? UTC"}]}`
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    changes: Annotated[list[Promise], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_unique(self) -> "Proposal":
        seen: set[tuple[str, str]] = set()
        for change in self.changes:
            key = (change.address, change.path)
            if key in seen:
                raise ValueError(f"{change.address} {change.path} is listed twice")
            seen.add(key)
        return self


def read(file: Path) -> tuple[Promise, ...]:
    """Read a proposal file.

    Raises:
        ConfigError: the file is missing or not a proposal; the message says which entry.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read ({type(error).__name__})") from error
    try:
        return tuple(Proposal.model_validate_json(text).changes)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{file}: {where + ': ' if where else ''}{said}") from error


def write(edits: Iterable[Edit]) -> str:
    """Return the proposal file for edits, in their order, with a final line break."""
    changes = [
        {
            "address": edit.address,
            "path": edit.path,
            "before": edit.site.value,
            "after": edit.after,
        }
        for edit in edits
    ]
    return json.dumps({"version": 1, "changes": changes}, indent=2, ensure_ascii=False) + "\n"


def agree(promised: PromisedValue, actual: Any, path: str = "") -> bool:
    """Tell whether a plan's value is the promised one.

    A literal is text to the one who edits it, so `"10"` agrees with 10. With `path`, a cron also
    agrees with itself plus the zone that Airbyte adds when it is read back.
    """
    if actual is None or actual is Missing.ABSENT:
        return promised is None
    if isinstance(promised, bool) or isinstance(actual, bool):
        return str(promised).lower() == str(actual).lower()
    if isinstance(actual, str) and path.endswith("cron_expression"):
        return _without_zone(str(promised)) == _without_zone(actual)
    if isinstance(actual, int | Decimal) and promised is not None:
        return _is_number(promised, actual)
    return isinstance(actual, str) and str(promised) == actual


def _is_number(promised: PromisedValue, actual: int | Decimal) -> bool:
    try:
        return Decimal(str(promised)) == actual
    except InvalidOperation:
        return False


def _without_zone(cron: str) -> str:
    return cron.removesuffix("UTC").strip()
