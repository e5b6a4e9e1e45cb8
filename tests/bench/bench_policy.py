"""How long judging takes: `python -m tests.bench.bench_policy` (SIZE=quick|full).

A fleet is judged under 50 policies, and beside it runs a bare Python loop of the same predicates over
the same connections: the least that any engine has to do. Explanations are timed apart, since they are
built for one connection when somebody asks, and so is CEL.
"""

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase

from bot.domain.connection import Cron
from bot.domain.recommendation import ScheduleChange
from bot.domain.subject import Subject
from bot.policy.case import Case
from bot.policy.explanation import in_force, matching, verdict_lines
from bot.policy.judging import Judge
from tests.policy.cases import case, judge_of, move, subject, turn

FLEET = {"quick": 2_000, "full": 10_000}[os.environ.get("SIZE", "full")]
POLICIES = 50
TAGS = [f"tag-{number}" for number in range(40)]
CONNECTORS = ["source-stripe", "source-postgres", "source-hubspot", "source-mixpanel"]


def main() -> None:
    """Print one table."""
    fleet = subjects()
    cases = [
        case(each, turn(4, 5) if number % 10 == 0 else move()) for number, each in enumerate(fleet)
    ]
    rows: list[tuple[str, float]] = []
    plain = policies()
    judge = judge_of(*map(json.dumps, plain))
    rows.append(("bare loop of the predicates", timed(lambda: bare(fleet, plain))))
    rows.append(("match and terms of every connection", timed(lambda: terms(judge, fleet))))
    fresh = judge_of(*map(json.dumps, plain))
    rows.append(("judge every recommendation", timed(lambda: fresh.judge_all(cases, {}, fleet))))
    rows.append(
        ("judge them again, matches kept", timed(lambda: fresh.judge_all(cases, {}, fleet)))
    )
    rows.append(("explain one connection", timed(lambda: explain(fresh, cases[0]))))
    with_cel = judge_of(*map(json.dumps, policies(cel=True)))
    rows.append(
        (
            f"judge, with CEL in {POLICIES // 5} policies",
            timed(lambda: with_cel.judge_all(cases, {}, fleet)),
        )
    )
    print(f"{FLEET:,} connections, {POLICIES} policies, one recommendation each")
    for name, seconds in rows:
        print(f"{name:45} {seconds:8.3f} s {seconds / FLEET * 1e6:9.1f} µs a connection")


def subjects() -> list[Subject]:
    """Return a fleet with two tags each."""
    chosen = random.Random(3)
    return [
        subject(
            f"conn-{number % 97}-{number}",
            *chosen.sample(TAGS, 2),
            key=f"c{number}",
            source=chosen.choice(CONNECTORS),
            source_id=f"s{number % 500}",
            owner=f"@o{number % 9}",
            schedule=Cron(f"0 {number % 60} {number % 23} * * ?"),
        )
        for number in range(FLEET)
    ]


def moved(of: Subject, number: int) -> ScheduleChange:
    """Return a move of ten minutes or less of a daily start."""
    after = f"0 {min(59, number % 60 + number % 11)} {number % 23} * * ?"
    return move(after, before=of.connection.schedule)


def policies(*, cel: bool = False) -> list[dict[str, object]]:
    """Return policies that match by tag, name and source, with limits, windows and triggers."""
    made: list[dict[str, object]] = [
        {
            "name": "all",
            "approval": "owner",
            "limits": {"schedule_shift": "2h", "parallelism_ratio": 2},
        }
    ]
    for number in range(1, POLICIES):
        match: dict[str, object] = {"tag": TAGS[number % 40]}
        if number % 3 == 0:
            match = {"any": [match, {"name": f"conn-{number}-*"}]}
        if number % 5 == 0:
            match |= {"source": ["stripe", "postgres"]}
        if cel and number % 5 == 1:
            match |= {"when": f'"{TAGS[number % 40]}" in tags && streams < 5'}
        made.append(
            {
                "name": f"p{number}",
                "match": match,
                "approval": "team",
                "limits": {"schedule_shift": f"{number}m", "max_cost_increase": number},
                "guarantee": {
                    "finish_by": {"time": "17:00", "zone": "America/New_York"},
                    "freeze": {"start": "00:00", "length": "2h", "zone": "Europe/Berlin"},
                },
                "triggers": [{"delays_others_by": "2h", "level": "team"}],
            }
        )
    return made


def bare(fleet: list[Subject], given: list[dict[str, object]]) -> int:
    """Decide who matches what, and the tightest shift, with nothing but Python."""
    rules = []
    for policy in given:
        match = policy.get("match", {})
        assert isinstance(match, dict)
        inner = match.get("any", [match])
        tag = next((each["tag"] for each in inner if "tag" in each), None)
        glob = next((each["name"] for each in inner if "name" in each), None)
        limits = policy["limits"]
        assert isinstance(limits, dict)
        rules.append((tag, glob, match.get("source"), limits["schedule_shift"]))
    denied = 0
    for each in fleet:
        tightest = timedelta.max
        assert each.source is not None
        for tag, glob, sources, shift in rules:
            fits = tag is None or tag in each.connection.tags
            if not fits and glob is not None:
                fits = fnmatchcase(each.connection.name, glob)
            if fits and sources is not None:
                fits = each.source.connector.removeprefix("source-") in sources
            if fits:
                limit = timedelta(minutes=int(shift[:-1]) * (60 if shift[-1] == "h" else 1))
                tightest = min(tightest, limit)
        denied += timedelta(minutes=10) > tightest
    return denied


def terms(judge: Judge, fleet: list[Subject]) -> None:
    """Ask for the bounds of every connection."""
    for each in fleet:
        judge.terms(each)


def explain(judge: Judge, found: Case) -> None:
    """Build all that `policy explain` prints of one connection."""
    ruling = judge.judge(replace(found))
    standing = judge.standing(found.subject)
    list(matching(judge, standing))
    in_force(standing)
    list(verdict_lines(judge, ruling))


def timed(work: Callable[[], object]) -> float:
    """Return how long work takes, in seconds of CPU: one thread, and others may be at work."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
