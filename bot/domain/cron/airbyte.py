"""Airbyte's own rules around Quartz: how it spells, checks and stores a schedule.

Its API stores every cron in UTC, answers `"<expression> <zone>"`, and refuses more than
Quartz does. Checks that depend on the moment take it as a value.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from bot.domain.connection import Basic, Cron, Manual, Schedule, UnreadSchedule
from bot.domain.cron.days import NearestWorkday
from bot.domain.cron.quartz import QuartzCron, parse
from bot.domain.cron.terms import EVERY, HOURS, MINUTES
from bot.domain.cron.words import say_duration
from bot.domain.errors import CronError

SELF_MANAGED_FLOOR = timedelta(minutes=1)
CLOUD_FLOOR = timedelta(hours=1)
"""The shortest interval of Airbyte Cloud, unless the plan buys 15 minutes or 1 minute."""

_UNITS = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
    "months": timedelta(days=30),
}
_BASIC = re.compile(r"Every (\d{1,6}) ([a-z]+?)s?", re.IGNORECASE)
_FIELDS = 6
_LOOKED_AT = 3
_SAFE_DAY = 28


@dataclass(frozen=True, slots=True)
class CronFinding:
    """One thing to know about an expression; `refused` when Airbyte would not store it."""

    message: str
    refused: bool


def split_zone(text: str) -> tuple[str, str | None]:
    """Separate the zone that Airbyte appends, as in `0 0 6 * * ? America/Toronto`.

    Returns the expression, its fields one space apart, and the zone, or None when it names none.
    """
    fields = text.split()
    if fields and _is_zone(fields):
        zone = fields[-1]
        return " ".join(fields[:-1]), "UTC" if zone.upper() == "UTC" else zone
    return " ".join(fields), None


def read_schedule(kind: str, cron: str | None = None, basic: str | None = None) -> Schedule:
    """Read a schedule as Airbyte's public API spells it.

    `kind` is the schedule type, `cron` the expression with its zone (`0 0 6 * * ? UTC`), `basic`
    the timing of an interval (`Every 24 HOURS`). What cannot be read is kept as text.
    """
    match kind:
        case "manual":
            return Manual()
        case "cron" if cron is not None:
            return _read_cron(cron)
        case "basic" if basic is not None:
            return _read_basic(basic)
    return UnreadSchedule(" ".join(part for part in (kind, cron, basic) if part))


@lru_cache(maxsize=8192)
def cron_of(schedule: Schedule) -> QuartzCron | None:
    """Return the cron of a schedule, or None when it has none that can be read."""
    if not isinstance(schedule, Cron):
        return None
    try:
        return parse(schedule.expression, schedule.zone)
    except CronError:
        return None


def interval_of(basic: Basic) -> timedelta:
    """Return the interval; a month is 30 days, as in Airbyte.

    Raises:
        CronError: the unit is not one of Airbyte's.
    """
    if basic.unit not in _UNITS:
        raise CronError(
            f"an interval in {basic.unit!r} is not known; known are {', '.join(_UNITS)}"
        )
    return basic.units * _UNITS[basic.unit]


def every(interval: timedelta, minute: int, hour: int = 0) -> str:
    """Write an interval that divides the day as an expression, at `minute` past `hour`.

    `interval` is 1, 2, 3, 6, 8, 12 or 24 hours; `hour` is one of the hours on which it fires.

    Raises:
        CronError: a cron cannot keep this interval over midnight, or there is no such time.
    """
    hours, rest = divmod(interval, timedelta(hours=1))
    if rest or hours not in {1, 2, 3, 6, 8, 12, 24}:
        raise CronError(
            f"a cron cannot keep an interval of {interval} over midnight",
            "Intervals of 1, 2, 3, 6, 8, 12 and 24 hours can be written as a cron.",
        )
    if not (MINUTES.admits(minute) and HOURS.admits(hour)):
        raise CronError(f"there is no time {hour:02}:{minute:02}")
    first = hour % hours
    spelled = {1: "*", 24: str(first)}.get(hours, f"{first or '*'}/{hours}")
    return f"0 {minute} {spelled} * * ?"


def check_airbyte(
    expression: str, floor: timedelta = SELF_MANAGED_FLOOR, at: datetime | None = None
) -> list[CronFinding]:
    """List what Airbyte would refuse in `expression`, and what will surprise.

    `floor` is the shortest interval that the installation or plan allows. Airbyte looks at the
    next three fires only: give the moment `at` to judge as it does; without one, any two fires
    that are too close count. An expression that Quartz refuses is one finding.
    """
    text, zone = split_zone(expression)
    try:
        cron = parse(text)
    except CronError as error:
        return [CronFinding(str(error.message), refused=True)]
    return [*_check_zone(zone), *_check_fields(text, cron), *_check_floor(cron, floor, at)]


def to_airbyte(
    expression: str, floor: timedelta = SELF_MANAGED_FLOOR, at: datetime | None = None
) -> str:
    """Write `expression` in the spelling that Airbyte gives back: with ` UTC`, no idle year.

    Any other spelling shows up as a difference in each Terraform plan.

    Raises:
        CronError: Airbyte would refuse it, or Quartz would not read all of it.
    """
    text, zone = split_zone(expression)
    cron = parse(text)
    if cron.has_every_year:
        text = " ".join(text.split()[:_FIELDS])
    findings = [*_check_zone(zone), *_check_fields(text, cron), *_check_floor(cron, floor, at)]
    for finding in findings:
        if finding.refused:
            raise CronError(finding.message)
    if cron.ignored:
        raise CronError(f"Quartz does not read {', '.join(map(repr, cron.ignored))} in {text!r}")
    return f"{text} UTC"


def _is_zone(fields: list[str]) -> bool:
    last = fields[-1]
    if len(fields) > _FIELDS:
        return last[0].isalpha()
    return last.upper() in {"UTC", "GMT", "Z"} or re.match(r"[A-Za-z_]+/[A-Za-z]", last) is not None


def _read_cron(text: str) -> Schedule:
    expression, zone = split_zone(text)
    try:
        parse(expression, zone or "UTC")
    except CronError:
        return UnreadSchedule(text)
    return Cron(expression, zone or "UTC")


def _read_basic(text: str) -> Schedule:
    match = _BASIC.fullmatch(text.strip())
    unit = f"{match[2].lower()}s" if match else ""
    if match is None or unit not in _UNITS:
        return UnreadSchedule(text)
    return Basic(int(match[1]), unit)


def _check_zone(zone: str | None) -> list[CronFinding]:
    if zone in {None, "UTC"}:
        return []
    message = (
        f"Airbyte's API stores crons in UTC only and refuses {zone!r}; a schedule that the web "
        "interface put in that zone moves to UTC at the next write"
    )
    return [CronFinding(message, refused=True)]


def _check_fields(text: str, cron: QuartzCron) -> list[CronFinding]:
    fields = text.split()
    findings = []
    if not fields[0].isdigit():
        message = f"Airbyte takes a single whole number of seconds, not {fields[0]!r}"
        findings.append(CronFinding(message, refused=True))
    if len(fields) > _FIELDS and not fields[1].isdigit():
        message = (
            f"beside a year Airbyte takes a single whole number of minutes, not {fields[1]!r}; "
            "without the year field it is accepted"
        )
        findings.append(CronFinding(message, refused=True))
    findings += [
        CronFinding(f"Quartz does not read {part!r}: it has no effect", refused=False)
        for part in cron.ignored
    ]
    if isinstance(cron.dates.days, NearestWorkday) and cron.dates.days.day > _SAFE_DAY:
        message = f"{cron.dates.days.day}W skips most months that are shorter; LW does not"
        findings.append(CronFinding(message, refused=False))
    if any(re.search(rf"(?<!\d)0*{EVERY}(?!\d)", field) for field in fields):
        findings.append(CronFinding(f"Quartz reads {EVERY} as *", refused=False))
    return findings


def _check_floor(cron: QuartzCron, floor: timedelta, at: datetime | None) -> list[CronFinding]:
    closest = cron.closest
    if closest is None or closest >= floor:
        return []
    message = (
        f"it fires {say_duration(closest)} apart, and the shortest interval allowed is "
        f"{say_duration(floor)}"
    )
    if at is None:
        return [CronFinding(message, refused=True)]
    ahead = list(islice(cron.fires_after(at), _LOOKED_AT))
    refused = any(later - earlier < floor for earlier, later in pairwise(ahead))
    if not refused:
        message += "; Airbyte looks at the next three fires only and would accept it now"
    return [CronFinding(message, refused)]
