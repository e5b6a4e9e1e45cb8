"""Proposals and outcomes: what one pull request carries, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.edit import Edit
from bot.domain.forecast import Quantiles
from bot.domain.money import Money
from bot.domain.recommendation import Recommendation
from bot.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """One recommendation with the verdict on it and the edit that carries it out."""

    recommendation: Recommendation
    verdict: Verdict
    edit: Edit


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one pull request carries.

    `branch` is its identity: the connection and the set of settings, never the values.
    """

    branch: str
    title: str
    body: str
    changes: tuple[ProposedChange, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured after a proposal was applied, against what it predicted."""

    branch: str
    applied_at: datetime
    measured_at: datetime
    predicted_saving: Quantiles[Money]
    measured_saving: Quantiles[Money]
    conclusive: bool
