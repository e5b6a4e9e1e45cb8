"""What sinks with tables have in common: append or upsert, a key, and marks beside the rows."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from bot.loader.protocol import Anchor, SinkCapabilities, SinkConfig, SinkError

MARKS = "trimtab_marks"
"""The table that keeps the mark of the last slice."""


class TableSinkConfig(SinkConfig):
    """Which table to write, and how."""

    table: str = Field(description="The table; made from the source where it is missing.")
    mode: Literal["append", "upsert"] = Field(
        "append", description="`upsert` replaces the row that has the same `key`."
    )
    key: tuple[str, ...] = Field((), description="Columns that identify a row, for `upsert`.")

    @model_validator(mode="after")
    def _upsert_has_a_key(self) -> Self:
        if self.upsert and not self.key:
            raise ValueError("`mode: upsert` needs the columns that identify a row under `key`")
        return self

    @property
    def upsert(self) -> bool:
        """Whether a row replaces the one with its key."""
        return self.mode == "upsert"

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The key of a table that the sink makes itself."""
        return self.key if self.upsert else ()

    def capabilities(self) -> SinkCapabilities:
        """Return what is true of a table with transactions."""
        return SinkCapabilities(
            atomic_batch=True, row_outcomes=True, replay_safe=self.upsert, anchor=Anchor.TRANSACTION
        )

    def refuse_missing(self, wanted: Sequence[str], known: Sequence[str]) -> None:
        """Compare the columns of a run with those of the table.

        Raises:
            SinkError: the table lacks one.
        """
        for name in [*wanted, *self.key]:
            if name not in known:
                raise SinkError(
                    f"{self.table} has no column {name!r}", f"it has: {', '.join(known)}"
                )


def quoted(name: str) -> str:
    """Quote a name as SQL does."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Sequence[str]) -> str:
    """Quote names and separate them by commas."""
    return ", ".join(quoted(name) for name in names)


def on_conflict(key: Sequence[str], names: Sequence[str]) -> str:
    """Return the clause by which a row replaces the one with its key."""
    others = [quoted(name) for name in names if name not in key]
    sets = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f"ON CONFLICT ({listed(key)}) DO {f'UPDATE SET {sets}' if sets else 'NOTHING'}"
