"""Subjects: a connection with its two ends, which is what policies match and advisors look at."""

from dataclasses import dataclass, field

from bot.domain.connection import Connection, Endpoint
from bot.domain.lineage import Downstream


@dataclass(frozen=True, slots=True)
class Subject:
    """One connection and what surrounds it; an end that is not on record is None.

    `owner` is who answers for it (a tag `owner:…`, or what lineage says), `workspace` the name of
    its workspace, or the id where the name is not known.
    """

    connection: Connection
    source: Endpoint | None = None
    destination: Endpoint | None = None
    workspace: str = ""
    owner: str | None = None
    downstream: Downstream = field(default_factory=Downstream)
