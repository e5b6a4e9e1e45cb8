"""Evaluations: what every block of a root comes to, as tfparse works it out."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.domain.errors import TerraformError
from bot.terraform import soundness, tree, validations
from bot.terraform.address import Steps
from bot.terraform.chunks import chunked, long_collections
from bot.terraform.configuration import Configuration
from bot.terraform.document import Document, Language
from bot.terraform.root import normal, variable_files
from bot.terraform.shadow import shadow
from bot.terraform.soundness import UnsoundError

TIMEOUT_SECONDS: Final = 600
_PROCESS = Path(__file__).with_name("tfparse_process.py")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INTERNAL = {"locals", "variable", "output", "terraform"}
_ECHOED = {"__tfmeta", "id", "for_each", "count"}
_ENCODE = b"jsonencode"
_WORKSPACE = b"terraform.workspace"
_UNKNOWN = b"var.trimtab_unknown"
_CLIMB = re.compile(rb"(?:\.\./)+|\.\.(?=\")")
_UNSET_FILE = "trimtab-unset.tfvars"
UNSET: Final = "trimtab:unset:"
_LOCAL_SOURCE = (".", "/")
_PLACE = re.compile(
    r"(?:^|: |failed to load tfvars from )(?P<file>[^:]+):(?P<line>\d+),\d+-[\d,]+[:;] (?P<words>.+)",
    re.DOTALL,
)
ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Values of every block that can have an effect, by address; `repeated` ones are unsure."""

    blocks: Mapping[str, Any]
    repeated: frozenset[str]

    def at(self, address: str, path: Steps) -> Any:
        """Return the value at a path, or `ABSENT`."""
        value = self.blocks.get(address, ABSENT)
        for step in path:
            value = _opened(value)
            if isinstance(value, dict):
                value = value.get(str(step), ABSENT)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return ABSENT
        return value


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf that is not the same in two evaluations."""

    address: str
    path: Steps
    before: Any
    after: Any


def evaluate(
    configuration: Configuration,
    replaced: Mapping[Path, bytes] | None = None,
) -> Evaluation:
    """Evaluate a root, with some of its files replaced.

    Calls of `jsonencode()` are left out in what tfparse gets to see, so that a configuration is
    an object of which every leaf can be compared, even where a secret beside it is unknown.

    Raises:
        TerraformError: when tfparse fails, or takes longer than ten minutes; an `UnsoundError`
            when there is something in the root, or in a module it calls, that cannot be read.
    """
    soundness.check_calls(configuration)
    shadowed = dict(replaced or {})
    long = long_collections(configuration)
    for path, original in configuration.documents.items():
        document = original
        if path in shadowed:
            document = Document(path, document.name, shadowed[path], document.language)
        if path.suffix == ".tf" and (_ENCODE in document.data or _WORKSPACE in document.data):
            document = Document(path, document.name, _opaque(document), document.language)
            shadowed[path] = document.data
        if path.name.endswith(".tf.json") and _WORKSPACE in document.data:
            shadowed[path] = document.data.replace(_WORKSPACE, _UNKNOWN)
        if path.suffix == ".tf" and original in long:
            shadowed[path] = chunked(document, long[original])
    for module in configuration.modules():
        added = validations.asked(module)
        if added is not None:
            host = added[0]
            shadowed[host.path] = shadowed.get(host.path, host.data) + added[1]
    shadowed[configuration.root.path / _UNSET_FILE] = _stand_ins(configuration)
    with shadow(folders_in_reach(configuration), shadowed) as copies:
        root = copies[configuration.root.path]
        names = [
            os.path.relpath(copies[path.parent] / path.name, root)
            for path in variable_files(configuration.root)
        ]
        folders = {copies[module.folder]: module.folder for module in configuration.modules()}
        answer = _run(root, folders.keys() - {root}, [_UNSET_FILE, *names], configuration)
        if "unread" in answer:
            raise _unsound(configuration, folders[Path(answer["folder"])], answer["unread"])
        soundness.check_files(configuration)
        return _read(answer["blocks"])


def differences(before: Evaluation, after: Evaluation) -> Iterator[Difference]:
    """List every leaf that differs; a block that came or went is a leaf itself."""
    for address in sorted({*before.blocks, *after.blocks}):
        old = before.blocks.get(address, ABSENT)
        new = after.blocks.get(address, ABSENT)
        if old is ABSENT or new is ABSENT:
            yield Difference(address, (), old, new)
        elif old != new:
            yield from _leaves(address, (), old, new)


def folders_in_reach(configuration: Configuration) -> set[Path]:
    """List the folders that a relative path in the root may lead to."""
    root = configuration.root.path
    found = {path.parent for path in variable_files(configuration.root)}
    for module in configuration.modules():
        found.add(module.folder)
        for document in module.documents:
            for climb in set(_CLIMB.findall(document.data)):
                found |= {normal(start / climb.decode()) for start in (module.folder, root)}
    return {folder for folder in found if folder.is_dir()}


def _decides(configuration: Configuration, name: str) -> bool:
    """Tell whether anything but plain text depends on a variable of the root."""
    return any(
        decides
        for document in configuration.top.module.documents
        if document.language is Language.HCL
        for _offset, decides in tree.references(document, f"var.{name}".encode())
    )


def _stand_ins(configuration: Configuration) -> bytes:
    """Give texts that come from outside the repository (secrets, mostly) a value to go on with.

    tfparse makes a whole object unknown when one member is, which would hide the rest of it.
    """
    rows = []
    for name, block in configuration.top.module.variables.items():
        kind = block.value("type")
        is_text = kind is None or kind.text in {"string", "any", '"string"'}
        has_value = name in configuration.assignments or block.value("default") is not None
        if is_text and not has_value and not _decides(configuration, name):
            rows.append(f'{name} = "{UNSET}{name}"\n')
    return "".join(rows).encode()


def _leaves(address: str, path: Steps, old: Any, new: Any) -> Iterator[Difference]:
    old, new = _opened(old), _opened(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _leaves(address, (*path, key), old.get(key, ABSENT), new.get(key, ABSENT))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for position, pair in enumerate(zip(old, new, strict=True)):
            yield from _leaves(address, (*path, position), *pair)
    elif old != new or type(old) is not type(new):
        yield Difference(address, path, old, new)


def _opened(value: Any) -> Any:
    """Look into JSON that is kept as text."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _opaque(document: Document) -> bytes:
    """Blank what tfparse must not work out, at the same length.

    `jsonencode(x)` becomes `(x)`. The workspace is not known from the files: its name becomes
    that of a variable that nobody declares.
    """
    body = bytearray(document.data)
    for offset in tree.calls_outside_templates(document, _ENCODE):
        body[offset : offset + len(_ENCODE)] = b" " * len(_ENCODE)
    for offset, _decides in tree.references(document, _WORKSPACE):
        body[offset : offset + len(_WORKSPACE)] = _UNKNOWN
    return bytes(body)


def _environment() -> dict[str, str]:
    """Let the Go runtime collect less often, and more when its memory nears a gigabyte.

    TF_VAR_ variables are outside the repository and stay outside.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return {"GOGC": "400", "GOMEMLIMIT": "1000MiB"} | kept


def _unsound(configuration: Configuration, folder: Path, words: str) -> TerraformError:
    place = _PLACE.search(words)
    if place is None:
        return TerraformError(f"{configuration.root.path} cannot be evaluated: {words[:300]}")
    name = configuration.root.name(normal(folder / place["file"]))
    return UnsoundError(place["words"], name, int(place["line"]))


def _run(
    root: Path, modules: set[Path], names: list[str], configuration: Configuration
) -> dict[str, Any]:
    others = json.dumps([str(folder) for folder in sorted(modules)])
    command = [sys.executable, "-P", str(_PROCESS), others, str(root), *names]
    try:
        done = subprocess.run(  # noqa: S603  our own script, arguments as a list
            command,
            capture_output=True,
            cwd=root,
            env=_environment(),
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TerraformError(f"{configuration.root.path} takes too long to evaluate") from error
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise TerraformError(f"{configuration.root.path} cannot be evaluated: {last[:300]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _read(raw: Any) -> Evaluation:
    identities = {
        block["id"]: block["__tfmeta"]["path"]
        for blocks in raw.values()
        for block in blocks
        if isinstance(block.get("id"), str)
    }

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            skip = {"id", "__tfmeta"} if "__tfmeta" in value else set()
            return {key: clean(inner) for key, inner in value.items() if key not in skip}
        if isinstance(value, list):
            return [clean(inner) for inner in value]
        if isinstance(value, str) and len(value) >= 36:  # noqa: PLR2004  a UUID
            return _UUID.sub(lambda match: identities.get(match[0], match[0]), value)
        return value

    found: dict[str, Any] = {}
    repeated = set()
    for kind, blocks in raw.items():
        if kind in _INTERNAL:
            continue
        for block in blocks:
            if kind == "module" and str(block.get("source", "")).startswith(_LOCAL_SOURCE):
                continue
            address = block["__tfmeta"]["path"]
            values = {key: clean(value) for key, value in block.items() if key not in _ECHOED}
            if address in found:
                repeated.add(address)
                values = {"first": found[address], "again": values}
            found[address] = values
    return Evaluation(found, frozenset(repeated))
