"""What a pipeline file says, and how far its pipeline has come, as facts to print."""

import datetime as dt
from typing import Any

from bot.loader.guarantee import describe_guarantee
from bot.loader.pipeline import Pipeline
from bot.loader.run import Connectors, build_connectors
from bot.loader.state import FileState


def describe(pipeline: Pipeline) -> dict[str, str]:
    """Describe a pipeline in a few short lines, by name; connects to nothing."""
    config, block = pipeline.config, pipeline.config.pipeline
    connectors = build_connectors(config)
    sink = connectors.sink.capabilities
    facts = {
        "pipeline": config.name,
        "source": f"{block.source.type}, pages of {block.source.config.batch_size:,} rows",
        "sink": f"{block.sink.type}, {_batches(sink.atomic_batch, sink.row_outcomes)}",
        "dlq": _queue(pipeline),
        "size": _size(pipeline),
        "delivery": _delivery(connectors, block.state.type),
        "state": str(block.state.path) if block.state.type == "file" else "memory",
    }
    return {name: pipeline.redact(fact) for name, fact in facts.items()}


def describe_state(pipeline: Pipeline) -> dict[str, Any]:
    """Describe how far a pipeline has come, from its kept state alone.

    Raises:
        LoaderError: the state is damaged.
    """
    block = pipeline.config.pipeline.state
    if block.type == "memory":
        return {"pipeline": pipeline.config.name, "status": "keeps no state"}
    store = FileState(block.path)
    path, checkpoint = store.path(pipeline.config.scope), store.get(pipeline.config.scope)
    facts: dict[str, Any] = {"pipeline": pipeline.config.name, "state": str(path)}
    if checkpoint is None:
        return {**facts, "status": "never run"}
    changed = dt.datetime.fromtimestamp(path.stat().st_mtime, tz=dt.UTC)
    return {
        **facts,
        "status": "finished" if checkpoint.finished else "unfinished",
        "load": checkpoint.load,
        "bookmark": dict(checkpoint.bookmark) if checkpoint.bookmark is not None else None,
        "skip_records": checkpoint.skip_records,
        "changed_at": changed.isoformat(timespec="seconds"),
    }


def _delivery(connectors: Connectors, state: str) -> str:
    source, sink = connectors.source.capabilities, connectors.sink.capabilities
    promise = describe_guarantee(source, sink, state)
    if source.positional or promise.startswith("e"):
        return promise
    return f"{promise} (doctor looks whether the source has a key, which would do better)"


def _batches(atomic: bool, outcomes: bool) -> str:  # noqa: FBT001  two capabilities, in order
    if outcomes:
        return "bad rows are set apart"
    return "batches land whole or not at all" if atomic else "batches may land in part"


def _queue(pipeline: Pipeline) -> str:
    dlq = pipeline.config.pipeline.dlq
    if dlq is None:
        return "none: the first bad row stops the run"
    whole = "dead-letters the whole batch" if dlq.on_batch_error == "dlq_all" else "stops the run"
    return f"{dlq.sink.type}; a batch that fails whole {whole}"


def _size(pipeline: Pipeline) -> str:
    sizing, block = pipeline.config.execution.adaptive_batch_size, pipeline.config.pipeline
    page = block.source.config.batch_size
    if sizing is None or not sizing.enabled:
        fixed = block.sink.config.batch_size
        return f"fixed: {min(fixed, page):,} rows" if fixed is not None else "fixed: whole pages"
    bounds = f"{sizing.controller}, {sizing.min:,} to {sizing.max:,} rows"
    return f"{bounds}; pages of {page:,} are the ceiling" if page < sizing.max else bounds
