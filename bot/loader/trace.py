"""Traces: what a run's controller saw, a JSON line per slice, and the replay of it."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from bot.domain.batch_size import Controller, Observation, Step
from bot.domain.errors import InputError

_FIELDS: dict[str, tuple[type, ...]] = {
    "page_rows": (int,),
    "rows": (int,),
    "errors": (int,),
    "latency_ms": (int, float),
}


class TraceWriter:
    """Append observations to a file, one JSON object per line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", encoding="utf-8")

    def __call__(self, observation: Observation) -> None:
        """Write one line."""
        self._file.write(line_of(observation) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def line_of(observation: Observation) -> str:
    """Return the trace line of an observation."""
    return json.dumps(
        {
            "page_rows": observation.page_rows,
            "rows": observation.rows,
            "errors": observation.errors,
            "latency_ms": round(observation.latency_ms, 3),
        }
    )


def read_trace(lines: Iterable[str], name: str) -> Iterator[Observation]:
    """Parse trace lines; blank ones are passed over.

    Raises:
        InputError: a line that is no observation, with its place.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _observation(line, f"{name}:{number}")


def replay(observations: Iterable[Observation], controller: Controller) -> Iterator[Step]:
    """Feed observations as they were to a controller, whatever size it would have chosen."""
    return (controller.observe(observation) for observation in observations)


def step_line(step: Step) -> str:
    """Return the JSON line of one replayed step."""
    return json.dumps(
        {
            "size_before": step.size_before,
            "decision": step.decision.value,
            "reason": step.reason.value,
            "size_after": step.size_after,
            "cooldown": step.cooldown,
            "p50_latency_ms": step.p50_latency_ms,
        }
    )


def _observation(line: str, where: str) -> Observation:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object with {', '.join(_FIELDS)}")
    wrong = [name for name, kinds in _FIELDS.items() if not _is(value.get(name), kinds)]
    if wrong:
        raise InputError(f"{where}: {', '.join(wrong)}: missing, or not a number of at least 0")
    observation = Observation(**{name: value[name] for name in _FIELDS})
    if observation.errors > observation.rows:
        raise InputError(f"{where}: more errors ({observation.errors}) than rows")
    return observation


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool) or not any(isinstance(value, kind) for kind in kinds):
        return False
    number: float = value
    return math.isfinite(number) and number >= 0
