"""What a policy file may say."""

from datetime import timedelta
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bot.documents.fields import Span, Zone
from bot.documents.validation import Strict
from bot.policy.fields import (
    Amount,
    Clock,
    Day,
    Ratio,
    Share,
    Weekday,
    Words,
)
from bot.policy.match import Match
from bot.policy.pricing import Prices

Level = Literal["auto", "owner", "team", "two-person", "blocked"]
PhaseName = Literal["monitor", "dry-run", "canary", "live"]
Quantile = Literal["p50", "p80", "p95"]


T = TypeVar("T")
_LONGEST_WINDOW: Final = timedelta(days=366)


def _many(value: object) -> object:
    return value if isinstance(value, list) or value is None else [value]


class _OneOrMany:
    """Tell editors that one may stand for a list of one."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(core)
        return {"anyOf": [many["items"], many]}


OneOrMany = Annotated[tuple[T, ...], _OneOrMany, BeforeValidator(_many)]
# An empty list would be a rule that never holds, which reads as if there were none.
Weekdays = Annotated[tuple[Weekday, ...], Field(min_length=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Calendar(Strict):
    """Days on which something applies; windows and deadlines name it."""

    name: str
    weekdays: Weekdays = (0, 1, 2, 3, 4, 5, 6)
    holidays: tuple[Day, ...] = ()
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(
        (), description="only in these months; empty is all: [3, 6, 9, 12] for quarters"
    )
    month_days: tuple[Annotated[int, Field(ge=-31, le=31)], ...] = Field(
        (), description="only on these days of the month; -1 is the last: [-2, -1, 1]"
    )

    @field_validator("month_days")
    @classmethod
    def _has_no_zeroth(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if 0 in days:
            raise ValueError("no month has a day 0: the first is 1, the last -1")
        return days


class FinishBy(Strict):
    """Data has to be complete by a time of day."""

    time: Clock
    zone: Zone = "UTC"
    calendar: str | None = None
    after: Clock | None = Field(None, description="syncs that began before it do not count")
    probability: Annotated[Share, Field(lt=1, gt=0)] | None = None


class WindowRule(Strict):
    """A stretch of time that returns; it may cross midnight."""

    name: str = ""
    start: Clock
    length: Span
    zone: Zone = "UTC"
    calendar: str | None = None
    days: Weekdays = (0, 1, 2, 3, 4, 5, 6)
    first: Day | None = Field(None, description="the first day on which it starts")
    last: Day | None = None

    @model_validator(mode="after")
    def _comes(self) -> Self:
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError(f"last {self.last} is before first {self.first}, so it never comes")
        if not timedelta() < self.length <= _LONGEST_WINDOW:
            raise ValueError("length has to be more than nothing and at most 366d")
        return self


class Guarantee(Strict):
    """What has to hold, whatever an optimiser finds."""

    finish_by: OneOrMany[FinishBy] = ()
    max_staleness: Span | None = None
    min_success_rate: Annotated[Share, Field(le=1)] | None = None
    concurrency: Annotated[int, Field(ge=1)] | None = Field(
        None, description="at most so many syncs of all that this policy matches, at once"
    )
    source_concurrency: Annotated[int, Field(ge=1)] | None = Field(
        None, description="at most so many syncs of one source at once"
    )
    data_workers: Amount | None = Field(
        None, description="at most so many data workers for all that this policy matches"
    )
    blackout: OneOrMany[WindowRule] = ()
    freeze: OneOrMany[WindowRule] = ()


class KnobBounds(Strict):
    """What one tuning option may be set to."""

    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class CostCap(Strict):
    """How much a month may cost, forecast to its end."""

    month: Amount
    per: Literal["connection", "policy", "workspace"] = "connection"
    quantile: Quantile = "p80"


class ChangeBudget(Strict):
    """How often one setting of one connection may change."""

    changes: Annotated[int, Field(ge=0)]
    per: Span


class Blast(Strict):
    """How much of the fleet one run may propose to change."""

    share: Annotated[Share, Field(le=1)] | None = None
    connections: Annotated[int, Field(ge=0)] | None = None


class Limits(Strict):
    """How far a recommendation may go; `any` is no limit, what is left out may not change."""

    schedule_shift: Span | Literal["any"] | None = None
    frequency_ratio: Ratio | Literal["any"] | None = None
    batch_size_ratio: Ratio | Literal["any"] | None = None
    parallelism_ratio: Ratio | Literal["any"] | None = None
    knob_ratio: Ratio | Literal["any"] | None = Field(None, description="every other kind of knob")
    pause: bool | None = None
    step_window: Span | None = Field(
        None, description="the limits above also bind all changes of this time together"
    )
    knobs: dict[str, KnobBounds] = Field(default_factory=dict)
    cost_cap: CostCap | None = None
    max_cost_increase: Amount | None = Field(None, description="money a month, at the bad end")
    blast: Blast | None = None
    change_budget: ChangeBudget | None = None
    hysteresis: Span | None = Field(None, description="no second change of a setting before")


class Trigger(Strict):
    """Something that asks for a stronger approval."""

    delays_others_by: Span | None = None
    moves_by: Span | None = None
    parallelism_increase: Share | None = None
    batch_size_increase: Share | None = None
    cost_increase: Amount | None = None
    confidence_below: Literal["medium", "high"] | None = None
    pauses: Literal[True] | None = None
    level: Level = "team"

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        known = [name for name in type(self).model_fields if name != "level"]
        if all(getattr(self, name) is None for name in known):
            raise ValueError(f"it is never pulled: give one of {', '.join(known)}")
        return self


class Clauses(Strict):
    """What one policy says of what it matches; what is left out it does not speak of."""

    environment: Literal["development", "sandbox", "production"] | None = None
    phase: PhaseName | None = None
    priority: Annotated[int, Field(ge=-100, le=100)] | None = None
    guarantee: Guarantee = Guarantee()
    limits: Limits = Limits()
    triggers: tuple[Trigger, ...] = ()
    approval: Level | None = None
    approvers: dict[Literal["owner", "team", "two-person"], Words] = Field(default_factory=dict)


class PolicyEntry(Clauses):
    """One policy."""

    name: str
    match: Match = Match()


class PullRequests(Strict):
    """How much a team wants to hear of trimtab, and when."""

    open_limit: Annotated[int, Field(ge=0)] | None = None
    new_per_run: Annotated[int, Field(ge=0)] | None = None
    per_team: Annotated[int, Field(ge=0)] | None = None
    working_hours: OneOrMany[WindowRule] = ()
    freeze: OneOrMany[WindowRule] = ()
    snooze: Span | None = None
    group_by: Literal["connection", "team", "policy", "workspace"] | None = None


class PolicyFile(Strict):
    """One file of policies."""

    version: Literal[1]
    extends: str | None = Field(
        None, description="conservative, balanced, cost, or the path of another file"
    )
    calendars: tuple[Calendar, ...] = ()
    prices: Prices | None = None
    pull_requests: PullRequests = PullRequests()
    defaults: Clauses = Field(
        Clauses(), description="what holds where no policy that matches speaks"
    )
    policies: tuple[PolicyEntry, ...] = ()
