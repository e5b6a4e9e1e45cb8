"""Neighbours: other roots of the repository that read the same file."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.domain.errors import TerraformError
from bot.terraform.configuration import Configuration, call_folder
from bot.terraform.document import Document
from bot.terraform.evaluation import differences, evaluate
from bot.terraform.root import Root, find_roots


def affected(own: Configuration, replaced: Mapping[Document, bytes]) -> list[str]:
    """Name what would change in other roots, as `envs/dev: address`.

    Only files that lie outside of the root's own folder, or are reached through a symbolic link,
    can belong to another root as well.
    """
    outside = {
        document: data
        for document, data in replaced.items()
        if document.path.parent != own.root.path or document.path.resolve() != document.path
    }
    if not outside:
        return []
    found = []
    for other in _others(own, outside):
        shared = {
            theirs.path: data
            for document, data in outside.items()
            for theirs in other.documents.values()
            if theirs.path.resolve() == document.path.resolve()
        }
        if shared:
            name = own.root.name(other.root.path)
            pairs = differences(evaluate(other), evaluate(other, shared))
            found += [f"{name}: {difference.address}" for difference in pairs]
    return found


def _others(own: Configuration, outside: Mapping[Document, bytes]) -> Iterator[Configuration]:
    """Read every other root beneath the top of the repository."""
    mine = {module.folder for module in own.modules()}
    top = _top(own.root, outside)
    folders = [folder for folder in find_roots(top) if folder not in mine]
    configurations = []
    for folder in folders:
        try:
            configuration = Configuration(Root(folder))
            modules = list(configuration.modules())
        except TerraformError:
            continue
        for module in modules:
            for document in module.documents:
                _read_data(configuration, document, outside)
        configurations.append(configuration)
    called = {
        call_folder(module, call)
        for configuration in configurations
        for module in configuration.modules()
        for call in module.calls.values()
    }
    yield from (one for one in configurations if one.root.path not in called)


def _read_data(
    configuration: Configuration, document: Document, outside: Mapping[Document, bytes]
) -> None:
    """Read a data file into the other root when its text names a file like it."""
    for other in outside:
        if other.path.name.encode() in document.data:
            configuration.document(other.path)


def _top(root: Root, outside: Mapping[Document, bytes]) -> Path:
    for folder in (root.path, *root.path.parents):
        if (folder / ".git").exists():
            return folder
    return Path(os.path.commonpath([root.path, *(one.path.parent for one in outside)]))
