"""`trimtab load dlq`: look at dead letters, write them again, let them go."""

import datetime as dt
import json
import re
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import click

from bot.domain.errors import ExitCode

CONFIG = click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
REASON = click.option("--reason", help="Only those with this reason: partial, dlq_all, …")
OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
)


def _age(text: str) -> dt.timedelta:
    """Read a time before now: `7d`, `12h`, `30m`."""
    match = re.fullmatch(r"(\d{1,5})([dhm])", text)
    if match is None:
        raise click.BadParameter(f"{text!r} is not an age: write 7d, 12h or 30m")
    unit = {"d": "days", "h": "hours", "m": "minutes"}[match[2]]
    return dt.timedelta(**{unit: int(match[1])})


@click.group("dlq", context_settings={"help_option_names": ["-h", "--help"]})
def dlq() -> None:
    """Look at dead letters, write them again, let them go."""


@dlq.command()
@CONFIG
@REASON
@OUTPUT
@click.option("-n", "--limit", default=5, show_default=True, type=click.IntRange(0, 10_000))
def inspect(config: Path, reason: str | None, output: str, limit: int) -> None:
    """Count the dead letters of CONFIG by reason and error, and print the last ones."""
    from bot.loader.letters_file import filter_letters, letters_path, read_letters
    from bot.loader.pipeline import load_pipeline

    path = letters_path(load_pipeline(config))
    wanted = filter_letters(reason, None)
    letters = [letter for letter in read_letters(path) if wanted(letter)]
    counts = Counter((letter.reason, letter.kind) for letter in letters)
    last = letters[-limit:] if limit else []
    if output == "json":
        by = [{"reason": r, "kind": k, "count": n} for (r, k), n in counts.most_common()]
        shown = [json.loads(letter.line) for letter in last]
        click.echo(json.dumps({"path": str(path), "count": len(letters), "by": by, "last": shown}))
        return
    click.echo(f"{path}: {len(letters):,} dead letters")
    for (why, kind), count in counts.most_common():
        click.echo(f"  {count:>8,}  {why}  {kind}")
    for letter in last:
        click.echo(f"{letter.message}\n  {json.dumps(letter.payload, ensure_ascii=False)}")


@dlq.command()
@CONFIG
@REASON
@click.option("--dry-run", is_flag=True, help="Say how many there are, and write nothing.")
@click.option("--fresh", is_flag=True, help="Forget a replay that was interrupted.")
def replay(config: Path, reason: str | None, dry_run: bool, fresh: bool) -> int:
    """Write the dead letters of CONFIG into its sink again.

    Those written move to an archive beside the file; those that fail again go to
    `….replay-failed.jsonl`.
    """
    from bot.cli.load_run import cancelled_by_signals
    from bot.loader.letters_file import (
        filter_letters,
        hold_letters,
        letters_path,
        read_letters,
        take_out,
    )
    from bot.loader.pipeline import load_pipeline
    from bot.loader.replaying import replay_letters
    from bot.loader.summary import Summary

    pipeline, wanted = load_pipeline(config), filter_letters(reason, None)
    summary = Summary(pipeline.config.name)
    held = nullcontext(letters_path(pipeline)) if dry_run else hold_letters(pipeline)
    with held as path, cancelled_by_signals() as cancelled:
        count = sum(wanted(letter) for letter in read_letters(path))
        if dry_run or not count:
            click.echo(f"{path}: {count:,} dead letters to replay")
            return ExitCode.OK
        status, failed = replay_letters(pipeline, path, wanted, summary, cancelled, fresh=fresh)
        if status != "completed":
            click.echo("interrupted; the next replay goes on from here", err=True)
            return ExitCode.INTERRUPTED
        archive = path.with_suffix(".archived.jsonl")
        take_out(path, wanted, archive)
    click.echo(f"{summary.rows_out:,} of {count:,} dead letters written, archived in {archive}")
    if summary.dlq_count:
        click.echo(f"{summary.dlq_count:,} failed again: {failed}")
        return ExitCode.EXPECTED_ERROR
    return ExitCode.OK


@dlq.command()
@CONFIG
@REASON
@click.option(
    "--before", type=_age, metavar="AGE", help="Only those older than this: 7d, 12h, 30m."
)
@click.option("--delete", is_flag=True, help="Keep no archive.")
def discard(config: Path, reason: str | None, before: dt.timedelta | None, delete: bool) -> None:
    """Take the dead letters of CONFIG out of its queue, into an archive beside it."""
    from bot.loader.letters_file import filter_letters, hold_letters, take_out
    from bot.loader.pipeline import load_pipeline

    until = dt.datetime.now(tz=dt.UTC) - before if before is not None else None
    with hold_letters(load_pipeline(config)) as path:
        archive = None if delete else path.with_suffix(".archived.jsonl")
        count = take_out(path, filter_letters(reason, until), archive)
    where = f", archived in {archive}" if archive is not None and count else ""
    click.echo(f"{path}: {count:,} dead letters discarded{where}")
