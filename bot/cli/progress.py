"""Progress of a mine on stderr: a bar on a terminal, now and then a plain line elsewhere."""

import sys
import time
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

import click

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from bot.domain.connection import WorkspaceId
    from bot.domain.mine import Mine
    from bot.history.reading import Progress

_PLAIN_EVERY_S: Final = 10.0
_SHOWN_OF_ID: Final = 8


class MineProgress(Protocol):
    """What shows how a mine goes on."""

    def progress(self, progress: "Progress") -> None:
        """Show a committed batch."""

    def finished(self, mine: "Mine") -> None:
        """Show that a workspace is done."""


class PlainProgress(AbstractContextManager["PlainProgress"]):
    """Lines for logs: at most one every ten seconds, and one for each workspace."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _PLAIN_EVERY_S

    def __exit__(self, *_: object) -> None:
        """Leave nothing to undo."""

    def progress(self, progress: "Progress") -> None:
        """Write a line when the last one is a while ago."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PLAIN_EVERY_S
            click.echo(
                f"workspace {progress.workspace_id}: {progress.syncs:,} syncs read, "
                f"up to {_day(progress.read_to)}",
                err=True,
            )

    def finished(self, mine: "Mine") -> None:
        """Write how the workspace ended."""
        click.echo(
            f"workspace {mine.workspace_id}: {mine.outcome}, {mine.new:,} new, "
            f"{mine.changed:,} changed, up to {_day(mine.read_to)}",
            err=True,
        )


class BarProgress(AbstractContextManager["BarProgress"]):
    """One bar for each workspace, filling with the time that has been read."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bars: Bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[syncs]:,} syncs, up to {task.fields[day]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[WorkspaceId, tuple[TaskID, datetime]] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def progress(self, progress: "Progress") -> None:
        """Move the workspace's bar."""
        if progress.read_to is None:
            return
        if progress.workspace_id not in self._tasks:
            first = progress.read_from or progress.read_to
            total = max((progress.until - first).total_seconds(), 1)
            # The whole id would leave no room for the bar.
            shown = progress.workspace_id[:_SHOWN_OF_ID]
            task = self._bars.add_task(shown, total=total, syncs=0, day="")
            self._tasks[progress.workspace_id] = (task, first)
        task, first = self._tasks[progress.workspace_id]
        self._bars.update(
            task,
            completed=(progress.read_to - first).total_seconds(),
            syncs=progress.syncs,
            day=_day(progress.read_to),
        )

    def finished(self, mine: "Mine") -> None:
        """Leave the bar as it is: full when the mine is complete."""


def mine_progress() -> PlainProgress | BarProgress:
    """Choose what fits the place that stderr goes to."""
    return BarProgress() if sys.stderr.isatty() else PlainProgress()


def _day(moment: datetime | None) -> str:
    return "nothing" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
