"""Full refresh against incremental: what is read again every time, and what has changed.

A full-refresh stream costs its whole table with each sync: half the syncs, half the cost. An
incremental one costs what has changed, which waits for the next sync: half the syncs, nearly the
same cost. So the two are kept apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.connection import Connection, Stream, SyncMode
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.forecast.cost import CostLine
from bot.forecast.outlook import Amounts
from bot.history.workload import StreamTotal

NOT_TOLD = Unknown("the totals of its streams were not mined")


@dataclass(frozen=True, slots=True)
class Split:
    """How a connection's rows and bytes divide; shares are those of the full-refresh streams.

    `n` is how many syncs they rest on; 0 where the streams' modes say it all.
    """

    full_streams: int
    incremental_streams: int
    rows: Decimal
    bytes: Decimal
    n: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind of stream moves and costs in a horizon; costs are those paid by volume."""

    rows: Quantiles[int] | Unknown
    bytes: Quantiles[int] | Unknown
    cost: Quantiles[Money] | Unknown
    formula: str


def split(connection: Connection, totals: Iterable[StreamTotal]) -> Split | Unknown:
    """Divide by what the streams moved, each by the mode that it has now."""
    modes = {_key(each): each.sync_mode for each in connection.streams}
    kinds = list(modes.values())
    full, incremental = (
        kinds.count(each) for each in (SyncMode.FULL_REFRESH, SyncMode.INCREMENTAL)
    )
    if not kinds or SyncMode.UNKNOWN in kinds:
        return Unknown("how its streams are read is not known")
    if not full or not incremental:
        share = Decimal(1 if full else 0)
        return Split(full, incremental, share, share, 0)
    mine = [each for each in totals if (each.namespace, each.name) in modes]
    rows, size = sum(each.rows for each in mine), sum(each.bytes for each in mine)
    if not rows or not size:
        return NOT_TOLD
    whole = [each for each in mine if modes[each.namespace, each.name] is SyncMode.FULL_REFRESH]
    return Split(
        full,
        incremental,
        _share(sum(each.rows for each in whole), rows),
        _share(sum(each.bytes for each in whole), size),
        max(each.syncs for each in mine),
    )


def parts(found: Split, amounts: Amounts, lines: Iterable[CostLine]) -> tuple[Part, Part]:
    """Return what the full-refresh streams and what the incremental ones take of a horizon."""
    volume = next((line for line in lines if line.plan == "volume"), None)
    by_bytes = volume is not None and volume.formula.startswith("bytes")
    result = []
    for is_full in (True, False):
        rows, size = (each if is_full else 1 - each for each in (found.rows, found.bytes))
        cost: Quantiles[Money] | Unknown = Unknown("no price by volume is set")
        if volume is not None:
            cost = _of(volume.amount, size if by_bytes else rows)
        formula = f"{100 * (size if by_bytes else rows):.0f} % of what is moved: " + (
            "read again by each sync" if is_full else "moved once for each change"
        )
        result.append(Part(_count(amounts.rows, rows), _count(amounts.bytes, size), cost, formula))
    return result[0], result[1]


def _key(stream: Stream) -> tuple[str | None, str]:
    return stream.namespace, stream.name


def _share(part: float, whole: float) -> Decimal:
    return Decimal(str(round(part / whole, 4)))


def _of(amount: Quantiles[Money] | Unknown, share: Decimal) -> Quantiles[Money] | Unknown:
    return amount if isinstance(amount, Unknown) else amount.map(lambda each: each * share)


def _count(amount: Quantiles[int] | Unknown, share: Decimal) -> Quantiles[int] | Unknown:
    return amount if isinstance(amount, Unknown) else amount.map(lambda each: int(each * share))
