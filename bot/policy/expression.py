"""Expressions: conditions in CEL, checked when a file is read.

Google's engine does the work, where it is installed (`pip install 'trimtab[cel]'`). Every variable
has a type; what is not on record is absent, and an expression that reads it is not known: never
true, and never false by luck.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from bot.domain.connection import Basic, Cron, Manual
from bot.domain.subject import Subject

_TYPES: Final = {
    "name": "STRING",
    "tags": "LIST",
    "workspace": "STRING",
    "source": "STRING",
    "destination": "STRING",
    "owner": "STRING",
    "schedule": "STRING",
    "cron": "STRING",
    "streams": "INT",
    "models": "INT",
    "readers": "INT",
    "critical_readers": "INT",
    "status": "STRING",
}
VARIABLES: Final = tuple(_TYPES)
"""What expressions may read; `source` and `destination` are connectors, `models` those of dbt."""


def _checked(text: str) -> str:
    if not installed():
        raise ValueError("`when` needs Google's CEL: pip install 'trimtab[cel]'")
    try:
        _program(text)
    except _BadExpressionError as error:
        raise ValueError(str(error)) from None
    return text


When = Annotated[str, AfterValidator(_checked)]


class _BadExpressionError(Exception):
    """An expression does not compile, or is no condition."""


@cache
def installed() -> bool:
    """Tell whether the engine is there."""
    return find_spec("cel_expr_python") is not None


def compile_when(text: str) -> Callable[[Subject], bool | None]:
    """Return a function that decides an expression; None where something it reads is absent."""
    program, wanted = _program(text)

    def test(subject: Subject) -> bool | None:
        values = variables(subject)
        # The engine stops at the first operand that decides; what is absent must not hide there.
        if any(values[name] is None for name in wanted):
            return None
        try:
            found = program.eval(data={name: values[name] for name in wanted}).value()
        except Exception:  # noqa: BLE001  the engine has no tree of errors: whatever fails is unknown
            return None
        return found if isinstance(found, bool) else None

    return test


def variables(subject: Subject) -> dict[str, Any]:
    """Return what an expression may read of a subject; None for what is not on record."""
    connection, downstream = subject.connection, subject.downstream
    schedule = connection.schedule
    return {
        "name": connection.name,
        "tags": sorted(connection.tags),
        "workspace": subject.workspace or None,
        "source": None if subject.source is None else short_connector(subject.source.connector),
        "destination": None
        if subject.destination is None
        else short_connector(subject.destination.connector),
        "owner": subject.owner,
        "schedule": {Cron: "cron", Basic: "interval", Manual: "manual"}.get(
            type(schedule), "other"
        ),
        "cron": schedule.expression if isinstance(schedule, Cron) else None,
        "streams": len(connection.streams),
        "models": len(downstream.models),
        "readers": len(downstream.readers),
        "critical_readers": sum(reader.critical for reader in downstream.readers),
        "status": connection.status.value,
    }


@cache
def _program(text: str) -> tuple[Any, tuple[str, ...]]:
    """Compile an expression; return it with the variables that it reads."""
    try:
        compiled = _environment().compile(text)
    except Exception as error:  # noqa: BLE001  as above
        said = next((line for line in str(error).splitlines() if line.strip()), "it is wrong")
        raise _BadExpressionError(f"{text!r} does not compile: {said.strip()}") from None
    if str(compiled.return_type()).upper() != "BOOL":
        raise _BadExpressionError(
            f"{text!r} is not a condition: it comes to {compiled.return_type()}"
        )
    return compiled, tuple(name for name in VARIABLES if _reads(text, name))


def _reads(text: str, name: str) -> bool:
    """Tell whether an expression reads a variable: without it, it does not compile."""
    try:
        _environment(without=name).compile(text)
    except Exception:  # noqa: BLE001  as above
        return True
    return False


@cache
def _environment(without: str = "") -> Any:
    from cel_expr_python import cel

    kinds = {
        "STRING": cel.Type.STRING,
        "INT": cel.Type.INT,
        "LIST": cel.Type.List(cel.Type.STRING),
    }
    names = {name: kinds[kind] for name, kind in _TYPES.items() if name != without}
    return cel.NewEnv(variables=names)


def short_connector(connector: str) -> str:
    """Return a connector's name without registry, `source-` and `destination-`."""
    return connector.rpartition("/")[2].removeprefix("source-").removeprefix("destination-")
