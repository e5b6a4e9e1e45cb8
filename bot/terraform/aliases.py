"""Aliases: other ways by which the files of a root lead to the one that is edited.

The evaluator is shown the new text under one path. What reads the file by another path, through a
symbolic link or a function that leaves the copy, would go on reading the old text, and its change
would not be seen.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform.configuration import Configuration
from bot.terraform.document import Document
from bot.terraform.evaluation import folders_in_reach
from bot.terraform.root import SKIPPED_FOLDERS, normal, variable_files
from bot.terraform.scope import refuse
from bot.terraform.syntax import Literal

_FILE_NAME = re.compile(rb'"(?:\$\{path\.(?:module|root|cwd)\}/)?([^"$%{}\n\\]+\.\w{1,8})\\?"')
# tfparse does not have the first; the others lead out of the copy that it is shown.
_UNSEEN = re.compile(rb"\b(?:templatefile|abspath|pathexpand)\s*\(")
_ENDING = re.compile(rb'(\.\w{1,8})\\?"')


class Aliases:
    """What else leads to the files of a configuration; the folders are walked once."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._links = {link: link.resolve() for link in _links(configuration)}

    def refusal(self, literal: Literal) -> Refusal | None:
        """Refuse a literal in a file that may be read where the evaluator does not see it."""
        document = literal.document
        other = next(self._other_names(document), None)
        if other is not None:
            name = self._configuration.root.name(other)
            detail = f"{name} is the same file as {document.name}: what reads it would change too"
            return refuse(RefusalReason.FAN_OUT, detail, literal)
        reader = next(self._unseen_readers(document), None)
        if reader is not None:
            detail = f"{document.name} may be read at {reader} too, which cannot be evaluated"
            return refuse(RefusalReason.FAN_OUT, detail, literal)
        return None

    def _other_names(self, document: Document) -> Iterator[Path]:
        own, real = document.path, document.path.resolve()
        for path in self._configuration.documents:
            if path != own and path.resolve() == real:
                yield path
        for link, target in self._links.items():
            leads_there = target == real or target in real.parents
            if leads_there and link != own and link not in own.parents:
                yield link
        if real != self._without_links(own):
            for module in self._configuration.modules():
                folder = module.folder.resolve()
                if folder in real.parents and folder == self._without_links(module.folder):
                    yield real
        if self._is_data(document):
            yield from (path for path in self._named() if path != own and path.resolve() == real)

    def _without_links(self, path: Path) -> Path:
        """Return where a path would be if the only links were those above the root."""
        top = self._configuration.root.path
        return normal(top.resolve() / os.path.relpath(path, top))

    def _is_data(self, document: Document) -> bool:
        used = {*variable_files(self._configuration.root)}
        used |= {one.path for module in self._configuration.modules() for one in module.documents}
        return document.path not in used

    def _named(self) -> Iterator[Path]:
        """List the files that are named anywhere in the configuration."""
        root = self._configuration.root.path
        for module in self._configuration.modules():
            for document in module.documents:
                for name in set(_FILE_NAME.findall(document.data)):
                    text = name.decode("utf-8", "replace").lstrip("/")
                    yield from (normal(folder / text) for folder in {module.folder, root})

    def _unseen_readers(self, document: Document) -> Iterator[str]:
        name, ending = document.path.name.encode(), document.path.suffix.encode()
        is_data = self._is_data(document)
        for module in self._configuration.modules():
            for other in module.documents:
                for match in _UNSEEN.finditer(other.data):
                    text = _call(other.data, match.start(), match.end())
                    endings = set(_ENDING.findall(text))
                    if name in text or (is_data and (not endings or ending in endings)):
                        yield f"{other.name}:{other.line(match.start())}"


def _call(data: bytes, start: int, at: int) -> bytes:
    """Return the lines that a call stands on."""
    depth = 1
    while depth and at < len(data):
        depth += {ord("("): 1, ord(")"): -1}.get(data[at], 0)
        at += 1
    end = data.find(b"\n", at)
    return data[data.rfind(b"\n", 0, start) + 1 : end if end >= 0 else len(data)]


def _links(configuration: Configuration) -> Iterator[Path]:
    """List the symbolic links in the folders of the modules, and beside what they climb to."""
    for folder in sorted({module.folder for module in configuration.modules()}):
        for here, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            yield from (p for name in (*folders, *files) if (p := Path(here, name)).is_symlink())
    top = configuration.root.path.resolve()
    texts = [one.data for module in configuration.modules() for one in module.documents]
    for folder in sorted(folders_in_reach(configuration)):
        for entry in os.scandir(folder):
            # A link to the root itself (`current`) is of no account unless it is named.
            is_named = any(entry.name.encode() in text for text in texts)
            if entry.is_symlink() and (is_named or not top.is_relative_to(os.path.realpath(entry))):
                yield Path(entry.path)
