"""The history's SQL, by name; every statement lives in a file of its own under `sql/`."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SQL = files("bot.history") / "sql"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema, applied in order and never changed once released."""

    version: int
    name: str
    sql: str


@cache
def statement(name: str) -> str:
    """Read `sql/<name>.sql`."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


@cache
def migrations() -> tuple[Migration, ...]:
    """Read `sql/migrations/NNNN_name.sql`, in order; versions count from 1 without gaps."""
    found = []
    for file in sorted((SQL / "migrations").iterdir(), key=lambda item: item.name):
        number, _, name = file.name.removesuffix(".sql").partition("_")
        found.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    assert [step.version for step in found] == list(range(1, len(found) + 1))
    return tuple(found)
