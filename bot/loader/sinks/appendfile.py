"""A file that only grows: how far it is durable, and cut back to where that was."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from pydantic import Field

from bot.loader.protocol import Anchor, Check, SinkCapabilities, SinkConfig, SinkError
from bot.loader.rows import Bookmark, Choice, Plane, Shape

APPENDED: Final = SinkCapabilities(
    atomic_batch=True,
    row_outcomes=False,
    replay_safe=False,
    per_record=True,
    anchor=Anchor.POSITION,
)
"""What is true of every sink that writes files and can cut them back."""


class AppendFileConfig(SinkConfig):
    """Where to write."""

    path: Path = Field(description="The file; made with its folders, appended to if it exists.")


class AppendFile:
    """A local file opened for appending; what `append` started and could not finish is undone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    @property
    def size(self) -> int:
        """Return where the next byte goes."""
        return self._open().tell()

    def end_line(self) -> None:
        """End the last line where whoever wrote it did not, so that the next one is not part of it.

        Raises:
            SinkError: the system refused.
        """
        if self.size == 0:
            return
        with self._path.open("rb") as written:
            written.seek(-1, os.SEEK_END)
            last = written.read(1)
        if last != b"\n":
            self.append([b"\n"])

    def append(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Write pieces one after another.

        Raises:
            SinkError: the system refused; nothing of the pieces is left in the file.
        """
        file = self._open()
        before = file.tell()
        try:
            for piece in pieces:
                file.write(piece)
            file.flush()
        except OSError as error:
            self._file = None
            with suppress(OSError):  # what did not fit is tried once more, and fails again
                file.close()
            os.truncate(self._path, before)
            raise self._failure(error) from None

    def sync(self) -> None:
        """Make everything durable.

        Raises:
            SinkError: the system could not.
        """
        file = self._open()
        try:
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise self._failure(error) from None

    def position(self) -> Bookmark:
        """Return how long the file is."""
        return {"bytes": self.size}

    def rewind(self, position: Bookmark) -> None:
        """Cut the file back to `position`.

        Raises:
            SinkError: it is shorter than that.
        """
        wanted, file = int(position["bytes"]), self._open()
        if file.tell() < wanted:
            raise SinkError(
                f"{self._path}: has {file.tell()} bytes, but {wanted} were written to it",
                "put the file back, or remove the state to load everything again",
            )
        file.truncate(wanted)
        file.seek(wanted)
        self.sync()

    def check(self) -> Check:
        """Look whether the file could be written."""
        return check_writable(self._path, folder=False)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        if self._file is None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("ab")
            except OSError as error:
                raise self._failure(error) from None
        return self._file

    def _failure(self, error: OSError) -> SinkError:
        reason = error.strerror or str(error)
        return SinkError(f"{self._path}: cannot be written: {reason}", kind="File")


class AppendFileSink:
    """What sinks that append to one file have in common: all but what they write into it."""

    config_model: ClassVar[type[SinkConfig]] = AppendFileConfig
    capabilities: ClassVar[SinkCapabilities] = APPENDED

    def __init__(self, config: AppendFileConfig) -> None:
        self._file = AppendFile(config.path)

    def choose(self, shape: Shape) -> Choice:
        """Take Arrow."""
        return Choice(Plane.ARROW, "a file takes Arrow")

    def flush(self) -> None:
        """Make what was appended durable."""
        self._file.sync()

    def position(self) -> Bookmark:
        """Say how long the file is."""
        return self._file.position()

    def rewind(self, position: Bookmark) -> None:
        """Cut the file back."""
        self._file.rewind(position)

    def check(self) -> Sequence[Check]:
        """Look whether the file could be written."""
        return [self._file.check()]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def check_writable(path: Path, *, folder: bool) -> Check:
    """Look whether a file, or a folder, could be made or written at `path`."""
    nearest = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    fits = nearest.is_dir() if folder or nearest != path.absolute() else nearest.is_file()
    passed = fits and os.access(nearest, os.W_OK)
    if passed:
        return Check("write", passed=True, detail=str(path))
    kind = "folder" if folder else "file"
    hint = f"look at {nearest}, and at the rights of it"
    return Check("write", passed=False, detail=f"{path} cannot be written as a {kind}", hint=hint)
