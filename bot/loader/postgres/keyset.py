"""Read in the order of a key, so that a reading can go on behind the last row of any page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from bot.loader.postgres.columns import Column
from bot.loader.postgres.literals import identifier, literal
from bot.loader.protocol import SourceError
from bot.loader.rows import Bookmark

AFTER: Final = "after"
_UNORDERED: Final = frozenset({114, 142, 600, 601, 602, 603, 604, 628, 718})
"""Types without a sort order: json, xml, the geometric ones."""


@dataclass(frozen=True, slots=True)
class Keyset:
    """The columns that order a reading.

    Args:
        columns: the key; empty for a reading in no order.
        unique: no two rows share the key, so every row of the order is a place to resume from.
    """

    columns: tuple[Column, ...] = ()
    unique: bool = False

    def query(self, base: str, selected: Sequence[str], resume: Bookmark | None) -> str:
        """Select from `base` in the order of the key, behind `resume`.

        Raises:
            SourceError: `resume` was written for another key.
        """
        text = f"SELECT {', '.join(selected)} FROM ({base}) AS q"
        if not self.columns:
            return text
        names = [f"q.{identifier(column.name)}" for column in self.columns]
        if resume is not None:
            text += f" WHERE ({', '.join(names)}) > ({', '.join(self._literals(resume))})"
        return f"{text} ORDER BY {', '.join(names if self.unique else [*names, 'q'])}"

    def bookmark(self, values: Sequence[Any]) -> Bookmark:
        """Return the place behind the row that has these key values.

        Raises:
            SourceError: one of them is NULL, which has no place in an order.
        """
        for column, value in zip(self.columns, values, strict=True):
            if value is None:
                raise SourceError(
                    f"the cursor column {column.name!r} holds NULL: such a row has no place in "
                    "the order, and a later run would lose it",
                    "leave those rows out in `query`, or give them a value with coalesce()",
                )
        return {AFTER: {c.name: as_text(v) for c, v in zip(self.columns, values, strict=True)}}

    def _literals(self, resume: Bookmark) -> list[str]:
        after = resume.get(AFTER)
        if not isinstance(after, dict) or set(after) != {column.name for column in self.columns}:
            raise SourceError(
                "the bookmark in the state belongs to another cursor or key",
                "go back to the former cursor, or remove the state to read everything again",
            )
        return [f"{literal(after[c.name])}::{c.type_name}" for c in self.columns]


def orderable(columns: Sequence[Column]) -> bool:
    """Tell whether whole rows of these columns can be compared."""
    return all(column.oid not in _UNORDERED for column in columns)


def as_text(value: Any) -> str:
    """Write a key value as PostgreSQL reads it back."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)
