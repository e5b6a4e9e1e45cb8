"""Soundness: what is wrong with a root as a whole, so that nothing in it can be proven.

Terraform refuses such a root, or reads it in another way than the evaluator does. Every proof rests
on having read all of it, so one file that cannot be read stops edits in every other one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.domain.edit import RefusalReason
from bot.domain.errors import TerraformError
from bot.terraform.configuration import Configuration, call_folder
from bot.terraform.hcl import Block
from bot.terraform.module import Module
from bot.terraform.syntax import Literal

_NOT_LOCAL: Final = {".", ".."}


class UnsoundError(TerraformError):
    """A root that nothing can be proven of: why, and where it says so."""

    def __init__(
        self, detail: str, file: str, line: int, reason: RefusalReason = RefusalReason.SYNTAX
    ) -> None:
        super().__init__(f"{file}:{line}: {detail}")
        self.detail = detail
        self.file = file
        self.line = line
        self.reason = reason


def check_calls(configuration: Configuration) -> None:
    """Follow every call of a local module; the evaluator would go round in circles for ever.

    Raises:
        UnsoundError: a call leads nowhere, or back to the module that it is in.
    """
    calls = {module.folder: list(_local_calls(module)) for module in configuration.modules()}
    _check_cycles(calls, configuration.root.path, ())


def check_files(configuration: Configuration) -> None:
    """Look for files that trimtab cannot read, even if the evaluator can.

    Raises:
        UnsoundError: there is one.
    """
    for path, line in configuration.unread.items():
        name = configuration.root.name(path)
        raise UnsoundError(f"{name} cannot be read", name, line)
    for module in configuration.modules():
        for document, line in module.broken:
            raise UnsoundError(f"{document.name} cannot be read", document.name, line)


def _local_calls(module: Module) -> Iterator[tuple[Block, Path]]:
    for call in module.calls.values():
        source = call.value("source")
        text = source.value if isinstance(source, Literal) else None
        if text in _NOT_LOCAL:
            raise _at(call, f'source = "{text}" is no module source, write "./" or "../" before it')
        folder = call_folder(module, call)
        if folder is not None:
            if not folder.is_dir():
                detail = f"the folder of module {call.labels[0]!r}, {text}, is not there"
                raise _at(call, detail, RefusalReason.NOT_FOUND)
            yield call, folder


def _check_cycles(
    calls: dict[Path, list[tuple[Block, Path]]], folder: Path, around: tuple[Path, ...]
) -> None:
    around = (*around, folder)
    for call, target in calls.pop(folder, []):
        if target in around:
            raise _at(call, f"module {call.labels[0]!r} calls the module that it is in")
        _check_cycles(calls, target, around)


def _at(call: Block, detail: str, reason: RefusalReason = RefusalReason.SYNTAX) -> UnsoundError:
    return UnsoundError(detail, call.document.name, call.line, reason)
