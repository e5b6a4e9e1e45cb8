"""Validation: pydantic's errors as sentences that say where, what, and what would be right."""

import types
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.documents.document import Data, Document, Path_
from bot.domain.errors import ConfigError


class Strict(BaseModel):
    """A part of a document: it cannot be changed, and it refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong in a document: `where` is `file:line:column`."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def validate(model: type[Model], document: Document) -> Model:
    """Build `model` from a document.

    Raises:
        ConfigError: with one line for each finding, in the order of the file.
    """
    result = check(model, document)
    if isinstance(result, list):
        first, *others = result
        raise ConfigError("\n".join([str(first), *(f"trimtab: {other}" for other in others)]))
    return result


def check(model: type[Model], document: Document) -> Model | list[Finding]:
    """Build `model` from a document, or return what is wrong with it, in the order of the file."""
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        return [Finding(document.where(()), f"expected a mapping, found {_kind(data)}")]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        placed = [_finding(model, document, dict(entry)) for entry in error.errors()]
        return [finding for _, finding in sorted(placed, key=lambda pair: pair[0])]


def _finding(
    model: type[BaseModel], document: Document, error: dict[str, Any]
) -> tuple[tuple[int, int], Finding]:
    path, unknown = _written_path(document.data, error["loc"])
    position = document.position(path)
    label = ".".join(str(part) for part in path)
    match error["type"]:
        case "extra_forbidden":
            position = document.keys.get(path, position)
            message = _unknown_key(model, path, label)
        case "missing":
            missing = ".".join(str(part) for part in (*path, *unknown[:1]))
            message = f"{missing} is missing"
        case "model_type" | "model_attributes_type" | "dict_type":
            found = _kind(_value_at(document.data, path))
            message = f"{label or 'the document'} has to be a mapping, not {found}"
        case "literal_error" | "enum":
            message = _unknown_value(_value_at(document.data, path), error, label)
        case _:
            text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
            message = f"{label or 'the document'}: {text[:1].lower()}{text[1:]}"
    where = f"{document.name}:{position.line}:{position.column}"
    return (position.line, position.column), Finding(where, message)


def _unknown_key(model: type[BaseModel], path: Path_, label: str) -> str:
    known = _known_keys(model, path[:-1])
    near = get_close_matches(str(path[-1]), known, n=1)
    if near:
        return f"unknown key {label!r}; did you mean {near[0]!r}?"
    return f"unknown key {label!r}" + (f"; known are {', '.join(known)}" if known else "")


def _unknown_value(value: Data, error: dict[str, Any], label: str) -> str:
    expected = str(error.get("ctx", {}).get("expected", ""))
    choices = [word.strip("'\"") for word in expected.replace(" or ", ", ").split(", ")]
    near = get_close_matches(str(value), choices, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(choices)}"
    return f"{label}: unknown value {value!r}{hint}"


def _written_path(data: Data, loc: tuple[str | int, ...]) -> tuple[Path_, Path_]:
    """Split pydantic's location into what the file holds and what it does not.

    Pydantic names union members in its locations; those are steps that no file has.
    """
    path: list[str | int] = []
    for index, step in enumerate(loc):
        if isinstance(data, dict) and step in data:
            data = data[str(step)]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        elif index < len(loc) - 1:
            continue
        else:
            return tuple(path), (step,)
        path.append(step)
    return tuple(path), ()


def _value_at(data: Data, path: Path_) -> Data:
    for step in path:
        if isinstance(data, dict):
            data = data[str(step)]
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
    return data


def _known_keys(model: type[BaseModel], path: Path_) -> list[str]:
    """List the keys that the model has at `path`, over all members of a union."""
    members = [model]
    for step in path:
        if isinstance(step, int):
            continue
        members = [
            inner
            for member in members
            for name, info in member.model_fields.items()
            if step in (name, info.alias)
            for inner in _models_in(info.annotation)
        ]
    keys = {info.alias or name for member in members for name, info in member.model_fields.items()}
    return sorted(keys)


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, Annotated, list, tuple, dict):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []


def _kind(value: Data) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(value), "a single value")
