"""Files of dead letters: read, filtered, and taken apart without losing one."""

import datetime as dt
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.errors import ConfigError, InputError, LoaderError
from bot.loader.pipeline import Pipeline
from bot.loader.run import build_store


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter as it stands in its file; only `payload` is needed."""

    line: str
    payload: dict[str, Any]
    reason: str
    kind: str
    message: str
    ts_ms: int | None
    record_index: int | None


Wanted = Callable[[Letter], bool]


def letters_path(pipeline: Pipeline) -> Path:
    """Return the file of a pipeline's dead letters.

    Raises:
        ConfigError: it has none, or its queue is no jsonl file.
    """
    dlq = pipeline.config.pipeline.dlq
    if dlq is None:
        raise ConfigError(f"{pipeline.path}: the pipeline has no dlq")
    if dlq.sink.type != "jsonl":
        raise ConfigError(
            f"{pipeline.path}: the dead letters go to {dlq.sink.type}; only jsonl files can be "
            "inspected, replayed and discarded here"
        )
    return Path(str(dlq.sink.config.model_dump()["path"]))


@contextmanager
def hold_letters(pipeline: Pipeline) -> Iterator[Path]:
    """Keep runs of a pipeline out while its letters are taken apart; give their file.

    A run would go on writing into the file that `take_out` replaced, and letters that come after
    they were counted would be taken out with the others.

    Raises:
        ConfigError: as `letters_path` says.
        LoaderError: the pipeline is being run.
    """
    path = letters_path(pipeline)
    with build_store(pipeline.config.pipeline.state).hold(pipeline.config.scope):
        yield path


def read_letters(path: Path) -> Iterator[Letter]:
    """Read a file of dead letters; a missing one is empty.

    Raises:
        InputError: a line is no dead letter.
    """
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _letter(line.rstrip("\n"), f"{path}:{number}")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def filter_letters(reason: str | None, before: dt.datetime | None) -> Wanted:
    """Return a test for letters of a reason, made before a time."""

    def wanted(letter: Letter) -> bool:
        if reason is not None and letter.reason != reason:
            return False
        if before is None:
            return True
        return letter.ts_ms is not None and letter.ts_ms < before.timestamp() * 1000

    return wanted


def take_out(path: Path, wanted: Wanted, archive: Path | None) -> int:
    """Remove letters from a file, into an archive when there is one; return how many.

    The archive is complete before the file loses a line: a crash between the two leaves letters
    in both, never in neither.

    Raises:
        LoaderError: a file cannot be written.
    """
    gone: list[str] = []
    kept: list[str] = []
    for letter in read_letters(path):
        (gone if wanted(letter) else kept).append(letter.line)
    if not gone:
        return 0
    try:
        if archive is not None:
            append_lines(archive, gone)
        _replace_lines(path, kept)
    except OSError as error:
        raise LoaderError(f"{error.filename}: cannot be written: {error.strerror}") from None
    return len(gone)


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Append lines to a file, durably."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def _replace_lines(path: Path, lines: Iterable[str]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(path.stat().st_mode & 0o777)
    Path(temporary).replace(path)


def _letter(line: str, where: str) -> Letter:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not JSON: {error}") from None
    payload = value.get("payload") if isinstance(value, dict) else None
    if not isinstance(payload, dict):
        raise InputError(f"{where}: not a dead letter: there is no payload object in it")
    told = value.get("error")
    told = told if isinstance(told, dict) else {}
    return Letter(
        line,
        payload,
        str(value.get("reason", "")),
        str(told.get("kind", "")),
        str(told.get("message", "")),
        _whole(value.get("ts_ms")),
        _whole(value.get("record_index")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
