"""State: how far a pipeline has come, kept so that the next run goes on from there.

The order of effects is rows, dead letters, flush, state; so the state never says more than the
sink holds. Sinks with transactions keep the same record beside the rows (`Mark`), and when the
two differ the sink is right.
"""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol, Self

from bot.domain.errors import LoaderError
from bot.loader.rows import Bookmark

VERSION = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a load has come.

    Args:
        load: identity of the load; a load that starts from nothing gets a new one.
        seq: grows with every slice and page, so that two checkpoints of a load can be ordered.
        bookmark: where the source goes on, None for its beginning.
        skip_records: records behind the bookmark that are already dealt with.
        sink_position: how far the sink was durable, for sinks that can be cut back.
        dlq_position: the same of the dead-letter queue.
        outbox: dead letters that were committed with their slice and may not have reached the
            queue; everything in the queue behind `dlq_position` is theirs.
        finished: the load has come to the end of its source.
    """

    load: str
    seq: int = 0
    bookmark: Bookmark | None = None
    skip_records: int = 0
    sink_position: Bookmark | None = None
    dlq_position: Bookmark | None = None
    outbox: tuple[dict[str, Any], ...] = ()
    finished: bool = False

    def advance(self, **changes: Any) -> Self:
        """Return the next checkpoint of the load."""
        return replace(self, seq=self.seq + 1, **changes)

    def text(self) -> str:
        """Return the checkpoint as one line of JSON."""
        # `asdict` would copy every dead letter of the outbox, all the way down.
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({"version": VERSION, **values}, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """Read what `text` wrote.

        Raises:
            LoaderError: it is damaged, or of another version.
        """
        try:
            value = json.loads(text)
            version = value.pop("version")
            value["outbox"] = tuple(value["outbox"])
            checkpoint = cls(**value)
        except (ValueError, TypeError, AttributeError, KeyError):
            raise LoaderError(
                f"{where}: the state cannot be read",
                "Start again from the beginning with `trimtab load run --fresh`.",
            ) from None
        if version != VERSION:
            raise LoaderError(
                f"{where}: the state is of version {version}, this trimtab reads {VERSION}",
                "Use the trimtab that wrote it, or start again with `--fresh`.",
            )
        return checkpoint


class StateStore(Protocol):
    """Where checkpoints are kept, one per scope."""

    def get(self, scope: str) -> Checkpoint | None:
        """Return the last checkpoint of a scope, None when there is none."""
        ...

    def put(self, scope: str, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint of a scope; durable when it returns."""
        ...

    def hold(self, scope: str) -> contextlib.AbstractContextManager[None]:
        """Keep every other run of the scope out, for as long as the context lasts."""
        ...


class MemoryState:
    """State that ends with the process."""

    def __init__(self) -> None:
        self._checkpoints: dict[str, Checkpoint] = {}

    def get(self, scope: str) -> Checkpoint | None:
        """Return the last checkpoint of a scope."""
        return self._checkpoints.get(scope)

    def put(self, scope: str, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint of a scope."""
        self._checkpoints[scope] = checkpoint

    @contextlib.contextmanager
    def hold(self, scope: str) -> Iterator[None]:
        """Hold nothing: no other process can see this state."""
        del scope
        yield


class FileState:
    """A JSON file per scope, replaced whole: a crash leaves the old one or the new one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, scope: str) -> Path:
        """Return where the state of a scope is kept; names are checked when they are read."""
        return self._folder / f"{scope.replace('::', '.')}.json"

    def get(self, scope: str) -> Checkpoint | None:
        """Return the last checkpoint of a scope."""
        path = self.path(scope)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise LoaderError(f"{path}: the state cannot be read: {error}") from None
        return Checkpoint.parse(text, str(path))

    def put(self, scope: str, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint of a scope.

        The temporary file has a random name: process ids repeat across containers that share
        a folder.
        """
        path = self.path(scope)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(checkpoint.text() + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)
        except OSError as error:
            raise LoaderError(f"{path}: the state cannot be written: {error.strerror}") from None

    @contextlib.contextmanager
    def hold(self, scope: str) -> Iterator[None]:
        """Lock the scope; the operating system lets go when the process ends, however it ends.

        Raises:
            LoaderError: another run holds it.
        """
        path = self.path(scope).with_suffix(".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise LoaderError(f"{path}: cannot be written: {error.strerror}") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise LoaderError(
                    f"{scope.partition('::')[0]} is already being run by another process",
                    f"It holds {path}; wait for it to end.",
                ) from None
            yield


def later(stored: Checkpoint | None, marked: Checkpoint | None) -> Checkpoint | None:
    """Choose between what the state says and what the sink says: the sink, unless it is behind.

    A mark of another load means that the load was run from elsewhere since.
    """
    if stored is None or marked is None:
        return marked or stored
    if marked.load == stored.load and marked.seq <= stored.seq:
        return stored
    return marked


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
