"""Words: a cron and its gaps said in English."""

import re
from datetime import timedelta

from bot.domain.cron.days import LastDay, NthWeekday
from bot.domain.cron.quartz import QuartzCron
from bot.domain.cron.terms import WEEKDAYS

_STEPS = re.compile(r"(?:\*|[1-8]?\d)/[1-9]\d?")
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def describe(cron: QuartzCron) -> str:
    """Say when `cron` fires, in its own zone, such as `At 06:00, only on Monday`."""
    from cron_descriptor import Options, get_description

    days = cron.dates.days
    no_such_day = isinstance(days, NthWeekday) and not WEEKDAYS.admits(days.weekday)
    if no_such_day or not cron.dates.years:
        return "Never"
    options = Options()
    options.use_24hour_time_format = True
    options.day_of_week_start_index_zero = False  # Quartz: 1 is Sunday
    words: str = get_description(_describable(cron), options)
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
    """Spell `cron` as the library of words understands it: canonical, with the steps as written."""
    *spelled, weekdays = cron.canonical.split()[:6]
    year = cron.canonical.split()[6:]
    written = cron.text.split()
    fields = [
        own if _STEPS.fullmatch(own) else one for one, own in zip(spelled, written, strict=False)
    ]
    return " ".join([*fields, weekdays, *year])
