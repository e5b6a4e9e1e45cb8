"""What DuckDB and the system say when a file cannot be used, as one sentence and a next step."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.domain.errors import HistoryError

_RESTORE = (
    "Restore it from a backup or from `trimtab history import`; or move it away, and the next "
    "`trimtab mine` reads again what Airbyte still keeps (6 months)."
)
_SENTENCES: tuple[tuple[str, str, str], ...] = (
    (
        r"Could not set lock on file.*?\(PID (?P<pid>\d+)\)",
        "The history {name} is in use by another process (PID {pid}).",
        "Wait until it has ended, or stop it; DuckDB files have one writer at a time.",
    ),
    (
        r"Could not set lock on file",
        "The history {name} is in use by another process.",
        "Wait until it has ended, or stop it; DuckDB files have one writer at a time.",
    ),
    (
        r"version number (?P<found>\d+), but we can only read",
        "The history {name} was written by a newer DuckDB (storage version {found}).",
        "Upgrade the `duckdb` package to the version that wrote it.",
    ),
    (r"not a valid DuckDB database file", "{name} is not a history file.", _RESTORE),
    (
        r"read-only mode: database does not exist",
        "There is no history at {name} yet.",
        "Run `trimtab mine` first.",
    ),
    (
        r"No space left on device|[Dd]isk quota|out of disk|File too large",
        "The disk that holds {name} is full; what was committed before is safe.",
        "Free some space, or shorten the history with `trimtab history prune`.",
    ),
    (
        r"Read-only file system|Permission denied|read-only mode",
        "The history {name} cannot be written: its disk or its permissions are read-only.",
        "Point `history.url` at a place that can be written.",
    ),
    (
        r"Is a directory|Could not read from file",
        "{name} is a directory or cannot be read, not a history file.",
        "Point `history.url` at a file, for example trimtab.duckdb.",
    ),
    (
        r"Cannot open file.*No such file or directory",
        "The folder of {name} does not exist.",
        "Create it, or point `history.url` elsewhere.",
    ),
    (
        r"Out of Memory",
        "DuckDB ran out of memory over the history {name}.",
        "Give the process more memory, or shorten the window that is asked for.",
    ),
    (
        r"belongs to another connection",
        "{name} already holds one of these job ids for another connection ({first_line}).",
        "One history holds the syncs of one Airbyte: use another `history.url` for this one.",
    ),
    (
        r"Could not read enough bytes|[Cc]orrupt|checksum|Failed to load|WAL",
        "The history {name} is damaged or cut short.",
        _RESTORE,
    ),
)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what DuckDB raises about the history `name` into a `HistoryError`."""
    import duckdb

    try:
        yield
    except (duckdb.ProgrammingError, duckdb.DataError) as error:
        if "read-only mode" not in str(error):
            raise  # a mistake in our SQL, and so a bug
        raise sentence(name, str(error)) from error
    except (duckdb.InternalError, duckdb.FatalException) as error:
        raise sentence(name, f"corrupt: {error}") from error
    except duckdb.Error as error:
        raise sentence(name, str(error)) from error
    except RuntimeError as error:
        if str(error) != "Query interrupted":
            raise
        raise KeyboardInterrupt from error  # DuckDB swallows Ctrl-C and says this instead


def sentence(name: str, text: str) -> HistoryError:
    """Word `text`, which DuckDB or the system said about the history `name`."""
    first_line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    for pattern, message, hint in _SENTENCES:
        match = re.search(pattern, text, re.DOTALL)
        if match:
            found = match.groupdict()
            return HistoryError(message.format(name=name, first_line=first_line, **found), hint)
    return HistoryError(f"The history {name} cannot be used: {first_line}", _RESTORE)


def refuse_unusable(path: Path, name: str, *, read_only: bool) -> None:
    """Say in one sentence why `path` cannot be opened, where that shows before opening it.

    Raises:
        HistoryError: it is a directory, holds nothing, or is missing and would only be read.
    """
    if path.is_dir():
        raise sentence(name, "Is a directory")
    if not path.exists():
        if read_only:
            raise sentence(name, "read-only mode: database does not exist")
        if not path.parent.is_dir():
            raise sentence(name, "Cannot open file: No such file or directory")
    elif path.stat().st_size == 0:
        raise HistoryError(
            f"The history {name} is empty (0 bytes), which no trimtab leaves behind.", _RESTORE
        )
