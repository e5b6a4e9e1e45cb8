"""Looking at what a pipeline needs: source, sink, queue and state, without changing any of it."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bot.domain.errors import TrimtabError
from bot.loader.guarantee import describe_guarantee
from bot.loader.pipeline import Pipeline
from bot.loader.protocol import Check
from bot.loader.run import Connectors, build_connectors


def examine_connections(pipeline: Pipeline) -> list[Check]:
    """Run every check; secrets are hidden in what they say."""
    with contextlib.closing(build_connectors(pipeline.config)) as connectors:
        checks = list(_checks(pipeline, connectors))
    redact = pipeline.redact
    return [replace(c, detail=redact(c.detail), hint=redact(c.hint)) for c in checks]


def _checks(pipeline: Pipeline, connectors: Connectors) -> Iterator[Check]:
    yield from connectors.source.check()
    yield from connectors.sink.check()
    if connectors.dlq is not None:
        for check in connectors.dlq.check():
            yield replace(check, name=f"dlq {check.name}")
    yield _plane(connectors)
    state = pipeline.config.pipeline.state
    # A source may know only now, connected, whether its rows have an order.
    promise = describe_guarantee(
        connectors.source.capabilities, connectors.sink.capabilities, state.type
    )
    yield Check("delivery", passed=True, detail=promise)
    if state.type == "file":
        yield _writable(state.path)


def _plane(connectors: Connectors) -> Check:
    try:
        shape = connectors.source.shape()
        choice = connectors.sink.choose(shape)
    except TrimtabError as error:
        return Check("plane", passed=False, detail=error.message, hint=error.hint)
    columns = f"{len(shape.names)} columns"
    return Check("plane", passed=True, detail=f"{choice.plane.value}: {choice.reason}; {columns}")


def _writable(folder: Path) -> Check:
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    passed = nearest.is_dir() and os.access(nearest, os.W_OK)
    detail = f"{folder} {'can' if passed else 'cannot'} be written"
    return Check("state", passed=passed, detail=detail, hint="Choose another pipeline.state.path.")
