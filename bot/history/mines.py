"""The ledger of mines: what has been read, how far, and what could not be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.domain.connection import WorkspaceId
from bot.domain.mine import Mine, MineOutcome
from bot.history.statements import statement
from bot.history.syncs import Upserted
from bot.history.times import aware, naive, to_the_second

if TYPE_CHECKING:
    from bot.history.store import History


def begin(
    history: "History",
    workspace_id: WorkspaceId,
    started_at: datetime,
    read_from: datetime | None,
) -> Mine:
    """Enter a mine as running; killed from here on, it counts as partial.

    `read_from` is the creation time of the oldest sync that it will ask for, None for all.
    """
    mine = Mine(workspace_id, started_at, read_from)
    _write(history, mine)
    return mine


def advance(history: "History", mine: Mine, read_to: datetime, upserted: Upserted) -> Mine:
    """Note that every sync created from `mine.read_from` to `read_to` is in the history.

    Call it in the transaction of the pages themselves: after a kill the next mine goes on from
    here, and a page that was not committed is not counted.
    """
    mine = replace(
        mine,
        read_to=read_to if mine.read_to is None else max(read_to, mine.read_to),
        new=mine.new + upserted.new,
        changed=mine.changed + upserted.changed,
        unchanged=mine.unchanged + upserted.unchanged,
    )
    _write(history, mine)
    return mine


def finish(
    history: "History",
    mine: Mine,
    finished_at: datetime,
    unread: Sequence[str],
    *,
    detailed: bool = False,
) -> Mine:
    """Close a mine; `unread` holds one sentence for each thing that could not be read."""
    outcome = MineOutcome.PARTIAL if unread else MineOutcome.COMPLETE
    mine = replace(
        mine,
        finished_at=finished_at,
        outcome=outcome,
        unread=tuple(unread),
        detailed=detailed,
    )
    _write(history, mine)
    return mine


def watermark(history: "History", workspace_id: WorkspaceId) -> datetime | None:
    """Return the end of what was read without a gap since the oldest mine's start."""
    ((reached,),) = history.execute(statement("watermark"), [workspace_id])
    return None if reached is None else aware(reached)


def latest(
    history: "History", workspace_id: WorkspaceId | None = None, limit: int = 10
) -> list[Mine]:
    """Return the newest mines first, of one workspace or of all."""
    rows = history.execute(statement("mines"), {"workspace_id": workspace_id, "limit": limit})
    return [_mine(row) for row in rows]


def _write(history: "History", mine: Mine) -> None:
    with history.transaction():
        history.execute(
            "delete from mines where workspace_id = ? and started_at = ?",
            [mine.workspace_id, naive(mine.started_at)],
        )
        history.execute(
            "insert into mines values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                mine.workspace_id,
                naive(mine.started_at),
                naive(mine.finished_at),
                mine.outcome.value,
                to_the_second(mine.read_from),
                to_the_second(mine.read_to),
                mine.new,
                mine.changed,
                mine.unchanged,
                list(mine.unread),
                mine.detailed,
            ],
        )


def _mine(row: tuple[Any, ...]) -> Mine:
    workspace, started, finished, outcome, read_from, read_to, new, changed, same, *rest = row
    unread, detailed = rest
    return Mine(
        workspace_id=WorkspaceId(workspace),
        started_at=aware(started),
        read_from=aware(read_from),
        read_to=aware(read_to),
        finished_at=aware(finished),
        outcome=MineOutcome(outcome),
        new=new,
        changed=changed,
        unchanged=same,
        unread=tuple(unread),
        detailed=bool(detailed),
    )
