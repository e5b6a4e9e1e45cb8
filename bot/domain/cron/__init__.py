"""Quartz cron, the language of Airbyte's schedules."""

from bot.domain.cron.airbyte import (
    CLOUD_FLOOR,
    SELF_MANAGED_FLOOR,
    CronFinding,
    check_airbyte,
    cron_of,
    every,
    interval_of,
    read_schedule,
    split_zone,
    to_airbyte,
)
from bot.domain.cron.quartz import Gaps, QuartzCron, parse
from bot.domain.errors import CronError

__all__ = [
    "CLOUD_FLOOR",
    "SELF_MANAGED_FLOOR",
    "CronError",
    "CronFinding",
    "Gaps",
    "QuartzCron",
    "check_airbyte",
    "cron_of",
    "every",
    "interval_of",
    "parse",
    "read_schedule",
    "split_zone",
    "to_airbyte",
]
