"""Modules: what the files of one folder declare."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bot.terraform import hcl, jsonfile
from bot.terraform.document import Document, Language
from bot.terraform.hcl import Argument, Block
from bot.terraform.root import Root, configuration_files, is_override, read
from bot.terraform.syntax import Expression, Literal, Object, Tuple

K = TypeVar("K")
ResourceKey = tuple[str, str, str]
"""Mode (`resource` or `data`), type, name."""


@dataclass(slots=True)
class Module:
    """One folder of configuration.

    `twice` names what is declared in more than one place, override files included: nothing that
    depends on it is edited. `overriding` are the blocks of override files, `broken` lists places
    that could not be read.
    """

    folder: Path
    documents: list[Document] = field(default_factory=list)
    resources: dict[ResourceKey, Block] = field(default_factory=dict)
    variables: dict[str, Block] = field(default_factory=dict)
    locals: dict[str, Argument] = field(default_factory=dict)
    calls: dict[str, Block] = field(default_factory=dict)
    outputs: dict[str, Block] = field(default_factory=dict)
    imports: list[Block] = field(default_factory=list)
    providers: dict[str, str] = field(default_factory=dict)
    twice: dict[str, tuple[Document, int]] = field(default_factory=dict)
    overriding: list[Block] = field(default_factory=list)
    broken: list[tuple[Document, int]] = field(default_factory=list)


def read_module(root: Root, folder: Path) -> Module:
    """Read every configuration file of one folder.

    Raises:
        TerraformError: when a file cannot be read.
    """
    module = Module(folder)
    # Override files are merged last, whatever their names are.
    for path in sorted(configuration_files(folder), key=is_override):
        document = read(root, path)
        module.documents.append(document)
        for block in _blocks(module, document):
            if is_override(path):
                module.overriding.append(block)
            _declare(module, block, overrides=is_override(path))
    return module


def _blocks(module: Module, document: Document) -> tuple[Block, ...]:
    if not document.is_utf8:
        module.broken.append((document, 1))
        return ()
    if document.language is Language.HCL_JSON:
        try:
            top = jsonfile.parse(document)
        except jsonfile.JsonSyntaxError as error:
            module.broken.append((document, document.line(error.offset)))
            return ()
        return tuple(_json_blocks(top))
    file = hcl.parse(document)
    if file.broken_line is not None:
        module.broken.append((document, file.broken_line))
    return file.body.blocks


def _declare(  # noqa: C901  one case per type of block
    module: Module, block: Block, *, overrides: bool
) -> None:
    labels = block.labels
    match block.type, len(labels):
        case (("resource" | "data"), 2):
            key = (block.type, labels[0], labels[1])
            name = ".".join(key)
            _once(module, module.resources, key, block, name=name, overrides=overrides)
        case "variable", 1:
            name = f"var.{labels[0]}"
            _once(module, module.variables, labels[0], block, name=name, overrides=overrides)
        case "module", 1:
            name = f"module.{labels[0]}"
            _once(module, module.calls, labels[0], block, name=name, overrides=overrides)
        case "output", 1:
            name = f"output.{labels[0]}"
            _once(module, module.outputs, labels[0], block, name=name, overrides=overrides)
        case "locals", 0:
            for argument in block.arguments.values():
                _local(module, argument, overrides=overrides)
        case "import", 0:
            module.imports.append(block)
        case "terraform", 0:
            for inner in block.blocks:
                if inner.type == "required_providers":
                    module.providers |= _required(inner)


def _once(
    module: Module,
    table: dict[K, Block],
    key: K,
    block: Block,
    *,
    name: str,
    overrides: bool,
) -> None:
    if key in table or overrides:
        module.twice[name] = (block.document, block.line)
    if key not in table:
        table[key] = block


def _local(module: Module, argument: Argument, *, overrides: bool) -> None:
    if argument.name in module.locals or overrides:
        module.twice[f"local.{argument.name}"] = (argument.value.document, argument.value.line)
    module.locals.setdefault(argument.name, argument)


def _required(block: Block) -> dict[str, str]:
    found = {}
    for name, argument in block.arguments.items():
        value = argument.value
        if isinstance(value, Object):
            source = value.known.get("source", [None])[0]
            if isinstance(source, Literal) and isinstance(source.value, str):
                found[name] = source.value
    return found


@dataclass(frozen=True, slots=True)
class _JsonBody:
    arguments: dict[str, Argument]
    blocks: tuple[Block, ...]


def _json_blocks(top: Expression) -> Iterator[Block]:
    for kind, value in _pairs(top):
        labels = _LABELS.get(kind)
        if labels is not None:
            yield from _json_labelled(kind, value, (), labels)


def _json_labelled(
    kind: str, value: Expression, labels: tuple[str, ...], missing: int
) -> Iterator[Block]:
    if isinstance(value, Tuple):
        for item in value.items:
            yield from _json_labelled(kind, item, labels, missing)
    elif missing:
        for label, inner in _pairs(value):
            yield from _json_labelled(kind, inner, (*labels, label), missing - 1)
    elif isinstance(value, Object):
        arguments = {name: Argument(name, inner, inner.start) for name, inner in _pairs(value)}
        blocks = [
            block
            for name, inner in _pairs(value)
            if name in _NESTED
            for block in _json_labelled(name, inner, (), 0)
        ]
        body = _JsonBody(arguments, tuple(blocks))
        yield Block(value.document, value.start, value.end, kind, labels, body)


def _pairs(value: Expression) -> Iterator[tuple[str, Expression]]:
    if isinstance(value, Object):
        for name, found in value.known.items():
            for one in found:
                yield name, one
    elif isinstance(value, Tuple):
        for item in value.items:
            yield from _pairs(item)


_LABELS = {
    "resource": 2,
    "data": 2,
    "variable": 1,
    "module": 1,
    "output": 1,
    "provider": 1,
    "locals": 0,
    "terraform": 0,
    "import": 0,
}
_NESTED = {"lifecycle", "required_providers"}
