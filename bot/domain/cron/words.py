"""Words: a cron and its gaps said in English."""

import re
from datetime import timedelta

from bot.domain.cron.days import LastDay
from bot.domain.cron.quartz import QuartzCron

_NAMES = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT"
_NUMBER = rf"(?:[0-8]?\d|9[0-7]|{_NAMES})"
_SPAN = rf"(?:\*|{_NUMBER}(?:-{_NUMBER})?)(?:/[1-9]\d?)?"
_PLAIN = re.compile(rf"\?|L|LW|\d+W|L-\d+W?|{_SPAN}(?:,{_SPAN})*")
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def describe(cron: QuartzCron) -> str:
    """Say when `cron` fires, in its own zone, such as `At 06:00, only on Monday`."""
    from cron_descriptor import Options, get_description

    options = Options()
    options.use_24hour_time_format = True
    options.day_of_week_start_index_zero = False  # Quartz: 1 is Sunday
    words: str = get_description(_describable(cron), options)
    days = cron.dates.days
    if isinstance(days, LastDay) and days.offset and days.to_workday:
        words += " (moved to the nearest weekday)"
    return words


def say_duration(duration: timedelta) -> str:
    """Say a duration in whole units, such as `1 d 23 h`."""
    parts = []
    for unit, size in _UNITS.items():
        count, duration = divmod(duration, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def _describable(cron: QuartzCron) -> str:
    """Return a spelling that the library of words reads as Quartz does: the written one, if any."""
    *fields, weekdays = cron.text.upper().split()[:6]
    plain = not cron.ignored and cron.has_every_year
    if plain and weekdays != "L" and all(_PLAIN.fullmatch(one) for one in [*fields, weekdays]):
        return " ".join([*fields, weekdays])
    return cron.canonical
