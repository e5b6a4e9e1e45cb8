"""Verdicts: what policy says of a recommendation, always with the line that decided."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class ApprovalLevel(IntEnum):
    """Who has to approve, from the weakest to the strongest."""

    AUTO = 0
    OWNER = 1
    TEAM = 2
    TWO_PERSON = 3
    BLOCKED = 4

    @property
    def label(self) -> str:
        """Spell the level as policies do."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Citation:
    """The rule that spoke: where it is written, what it looked at, and what it says."""

    policy: str
    file: str
    line: int
    sentence: str
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Return `file:line`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Allow:
    """No rule objects and no approval is asked for."""

    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """It may be done when people of `level` agree."""

    level: ApprovalLevel
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Deny:
    """It may not be done."""

    citations: tuple[Citation, ...]


Verdict = Allow | NeedsApproval | Deny


def label(verdict: Verdict) -> str:
    """Spell a verdict as policies and their tests do."""
    match verdict:
        case Allow():
            return "allow"
        case Deny():
            return "deny"
        case NeedsApproval(level):
            return f"needs {level.label}"


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Join what several rules say: deny beats needs-approval beats allow.

    The strongest level wins, citations of the deciding kind are kept in the order given, and
    no verdict at all means that somebody has to look: needs approval by the team.
    """
    given = list(verdicts)
    denials = [verdict for verdict in given if isinstance(verdict, Deny)]
    if denials:
        return Deny(tuple(citation for denial in denials for citation in denial.citations))
    asks = [verdict for verdict in given if isinstance(verdict, NeedsApproval)]
    if asks or not given:
        level = max((ask.level for ask in asks), default=ApprovalLevel.TEAM)
        return NeedsApproval(level, tuple(citation for ask in asks for citation in ask.citations))
    return Allow(
        tuple(c for verdict in given if isinstance(verdict, Allow) for c in verdict.citations)
    )
