"""Recommended: the literal behind each recommendation, in one root, or why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.connection import Connection, Cron, KnobValue
from bot.domain.cron import parse, split_zone, to_airbyte
from bot.domain.edit import Edit, Refusal, RefusalReason
from bot.domain.recommendation import KnobChange, Recommendation, ScheduleChange, StatusChange
from bot.terraform.endpoints import Role, endpoint_address
from bot.terraform.identity import Identified, Unidentified, identify
from bot.terraform.index import Index
from bot.terraform.verify import Change, set_values

Outcome = Edit | Refusal | None
"""None where the root says nothing of a connection."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A recommendation, and the connection that it is for."""

    connection: Connection
    recommendation: Recommendation


def edits(
    index: Index,
    fleet: Sequence[Connection],
    wanted: Sequence[Wanted],
    mapping: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """Work out the edit of each recommendation, in their order; nothing is written.

    Args:
        index: the root.
        fleet: every connection: a name says who is meant only where nobody else has it.
        wanted: the recommendations.
        mapping: connection ids to addresses, where the team has written them down.
    """
    identities = {found.connection: found for found in identify(index, fleet, mapping=mapping)}
    outcomes: dict[int, Outcome] = {}
    changes: dict[int, Change] = {}
    for position, each in enumerate(wanted):
        found = identities[each.connection.id]
        if isinstance(found, Identified):
            change = _change(index, each.recommendation, found.address)
            if isinstance(change, Change):
                changes[position] = change
            else:
                outcomes[position] = change
        else:
            outcomes[position] = _unclear(found)
    for position, outcome in zip(changes, set_values(index, list(changes.values())), strict=True):
        outcomes[position] = _drift(wanted[position].recommendation, outcome) or outcome
    return [outcomes[position] for position in range(len(wanted))]


def _change(index: Index, recommendation: Recommendation, address: str) -> Change | Refusal:
    match recommendation.change:
        case ScheduleChange(after=cron):
            return Change(address, "schedule.cron_expression", to_airbyte(cron.expression))
        case StatusChange(after=status):
            return Change(address, "status", status.value)
        case KnobChange(knob=knob, after=value):
            role: Role = "destination" if knob.connector.startswith("destination-") else "source"
            end = endpoint_address(index, address, role)
            if isinstance(end, Refusal):
                return end
            return Change(end, f"configuration.{knob.path}", spelled(value))


def spelled(value: KnobValue) -> str:
    """Write a value as Terraform prints it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _unclear(identity: Unidentified) -> Refusal | None:
    """Explain what the root may declare; None where it says nothing of a connection."""
    if not identity.candidates:
        return None
    return Refusal(
        RefusalReason.AMBIGUOUS,
        f"{identity.detail}; candidates are {', '.join(identity.candidates)}",
        snippet=f"terraform:\n  connections:\n    {identity.connection}: <one of them>",
    )


def _drift(recommendation: Recommendation, outcome: Edit | Refusal) -> Refusal | None:
    """Refuse where Terraform does not say what Airbyte does: a person has to decide first."""
    if isinstance(outcome, Refusal):
        return None
    site = outcome.site
    if site.value == outcome.after:
        detail = f"Terraform says {site.value!r} already, and it has not been applied yet"
    elif not _agrees(recommendation, site.value):
        detail = f"Terraform says {site.value!r}, and Airbyte does something else"
    else:
        return None
    return Refusal(RefusalReason.DRIFT, detail, site.file, site.line)


def _agrees(recommendation: Recommendation, written: str) -> bool:
    match recommendation.change:
        case ScheduleChange(before=before):
            return isinstance(before, Cron) and _fires_alike(written, before)
        case KnobChange(before=before):
            return before is not None and spelled(before) == written
        case StatusChange(before=before):
            return before.value == written


def _fires_alike(written: str, running: Cron) -> bool:
    expression, zone = split_zone(written)
    there = parse(expression, zone or "UTC")
    here = parse(running.expression, running.zone)
    return (there.canonical, there.zone) == (here.canonical, here.zone)
