"""The dashboard: one issue that says what trimtab does, what it does not do, and why.

It is rewritten when it would say something else, or once a day: its heartbeat is what tells a team
that a silent bot is alive. The times of the last run alone are no reason.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from bot.domain.manners import Manners
from bot.pulls.body_text import md
from bot.pulls.body_words import say_interval
from bot.pulls.digest import digest
from bot.pulls.held import Held, HeldReason
from bot.pulls.ledger import Line, Saving, add_up, savings
from bot.pulls.operations import WriteDashboard
from bot.pulls.rendering import template
from bot.pulls.snapshot import Pull, PullState, Snapshot
from bot.pulls.ticks import Note, Wish, box, lifted, read_note, wish, write_note

T = TypeVar("T")

TITLE: Final = "trimtab dashboard"
BUDGET: Final = 60_000
"""GitHub refuses bodies over 65,536 characters."""

_A_DAY: Final = timedelta(days=1)
_SLACK: Final = timedelta(minutes=30)
"""A daily run does not start on the minute."""
_PEOPLE: Final = frozenset({HeldReason.HANDS_OFF, HeldReason.REOPENED})


@dataclass(frozen=True, slots=True)
class Health:
    """How the last run went; `unread` and `failed` hold one sentence for each thing that did not work."""

    at: datetime
    complete: bool
    connections: int
    new_syncs: int
    changed_syncs: int
    unread: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run has to say beside its pull requests.

    `phases` counts connections by phase. `quiet` pairs the name of a connection with the reason why
    nothing is proposed for it.
    """

    health: Health
    phases: Mapping[str, int]
    quiet: Sequence[tuple[str, str]]


def dashboard(
    snapshot: Snapshot, held: Sequence[Held], manners: Manners, findings: Findings
) -> WriteDashboard | None:
    """Say how the dashboard is to be written, or None when it may stay as it is.

    `snapshot` and `held` are those after the run's operations, so that a run that changes nothing
    finds nothing to write either. A dashboard that people have closed is left closed.
    """
    issue = snapshot.dashboard
    if issue is not None and not issue.is_open:
        return None
    now = findings.health.at
    text = _fitted(snapshot, held, manners, findings)
    again = lifted(snapshot)
    wishes = sorted(wish(pull) for pull in snapshot.pulls if pull.number in again)
    note = Note(now, digest(text), tuple(wishes))
    before = read_note(issue.body) if issue else None
    fresh = before is not None and now - before.written_at < _A_DAY - _SLACK
    if before is not None and fresh and _says(before) == _says(note):
        return None
    body = f"{_heartbeat(findings.health)}\n\n{text}\n{write_note(note)}\n"
    return WriteDashboard(issue.number if issue else None, issue.title if issue else TITLE, body)


def _says(note: Note) -> tuple[str, tuple[Wish, ...]]:
    return note.content, note.lifted


def _heartbeat(health: Health) -> str:
    """Write what changes in every run: when it was, and what it read."""
    result = "complete" if health.complete else "**not complete, so that nothing was changed**"
    run = f" · [log]({health.url})" if health.url else ""
    return (
        f"**Last run:** {health.at:%Y-%m-%d %H:%M} UTC, {result} · "
        f"{health.connections:,} connections · {health.new_syncs:,} new and "
        f"{health.changed_syncs:,} changed syncs{run}"
    )


def _fitted(snapshot: Snapshot, held: Sequence[Held], manners: Manners, findings: Findings) -> str:
    """Write it with ever shorter lists until it fits."""
    text = ""
    for shown in (200, 50, 20, 5, 1):
        text = _render(snapshot, held, manners, findings, shown)
        if len(text) <= BUDGET:
            return text
    return text[:BUDGET]


def _render(
    snapshot: Snapshot, held: Sequence[Held], manners: Manners, findings: Findings, shown: int
) -> str:
    opened = sorted(
        (pull for pull in snapshot.pulls if pull.state is PullState.OPEN),
        key=lambda pull: pull.number,
    )
    pulls = {pull.number: pull for pull in snapshot.pulls}
    liftable = [each for each in held if each.can_be_lifted]
    waiting = [each for each in held if each.reason not in _PEOPLE and not each.can_be_lifted]
    people = [each for each in held if each.reason in _PEOPLE]
    return (
        template("dashboard.md.j2")
        .render(
            manners=manners,
            health=findings.health,
            unread=_lines(findings.health.unread, _plain_line, shown),
            failed=_lines(findings.health.failed, _plain_line, shown),
            opened=_lines(opened, _open_line, shown),
            open_count=len(opened),
            teams=_teams(opened, manners),
            waiting=_lines(waiting, _held_line, shown),
            waiting_count=len(waiting),
            liftable=_lines(liftable, partial(_box_line, pulls), shown),
            liftable_count=len(liftable),
            people=_lines(people, _held_line, shown),
            people_count=len(people),
            phases=", ".join(f"{n:,} {md(name)}" for name, n in findings.phases.items() if n),
            ledger=[
                ("open", _ledger(add_up(snapshot.pulls, PullState.OPEN))),
                ("merged in the last 120 days", _ledger(add_up(snapshot.pulls, PullState.MERGED))),
            ],
            quiet=_why_not(findings.quiet, shown),
            quiet_count=len({name for name, _reason in findings.quiet}),
        )
        .strip()
    )


def _open_line(pull: Pull) -> str:
    metadata = pull.metadata
    title = md(pull.title)
    parts = [f"#{pull.number} [{title}]({pull.url})" if pull.url else f"#{pull.number} {title}"]
    if metadata is not None:
        parts.append(f"risk {md(metadata.risk)}, approval: {md(metadata.approval)}")
    if pull.review is not None:
        parts.append(pull.review.value)
    promised = savings(pull)
    if promised and len({each.middle.currency for each in promised}) == 1:
        total = promised[0]
        for each in promised[1:]:
            total += each
        parts.append(f"saves {_say(total)} a month, predicted")
    return f"- {' · '.join(parts)}"


def _held_line(held: Held) -> str:
    until = f", until {held.until:%Y-%m-%d %H:%M} UTC" if held.until else ""
    number = f"#{held.pull} " if held.pull else ""
    return f"- {number}{md(held.title)}: **{held.reason}** ({md(held.detail)}{until})"


def _box_line(pulls: Mapping[int, Pull], held: Held) -> str:
    until = f", until {held.until:%Y-%m-%d} at the latest" if held.until else ""
    pull = pulls.get(held.pull) if held.pull is not None else None
    start = box(pull) if pull is not None else "-"
    return f"{start} {md(held.title)}: **{held.reason}** ({md(held.detail)}{until})"


def _teams(opened: Iterable[Pull], manners: Manners) -> str:
    """Name the teams whose limit is reached."""
    counted = Counter(p.metadata.team for p in opened if p.metadata and p.metadata.team)
    full = sorted(team for team, number in counted.items() if number >= manners.per_team)
    return ", ".join(md(team) for team in full[:20])


def _ledger(line: Line) -> str:
    if not line.pulls:
        return "none"
    said = " and ".join(_say(each) for each in line.savings) or "nothing in money"
    rest = line.pulls - line.promising
    quiet = f"; {rest:,} of {line.pulls:,} promise no money" if rest and line.savings else ""
    return f"{line.pulls:,}, promising {said}{quiet}"


def _say(saving: Saving) -> str:
    return md(say_interval((saving.middle, saving.low, saving.high)))


def _why_not(quiet: Sequence[tuple[str, str]], shown: int) -> list[str]:
    """Say each reason once, with how many it holds for and the names of some."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in quiet:
        by_reason.setdefault(reason, []).append(name)
    reasons = sorted(by_reason.items(), key=lambda pair: (-len(pair[1]), pair[0]))

    def line(pair: tuple[str, list[str]]) -> str:
        reason, names = pair
        named = ", ".join(md(name, 80) for name in names[:shown])
        more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
        return f"- {len(names):,}: {md(reason)}\n  ({named}{more})"

    return _lines(reasons, line, shown)


def _plain_line(sentence: str) -> str:
    return f"- {md(sentence)}"


def _lines(items: Sequence[T], write: Callable[[T], str], shown: int) -> list[str]:
    """Write the first `shown` of a list, and how many more there are."""
    lines = [write(item) for item in items[:shown]]
    if len(items) > shown:
        lines.append(f"- … and {len(items) - shown:,} more; `trimtab plan` names them all.")
    return lines
