"""`trimtab history`: what is kept of past syncs, and the care of the file that keeps it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli.connect import config_option, history_option, history_url
from bot.domain.errors import ExitCode, InputError

if TYPE_CHECKING:
    from bot.domain.connection import Schedule
    from bot.domain.sync import Sync
    from bot.history.parquet import Rows
    from bot.history.store import History
    from bot.history.summary import Summary

_SHOWN_SYNCS = 10
_OUTCOMES = {
    "complete": "complete",
    "partial": "partial",
    "running": "still running, or cut off",
}
_output = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.group("history")
def command() -> None:
    """Show, check, prune, export or import the history.

    The history is one DuckDB file: every sync that was ever seen, and the settings that it ran
    under. See docs/operations.md for backup, retention and object stores.
    """


@command.command("show")
@click.argument("connection", required=False)
@config_option
@history_option
@_output
def show(connection: str | None, config: Path | None, history: str | None, output: str) -> None:
    """Say what the history holds, or what it knows of CONNECTION (an id, or a unique name)."""
    from bot.history.location import opened
    from bot.history.summary import summarise

    url = history_url(config, history)
    with opened(url, read_only=True) as store:
        if connection is not None:
            known = _connection(store, connection)
            click.echo(_as_json(known) if output == "json" else _connection_text(known))
            return
        found = summarise(store)
    click.echo(_as_json(_summary_json(found)) if output == "json" else _summary_text(url, found))


@command.command("check")
@config_option
@history_option
@_output
def check(config: Path | None, history: str | None, output: str) -> int:
    """Read every value of the history and say whether it is sound; migrate an older schema."""
    from bot.history import schema, summary
    from bot.history.location import opened

    url = history_url(config, history)
    with opened(url, must_exist=True) as store:
        findings = summary.check(store)
        syncs = summary.summarise(store).syncs
    if output == "json":
        found = [{"what": one.what, "count": one.count} for one in findings]
        click.echo(_as_json({"schema": schema.NEWEST, "syncs": syncs, "findings": found}))
    elif findings:
        for one in findings:
            click.echo(f"{url}: {one.count:,} {one.what}")
    else:
        click.echo(f"{url}: sound; {syncs:,} syncs, schema version {schema.NEWEST}")
    return ExitCode.EXPECTED_ERROR if findings else ExitCode.OK


@command.command("prune")
@click.option(
    "--keep-days",
    type=click.IntRange(min=1),
    default=400,
    show_default=True,
    help="Forget syncs that were created longer ago than this.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be forgotten.")
@config_option
@history_option
def prune(keep_days: int, dry_run: bool, config: Path | None, history: str | None) -> None:
    """Forget old syncs, with everything that only they needed."""
    from bot.history import retention
    from bot.history.location import opened

    url = history_url(config, history)
    before = datetime.now(UTC) - timedelta(days=keep_days)
    if dry_run:
        with opened(url, read_only=True) as store:
            old = retention.look(store, before)
    else:
        with opened(url, must_exist=True) as store:
            old = retention.prune(store, before)
    verb = "would forget" if dry_run else "forgot"
    oldest = f", the oldest of {old.oldest:%Y-%m-%d}" if old.oldest else ""
    click.echo(f"{url}: {verb} {old.syncs:,} syncs from before {before:%Y-%m-%d}{oldest}")


@command.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@config_option
@history_option
def export(folder: Path, config: Path | None, history: str | None) -> None:
    """Write everything to FOLDER, which must be new or empty, as Parquet files."""
    from bot.history import parquet
    from bot.history.location import opened

    with opened(history_url(config, history), read_only=True) as store:
        rows = parquet.export(store, folder)
    click.echo(f"{folder}: {_rows_text(rows)}")


@command.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@config_option
@history_option
def import_(folder: Path, config: Path | None, history: str | None) -> None:
    """Merge the Parquet files of FOLDER, which `export` wrote, into the history."""
    from bot.history import parquet
    from bot.history.location import opened

    url = history_url(config, history)
    parquet.announced(folder)  # before a history is made for nothing
    with opened(url) as store:
        rows = parquet.import_(store, folder, lambda line: click.echo(line, err=True))
    click.echo(f"{url}: new are {_rows_text(rows)}")


def _connection(store: "History", wanted: str) -> dict[str, Any]:
    from bot.domain.connection import ConnectionId
    from bot.history import features, fleet, summary

    fleet_now = fleet.connections(store)
    named = [one for one in fleet_now if wanted in {one.id, one.name}]
    if len(named) > 1:
        raise InputError(
            f"{len(named)} connections are named {wanted!r}.",
            "Give the id instead: " + ", ".join(one.id for one in named),
        )
    key = named[0].id if named else ConnectionId(wanted)
    table = features.per_connection(store, datetime.now(UTC)).to_pylist()
    known = next((row for row in table if row["connection_id"] == key), None)
    if not named and known is None:
        raise InputError(
            f"The history knows no connection {wanted!r}.",
            "`trimtab history show` says how fresh it is; ids and names are those of Airbyte.",
        )
    syncs = summary.last_syncs(store, key, _SHOWN_SYNCS)
    return {
        "id": key,
        "name": named[0].name if named else None,
        "schedule": _schedule_text(named[0].schedule) if named else None,
        "tags": sorted(named[0].tags) if named else [],
        "features": known,
        "last_syncs": [_sync_json(sync) for sync in syncs],
    }


def _schedule_text(schedule: "Schedule") -> str:
    from bot.domain.connection import Basic, Cron, Manual

    match schedule:
        case Cron(expression, zone):
            return f"cron {expression} {zone}"
        case Basic(units, unit):
            return f"every {units} {unit}"
        case Manual():
            return "manual"
        case other:
            return other.text


def _sync_json(sync: "Sync") -> dict[str, Any]:
    return {
        "job_id": sync.id,
        "kind": sync.kind,
        "status": sync.status,
        "created_at": sync.created_at,
        "duration_seconds": sync.duration and int(sync.duration.total_seconds()),
        "queued_seconds": sync.queued and int(sync.queued.total_seconds()),
        "rows": sync.rows,
        "bytes": sync.bytes,
    }


def _connection_text(known: dict[str, Any]) -> str:
    lines = [f"{known['name'] or 'no longer listed'} ({known['id']})"]
    if known["schedule"]:
        lines.append(f"  {known['schedule']}; tags: {', '.join(known['tags']) or 'none'}")
    if row := known["features"]:
        lines.append(
            f"  {row['syncs']:,} syncs since {row['first_at']:%Y-%m-%d}: {row['succeeded']:,} "
            f"succeeded, {row['failed']:,} failed, {row['failures_in_a_row']} failures in a row now"
        )
        if row["recent_succeeded"]:
            lines.append(
                f"  last 42 days: usual {_length(row['run_seconds_p50'])}, 95 % within "
                f"{_length(row['run_seconds_p95'])}; usual {row['rows_p50'] or 0:,} rows "
                f"(n = {row['recent_succeeded']:,})"
            )
    for sync in known["last_syncs"]:
        seconds = sync["duration_seconds"]
        lines.append(
            f"  {sync['created_at']:%Y-%m-%d %H:%M}  {sync['status']:<10} {sync['kind']:<8} "
            f"{'' if seconds is None else _length(seconds):>9}  "
            f"{'' if sync['rows'] is None else format(sync['rows'], ','):>15} rows"
        )
    return "\n".join(lines)


def _length(seconds: int) -> str:
    return str(timedelta(seconds=seconds))


def _summary_text(url: str, found: "Summary") -> str:
    if found.oldest_at is None or found.newest_at is None:
        lines = [f"{url}: no syncs yet"]
    else:
        span = f"{found.oldest_at:%Y-%m-%d %H:%M} to {found.newest_at:%Y-%m-%d %H:%M} UTC"
        lines = [
            f"{url}: {found.syncs:,} syncs of {found.connections:,} connections, created {span}",
            f"  {found.succeeded:,} succeeded, {found.failed:,} failed, {found.unfinished:,} open",
            f"  {found.with_attempts:,} syncs with their attempts, {found.events:,} events",
            f"  settings in {found.connection_versions + found.endpoint_versions:,} versions",
        ]
    for one in found.workspaces:
        read = f"{one.read_to:%Y-%m-%d %H:%M} UTC" if one.read_to else "nothing yet"
        lines.append(f"workspace {one.workspace_id}: read without a gap up to {read}")
        if one.last_mine is not None:
            lines.append(
                f"  last mine {one.last_mine.started_at:%Y-%m-%d %H:%M} UTC: "
                f"{_OUTCOMES[one.last_mine.outcome]}, {one.last_mine.new:,} new syncs"
            )
            lines += [f"  not read: {sentence}" for sentence in one.last_mine.unread]
    return "\n".join(lines)


def _summary_json(found: "Summary") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found)


def _rows_text(rows: "Rows") -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in rows.by_table.items())


def _as_json(value: dict[str, Any]) -> str:
    def plain(other: object) -> str:
        assert isinstance(other, datetime)
        return (other if other.tzinfo else other.replace(tzinfo=UTC)).isoformat()

    return json.dumps(value, indent=2, default=plain)
