"""Matching: which connections a policy speaks of, decided in three values.

What is not on record makes a condition unknown, not false: a rule that may match binds, and never
permits.
"""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.documents.validation import Strict
from bot.domain.connection import Basic, Cron, Endpoint, Manual
from bot.domain.subject import Subject
from bot.policy.expression import When, compile_when, short_connector
from bot.policy.fields import Words

Truth = bool | None
"""None is "not known"."""
Test = Callable[[Subject], Truth]
ScheduleKind = Literal["cron", "interval", "manual", "other"]


class Match(Strict):
    """Which connections a policy speaks of; what is left out matches everything.

    Several conditions have to hold together; of several words for one, any will do. `*` and `?`
    stand for any letters.
    """

    name: Words | None = Field(None, description="the connection's name")
    tag: Words | None = Field(None, description="an Airbyte tag; upper and lower case differ")
    workspace: Words | None = Field(None, description="the workspace's name, or its id")
    source: Words | None = Field(None, description="the source's connector: postgres, stripe")
    destination: Words | None = Field(None, description="the destination's connector: snowflake")
    connector: Words | None = Field(None, description="the connector at either end")
    owner: Words | None = None
    schedule: Annotated[tuple[ScheduleKind, ...], Field(min_length=1)] | ScheduleKind | None = None
    all: tuple["Match", ...] = ()
    any: tuple["Match", ...] | None = None
    not_: "Match | None" = Field(None, alias="not")
    when: When | None = Field(None, description="a condition in CEL, which has to be true or false")


def compile_match(match: Match) -> Test:
    """Return a function that decides a match, as cheap as its conditions allow."""
    tests = [*_simple(match), *(compile_match(each) for each in match.all)]
    if match.any is not None:
        tests.append(_either([compile_match(each) for each in match.any]))
    if match.not_ is not None:
        tests.append(_inverted(compile_match(match.not_)))
    if match.when is not None:
        tests.append(compile_when(match.when))
    if not tests:
        return lambda _: True
    return tests[0] if len(tests) == 1 else _both(tests)


def _simple(match: Match) -> Iterable[Test]:
    if match.tag is not None:
        tags, globs = _split(match.tag)
        yield _tagged(tags, globs)
    if match.name is not None:
        yield _text(match.name, lambda subject: subject.connection.name)
    if match.workspace is not None:
        name = _text(match.workspace, lambda subject: subject.workspace or None)
        place = _text(match.workspace, lambda subject: str(subject.connection.workspace_id))
        yield _either([place, name])
    if match.owner is not None:
        yield _text(match.owner, lambda subject: subject.owner)
    if match.source is not None:
        yield _text(_connectors(match.source), lambda subject: _connector(subject.source))
    if match.destination is not None:
        yield _text(_connectors(match.destination), lambda subject: _connector(subject.destination))
    if match.connector is not None:
        yield _either(
            [
                _text(_connectors(match.connector), lambda subject: _connector(subject.source)),
                _text(
                    _connectors(match.connector), lambda subject: _connector(subject.destination)
                ),
            ]
        )
    if match.schedule is not None:
        kinds = (match.schedule,) if isinstance(match.schedule, str) else match.schedule
        yield lambda subject: schedule_kind(subject) in kinds


def schedule_kind(subject: Subject) -> ScheduleKind:
    """Name the form of a connection's schedule as policies do."""
    match subject.connection.schedule:
        case Cron():
            return "cron"
        case Basic():
            return "interval"
        case Manual():
            return "manual"
        case _:
            return "other"


def _connector(endpoint: Endpoint | None) -> str | None:
    return None if endpoint is None else short_connector(endpoint.connector)


def _connectors(words: Iterable[str]) -> list[str]:
    """Let connectors be called as Airbyte does, `source-postgres`, as well as `postgres`."""
    return [short_connector(word) for word in words]


def _split(words: Iterable[str]) -> tuple[frozenset[str], re.Pattern[str] | None]:
    plain = frozenset(word for word in words if not set(word) & set("*?["))
    globs = [translate(word) for word in words if word not in plain]
    return plain, re.compile("|".join(globs)) if globs else None


def _tagged(tags: frozenset[str], globs: re.Pattern[str] | None) -> Test:
    if globs is None:
        return lambda subject: not tags.isdisjoint(subject.connection.tags)
    matches = globs.match
    return lambda subject: (
        not tags.isdisjoint(subject.connection.tags) or any(map(matches, subject.connection.tags))
    )


def _text(words: Iterable[str], read: Callable[[Subject], str | None]) -> Test:
    plain, globs = _split(words)

    def test(subject: Subject) -> Truth:
        text = read(subject)
        if text is None:
            return None
        return text in plain or (globs is not None and globs.match(text) is not None)

    return test


def _both(tests: list[Test]) -> Test:
    def test(subject: Subject) -> Truth:
        known: Truth = True
        for each in tests:
            found = each(subject)
            if found is False:
                return False
            if found is None:
                known = None
        return known

    return test


def _either(tests: list[Test]) -> Test:
    def test(subject: Subject) -> Truth:
        known: Truth = False
        for each in tests:
            found = each(subject)
            if found:
                return True
            if found is None:
                known = None
        return known

    return test


def _inverted(inner: Test) -> Test:
    def test(subject: Subject) -> Truth:
        found = inner(subject)
        return None if found is None else not found

    return test


def conditions(match: Match, subject: Subject, depth: int = 0) -> list[tuple[int, str, Truth]]:
    """Return every condition of a match with what it comes to, for `explain`: (depth, text, value)."""
    rows: list[tuple[int, str, Truth]] = []
    for field in ("name", "tag", "workspace", "source", "destination", "connector", "owner"):
        words = getattr(match, field)
        if words is not None:
            single = Match.model_validate({field: list(words)})
            text = f"{field}: {' or '.join(words)}"
            rows.append((depth, text, compile_match(single)(subject)))
    if match.schedule is not None:
        kinds: Any = match.schedule
        text = kinds if isinstance(kinds, str) else " or ".join(kinds)
        rows.append((depth, f"schedule: {text}", compile_match(Match(schedule=kinds))(subject)))
    if match.when is not None:
        rows.append((depth, f"when: {match.when}", compile_when(match.when)(subject)))
    for each in match.all:
        rows.append((depth, "all of", compile_match(each)(subject)))
        rows += conditions(each, subject, depth + 1)
    for each in match.any or ():
        rows.append((depth, "any of", compile_match(each)(subject)))
        rows += conditions(each, subject, depth + 1)
    if match.not_ is not None:
        rows.append((depth, "not", _inverted(compile_match(match.not_))(subject)))
        rows += conditions(match.not_, subject, depth + 1)
    return rows
