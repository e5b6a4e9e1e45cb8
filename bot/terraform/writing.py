"""Writing: put verified edits into the tree, all or none, and never a half-written file."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bot.domain.edit import Edit
from bot.domain.errors import TerraformError
from bot.terraform.index import Index
from bot.terraform.root import configuration_files, variable_files


def write(index: Index, edits: Sequence[Edit]) -> list[Path]:
    """Write edits that `set_values` has verified against the same index.

    Each file is replaced as a whole, by renaming: permissions stay, and a symbolic link keeps
    pointing at the file that changes. Returns the files that were written.

    Raises:
        TerraformError: the root is not what was verified any more, or a file cannot be written.
    """
    _unchanged(index)
    names = {index.root.name(path): path for path in index.configuration.documents}
    contents: dict[Path, bytes] = {}
    for edit in sorted(edits, key=lambda edit: (edit.site.file, -edit.site.start)):
        path = names[edit.site.file]
        data = contents.get(path, index.configuration.documents[path].data)
        literal = data[edit.site.start : edit.site.end].decode("utf-8", "replace")
        if literal != edit.site.literal:
            raise TerraformError(f"{edit.site.file}:{edit.site.line} does not hold the literal")
        head, tail = data[: edit.site.start], data[edit.site.end :]
        contents[path] = head + edit.after_literal.encode() + tail
    changed = {
        path: data
        for path, data in contents.items()
        if data != index.configuration.documents[path].data
    }
    _replace(changed)
    return sorted(changed)


def _unchanged(index: Index) -> None:
    """Refuse when any file that the proof rests on is different now."""
    configuration = index.configuration
    now = set(variable_files(index.root))
    for module in configuration.modules():
        now |= set(configuration_files(module.folder))
    known = set(configuration.documents)
    for path in sorted(now - known):
        raise TerraformError(f"{index.root.name(path)} is new since the root was read", _AGAIN)
    for path, document in configuration.documents.items():
        try:
            data = path.read_bytes()
        except OSError:
            data = None
        if data != document.data:
            raise TerraformError(f"{document.name} has changed since it was read", _AGAIN)


_AGAIN = "Nothing was written. Run it again."


def _replace(contents: dict[Path, bytes]) -> None:
    ready: list[tuple[Path, Path]] = []
    try:
        for path, data in contents.items():
            target = path.resolve()
            ready.append((_beside(target, data), target))
        for made, target in ready:
            made.replace(target)
    except OSError as error:
        raise TerraformError(f"cannot write {error.filename}: {error.strerror}") from error
    finally:
        for made, _target in ready:
            made.unlink(missing_ok=True)


def _beside(target: Path, data: bytes) -> Path:
    """Write a temporary file in the same folder, with the mode and owner of the target."""
    status = target.stat()
    handle, name = tempfile.mkstemp(prefix=".trimtab-", dir=target.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(status.st_mode & 0o7777)
        with suppress(PermissionError):
            os.chown(made, status.st_uid, status.st_gid)
    except OSError:
        made.unlink()
        raise
    return made
