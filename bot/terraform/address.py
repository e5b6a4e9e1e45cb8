"""Addresses and paths: `module.m["k"].airbyte_connection.c[0]`, `schedule.cron_expression`."""

import re
from dataclasses import dataclass

from bot.domain.errors import InputError

Key = str | int
"""An instance key: text of `for_each`, a number of `count`."""

_NAME = r"(?P<name>[^\W\d][\w-]*)"
_SUBSCRIPT = r"""\[ \s* (?: (?P<number>\d+) | "(?P<key>(?:[^"\\]|\\.)*)" ) \s* \]"""
_STEP = re.compile(f"{_NAME} | {_SUBSCRIPT}", re.VERBOSE)
_BEHIND = re.compile(rf"\.(?P<position>\d+)(?![\w-]) | \.{_NAME} | {_SUBSCRIPT}", re.VERBOSE)
_WORD = re.compile(r"[^\W\d][\w-]*")


class Subscript(str):
    """A step of a path that is written `["x"]`, whatever it spells."""

    __slots__ = ()


Step = str | int
Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ModuleStep:
    """One `module.name[key]`."""

    name: str
    key: Key | None = None

    def __str__(self) -> str:
        return f"module.{self.name}{_key(self.key)}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an instance lives: the modules around it, mode, type, name and its own key."""

    modules: tuple[ModuleStep, ...]
    mode: str
    type: str
    name: str
    key: Key | None = None

    @property
    def block(self) -> str:
        """Return the address of the block: without the key of the instance."""
        data = "data." if self.mode == "data" else ""
        around = "".join(f"{step}." for step in self.modules)
        return f"{around}{data}{self.type}.{self.name}"

    def __str__(self) -> str:
        return f"{self.block}{_key(self.key)}"


def parse_address(text: str) -> Address:
    """Read an address as Terraform prints it.

    Raises:
        InputError: when it is not one.
    """
    steps = _steps(text)
    if steps is None:
        raise _not_an_address(text)
    modules = []
    while len(steps) >= 2 and steps[0] == ("module", None):  # noqa: PLR2004  module, name
        modules.append(ModuleStep(*steps[1]))
        steps = steps[2:]
    mode = "resource"
    if steps and steps[0] == ("data", None):
        mode = "data"
        steps = steps[1:]
    if len(steps) != 2 or steps[0][1] is not None:  # noqa: PLR2004  type, name
        raise _not_an_address(text)
    return Address(tuple(modules), mode, steps[0][0], steps[1][0], steps[1][1])


def parse_path(text: str) -> Steps:
    """Read a dotted path; `[0]`, `["x"]` and `.0` reach into lists and maps.

    Raises:
        InputError: when it is not one.
    """
    first = re.match(_NAME, text)
    path: list[Step] = [] if first is None else [first["name"]]
    at = 0 if first is None else first.end()
    while path and (match := _BEHIND.match(text, at)):
        path.append(int(match["position"]) if match["position"] else _step(match))
        at = match.end()
    if at < len(text) or not path:
        raise InputError(
            f"{text!r} is not a path of an attribute",
            "Write it dotted: schedule.cron_expression, configuration.num_workers.",
        )
    return tuple(path)


def render(path: Steps) -> str:
    """Write the steps behind a name: `.cron`, `["b"].cron`, `[0]`."""
    parts = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif isinstance(step, Subscript) or not _WORD.fullmatch(step):
            parts.append(_key(str(step)))
        else:
            parts.append(f".{step}")
    return "".join(parts)


def _steps(text: str) -> list[tuple[str, Key | None]] | None:
    """Split into names, each with the key that follows it."""
    found: list[tuple[str, Key | None]] = []
    at = 0
    while at < len(text):
        if found:
            if text[at] == ".":
                at += 1
            elif text[at] != "[" or found[-1][1] is not None:
                return None
        match = _STEP.match(text, at)
        if match is None:
            return None
        if match["name"] is not None:
            if found and text[at - 1] != ".":
                return None
            found.append((match["name"], None))
        else:
            if not found or text[at - 1] == ".":
                return None
            found[-1] = (found[-1][0], _step(match))
        at = match.end()
    return found


def _step(match: re.Match[str]) -> Step:
    if match["number"] is not None:
        return int(match["number"])
    if match["key"] is not None:
        return Subscript(re.sub(r"\\(.)", r"\1", match["key"]))
    return match["name"]


def _key(key: Key | None) -> str:
    if key is None:
        return ""
    if isinstance(key, int):
        return f"[{key}]"
    escaped = (
        key.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    )
    return f'["{escaped}"]'


def _not_an_address(text: str) -> InputError:
    return InputError(
        f"{text!r} is not the address of a resource or data source",
        'Write it as Terraform prints it: module.m.airbyte_connection.c["b"].',
    )
