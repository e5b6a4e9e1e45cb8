"""What a body is written from: the changes that a pull request carries, and what surrounds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from bot.domain.connection import Connection, ConnectionId
from bot.domain.edit import Edit
from bot.domain.forecast import Forecast
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import Recommendation
from bot.domain.subject import Subject
from bot.pulls.body_text import code

_PATH_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Carried:
    """One change with its connection.

    `file` is where the literal is in the repository (the edit knows it from its root only).
    `next_sync` and `month` are forecasts for the connection as it is today; None where none was
    made. `approvers` are the people or teams that policy names for the verdict's level.
    """

    subject: Subject
    change: ProposedChange
    file: str
    next_sync: Forecast | None = None
    month: Forecast | None = None
    approvers: tuple[str, ...] = ()

    @property
    def connection(self) -> Connection:
        """Return the connection that changes."""
        return self.subject.connection

    @property
    def recommendation(self) -> Recommendation:
        """Return what is recommended for it."""
        return self.change.recommendation

    @property
    def edit(self) -> Edit:
        """Return the literal that changes."""
        return self.change.edit


@dataclass(frozen=True, slots=True)
class Frame:
    """What the bodies of one run share.

    `files_url` is where the base branch's files are shown (`https://github.com/o/r/blob/main`);
    empty where nothing can be linked to. `names` says what other connections are called;
    `policies` is a digest of the policy files.
    """

    files_url: str = ""
    names: Mapping[ConnectionId, str] = field(default_factory=dict)
    policies: str = ""
    version: str = "0"

    def name(self, connection: ConnectionId) -> str:
        """Return the name of a connection, or its id where it is not known."""
        return self.names.get(connection, connection)

    def link(self, file: str, line: int) -> str:
        """Return `file:line` as Markdown, linked to where it is shown if that is anywhere."""
        shown = code(f"{file}:{line}", _PATH_LENGTH)
        return f"[{shown}]({self.files_url}/{quote(file)}#L{line})" if self.files_url else shown

    def link_cell(self, file: str, line: int) -> str:
        """Return the same for a table."""
        return self.link(file, line).replace("|", "\\|")
