"""What a policy file may say."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.documents.validation import Strict
from bot.domain.spans import parse_span


def _span(value: object) -> object:
    return parse_span(value) if isinstance(value, str) else value


Approver = Annotated[str, Field(pattern=r"^@[A-Za-z0-9-]+(/[A-Za-z0-9._-]+)?$")]
Span = Annotated[timedelta, BeforeValidator(_span), Field(ge=timedelta())]


class Match(Strict):
    """Which connections a policy speaks of; what is left out matches everything."""

    name: str | None = Field(None, description="glob over the connection's name")
    tag: str | None = Field(None, description="an Airbyte tag, case-sensitive")


class Limits(Strict):
    """How far a recommendation may go."""

    schedule_shift: Span | None = None


class PolicyEntry(Strict):
    """One policy."""

    name: str
    match: Match = Match()
    limits: Limits = Limits()
    approval: Literal["auto", "owner", "team", "two-person", "blocked"] = "team"
    approvers: tuple[Approver, ...] = Field((), description="who may approve: @login, @org/team")


class PolicyFile(Strict):
    """One file of policies."""

    version: Literal[1]
    policies: tuple[PolicyEntry, ...] = ()
