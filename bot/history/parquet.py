"""Parquet: the whole history in a folder of open files, and back."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING
from uuid import uuid4

from bot.domain.errors import HistoryError, InputError
from bot.history import schema
from bot.history.statements import statement

if TYPE_CHECKING:
    import pyarrow as pa

    from bot.history.store import History

MANIFEST = "manifest.json"
BATCH_ROWS = 500_000
TABLES = (
    "connections",
    "syncs",
    "attempts",
    "stream_stats",
    "events",
    "connection_versions",
    "endpoint_versions",
    "mines",
)
"""The files of an export, in the order in which an import needs them."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows of each table were written, or were new."""

    by_table: dict[str, int]


def export(history: "History", folder: Path) -> Rows:
    """Write everything to `folder`, one Parquet file for each table, in a fixed order of rows.

    The folder appears when it is complete, or not at all.

    Raises:
        InputError: `folder` exists and holds something.
        HistoryError: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not an empty folder.", "Export to a new one.")
    building = folder.with_name(f".{folder.name}.{uuid4().hex}")
    try:
        building.mkdir(parents=True)
        counts = {name: _write(history, name, building) for name in TABLES}
        manifest = {"format": "trimtab history", "schema": schema.NEWEST, "rows": counts}
        (building / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        building.replace(folder)
    except OSError as error:
        raise HistoryError(
            f"The export to {folder} failed: {error.strerror}.", "The history is as it was."
        ) from error
    finally:
        rmtree(building, ignore_errors=True)
    return Rows(counts)


def import_(history: "History", folder: Path, progress: Callable[[str], None] = print) -> Rows:
    """Merge an export into the history, all of it or nothing.

    Syncs are upserted as mining does; of everything else, what is there already stays. Importing
    twice changes nothing.

    Raises:
        InputError: `folder` holds no export, a damaged one, or one of a newer schema.
        HistoryError: the history cannot be written.
    """
    rows = announced(folder)
    new = {}
    with history.transaction():
        for name in TABLES:
            progress(f"{name}: {rows.get(name, 0):,} rows")
            new[name] = sum(_merge(history, name, table) for table in _batches(folder, name))
    return Rows(new)


def announced(folder: Path) -> dict[str, int]:
    """Return how many rows of each table the export in `folder` says it holds.

    Raises:
        InputError: it is no export, or one of a newer schema.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        written, rows = int(manifest["schema"]), dict(manifest["rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} holds no export of a history: {MANIFEST} is missing or cannot be read.",
            "Name the folder that `trimtab history export` wrote.",
        ) from error
    if written > schema.NEWEST:
        raise InputError(
            f"{folder} was exported with schema version {written}, and this trimtab knows versions "
            f"up to {schema.NEWEST}.",
            "Upgrade trimtab. The history was not touched.",
        )
    return rows


def _write(history: "History", name: str, folder: Path) -> int:
    path = str(folder / f"{name}.parquet").replace("'", "''")
    query = statement(f"export/{name}").rstrip()
    ((count,),) = history.execute(f"copy ({query}) to '{path}' (format parquet, compression zstd)")
    return int(count)


def _merge(history: "History", name: str, table: "pa.Table") -> int:
    if name == "syncs":
        return history.upsert_table(table).new
    with history.relation("incoming", table):
        if name == "connections":
            history.execute(statement("upsert_keys"), {"workspace_id": None})
        ((count,),) = history.execute(statement(f"import/{name}"))
    return int(count)


def _batches(folder: Path, name: str) -> Iterator["pa.Table"]:
    """Read a file by DuckDB, which wrote it: pyarrow misreads its dictionaries."""
    import duckdb
    import pyarrow as pa

    path = folder / f"{name}.parquet"
    try:
        with duckdb.connect() as reader:
            file = reader.from_parquet(str(path))
            for batch in file.to_arrow_reader(BATCH_ROWS):
                yield pa.Table.from_batches([batch])
    except duckdb.Error as error:
        first_line = (str(error).splitlines() or ["no reason given"])[0]
        raise InputError(
            f"{path} cannot be read: {first_line}", "The history is as it was; export again."
        ) from error
