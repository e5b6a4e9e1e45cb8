"""Reading a pipeline file: checked in one pass together with the blocks of its connectors."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, Field, SecretStr, create_model

from bot.documents.document import Data, Document, read_document
from bot.documents.interpolation import interpolate
from bot.documents.redaction import Redactor
from bot.documents.validation import Finding, Strict, check
from bot.domain.errors import ConfigError
from bot.loader import registry
from bot.loader.config import (
    DlqBlock,
    PipelineBlock,
    PipelineConfig,
    SinkBlock,
    SourceBlock,
)
from bot.loader.protocol import Anchor


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline file that is right, and what must never be shown of it."""

    path: Path
    config: PipelineConfig
    redact: Redactor


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of a pipeline file.

    `pipeline` is None when its structure is wrong; a variable that is not set, or an impossible
    combination, is a finding beside a pipeline that can be looked at and not be run.
    """

    pipeline: Pipeline | None
    findings: list[Finding]


def load_pipeline(path: Path, env: Mapping[str, str] | None = None) -> Pipeline:
    """Read a pipeline file; `env` is where `${env:…}` looks, the process's own by default.

    Raises:
        ConfigError: with one line per finding, in the order of the file.
    """
    found = examine(path, os.environ if env is None else env)
    if found.pipeline is None or found.findings:
        raise findings_error(found.findings)
    return found.pipeline


def findings_error(findings: Sequence[Finding]) -> ConfigError:
    """Make one error of all findings of a file, one line each."""
    first, *others = findings
    return ConfigError("\n".join([str(first), *(f"trimtab: {other}" for other in others)]))


def examine(path: Path, env: Mapping[str, str]) -> Examined:
    """Read a pipeline file and find everything that is wrong with it.

    Raises:
        ConfigError: the file cannot be read as YAML at all.
    """
    resolved = interpolate(read_document(path), env, path.parent)
    unset = [Finding(one.where, one.message) for one in resolved.unset]
    config = check(_model_for(resolved.document), resolved.document)
    if isinstance(config, list):
        # A value that could not be resolved is wrong once, not twice.
        missing = {finding.where for finding in unset}
        hide = Redactor(resolved.secrets)
        wrong = [Finding(x.where, hide(x.message)) for x in config if x.where not in missing]
        return Examined(None, _in_order([*unset, *wrong]))
    impossible = _dlq_all_needs_atomic_batches(config, resolved.document)
    redact = Redactor([*resolved.secrets, *secrets_in(config)])
    return Examined(Pipeline(path, config, redact), _in_order([*unset, *impossible]))


def json_schema() -> dict[str, Any]:
    """Describe the pipeline file with every registered connector, as JSON Schema 2020-12."""
    sources, sinks = registry.names("sources"), registry.names("sinks")
    schema = _build_model(sources, sinks, sinks).model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "trimtab pipeline",
    }


def secrets_in(value: object) -> Iterator[str]:
    """Walk typed configuration for `SecretStr` values, and the passwords inside URLs."""
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        yield secret
        yield from _passwords(secret)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_in(item)


def _passwords(url: str) -> Iterator[str]:
    _, scheme, rest = url.partition("://")
    user, at, _ = rest.rpartition("@")
    _, colon, password = user.partition(":")
    if scheme and at and colon:
        yield password
        yield unquote(password)


def _model_for(document: Document) -> type[PipelineConfig]:
    """Build the model with the connectors that this file names, and no others imported."""
    return _build_model(
        _named(document.data, ("pipeline", "source", "type"), "sources"),
        _named(document.data, ("pipeline", "sink", "type"), "sinks"),
        _named(document.data, ("pipeline", "dlq", "sink", "type"), "sinks"),
    )


def _named(data: Data, path: tuple[str, ...], kind: registry.Kind) -> list[str] | None:
    """Return the one connector named at `path`, or None when it is no registered name."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return [data] if isinstance(data, str) and data in registry.names(kind) else None


def _build_model(
    sources: list[str] | None, sinks: list[str] | None, dlq_sinks: list[str] | None
) -> type[PipelineConfig]:
    source = _blocks(SourceBlock, "sources", sources)
    sink = _blocks(SinkBlock, "sinks", sinks)
    dlq = create_model(
        "Dlq", __base__=DlqBlock, sink=(_blocks(SinkBlock, "sinks", dlq_sinks), Field())
    )
    dlq.__doc__ = DlqBlock.__doc__
    pipeline = create_model(
        "PipelineBlock",
        __base__=PipelineBlock,
        source=(source, Field(description="Where the pipeline reads.")),
        sink=(sink, Field(description="Where the pipeline writes.")),
        dlq=(dlq | None, Field(None, description="Where refused rows go.")),
    )
    return create_model("PipelineFile", __base__=PipelineConfig, pipeline=(pipeline, ...))


def _blocks(base: type[Strict], kind: registry.Kind, names: list[str] | None) -> Any:
    """Make the block of one connector, or the union of several told apart by `type`."""
    if names is None:
        choices: Any = Literal.__getitem__(tuple(registry.names(kind)))
        return create_model("Unknown", __base__=Strict, type=(choices, ...), config=(Any, None))
    blocks = [_block(base, kind, name) for name in names]
    if len(blocks) == 1:
        return blocks[0]
    union: Any = blocks[0]
    for block in blocks[1:]:
        union |= block
    return Annotated[union, Field(discriminator="type")]


def _block(base: type[Strict], kind: registry.Kind, name: str) -> Any:
    connector = registry.find_source(name) if kind == "sources" else registry.find_sink(name)
    exactly: Any = Literal.__getitem__(name)
    return create_model(
        f"{name}_{kind.removesuffix('s')}",
        __base__=base,
        type=(exactly, Field(description="Which connector.")),
        config=(
            connector.config_model,
            Field(default_factory=dict, validate_default=True, description="Its settings."),
        ),
    )


def _dlq_all_needs_atomic_batches(config: PipelineConfig, document: Document) -> list[Finding]:
    dlq, sink = config.pipeline.dlq, config.pipeline.sink
    if dlq is None or dlq.on_batch_error != "dlq_all":
        return []
    capabilities = registry.find_sink(sink.type)(sink.config).capabilities
    # A file refuses no row: a batch fails there when the disk does, and the queue's disk may too.
    atomic = capabilities.atomic_batch and capabilities.anchor is not Anchor.POSITION
    if atomic or capabilities.row_outcomes:
        return []
    return [
        Finding(
            document.where(("pipeline", "dlq", "on_batch_error")),
            f"pipeline.dlq.on_batch_error: dlq_all needs a sink with atomic batches or per-row "
            f"outcomes, and {sink.type} has neither: rows could end in both places",
        )
    ]


def _in_order(findings: list[Finding]) -> list[Finding]:
    def place(finding: Finding) -> tuple[int, int]:
        _, line, column = finding.where.rsplit(":", 2)
        return int(line), int(column)

    return sorted(findings, key=place)
