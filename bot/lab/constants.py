"""Every figure the simulation rests on, set once, each with where it is from.

Sources: [platform] airbyte-platform at 310e6cb (2026-08-21), the class named; [docs] docs.airbyte.com;
[measured] our own measurements of recurring jobs and of prototypes; [chosen] an assumption of ours,
made before any result was seen and not tuned since.
"""

from typing import Final

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
TINY: Final = 1e-9

# --- Scheduling ---------------------------------------------------------------------------------
MIN_GAP: Final = 60
"""A cron is evaluated after the last start + 60 s. [platform: ConfigFetchActivityImpl]"""

JITTER: Final = (
    (5 * MINUTE, 0),
    (90 * MINUTE, 2 * MINUTE),
    (150 * MINUTE, 5 * MINUTE),
    (390 * MINUTE, 15 * MINUTE),
)
"""(wait up to, jitter up to), seconds; longer waits get `JITTER_MAX`. [platform: ScheduleJitterHelper]"""
JITTER_MAX: Final = 25 * MINUTE

FLOOR_SELF_MANAGED: Final = MINUTE
FLOOR_CLOUD: Final = HOUR
"""The shortest gap a written cron may have. [platform: CronExpressionHelper]"""

MANUAL_QUEUE_LIMIT: Final = 8 * HOUR
"""How long a sync that a person started waits for capacity. [platform: JobsHandler]"""

RECHECK: Final = MINUTE
"""Queued syncs are looked at again every minute. [platform: DataWorkerCapacityService]"""

# --- Retries and disabling ----------------------------------------------------------------------
COMPLETE_FAILURES_SUCCESSIVE: Final = 5
COMPLETE_FAILURES_TOTAL: Final = 10
PARTIAL_FAILURES_TOTAL: Final = 20
BACKOFF_FIRST: Final = 10
BACKOFF_FACTOR: Final = 3
BACKOFF_MAX: Final = 30 * MINUTE
"""Attempts and their back-off. [platform: airbyte-workers application.yml]"""

DISABLE_FAILURES: Final = 30
DISABLE_AFTER: Final = 7 * DAY
"""Both legs must hold. [platform: ConnectionService]"""

# --- Retention ----------------------------------------------------------------------------------
JOB_RETENTION_DAYS: Final = 183
EVENT_RETENTION_DAYS: Final = 548
"""Six and eighteen months; the prune runs daily. [platform: DbPrune]"""

# --- HTTP ---------------------------------------------------------------------------------------
SERVER_THREADS: Final = 5
"""The public API's pool. [platform: application.yml, PUBLIC_API_EXECUTOR_THREADS]"""
PAGE_DEFAULT: Final = 20
PAGE_MAX: Final = 100
CONFIG_PAGE_DEFAULT: Final = 200
TOKEN_LIFE: Final = 900
"""Seconds. [platform: application.yml, AB_AIRBYTE_AUTH_TOKEN_EXPIRATION_APPLICATION]"""
WRONG_HOST: Final = "http://localhost:8001/api/public"
"""What `next` and `previous` point to on a default chart. [platform: charts/v2/airbyte]"""
CLOUD_HOST: Final = "https://api.airbyte.com"
TAGS_PER_WORKSPACE: Final = 100
TAG_NAME_LENGTH: Final = 30

# --- Capacity and cost --------------------------------------------------------------------------
CPU_REQUEST: Final = {"api": 1.4, "file": 2.0, "database": 4.0}
"""Source + orchestrator + destination CPU request. [platform: application.yml kube-job-configs]"""
CPU_PER_DATA_WORKER: Final = 8
"""[platform: DataWorkerUsageService]"""
CREDIT: Final = "2.50"
"""US dollars. [docs: manage credits]"""
WAREHOUSE_BY_HOUR: Final = (
    "1.75", "2.05", "2.20", "2.05", "1.75", "1.60", "1.60", "1.60", "3.00", "3.00", "3.00", "3.00",
    "3.00", "3.00", "3.00", "3.00", "3.00", "3.00", "3.00", "3.00", "1.60", "1.60", "1.60", "1.60",
)  # fmt: skip
"""US dollars an hour of running: 3.00 by day, 1.60 otherwise, +0.60 around 02:00.
[measured: the scheduling instances]"""
POOL_HEADROOM: Final = 5.0
"""Size of the worker pool over the fleet's mean load, where there is one: about a fifth of the
syncs of a herding fleet queue then. [measured: 23 % queue in the scheduling instances]"""

# --- Who exists ---------------------------------------------------------------------------------
CADENCES: Final = ((24, 0.15), (4, 0.35), (1, 0.50))
"""(syncs per day, share of connections). [measured: the forecasting bench's mix]"""
SOURCES_PER_CONNECTION: Final = 1 / 12
HUMAN_HOURS: Final = (0.34, 0.10, 0.18, 0.14, 0.10, 0.08, 0.06)
"""How people who pick a round hour spread over 0..6 UTC. [measured: the scheduling instances]"""
ROUND_HOUR_SHARE: Final = 0.7
OLD_TEXT_SHARE: Final = 0.25
"""Intervals in the spelling of older releases (`Every 24 hours`). [chosen]"""
MANUAL_SHARE: Final = 0.04
BASIC_SHARE: Final = 0.12
LOCAL_ZONE_SHARE: Final = 0.04
"""Crons in a zone other than UTC, which only the web interface can write. [chosen]"""
WEEKDAYS_SHARE: Final = 0.06
ALL_FULL_SHARE: Final = 0.12
SOME_FULL_SHARE: Final = 0.25
"""Connections that read all, or some, of their streams whole each time. [chosen]"""
INACTIVE_SHARE: Final = 0.03
SHARED_NAME_SHARE: Final = 0.01
DEADLINE_SHARE: Final = 0.65
DEADLINE_HOURS: Final = (5, 6, 7, 8, 9)
FRESHNESS_HOURS: Final = (5, 6, 8, 12)
"""Daily connections with a deadline, and how old their data may be then. [measured: as above]"""

# --- What people do -----------------------------------------------------------------------------
UI_CHANGES_PER_90_DAYS: Final = 0.02
PAUSES_PER_90_DAYS: Final = 0.01
CLEARS_PER_90_DAYS: Final = 0.01
SCHEMA_CHANGES_PER_90_DAYS: Final = 0.06
BREAKING_SHARE: Final = 0.15
"""Per connection. [chosen: that such drift exists is known, how often is not]"""

# --- How long syncs run -------------------------------------------------------------------------
MINUTES_MEDIAN: Final = 7.0
MINUTES_SIGMA: Final = 1.0
FREQUENT_FACTOR: Final = 0.35
LONGEST_SHARE: Final = 0.55
"""Typical run time: lognormal, shorter for frequent syncs, at most this share of the period.
[measured: the scheduling instances]"""
OVERHEAD_SECONDS: Final = (25.0, 90.0)
"""Pods, checks and discovery, before the first row. [chosen; within what users report]"""
ROW_NOISE_SIGMA: Final = (0.06, 0.20)
TAIL_SHARE: Final = (0.01, 0.03)
TAIL_EXPONENT: Final = 1.8
TAIL_LARGEST: Final = 12.0
"""Per-sync lognormal noise and Pareto tails. [measured: 1-3 % tails in the forecasting bench]"""
WEEKLY_AMPLITUDE: Final = (0.0, 0.45)
GROWTH_PER_DAY: Final = (-0.001, 0.006)
LEVEL_STEP_SHARE: Final = 0.20
THROUGHPUT_STEP_SHARE: Final = 0.12
STEP_WINDOW: Final = (0.1, 1.6)
LEVEL_AR: Final = 0.6
LEVEL_SIGMA: Final = (0.05, 0.18)
HOLIDAY_FACTOR: Final = 0.45
"""Volume: weekly season, growth, level and throughput steps, AR noise, holidays.
[measured: the forecasting bench's generator]"""
HOT_SET_DAYS: Final = (0.8, 8.0)
"""Days of changes that touch distinct records: longer gaps fold repeated updates. [chosen]"""

# --- Sources ------------------------------------------------------------------------------------
SOURCE_TIGHTNESS: Final = 1.3
"""Room of a shared source over its mean load × 1.5. [measured: the scheduling instances]"""
BACKUP_SHARE: Final = 0.30
BACKUP_HOURS: Final = (1, 2, 3)
BACKUP_SLOWDOWN: Final = 1.8
OFFICE_SHARE: Final = 0.35
OFFICE_SLOWDOWN: Final = 1.35
"""Databases back up at night and serve people by day. [measured shares; slowdowns chosen]"""
RATE_LIMITED_SHARE: Final = 0.6
"""API sources with a quota that all their connections share. [chosen]"""
INCIDENTS_PER_SOURCE_DAY: Final = 1 / 40
INCIDENT_HOURS: Final = (0.7, 7.0)
INCIDENT_FAILS: Final = 0.97
"""Outages: a few hours, every month or two. [chosen; incidents are in the bench's generator]"""

# --- Failures -----------------------------------------------------------------------------------
FAILS_BASE: Final = (0.003, 0.03)
STUBBORN_SHARE: Final = 0.35
"""First attempts that fail of themselves, and those of them that no retry heals: with incidents,
about one job in a hundred fails in the end. [measured: 1.7 % of recurring jobs are cancelled]"""
OVERLOAD_KNEE: Final = 1.6
OVERLOAD_SLOPE: Final = 0.05
OVERLOAD_MOST: Final = 0.35
BROKEN_SHARE: Final = 0.02
"""Connections whose credentials expire at some point. [chosen]"""

# --- Knobs --------------------------------------------------------------------------------------
KNOB_OFF: Final = 3.0
"""How far from its optimum a knob may start, either way. [measured: the batch-size study]"""
BATCH_CURVATURE: Final = (0.01, 0.25)
PARALLEL_CURVATURE: Final = (0.05, 0.5)
"""√(K/B) of per-row time ∝ 1 + K/b + b/B, so that the oracle's mean gain is about 6 % of run
time, as in the batch-size study; parallelism has the same form and bends more. [chosen]"""
OOM_SLOPE: Final = 4.0
OOM_OVER_OPTIMUM: Final = (4.0, 40.0)
"""Chance of running out of memory: logistic in log(batch × row bytes). [same study]"""
KNOB_SET_SHARE: Final = 0.6
"""Sources whose configuration states the knob; the others run on its default. [chosen]"""
