"""Configurations: a root with every local module it calls, read once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform import hcl, jsonfile, yamlfile
from bot.terraform.address import Key, ModuleStep
from bot.terraform.document import Document, Language
from bot.terraform.hcl import Block
from bot.terraform.module import Module, read_module
from bot.terraform.root import Root, normal, read, variable_files
from bot.terraform.scope import Instance, Scope, refuse
from bot.terraform.syntax import Expression, Literal, Object

_LOCAL = ("./", "../", ".\\", "..\\")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value that a variable file gives to a variable of the root."""

    value: Expression
    document: Document


class Configuration:
    """What the files of a root say; nothing is evaluated here."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.unread: dict[Path, int] = {}
        self._modules: dict[Path, Module] = {}
        self._instances: dict[tuple[ModuleStep, ...], Instance] = {}
        self._scopes: dict[tuple[Block, Instance, Key | None], Scope] = {}
        self._documents: dict[Path, Document] = {}
        self._data: dict[tuple[Document, str], Expression | int] = {}
        self.assignments = self._read_assignments()
        self.top = Instance(self.module(root.path))

    def module(self, folder: Path) -> Module:
        """Read the module in a folder, once.

        Raises:
            TerraformError: when a file cannot be read.
        """
        if folder not in self._modules:
            module = read_module(self.root, folder)
            for document in module.documents:
                self._documents[document.path] = document
            self._modules[folder] = module
        return self._modules[folder]

    def modules(self) -> Iterator[Module]:
        """Walk over the root's module and every local one that it calls, each once."""
        waiting = [self.root.path]
        seen = set()
        while waiting:
            folder = waiting.pop(0)
            if folder in seen or not folder.is_dir():
                continue
            seen.add(folder)
            module = self.module(folder)
            yield module
            for call in module.calls.values():
                target = call_folder(module, call)
                if target is not None:
                    waiting.append(target)

    def document(self, path: Path) -> Document:
        """Read any file of the root, once.

        Raises:
            TerraformError: when it cannot be read.
        """
        if path not in self._documents:
            self._documents[path] = read(self.root, path)
        return self._documents[path]

    def data(self, document: Document, decoder: str) -> Expression | int:
        """Parse a JSON or YAML file, once; returns the line that cannot be read instead."""
        key = (document, decoder)
        if key not in self._data:
            parse = yamlfile.parse if decoder == "yamldecode" else jsonfile.parse
            try:
                self._data[key] = parse(document)
            except (jsonfile.JsonSyntaxError, yamlfile.YamlSyntaxError) as error:
                self._data[key] = document.line(error.offset)
        return self._data[key]

    @property
    def documents(self) -> dict[Path, Document]:
        """Return every file that has been read so far, by path."""
        return self._documents

    def child(self, parent: Instance, step: ModuleStep) -> Instance | None:
        """Return the instance behind a module call; None when it is not a local module."""
        steps = (*parent.steps, step)
        if steps not in self._instances:
            call = parent.module.calls.get(step.name)
            folder = None if call is None else call_folder(parent.module, call)
            if call is None or folder is None or not folder.is_dir():
                return None
            if folder in self._around(parent):
                return None
            scope = self.scope(call, parent, step.key)
            self._instances[steps] = Instance(self.module(folder), steps, call, scope)
        return self._instances[steps]

    def _around(self, instance: Instance) -> set[Path]:
        above = [self._instances[instance.steps[: n + 1]] for n in range(len(instance.steps))]
        return {self.root.path, *(one.module.folder for one in above)}

    def instances(self) -> Iterator[Instance]:
        """Walk over the root and every module that is called without `for_each` or `count`.

        Of a module with several instances, the ones that were asked for so far are given, or
        one without a key, in which `each` has no meaning.
        """
        waiting = [self.top]
        while waiting:
            instance = waiting.pop(0)
            yield instance
            for name in instance.module.calls:
                known = [
                    found
                    for steps, found in self._instances.items()
                    if steps[:-1] == instance.steps and steps[-1].name == name
                ]
                child = self.child(instance, ModuleStep(name))
                waiting += known or ([] if child is None else [child])

    def scope(self, block: Block, instance: Instance, key: Key | None) -> Scope:
        """Return the scope inside one instance of a block."""
        known = self._scopes.get((block, instance, key))
        if known is None:
            known = Scope(instance, key, block.value("for_each"))
            self._scopes[block, instance, key] = known
        return known

    def _read_assignments(self) -> dict[str, Assignment]:
        found: dict[str, Assignment] = {}
        for path in variable_files(self.root):
            document = read(self.root, path)
            self._documents[path] = document
            if not document.is_utf8:
                self.unread[path] = 1
            elif document.language is Language.HCL:
                file = hcl.parse(document)
                if file.broken_line is not None:
                    self.unread[path] = file.broken_line
                for argument in file.body.arguments.values():
                    found[argument.name] = Assignment(argument.value, document)
            else:
                found |= self._read_json_assignments(path, document)
        return found

    def _read_json_assignments(self, path: Path, document: Document) -> dict[str, Assignment]:
        try:
            top = jsonfile.parse(document)
        except jsonfile.JsonSyntaxError as error:
            self.unread[path] = document.line(error.offset)
            return {}
        if not isinstance(top, Object):
            return {}
        return {name: Assignment(values[-1], document) for name, values in top.known.items()}


def call_folder(module: Module, call: Block) -> Path | None:
    """Return the folder of a local module, or None when its source is elsewhere."""
    source = call.value("source")
    text = source.value if isinstance(source, Literal) else None
    if isinstance(text, str) and text.startswith(_LOCAL):
        return normal(module.folder / text)
    return None


def redeclared(instance: Instance, name: str, where: Expression) -> Refusal | None:
    """Refuse what is declared twice, or changed by an override file."""
    place = instance.module.twice.get(name)
    if place is None:
        return None
    document, line = place
    refusal = refuse(RefusalReason.AMBIGUOUS, "", where)
    return Refusal(
        refusal.reason, f"{name} is declared again at {document.name}:{line}", document.name, line
    )
