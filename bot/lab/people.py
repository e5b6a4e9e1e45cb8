"""What people do to a fleet behind Terraform's back: the drift that a real history has."""

from random import Random
from typing import Final

from bot.domain.connection import Basic, Cron, Schedule
from bot.lab import constants as known
from bot.lab.actions import Action, ChangeConnection, ChangeSchema, StartJob
from bot.lab.fleet import Fleet, LabConnection
from bot.lab.jobs import KIND_NAMES
from bot.lab.noise import key_of

_ZONES: Final = ("UTC", "America/New_York", "Europe/Berlin")


def draw_people(seed: int, fleet: Fleet, start: int, days: int) -> list[Action]:
    """Draw what people do from `start` (epoch seconds) on, for well over `days` days.

    Somebody changes a schedule in the web interface, clears data, pauses a connection for some
    days; sources change their schema.
    """
    actions: list[Action] = []
    for link in fleet.by_index:
        dice = Random(key_of(seed, "people", link.id))
        span = known.STEP_WINDOW[1] * days
        per_90_days = span / 90
        if dice.random() < known.UI_CHANGES_PER_90_DAYS * per_90_days and link.status == "active":
            at = _in_office_hours(dice, start, span)
            actions.append(
                ChangeConnection(
                    at=at, by_person=True, connection_id=link.id, schedule=_by_hand(dice)
                )
            )
        if dice.random() < known.PAUSES_PER_90_DAYS * per_90_days and link.status == "active":
            at = _in_office_hours(dice, start, span)
            back = at + int(dice.uniform(1, 10) * known.DAY)
            for when, status in ((at, "inactive"), (back, "active")):
                actions.append(
                    ChangeConnection(at=when, by_person=True, connection_id=link.id, status=status)
                )
        if dice.random() < known.CLEARS_PER_90_DAYS * per_90_days:
            at = _in_office_hours(dice, start, span)
            actions.append(
                StartJob(
                    at=at, by_person=True, connection_id=link.id, kind=KIND_NAMES.index("clear")
                )
            )
        if dice.random() < known.SCHEMA_CHANGES_PER_90_DAYS * per_90_days:
            at = start + int(dice.random() * span * known.DAY)
            breaking = dice.random() < known.BREAKING_SHARE
            actions.append(
                ChangeSchema(
                    at=at,
                    connection_id=link.id,
                    change="breaking" if breaking else "non_breaking",
                    column=f"column_{dice.randrange(100)}",
                )
            )
    return actions


def renewals(start: int, links: list[tuple[LabConnection, tuple[int, int]]]) -> list[Action]:
    """Return how credentials that break are renewed: (connection, first and last bad day)."""
    return [
        ChangeConnection(
            at=start + end * known.DAY + 9 * known.HOUR,
            by_person=True,
            connection_id=link.id,
            status="active",
        )
        for link, (_, end) in links
        if link.status == "active"
    ]


def _in_office_hours(dice: Random, start: int, span: float) -> int:
    day = int(dice.random() * span)
    return start + day * known.DAY + int(dice.uniform(8, 18) * known.HOUR)


def _by_hand(dice: Random) -> Schedule:
    if dice.random() < 0.3:  # noqa: PLR2004  some people like intervals
        return Basic(dice.choice((6, 12, 24)), "hours")
    minute, hour = dice.choice((0, 0, 15, 30)), dice.randrange(24)
    return Cron(f"0 {minute} {hour} * * ?", dice.choice(_ZONES))
