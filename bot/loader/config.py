"""The pipeline file as typed values; connectors bring the models of their own `config:` blocks."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bot.documents.validation import Strict
from bot.domain.aimd import AimdSettings
from bot.loader.protocol import RetryClass, SinkConfig, SourceConfig

ROW = "default"
"""The `row` label of metrics, state and dead letters where there is one pipeline."""


def _refuse_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("should be a number")  # noqa: TRY004  pydantic turns it into a finding
    return value


Count = Annotated[int, BeforeValidator(_refuse_bool)]
Share = Annotated[float, BeforeValidator(_refuse_bool)]


class AdaptiveBatchSize(Strict):
    """How the write batch size is found; every field but `enabled` has a default."""

    enabled: bool = Field(description="Master switch.")
    controller: str = Field(
        "aimd",
        description="`aimd`, or `goodput` (see docs/loader.md).",
        json_schema_extra={"enum": ["aimd", "goodput"]},
    )
    min: Count = Field(100, ge=1, description="Lower bound of the batch size, rows.")
    max: Count = Field(
        50_000,
        le=1_000_000,
        description="Upper bound, rows; values above the source page size are inert.",
    )
    increase_step: Count = Field(
        250, ge=1, le=1_000_000, description="Rows added per clean, fast batch."
    )
    decrease_factor: Share = Field(
        0.5, gt=0, lt=1, description="What a shrink multiplies the size by."
    )
    cooldown_batches: Count = Field(
        5, ge=0, description="Clean batches passed over after a shrink before growth."
    )
    target_latency_ms: Count | None = Field(
        None, ge=1, description="Wanted write latency; null reacts to errors only."
    )
    latency_window: Count = Field(10, ge=1, description="Batches in the rolling p50 latency.")
    error_threshold: Share = Field(
        0.01, ge=0, le=1, description="Share of failed rows above which the size shrinks."
    )
    respect_source_max: bool = Field(
        default=True,
        description="Cap the batch at the source page; must be true.",
        json_schema_extra={"const": True},
    )
    log_every: Count = Field(50, ge=0, description="Log every N-th adjustment; 0 for never.")

    @field_validator("controller")
    @classmethod
    def _known_controller(cls, value: str) -> str:
        if value not in {"aimd", "goodput"}:
            raise ValueError(f"{value!r} is not supported in version 1; use 'aimd' or 'goodput'")
        return value

    @field_validator("respect_source_max")
    @classmethod
    def _within_pages(cls, value: bool) -> bool:  # noqa: FBT001  pydantic hands it so
        if not value:
            raise ValueError(
                "must be true: buffering across source pages would break the "
                "O(batch_size) memory guarantee; raise the source's batch_size instead"
            )
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is greater than max ({self.max})")
        return self

    def settings(self) -> AimdSettings:
        """Return the knobs as the controllers take them."""
        return AimdSettings(
            min_rows=self.min,
            max_rows=self.max,
            increase_rows=self.increase_step,
            decrease_factor=self.decrease_factor,
            cooldown_batches=self.cooldown_batches,
            target_latency_ms=self.target_latency_ms,
            latency_window=self.latency_window,
            error_threshold=self.error_threshold,
        )


class Retry(Strict):
    """When a failure that may pass is tried again; writes only where replaying them is safe."""

    attempts: Count = Field(5, ge=1, le=100, description="Tries in all, the first included.")
    backoff: Literal["none", "fixed", "exponential"] = Field(
        "exponential", description="How the pause between tries develops."
    )
    base_ms: Count = Field(200, ge=0, description="First pause, milliseconds.")
    cap_ms: Count = Field(30_000, ge=0, description="Longest pause, milliseconds.")
    classes: tuple[RetryClass, ...] = Field(
        tuple(RetryClass), min_length=1, description="Classes of failure that are tried again."
    )


class Execution(Strict):
    """How the pipeline is run."""

    adaptive_batch_size: AdaptiveBatchSize | None = Field(
        None, description="Find the write batch size while running."
    )
    retry: Retry = Field(Retry(), description="Try again what may pass.")


class State(Strict):
    """Where the place reached is kept between runs."""

    type: Literal["file", "memory"] = Field(
        "file", description="`memory` forgets: every run starts from the beginning."
    )
    path: Path = Field(
        Path(".trimtab/state"), description="Folder of the state files, for `type: file`."
    )


class SourceBlock(Strict):
    """Where the pipeline reads."""

    type: str
    config: SourceConfig


class SinkBlock(Strict):
    """Where the pipeline writes."""

    type: str
    config: SinkConfig


class DlqBlock(Strict):
    """Where rows go that the sink refuses."""

    sink: SinkBlock = Field(description="The sink of the dead letters, usually jsonl.")
    on_batch_error: Literal["propagate", "dlq_all"] = Field(
        "propagate",
        description="When a whole batch fails: stop the run, or dead-letter every row of it.",
    )
    max_failures_per_page: Count | None = Field(
        None, ge=0, description="Stop once a page has more failed rows than this."
    )
    max_failures_total: Count | None = Field(
        None, ge=0, description="Stop once the run has more failed rows than this."
    )
    include_original_payload: Literal[True] = Field(
        default=True, description="Dead letters always carry the record; must be true."
    )


class PipelineBlock(Strict):
    """Source, sink, and what is around them."""

    source: SourceBlock
    sink: SinkBlock
    dlq: DlqBlock | None = None
    state: State = Field(State(), description="Where the place reached is kept.")


class PipelineConfig(Strict):
    """A whole pipeline file."""

    version: Literal[1] = Field(description="Version of this format.")
    name: str = Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
        description="Names the pipeline in state, metrics and dead letters.",
    )
    pipeline: PipelineBlock
    execution: Execution = Field(Execution(), description="How the pipeline is run.")

    @property
    def scope(self) -> str:
        """Name the pipeline's row in state files and marks."""
        return f"{self.name}::{ROW}"
