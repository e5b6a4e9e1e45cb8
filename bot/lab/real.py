"""Real connectors: syncs of the lab that are runs of a real Airbyte connector's process.

The lab decides when a sync starts and what else happens around it; what it moves and how long that
takes is measured on the process. A real second counts as `SCALE` seconds of the lab, which keeps its
times in whole seconds.
"""

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bot.domain.errors import InputError
from bot.lab.lab import Lab
from bot.lab.physics import Pace
from bot.lab.run import Meeting, Prospect
from bot.lab.volume import Volumes

SCALE: Final = 60
_TIMEOUT_S: Final = 300
_RECORD: Final = re.compile(rb'\{\s*"type"\s*:\s*"RECORD"')
"""Parsing each line would take longer than many a read."""
_GOOD: Final = 0.999
_BAD: Final = 0.0
_RARE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of a connector; `message` is its last word where it failed."""

    seconds: float
    rows: int
    size_bytes: int
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Connector:
    """A source connector that speaks Airbyte's protocol on its standard output."""

    command: tuple[str, ...]

    def catalog(self, configuration: Mapping[str, Any], streams: Sequence[str]) -> dict[str, Any]:
        """Ask for the catalogue and choose some streams, each read whole.

        Raises:
            InputError: the command cannot be run, or knows no such stream.
        """
        with tempfile.TemporaryDirectory() as made:
            config = _write(Path(made) / "config.json", configuration)
            lines = self._run("discover", "--config", str(config)).stdout.splitlines()
        told = [message for message in map(_message, lines) if message.get("type") == "CATALOG"]
        found = told[0]["catalog"]["streams"] if told else []
        known = {stream["name"]: stream for stream in found}
        missing = [name for name in streams if name not in known]
        if missing:
            raise InputError(
                f"{self.command[0]} has no stream {missing[0]!r}",
                f"It has {', '.join(sorted(known)) or 'none'}.",
            )
        modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        return {"streams": [{"stream": known[name], **modes} for name in streams]}

    def read(self, configuration: Mapping[str, Any], catalog: Mapping[str, Any]) -> Measurement:
        """Run one whole read and measure it; the records are counted and let go.

        Raises:
            InputError: the command cannot be run.
        """
        with tempfile.TemporaryDirectory() as made:
            config = _write(Path(made) / "config.json", configuration)
            chosen = _write(Path(made) / "catalog.json", catalog)
            begun = time.perf_counter()
            done = self._run("read", "--config", str(config), "--catalog", str(chosen))
            seconds = time.perf_counter() - begun
        records = [line for line in done.stdout.splitlines() if _RECORD.match(line)]
        failed = None
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            failed = said[-1] if said else f"exit code {done.returncode}"
        return Measurement(seconds, len(records), sum(map(len, records)), failed)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603  the connector that the user named
                [*self.command, *arguments],
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            raise InputError(f"{self.command[0]}: cannot be run: {error}") from None
        except subprocess.TimeoutExpired:
            raise InputError(
                f"{self.command[0]} {arguments[0]}: not done after {_TIMEOUT_S} seconds"
            ) from None


def attach(lab: Lab, connection_id: str, connector: Connector, streams: Sequence[str]) -> None:
    """Let the later syncs of a connection be runs of a connector, under its source's settings."""
    world = lab.world
    link = world.fleet.connections[connection_id]
    members = world.engine.members
    pace = members.paces[link.index]
    # What the simulation would add of its own is taken out: the process has its own luck.
    quiet = replace(pace.nature, overhead=0.0, fails=_RARE, broken=None)
    world.natures[link.index] = quiet
    source = world.source_natures[link.source_id]
    world.source_natures[link.source_id] = replace(source, curves=())
    world.repace_connection(link)
    catalog = connector.catalog(world.fleet.sources[link.source_id].configuration, streams)

    def meet(pace: Pace, index: int, volumes: Volumes, at: int, bits: int) -> Prospect:
        del pace, bits
        found = connector.read(world.fleet.sources[link.source_id].configuration, catalog)
        rows = max(found.rows, 1)
        luck = _GOOD if found.message is None else _BAD
        each = found.seconds * SCALE / rows
        return volumes.changed(index, at), _RARE, float(rows), 1.0, each, luck

    meeting: Meeting = meet
    world.engine.meetings[link.index] = meeting


def _write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def _message(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
