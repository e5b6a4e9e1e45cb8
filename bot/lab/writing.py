"""What the server says about a cron that somebody wants to store."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

from bot.domain.cron import QuartzCron, parse
from bot.domain.errors import CronError
from bot.lab.http import Refusal, problem

_FIELDS = 6
_WITH_YEAR = 7
_LOOKED_AT = 3


def cron_of(text: object, floor: int, now: int) -> str:
    """Return the expression as it is stored: a trailing UTC is stripped, the zone becomes UTC.

    `floor` is the shortest gap in seconds; as the server does, only the next fires after `now`
    are looked at.

    Raises:
        Refusal: 400, in the server's words.
    """
    if not isinstance(text, str) or not text.strip():
        raise _refused("missing-cron-data", "Cron expression is missing.")
    fields = text.split()
    if fields[-1] == "UTC":
        fields = fields[:-1]
    if len(fields) not in {_FIELDS, _WITH_YEAR}:
        raise _refused(
            "invalid-expression",
            f"Cron expression contains {len(fields)} parts but we expect one of [6, 7]",
        )
    plain = fields[:1] if len(fields) == _FIELDS else fields[:2]
    if not all(field.isdigit() for field in plain):
        raise _refused(
            "under-one-hour-not-allowed", "Seconds (and minutes, before a year) must be one number."
        )
    expression = " ".join(fields)
    try:
        cron = parse(expression)
    except CronError as error:
        raise _refused("invalid-expression", error.message) from None
    _check_floor(cron, floor, now)
    return expression


def _check_floor(cron: QuartzCron, floor: int, now: int) -> None:
    fires = islice(cron.fires_after(datetime.fromtimestamp(now, UTC)), _LOOKED_AT)
    if any(late - early < timedelta(seconds=floor) for early, late in pairwise(fires)):
        raise _refused(
            "under-one-hour-not-allowed", f"Cron executions must be at least {floor} s apart."
        )


def _refused(kind: str, detail: str) -> Refusal:
    return Refusal(problem(400, f"cron-validation/{kind}", detail))
