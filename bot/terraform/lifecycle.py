"""Lifecycles: the attributes whose changes Terraform is told to ignore."""

from bot.terraform.address import Step, Steps, Subscript
from bot.terraform.hcl import Block
from bot.terraform.syntax import Attribute, Expression, Index, Literal, Name, Template, Tuple

ALL = "all"


def ignored_changes(block: Block) -> tuple[Steps, ...]:
    """Return the paths under `ignore_changes`; `("all",)` alone means every attribute."""
    found: list[Steps] = []
    for lifecycle in block.blocks:
        if lifecycle.type == "lifecycle":
            value = lifecycle.value("ignore_changes")
            if isinstance(value, Tuple):
                found += [path for path in map(_path, value.items) if path]
            elif value is not None:
                path = _path(value)
                found += [path] if path else []
    return tuple(found)


def covers(ignored: tuple[Steps, ...], path: Steps) -> Steps | None:
    """Return the ignored path that a change of `path` would vanish in, or None."""
    for candidate in ignored:
        shared = tuple(str(step) for step in path[: len(candidate)])
        wanted = tuple(str(step) for step in candidate)
        if candidate == (ALL,) or shared == wanted or wanted[: len(path)] == _texts(path):
            return candidate
    return None


def _texts(path: Steps) -> tuple[str, ...]:
    return tuple(str(step) for step in path)


def _path(value: Expression) -> Steps:
    if isinstance(value, Literal) and isinstance(value.value, str):
        return tuple(value.value.replace('["', ".").replace('"]', "").split("."))
    if isinstance(value, Template) and len(value.parts) == 1:
        only = value.parts[0]
        return _path(only) if isinstance(only, Expression) else ()
    steps: list[Step] = []
    while isinstance(value, Attribute | Index):
        if isinstance(value, Attribute):
            steps.append(value.name)
        elif isinstance(value.key, Literal) and value.key.value is not None:
            key = value.key.value
            steps.append(key if isinstance(key, int) else Subscript(key))
        value = value.base
    if isinstance(value, Name):
        steps.append(value.name)
    return tuple(reversed(steps))
