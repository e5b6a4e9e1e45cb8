"""What a branch really changes, worked out anew from the trees; nothing that it holds is run.

Only the base is evaluated. What the head has to hold follows from it and from the promise, byte for
byte, and is compared with what the head does hold.
"""

import posixpath
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.domain.edit import Edit
from bot.domain.errors import TrimtabError
from bot.pulls.change import SettingChange
from bot.terraform.index import Index, index
from bot.terraform.root import open_root
from bot.terraform.verify import Change, set_values


@dataclass(frozen=True, slots=True)
class Root:
    """A Terraform root in the repository, and the variable files that it is applied with."""

    path: str
    var_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between base and head: whole contents by path, and what else was done.

    `others` are sentences about files that are new, gone, renamed or of another mode.
    """

    files: Mapping[str, bytes]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """The commit that a branch stands on: a folder with its files, and its roots, read."""

    folder: Path
    roots: tuple[tuple[Root, Index], ...]


def read_base(folder: Path, roots: Sequence[Root]) -> Base:
    """Read the Terraform roots of a commit's files; one that cannot be read is left out."""
    found = []
    for root in roots:
        with suppress(TrimtabError):
            found.append((root, index(open_root(folder / root.path, root.var_files))))
    return Base(folder, tuple(found))


def check_promise(base: Base, changes: Sequence[SettingChange], diff: Diff) -> str | None:
    """Say in one sentence how a branch differs from what it promises, None where it does not."""
    if diff.others:
        return diff.others[0]
    foreign = next((each for each in changes if each.path != _path_of(each.setting)), None)
    if foreign is not None:
        return f"It promises to change {foreign.path}, which trimtab never does."
    beside = sorted(diff.files.keys() - {change.file for change in changes})
    if beside:
        return f"It also changes {beside[0]}, which it does not promise."
    edits: dict[str, list[Edit]] = {}
    waiting = list(changes)
    for root, indexed in base.roots:
        waiting = _place(root, indexed, waiting, edits)
    if waiting:
        first = waiting[0]
        return f"The base has no literal that sets {first.address} {first.path} as promised."
    for file, found in edits.items():
        before = (base.folder / file).read_bytes()
        if diff.files.get(file, before) != _spliced(before, found):
            return f"{file} does not hold what was promised, or more than that has changed."
    return None


def _path_of(setting: str) -> str | None:
    """Return where a setting that trimtab changes is in Terraform; None for any other."""
    known = {"schedule": "schedule.cron_expression", "status": "status"}
    return setting if setting.startswith("configuration.") else known.get(setting)


def connection_name(base: Base, address: str) -> str | None:
    """Return the name of the connection that an address belongs to, as the base has it.

    A source or destination belongs to the connection of its module, where there is one.
    """
    module = address.rpartition("airbyte_")[0].removesuffix("data.")
    for _root, indexed in base.roots:
        names = {
            str(resource.address): str(resource.values.get("name"))
            for resource in indexed.resources
            if resource.address.type == "airbyte_connection"
            and str(resource.address).rpartition("airbyte_")[0] == module
        }
        if address in names:
            return names[address]
        if module and len(names) == 1:
            return next(iter(names.values()))
    return None


def _place(
    root: Root, indexed: Index, changes: Sequence[SettingChange], edits: dict[str, list[Edit]]
) -> list[SettingChange]:
    """Find the edits of changes in one root, and return the changes that it says nothing of."""
    wanted = [Change(each.address, each.path, each.after) for each in changes]
    left = []
    for each, outcome in zip(changes, set_values(indexed, wanted), strict=True):
        if isinstance(outcome, Edit) and _is_promised(root, each, outcome):
            edits.setdefault(each.file, []).append(outcome)
        else:
            left.append(each)
    return left


def _is_promised(root: Root, change: SettingChange, edit: Edit) -> bool:
    file = posixpath.normpath(posixpath.join(root.path, edit.site.file))
    return (file, edit.site.value, edit.after) == (change.file, change.before, change.after)


def _spliced(content: bytes, edits: Sequence[Edit]) -> bytes:
    for edit in sorted(edits, key=lambda edit: edit.site.start, reverse=True):
        head, tail = content[: edit.site.start], content[edit.site.end :]
        content = head + edit.after_literal.encode() + tail
    return content
