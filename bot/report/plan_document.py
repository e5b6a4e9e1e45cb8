"""The plan as a document for machines; its JSON Schema is published as docs/schemas/plan.v1.json."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.forecast import Quantiles
from bot.domain.money import Money
from bot.report.summary import Entry, Fate, Summary


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SavingPart(_Part):
    """Money saved in 30 days; exact decimal numbers as text."""

    low: str = Field(description="5 % quantile")
    expected: str | None = Field(description="median; null in totals, where medians do not add up")
    high: str = Field(description="95 % quantile")
    currency: str = Field(description="ISO 4217 code")


class PullPart(_Part):
    """One pull request."""

    fate: Fate = Field(description="what the run does with it")
    title: str
    branch: str
    where: str = Field(description="file:line of the literal that changes, or the pull's number")
    approval: str
    note: str
    saving: SavingPart | None = Field(description="null: not known")


class ReasonPart(_Part):
    """A connection, and why nothing is proposed for it."""

    name: str
    reason: str


class PlanDocument(_Part):
    """What `trimtab plan -o json` prints. New fields may come; those here stay in version 1."""

    version: Literal[1] = 1
    pending: bool = Field(description="whether a run would change a pull request")
    complete: bool = Field(description="whether everything could be read; if not, nothing changes")
    connections: int
    new_syncs: int
    changed_syncs: int
    unread: tuple[str, ...] = Field(description="what could not be read, in sentences")
    saving: SavingPart | None = Field(
        description="the ends of the 90 % intervals of what is proposed, added up"
    )
    pulls: tuple[PullPart, ...]
    withheld: tuple[ReasonPart, ...] = Field(description="recommended, and not proposed")
    quiet: tuple[ReasonPart, ...] = Field(description="nothing recommended")


def document(summary: Summary) -> PlanDocument:
    """Return the plan as a document."""
    total = None
    if summary.saving is not None:
        low, high = summary.saving
        total = SavingPart(
            low=_amount(low), expected=None, high=_amount(high), currency=low.currency
        )
    return PlanDocument(
        pending=summary.pending,
        complete=not summary.unread,
        connections=summary.connections,
        new_syncs=summary.new_syncs,
        changed_syncs=summary.changed_syncs,
        unread=summary.unread,
        saving=total,
        pulls=tuple(_pull(entry) for entry in summary.entries),
        withheld=tuple(ReasonPart(name=name, reason=why) for name, why in summary.withheld),
        quiet=tuple(ReasonPart(name=name, reason=why) for name, why in summary.quiet),
    )


def render_json(summary: Summary) -> str:
    """Return the plan as indented JSON."""
    return document(summary).model_dump_json(indent=2)


def _pull(entry: Entry) -> PullPart:
    return PullPart(
        fate=entry.fate,
        title=entry.title,
        branch=entry.branch,
        where=entry.where,
        approval=entry.approval,
        note=entry.note,
        saving=None if entry.saving is None else _saving(entry.saving),
    )


def _saving(saving: Quantiles[Money]) -> SavingPart:
    return SavingPart(
        low=_amount(saving.p05),
        expected=_amount(saving.p50),
        high=_amount(saving.p95),
        currency=saving.p50.currency,
    )


def _amount(money: Money) -> str:
    return str(money.rounded().amount)
