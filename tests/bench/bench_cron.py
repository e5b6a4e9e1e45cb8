"""Measure the Quartz evaluator: `python -m tests.bench.bench_cron`.

The baseline is the naive scan: try every minute of the window against the parsed fields. It is
timed on a sample of the fleet, interleaved with the evaluator, and scaled to the whole fleet.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import median
from time import perf_counter

from bot.domain.cron import QuartzCron, every, parse
from bot.domain.cron.quartz import split_days

START = datetime(2026, 3, 2, tzinfo=UTC)
ROUNDS = 5
SAMPLE = 20
INTERVALS = {1: 15, 6: 35, 24: 50}  # hours between fires: share of the fleet in percent


def fleet(size: int, zone: str = "UTC") -> list[QuartzCron]:
    """Build crons of 15 % hourly, 35 % six-hourly, 50 % daily connections, spread at random."""
    dice = random.Random(7)
    kinds = dice.choices([*INTERVALS], weights=[*INTERVALS.values()], k=size)
    return [
        parse(every(timedelta(hours=hours), dice.randrange(60), dice.randrange(24)), zone)
        for hours in kinds
    ]


def hourly(size: int) -> list[QuartzCron]:
    """Build hourly crons that differ in their minute and second."""
    return [parse(f"{n // 60 % 60} {n % 60} * * * ?") for n in range(size)]


def list_fires(crons: list[QuartzCron], days: int) -> int:
    """Count the fires of a window with the evaluator, with nothing remembered from before."""
    split_days.cache_clear()
    end = START + timedelta(days=days)
    return sum(len(cron.epochs_between(START, end)) for cron in crons)


def scan_minutes(crons: list[QuartzCron], days: int) -> int:
    """Count the same fires by trying each minute."""
    minutes = [START + timedelta(minutes=n) for n in range(days * 1440)]
    return sum(
        minute.minute in cron.minutes
        and minute.hour in cron.hours
        and minute.month in cron.dates.months
        and minute.day in cron.dates.days.of_month(minute.year, minute.month)
        for cron in crons
        for minute in minutes
    )


def walk(crons: list[QuartzCron], count: int) -> int:
    """Ask each cron for its next fires one after another."""
    return sum(len(list(islice(cron.fires_after(START), count))) for cron in crons)


def timed(work: Callable[[], int]) -> tuple[float, int]:
    """Return the seconds that `work` took, and what it counted."""
    begin = perf_counter()
    counted = work()
    return perf_counter() - begin, counted


def compare(name: str, crons: list[QuartzCron], days: int) -> None:
    """Print one row: evaluator against minute scan, medians of interleaved rounds."""
    ours, scans = [], []
    fires = 0
    for _ in range(ROUNDS):
        seconds, fires = timed(lambda: list_fires(crons, days))
        ours.append(seconds)
        seconds, scanned = timed(lambda: scan_minutes(crons[:SAMPLE], days))
        scans.append(seconds * len(crons) / SAMPLE)
        assert scanned == list_fires(crons[:SAMPLE], days)
    print(
        f"{name:<44} {fires:>11,} {median(ours):>9.2f} {median(scans):>12.1f} "
        f"{median(scans) / median(ours):>8,.0f}x"
    )


def main() -> None:
    """Print the tables."""
    print(f"{'fires of a window':<44} {'fires':>11} {'s':>9} {'scan s':>12} {'ratio':>9}")
    compare("10,000 connections x 28 days, mixed", fleet(10_000), 28)
    compare("10,000 connections x 90 days, all hourly", hourly(10_000), 90)
    print()
    print(f"{'other work':<44} {'count':>11} {'s':>9}")
    texts = [cron.text for cron in fleet(10_000)]
    utc, york = fleet(5000), fleet(5000, "America/New_York")
    rows: list[tuple[str, Callable[[], int]]] = [
        ("5,000 connections x 28 next fires, UTC", lambda: walk(utc, 28)),
        ("the same in New York", lambda: walk(york, 28)),
        ("parse 10,000 expressions", lambda: len([parse.__wrapped__(text) for text in texts])),
    ]
    for name, work in rows:
        runs = [timed(work) for _ in range(ROUNDS)]
        print(f"{name:<44} {runs[0][1]:>11,} {median(run[0] for run in runs):>9.2f}")


if __name__ == "__main__":
    main()
