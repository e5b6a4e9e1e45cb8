"""Replaying dead letters: a pipeline of its own, from the file of letters into the same sink.

It has the same sink, the same isolation of bad rows and the same state machinery as any run, so
that a replay that dies half-way goes on without doubling rows. What fails again goes to a file
beside the first one.
"""

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from bot.loader.config import DlqBlock, PipelineConfig, SinkBlock
from bot.loader.dead_letters import DeadLetterQueue
from bot.loader.events import Listener
from bot.loader.letters_file import Letter, Wanted, read_letters
from bot.loader.pipeline import Pipeline
from bot.loader.protocol import Check, Source, SourceCapabilities, SourceConfig, SourceError
from bot.loader.records import batch_of
from bot.loader.registry import find_sink
from bot.loader.rows import Page, Plane, Reading, Shape
from bot.loader.run import Connectors, Status, build_connectors, run_pipeline


class LettersSource:
    """The payloads of a file of dead letters, in the shape of the source they came from.

    Args:
        path: the file.
        wanted: which of its letters.
        origin: the source of the pipeline; asked for its shape, never read.
        page_rows: letters per page.
    """

    config_model: ClassVar[type[SourceConfig]] = SourceConfig

    def __init__(self, path: Path, wanted: Wanted, origin: Source, page_rows: int) -> None:
        self._path = path
        self._wanted = wanted
        self._origin = origin
        self._page_rows = page_rows
        self._schema: Any = None

    @property
    def capabilities(self) -> SourceCapabilities:
        """A file is read in its order, and a finished replay is not gone on with."""
        return SourceCapabilities(resumable=True, positional=True, incremental=False)

    def shape(self) -> Shape:
        """Ask the pipeline's source for its columns."""
        origin = self._origin.shape()
        self._schema = origin.schema
        return replace(origin, arrow=self._schema, planes=frozenset({Plane.ARROW}))

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Read the letters from a count of letters on.

        A count says where to go on only among the same letters, so every bookmark says which they
        were, and an empty page goes first: what is written of the first one is counted from it.

        Raises:
            SourceError: they are others than those that were begun with.
        """
        if reading.resume is None:
            done, known = 0, self._known(None)
            yield Page(batch_of([], self._schema)[0], {"letters": 0, **known})
        else:
            done = int(reading.resume["letters"])
            known = {name: reading.resume.get(name) for name in ("of", "digest")}
            if known != self._known(known["of"]):
                raise SourceError(
                    f"{self._path}: a replay of other letters was interrupted (another --reason, "
                    "or some of them were taken out since)",
                    "replay those first, or begin anew with --fresh: what was written is then "
                    "written again",
                )
        remaining = islice(self._letters(), done, None)
        while chunk := list(islice(remaining, self._page_rows)):
            done += len(chunk)
            batch, rejects = batch_of([letter.payload for letter in chunk], self._schema)
            yield Page(batch, {"letters": done, **known}, rejects)

    def _letters(self) -> Iterator[Letter]:
        return (letter for letter in read_letters(self._path) if self._wanted(letter))

    def _known(self, count: int | None) -> dict[str, Any]:
        """Describe the first letters, all of them by default; more may come behind them later."""
        digest, of = hashlib.sha256(), 0
        for letter in islice(self._letters(), count):
            digest.update(letter.line.encode() + b"\n")
            of += 1
        return {"of": of, "digest": digest.hexdigest()}

    def check(self) -> Sequence[Check]:
        """Look at nothing: the file was read already."""
        return []

    def close(self) -> None:
        """Let go of the pipeline's source."""
        self._origin.close()


def replay_letters(
    pipeline: Pipeline,
    path: Path,
    wanted: Wanted,
    listen: Listener,
    cancelled: threading.Event,
    *,
    fresh: bool = False,
) -> tuple[Status, Path]:
    """Write dead letters into the pipeline's sink.

    Args:
        pipeline: the pipeline that they come from.
        path: the file they are in.
        wanted: which of them.
        listen: is told what happens.
        cancelled: stops after the slice at hand.
        fresh: forget a replay that was interrupted.

    Returns:
        How the replay ended, and the file that received what failed again.

    Raises:
        LoaderError: the sink cannot be written; what was written is known to the state.
    """
    failed = path.with_suffix(".replay-failed.jsonl")
    again = _pipeline_of_replay(pipeline, failed)
    parts = build_connectors(pipeline.config)
    with contextlib.closing(parts):
        page_rows = pipeline.config.pipeline.source.config.batch_size
        source = LettersSource(path, wanted, parts.source, page_rows)
        block = again.config.pipeline.dlq
        assert block is not None
        queue = DeadLetterQueue(block, find_sink("jsonl")(block.sink.config))
        connectors = Connectors(source, parts.sink, queue)
        return run_pipeline(again, connectors, listen, cancelled, fresh=fresh), failed


def _pipeline_of_replay(pipeline: Pipeline, failed: Path) -> Pipeline:
    config_model = find_sink("jsonl").config_model
    block = DlqBlock(
        sink=SinkBlock(type="jsonl", config=config_model.model_validate({"path": str(failed)}))
    )
    parts = pipeline.config.pipeline.model_copy(update={"dlq": block})
    name = f"{pipeline.config.name}.replay"
    config: PipelineConfig = pipeline.config.model_copy(update={"name": name, "pipeline": parts})
    return Pipeline(pipeline.path, config, pipeline.redact)
