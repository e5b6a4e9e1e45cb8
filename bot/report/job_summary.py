"""The summary of a run in Markdown: for the page of a CI job, and for `plan -o markdown`."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from bot.report.markdown import cut, escape, table
from bot.report.summary import Entry, Fate, Summary

LIMIT_BYTES: Final = 1024 * 1024
"""What GitHub takes as the summary of one step; a longer one is refused whole."""

_CUT: Final = "*Cut here: GitHub shows no more than 1 MiB. `trimtab plan -o json` has everything.*"


def render_markdown(summary: Summary, seconds: Mapping[str, float] | None = None) -> str:
    """Write headline, pull requests, what is held back, what stays, and times by stage."""
    blocks = ["## trimtab", headline(summary)]
    if summary.unread:
        lines = [f"> - {escape(sentence)}" for sentence in summary.unread]
        blocks.append("> **Not read, so no pull request is touched**\n>\n" + "\n".join(lines))
    if summary.entries:
        rows = [_row(entry) for entry in summary.entries]
        heads = ("", "change", "saves in 30 days", "approval", "where")
        blocks.append("### Pull requests\n\n" + table(heads, rows))
    if summary.withheld:
        blocks.append(
            "### Recommended and not proposed\n\n"
            + table(("connection", "why not"), summary.withheld)
        )
    if summary.quiet:
        reasons = Counter(reason for _name, reason in summary.quiet)
        rows = [(f"{count:,}", reason) for reason, count in reasons.most_common()]
        blocks.append(_folded("Left as they are", table(("connections", "reason"), rows)))
    if seconds:
        rows = [(name, f"{spent:.1f} s") for name, spent in seconds.items()]
        blocks.append(_folded("Time by stage", table(("stage", "time"), rows)))
    return cut("\n\n".join(blocks) + "\n", LIMIT_BYTES, _CUT)


def headline(summary: Summary) -> str:
    """Say in one sentence what a run amounts to."""
    count = len(summary.proposed)
    said = f"**{count} pull request{'' if count == 1 else 's'}**"
    if summary.saving is not None:
        low, high = summary.saving
        said += f", predicted to save **{low} to {high}** in 30 days (90 % intervals, added up)"
    elif count:
        said += "; what they save is not known"
    return (
        f"{said}. {summary.blocked} held back. {summary.connections:,} connections, "
        f"{summary.new_syncs:,} new and {summary.changed_syncs:,} changed syncs."
    )


def money(entry: Entry) -> str:
    """Say what a pull request saves in 30 days, with its 90 % interval."""
    if entry.saving is None:
        return "not known" if entry.is_proposed or entry.fate is Fate.HELD else ""
    return f"{entry.saving.p50} ({entry.saving.p05} to {entry.saving.p95})"


def _row(entry: Entry) -> tuple[str, ...]:
    title = f"{entry.title} ({entry.note})" if entry.note else entry.title
    return entry.fate.value, title, money(entry), entry.approval, entry.where


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"
