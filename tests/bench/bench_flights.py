"""Measure forecasts on real recurring jobs: `python -m tests.bench.bench_flights`.

A year of flights as jobs (see `flight_runs`). Each of the last 28 days before the end of a month is
forecast from what was known before it, beside last value, seasonal naive and weekday medians.
SIZE=full judges May, September and December, quick May alone.
"""

import os
from datetime import UTC, datetime
from typing import Final

from bot.forecast.runs import DAY_SECONDS
from tests.bench.flight_runs import flights
from tests.bench.forecast_scores import print_risk, print_scores, risk, scores

JUDGED: Final = 28
READ_DAYS: Final = 150
ENDS: Final = {
    "May": datetime(2013, 6, 1, tzinfo=UTC),
    "September": datetime(2013, 10, 1, tzinfo=UTC),
    "December": datetime(2014, 1, 1, tzinfo=UTC),
}


def main() -> None:
    """Print both quantities and the risk of cancellation for each month."""
    runs, airports = flights()
    months = ENDS if os.environ.get("SIZE") == "full" else {"May": ENDS["May"]}
    for month, end in months.items():
        seconds = int(end.timestamp())
        known = (runs.ended < seconds) & (runs.created >= seconds - READ_DAYS * DAY_SECONDS)
        mine = runs.where(known)
        print(f"\n{month}: {len(runs.connections)} jobs, {len(mine):,} runs, {JUDGED} days judged")
        for quantity, column in (("queue and run", "elapsed"), ("run", "seconds")):
            print_scores(scores(mine, quantity, column, JUDGED, learn=True))
        print_risk(risk(mine, airports, JUDGED))


if __name__ == "__main__":
    main()
