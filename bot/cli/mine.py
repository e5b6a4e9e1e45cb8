"""`trimtab mine`: bring the history up to date with Airbyte."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.connect import Places, airbyte_options, history_option, read_places
from bot.domain.errors import ExitCode

if TYPE_CHECKING:
    from bot.history.mining import Mined


@click.command("mine")
@airbyte_options
@history_option
@click.option(
    "--workspace",
    "workspaces",
    multiple=True,
    metavar="ID",
    help="Only this workspace; repeatable.",
)
@click.option(
    "--since",
    type=click.DateTime(),
    help="Read again from this time on (UTC); without it, go on where the last mine stopped.",
)
@click.option(
    "--details/--no-details",
    default=True,
    help="Ask for attempts, failure reasons and settings changes too.  [default: where possible]",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)
def command(
    config: Path | None,
    airbyte_url: str | None,
    history: str | None,
    workspaces: tuple[str, ...],
    since: datetime | None,
    details: bool,
    output: str,
) -> int:
    """Read new and changed syncs from Airbyte into the history.

    The first run reads everything that Airbyte still has, later ones what has happened since;
    one that is interrupted is continued by the next. Ends with 1 when something could not be
    read: what was read is kept, and the rest is named.
    """
    from bot.airbyte.client import Airbyte
    from bot.cli.progress import mine_progress
    from bot.domain.connection import WorkspaceId
    from bot.history.location import opened
    from bot.history.mining import MiningPlan, mine

    access, url = read_places(Places(config, airbyte_url, history))
    plan = MiningPlan(
        tuple(WorkspaceId(each) for each in workspaces),
        since.replace(tzinfo=UTC) if since is not None else None,
        details,
    )
    with Airbyte(access) as airbyte, opened(url) as store, mine_progress() as progress:
        mined = mine(store, airbyte, plan, progress)
    click.echo(_json(mined) if output == "json" else _text(mined, url))
    return ExitCode.OK if mined.is_complete else ExitCode.EXPECTED_ERROR


def _text(mined: "Mined", url: str) -> str:
    new = sum(mine.new for mine in mined.mines)
    changed = sum(mine.changed for mine in mined.mines)
    total = (
        f"{url}: {new:,} new and {changed:,} changed syncs; {mined.connections:,} connections in "
        f"{_count(len(mined.mines), 'workspace')}; {_count(mined.requests, 'request')}, "
        f"{mined.repeats:,} repeated"
    )
    lines = [total]
    lines += [f"note: {note}" for note in mined.notes]
    missing = [
        *mined.unread,
        *(f"workspace {m.workspace_id}: {one}" for m in mined.mines for one in m.unread),
    ]
    lines += [f"not read: {one}" for one in missing]
    return "\n".join(lines)


def _json(mined: "Mined") -> str:
    return json.dumps(
        {
            "complete": mined.is_complete,
            "connections": mined.connections,
            "requests": mined.requests,
            "repeats": mined.repeats,
            "notes": list(mined.notes),
            "unread": list(mined.unread),
            "workspaces": [
                {
                    "id": mine.workspace_id,
                    "outcome": mine.outcome,
                    "read_from": mine.read_from and mine.read_from.isoformat(),
                    "read_to": mine.read_to and mine.read_to.isoformat(),
                    "new": mine.new,
                    "changed": mine.changed,
                    "unread": list(mine.unread),
                }
                for mine in mined.mines
            ],
        },
        indent=2,
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
