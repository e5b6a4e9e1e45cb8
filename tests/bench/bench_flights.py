"""Measure forecasts on real recurring jobs: `python -m tests.bench.bench_flights`.

A year of flights as jobs (see `flight_runs`); each of the last 28 days is forecast from what was
known before it, beside last value, seasonal naive and weekday medians. SIZE=full judges 84 days.
"""

import os
from typing import Final

from tests.bench.flight_runs import flights
from tests.bench.forecast_scores import print_risk, print_scores, risk, scores

DAYS: Final = 84 if os.environ.get("SIZE") == "full" else 28


def main() -> None:
    """Print both quantities and the risk of cancellation."""
    runs, airports = flights()
    print(f"{len(runs.connections)} jobs, {len(runs):,} runs, the last {DAYS} days judged")
    for quantity, column in (("queue and run", "elapsed"), ("run", "seconds")):
        print_scores(scores(runs, quantity, column, DAYS, learn=True))
    print_risk(risk(runs, airports, DAYS))


if __name__ == "__main__":
    main()
