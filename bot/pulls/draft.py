"""Drafts: what one pull request should be."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.pulls.change import SettingChange, Target
from bot.pulls.digest import digest


@dataclass(frozen=True, slots=True)
class Draft:
    """A pull request as it should be, before it is compared with what is there.

    `identity` names it for good (`connection/<id>/<setting>`, `team/<name>/<tier>`): there is at
    most one open pull request of it. `branch` is where it goes when it is new. `body` is the text for
    people, without the metadata block; `message` the commit's, without trailers. `files` maps
    paths of the repository to their whole new contents. `risk`, `confidence` and `approval` are
    labels as policies and bodies spell them; `team` counts against the limit of one team.
    `evidence` and `policies` are digests of what the advice and the verdict rest on.
    `auto_merge` asks the forge to merge by itself once every check has passed. Of each of the sets
    in `approvers` somebody has to approve (two of each at the level `two-person`).
    """

    identity: str
    branch: str
    title: str
    body: str
    message: str
    files: Mapping[str, bytes]
    changes: tuple[SettingChange, ...]
    risk: str
    confidence: str
    approval: str
    evidence: str
    policies: str
    team: str | None = None
    labels: frozenset[str] = frozenset()
    assignees: frozenset[str] = frozenset()
    auto_merge: bool = False
    approvers: tuple[tuple[str, ...], ...] = ()

    @property
    def fingerprint(self) -> str:
        """Name the proposal: the same for as long as a person would call it the same."""
        return digest(self.identity, *sorted(change.fingerprint for change in self.changes))

    @property
    def promise(self) -> str:
        """Return a digest of what the branch has to do: exactly these literals, from and to."""
        return digest(*sorted(change.promise for change in self.changes))

    @property
    def id(self) -> str:
        """Return the short name that people quote, `TT-` and eight hexadecimal digits."""
        return f"TT-{self.fingerprint.removeprefix('sha256:')[:8]}"

    @property
    def connections(self) -> tuple[str, ...]:
        """Return the connections that change, each once."""
        return tuple(dict.fromkeys(change.connection for change in self.changes))

    @property
    def targets(self) -> frozenset[Target]:
        """Return the settings that change."""
        return frozenset(change.target for change in self.changes)
