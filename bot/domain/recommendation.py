"""Recommendations: one proposed change of one setting of one connection, with its reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from bot.domain.connection import ConnectionId, ConnectionStatus, Cron, KnobValue, Schedule
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.domain.knob import Knob
from bot.domain.money import Money


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """Start at other times."""

    before: Schedule
    after: Cron

    @property
    def setting(self) -> str:
        """Name the setting as policies and proposals do."""
        return "schedule"


@dataclass(frozen=True, slots=True)
class KnobChange:
    """Turn one tuning option of the source (or destination) `endpoint_id`."""

    endpoint_id: str
    knob: Knob
    before: KnobValue | None
    after: KnobValue

    @property
    def setting(self) -> str:
        """Name the setting as policies and proposals do."""
        return f"configuration.{self.knob.path}"


@dataclass(frozen=True, slots=True)
class StatusChange:
    """Pause or resume."""

    before: ConnectionStatus
    after: ConnectionStatus

    @property
    def setting(self) -> str:
        """Name the setting as policies and proposals do."""
        return "status"


Change = ScheduleChange | KnobChange | StatusChange


class Confidence(StrEnum):
    """How far the evidence carries a recommendation."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change is predicted to do, every figure with its interval, or why there is none.

    `saving` is per month of 30 days, positive when it gets cheaper. `deadlines` is the change
    in the expected number of missed deadlines per month, negative when fewer are missed.
    `duration` is the change in how long a sync takes, negative when it gets faster. `delays` names
    the other connections whose syncs finish later for it, and by how much.
    """

    saving: Quantiles[Money] | Unknown
    duration: Quantiles[timedelta] | Unknown
    deadlines: Quantiles[Decimal] | Unknown
    delays: Mapping[ConnectionId, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One proposed change, with what speaks for it and what speaks against.

    `depends_on` names connections whose recommendations have to be applied first for the
    effect to hold; `donors` those that stay as they are and are like it, against which the outcome
    is measured. `rank` orders recommendations of all advisors: 0 is the best next move. `figures`
    are what the evidence amounts to, in words, for people and machines: `optimal_batch_size`,
    `can_parallelize`, `runs without new rows`.
    """

    connection_id: ConnectionId
    advisor: str
    change: Change
    reason: str
    against: tuple[str, ...]
    evidence: Evidence
    effect: Effect
    confidence: Confidence
    depends_on: tuple[ConnectionId, ...] = ()
    donors: tuple[ConnectionId, ...] = ()
    rank: int = 0
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing is proposed now; the reason is one sentence for a person, `figures` as above.

    Where it `waits`, something better is known and has to wait, for room in this run or for another
    change; that is no evidence against what has been proposed before.
    """

    connection_id: ConnectionId
    advisor: str
    reason: str
    figures: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The evidence does not carry an answer; the reason says what is missing."""

    connection_id: ConnectionId
    advisor: str
    reason: str
    figures: Mapping[str, str] = field(default_factory=dict)


Advice = Recommendation | Keep | NotKnown
