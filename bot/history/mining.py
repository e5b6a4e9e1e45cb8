"""Mining: bring the history up to date with Airbyte, the first time and every night alike."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.airbyte.client import Airbyte
from bot.airbyte.configuration import Configuration
from bot.domain.connection import WorkspaceId
from bot.domain.errors import AirbyteError
from bot.domain.mine import Mine
from bot.history.reading import Reading, Watcher
from bot.history.store import History

_MOST_NAMED: Final = 5

MOST_SKEW: Final = timedelta(minutes=2)

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class MiningPlan:
    """What to mine: some workspaces (none named is all in sight), and from when on.

    `since` reads again from that time of creation; without it, mining goes on where it stopped.
    `details` asks the Configuration API for attempts and settings changes, where it is there.
    """

    workspaces: tuple[WorkspaceId, ...] = ()
    since: datetime | None = None
    details: bool = True


@dataclass(frozen=True, slots=True)
class Mined:
    """What mining came to.

    `unread` is what no mine holds: workspaces that were not begun. `notes` are sentences on
    what was noticed and is no failure.
    """

    mines: tuple[Mine, ...]
    unread: tuple[str, ...]
    connections: int
    requests: int
    repeats: int
    notes: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether everything that was to be read was read."""
        return not self.unread and not any(mine.unread for mine in self.mines)


def mine(history: History, airbyte: Airbyte, plan: MiningPlan, watcher: Watcher) -> Mined:
    """Bring the history up to date.

    What cannot be read is recorded and reported, not raised, once Airbyte has let us in.

    Raises:
        AirbyteError: Airbyte cannot be reached, refuses the credentials, or does not show the
            workspaces.
        HistoryError: the history cannot be written.
        KeyboardInterrupt: the mine that was under way is recorded as partial first.
    """
    before = replace(airbyte.traffic)
    workspaces, unread = _workspaces(airbyte, plan)
    mines: list[Mine] = []
    notes: list[str] = []
    connections = 0
    configuration = Configuration(airbyte.transport) if plan.details else None
    for place, workspace_id in enumerate(workspaces):
        one = Reading(history, airbyte, watcher, workspace_id, configuration)
        one.run(plan.since)
        configuration = one.configuration
        mines.append(one.mine)
        notes += one.notes
        connections += one.connections
        if one.lost is not None:
            if not any(mine.read_to for mine in mines):
                raise one.lost
            unread += [f"workspace {left}: not begun" for left in workspaces[place + 1 :]]
            break
    traffic = airbyte.traffic
    return Mined(
        tuple(mines),
        tuple(unread),
        connections,
        traffic.requests - before.requests,
        traffic.repeats - before.repeats,
        (*_skew_note(traffic.skew), *notes),
    )


def _skew_note(skew: timedelta | None) -> Iterator[str]:
    if skew is not None and abs(skew) > MOST_SKEW:
        way = "ahead of" if skew > timedelta(0) else "behind"
        yield (
            f"Airbyte's clock is {abs(skew) // _SECOND * _SECOND} {way} this machine's; times are "
            "Airbyte's, and one of the two clocks wants setting"
        )


def _workspaces(airbyte: Airbyte, plan: MiningPlan) -> tuple[tuple[WorkspaceId, ...], list[str]]:
    listing = airbyte.workspaces()
    in_sight = tuple(workspace.id for workspace in listing.items)
    if not in_sight:
        raise AirbyteError(
            f"No workspace is in sight at {airbyte.root}",
            "Give the application's user the reader role on the workspaces that it is for.",
        )
    for wanted in plan.workspaces:
        if wanted not in in_sight:
            raise AirbyteError(
                f"The workspace {wanted} is not in sight at {airbyte.root}",
                f"In sight are {', '.join(in_sight[:_MOST_NAMED])}"
                f"{' and others' if len(in_sight) > _MOST_NAMED else ''}.",
            )
    return plan.workspaces or in_sight, [f"{one.what}: {one.why}" for one in listing.unread]
