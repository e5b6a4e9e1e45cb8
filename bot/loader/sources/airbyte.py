"""Read any Airbyte connector over a pipe: the Airbyte Protocol, version 0.2, one stream a pipeline.

Protocol: https://docs.airbyte.com/understanding-airbyte/airbyte-protocol
"""

import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
from pydantic import Field

from bot.loader.columnar import as_column, parse_record, to_batch
from bot.loader.protocol import Check, SourceCapabilities, SourceConfig, SourceError
from bot.loader.rows import Bookmark, Page, Reading, Reject, Shape

Message = dict[str, Any]
STOP_TIMEOUT_S: Final = 10.0
_TYPES: Final = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}


class AirbyteSourceConfig(SourceConfig):
    """What to run, and what to read from it."""

    command: str | tuple[str, ...] = Field(
        description="The connector's command, for instance `source-faker` or "
        "`docker run --rm -i -v /tmp:/tmp airbyte/source-faker:6.2.1`."
    )
    config: dict[str, Any] | Path = Field(
        {}, description="The connector's configuration, or a JSON file that holds it."
    )
    catalog: dict[str, Any] | Path | None = Field(
        None,
        description="A configured catalog with one stream, or a JSON file that holds it. Not "
        "needed where the connector has one stream only.",
    )


class AirbyteSource:
    """One stream of a connector that speaks the Airbyte Protocol."""

    config_model: ClassVar[type[SourceConfig]] = AirbyteSourceConfig

    def __init__(self, config: AirbyteSourceConfig) -> None:
        self._config = config
        self._folder: Path | None = None
        self._catalog: Message | None = None
        self._schema: Any = None

    @property
    def capabilities(self) -> SourceCapabilities:
        """Say what is true of this source: it resumes where the connector sends states."""
        given = self._catalog or self._given_catalog() or {}
        modes = {stream.get("sync_mode") for stream in given.get("streams", [])}
        incremental = "incremental" in modes
        return SourceCapabilities(incremental, positional=False, incremental=incremental)

    def shape(self) -> Shape:
        """Describe the stream by the JSON schema that the connector declares."""
        catalog = self._given_catalog() or self._discovered_catalog()
        streams = catalog.get("streams", [])
        if len(streams) != 1:
            names = ", ".join(str(one.get("stream", {}).get("name")) for one in streams)
            raise SourceError(
                f"the catalog has {len(streams)} streams ({names}), and a pipeline reads one",
                "give `catalog` with the stream to read; write one pipeline for each",
            )
        self._catalog = catalog
        stream = streams[0]["stream"]
        properties = stream.get("json_schema", {}).get("properties", {})
        if not properties:
            raise SourceError(f"the stream {stream.get('name')!r} declares no columns")
        self._schema = pa.schema([(name, _type(kind)) for name, kind in properties.items()])
        key = streams[0].get("primary_key") or stream.get("source_defined_primary_key") or []
        return Shape(self._schema, key=tuple(part[0] for part in key if len(part) == 1))

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Run `read`; a full page ends at the last state in it, or where it is full without one."""
        arguments = ["--catalog", str(self._file("catalog", self._catalog))]
        if reading.resume is not None:
            states_so_far = reading.resume["state"]
            legacy = [one["data"] for one in states_so_far if _is_legacy(one)]
            content = legacy[-1] if legacy else states_so_far
            arguments += ["--state", str(self._file("state", content))]
        size, records, stated = self._config.batch_size, [], 0
        states: dict[str, Message] = {}
        bookmark: Bookmark | None = None
        for message in self._run("read", *arguments):
            if message["type"] == "RECORD":
                records.append(message["record"]["data"])
            elif message["type"] == "STATE":
                states[_scope(message["state"])] = message["state"]
                bookmark, stated = {"state": list(states.values())}, len(records)
            if len(records) >= size:
                count = stated or size
                yield self._page(records[:count], bookmark if stated else None)
                records, stated, bookmark = records[count:], 0, None
        if bookmark is not None:
            yield self._page(records[:stated], bookmark)
        if records[stated:]:
            yield self._page(records[stated:], None)

    def check(self) -> Sequence[Check]:
        """Run the connector's own `check`."""
        try:
            answers = [m for m in self._run("check") if m["type"] == "CONNECTION_STATUS"]
        except SourceError as error:
            return [Check("check", passed=False, detail=error.message, hint=error.hint)]
        status = answers[-1]["connectionStatus"] if answers else {"status": "FAILED"}
        passed = status.get("status") == "SUCCEEDED"
        detail = str(status.get("message") or status.get("status"))
        return [Check("check", passed=passed, detail=detail, hint="" if passed else "see `config`")]

    def close(self) -> None:
        """Remove the files that the connector was given: they may hold secrets."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _page(self, records: Sequence[Message], bookmark: Bookmark | None) -> Page:
        known = set(self._schema.names)
        kept, places, rejects = [], [], []
        for index, record in enumerate(records):
            unknown = sorted(set(record) - known)
            if unknown:
                message = f"the field {unknown[0]!r} is not in the stream's schema"
                rejects.append(Reject(index, record, "SchemaDrift", message))
            else:
                kept.append(record)
                places.append(index)
        columns = [
            [as_column(record.get(field.name), field.type) for record in kept]
            for field in self._schema
        ]
        batch, misfits = to_batch(columns, self._schema)
        rejects += [
            Reject(places[one.index], kept[one.index], one.kind, one.message) for one in misfits
        ]
        ordered = tuple(sorted(rejects, key=lambda reject: reject.index))
        incremental = self.capabilities.incremental
        return Page(batch, bookmark if incremental else None, ordered)

    def _run(self, verb: str, *arguments: str) -> Iterator[Message]:
        given = self._config.command
        command = shlex.split(given) if isinstance(given, str) else list(given)
        command += [verb, "--config", str(self._file("config", self._config.config)), *arguments]
        errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the generator
        try:
            process = subprocess.Popen(  # noqa: S603  the user's own command, no shell
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
        except OSError as error:
            errors.close()
            raise SourceError(
                f"the connector cannot be started: {command[0]}: {error.strerror}",
                "install it, or look at `command`",
                kind="Start",
            ) from None
        trouble = ""
        try:
            assert process.stdout is not None
            for line in process.stdout:
                message = parse_record(line)
                if message is None or "type" not in message:
                    continue
                if message["type"] != "RECORD":
                    message = json.loads(line)  # a state is kept and sent back as plain JSON
                trouble = _trouble(message) or trouble
                yield message
            if process.wait() != 0 or (trouble and verb != "check"):
                errors.seek(0)
                last = errors.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                why = trouble or "".join(last) or f"exit code {process.returncode}"
                raise SourceError(f"the connector failed: {why}", kind="Connector")
        finally:
            _stop(process)
            errors.close()

    def _given_catalog(self) -> Message | None:
        given = self._config.catalog
        if not isinstance(given, Path):
            return given
        try:
            catalog = json.loads(given.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise SourceError(f"{given}: no catalog can be read from it: {error}") from None
        assert isinstance(catalog, dict)
        return catalog

    def _discovered_catalog(self) -> Message:
        found = [m["catalog"]["streams"] for m in self._run("discover") if m["type"] == "CATALOG"]
        streams = found[-1] if found else []
        return {
            "streams": [
                {"stream": s, "sync_mode": "full_refresh", "destination_sync_mode": "append"}
                for s in streams
            ]
        }

    def _file(self, name: str, content: object) -> Path:
        if isinstance(content, Path):
            return content
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="trimtab-airbyte-"))
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(content), "utf-8")
        return path


def _type(declared: Mapping[str, Any]) -> Any:
    kinds = declared.get("type", [])
    named = [kinds] if isinstance(kinds, str) else list(kinds)
    real = [kind for kind in named if kind != "null"]
    if declared.get("airbyte_type") == "integer" and real in (["number"], ["integer"]):
        return pa.int64()
    return _TYPES.get(real[0], pa.json_()) if len(real) == 1 else pa.json_()


def _is_legacy(state: Message) -> bool:
    return state.get("type", "LEGACY") == "LEGACY" and "data" in state


def _scope(state: Message) -> str:
    """Name what a state is about: a later state of the same stream replaces an earlier one."""
    stream = state.get("stream", {}).get("stream_descriptor", {})
    return f"{state.get('type', 'LEGACY')} {json.dumps(stream, sort_keys=True)}"


def _trouble(message: Message) -> str:
    trace = message.get("trace", {}) if message["type"] == "TRACE" else {}
    return str(trace.get("error", {}).get("message", "")) if trace.get("type") == "ERROR" else ""


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
