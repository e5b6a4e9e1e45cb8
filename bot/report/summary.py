"""The summary of a run: what was read, what is proposed, and what is not and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.forecast import Quantiles
from bot.domain.money import Money
from bot.report.terminal import one_line


class Fate(StrEnum):
    """What becomes of a pull request in this run."""

    OPEN = "open"
    UPDATE = "update"
    REWORD = "reword"
    CLOSE = "close"
    KEEP = "as it was"
    HELD = "held back"
    HANDS_OFF = "hands off"


@dataclass(frozen=True, slots=True)
class Entry:
    """One pull request: what it says, where it changes what, and who has to agree.

    `saving` is what it is predicted to save in 30 days; None where nobody can say.
    """

    fate: Fate
    title: str
    branch: str
    where: str
    approval: str
    note: str = ""
    saving: Quantiles[Money] | None = None

    @property
    def is_proposed(self) -> bool:
        """Tell whether the pull request is there to be merged once the run is through."""
        return self.fate in _PROPOSED


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in figures and sentences.

    `withheld` pairs a connection with the reason why its recommendation is not proposed;
    `quiet` pairs one with the reason why nothing is recommended.
    """

    new_syncs: int
    changed_syncs: int
    connections: int
    unread: tuple[str, ...]
    entries: tuple[Entry, ...]
    withheld: tuple[tuple[str, str], ...]
    quiet: tuple[tuple[str, str], ...]

    @property
    def pending(self) -> bool:
        """Tell whether carrying the plan out would do anything."""
        return any(e.fate in _PENDING for e in self.entries)

    @property
    def proposed(self) -> tuple[Entry, ...]:
        """Return the pull requests that are there to be merged."""
        return tuple(entry for entry in self.entries if entry.is_proposed)

    @property
    def blocked(self) -> int:
        """Count the recommendations that no pull request carries."""
        held = sum(entry.fate in {Fate.HELD, Fate.HANDS_OFF} for entry in self.entries)
        return held + len(self.withheld)

    @property
    def saving(self) -> tuple[Money, Money] | None:
        """Add up the ends of the 90 % intervals of what is proposed, per 30 days.

        The truth lies between them more often than in 90 % of cases, unless all savings move
        together. None where nothing is known to be saved, or in more than one currency.
        """
        known = [entry.saving for entry in self.proposed if entry.saving is not None]
        currencies = {saving.p50.currency for saving in known}
        if len(currencies) != 1:
            return None
        nothing = Money.zero(currencies.pop())
        return (
            sum((saving.p05 for saving in known), nothing),
            sum((saving.p95 for saving in known), nothing),
        )


_PROPOSED = frozenset({Fate.OPEN, Fate.UPDATE, Fate.REWORD, Fate.KEEP})
_PENDING = frozenset({Fate.OPEN, Fate.UPDATE, Fate.REWORD, Fate.CLOSE})
_MARKS = {
    Fate.OPEN: "+",
    Fate.UPDATE: "~",
    Fate.REWORD: "~",
    Fate.CLOSE: "-",
    Fate.KEEP: "=",
    Fate.HELD: "·",
    Fate.HANDS_OFF: "!",
}


def render(summary: Summary) -> str:
    """Write a summary for a terminal: one line of totals, then a paragraph for each kind."""
    blocks = [_totals(summary)]
    if summary.unread:
        lines = [f"  {sentence}" for sentence in summary.unread]
        blocks.append(_block("Not read, so no pull request is touched", lines))
    if summary.entries:
        blocks.append(
            _block("Pull requests", [line for entry in summary.entries for line in _entry(entry)])
        )
    if summary.withheld:
        lines = [f"  {name}: {reason}" for name, reason in summary.withheld]
        blocks.append(_block("Recommended and not proposed", lines))
    if summary.quiet:
        blocks.append(_block("Left as they are", list(_grouped(summary.quiet))))
    return "\n\n".join(blocks)


def _totals(summary: Summary) -> str:
    fates = Counter(entry.fate for entry in summary.entries)
    counted = [f"{fates[fate]} {fate}" for fate in Fate if fates[fate]]
    return (
        f"{summary.connections:,} connections · {summary.new_syncs:,} new and "
        f"{summary.changed_syncs:,} changed syncs · pull requests: {', '.join(counted) or 'none'}"
    )


def _entry(entry: Entry) -> list[str]:
    first = f"  {_MARKS[entry.fate]} {entry.title}" + (f" ({entry.note})" if entry.note else "")
    if entry.fate is Fate.KEEP:
        return [first]
    return [first, f"      {entry.where} · {entry.approval} · {entry.branch}"]


def _grouped(quiet: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Say each reason once, with how many it holds for; name a connection that stands alone."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in quiet:
        by_reason.setdefault(reason, []).append(name)
    for reason, names in sorted(by_reason.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        who = names[0] if len(names) == 1 else f"{len(names)} connections"
        yield f"  {who}: {reason}"


def _block(title: str, lines: list[str]) -> str:
    return "\n".join([title, *map(one_line, lines)])
