"""The connectors that simulated fleets are made of, and the knobs that matter on them.

Names, definition ids and bounds are those of the public connector registry (2026-08-21).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class KnobModel:
    """A tuning option that the simulation obeys: its path, default and bounds.

    `batch` tells a batch size (per-row cost and memory) from a parallelism (pace and demand).
    """

    path: str
    default: int
    low: int
    high: int
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Connector:
    """One kind of source or destination; `family` is api, database or file."""

    name: str
    label: str
    definition_id: str
    family: str
    knobs: tuple[KnobModel, ...] = ()
    weight: float = 1.0


def _knob(path: str, default: int, low: int, high: int) -> KnobModel:
    return KnobModel(path, default, low, high)


def _batch(path: str, default: int, low: int, high: int) -> KnobModel:
    return KnobModel(path, default, low, high, batch=True)


SOURCES: Final = (
    Connector("postgres", "Postgres", "decd338e-5647-4c0b-adf4-da0e75f5a750", "database", (), 9),
    Connector(
        "mysql",
        "MySQL",
        "435bb9a5-7887-4809-aa58-28c27df0d7ad",
        "database",
        (_knob("max_db_connections", 4, 1, 32),),
        5,
    ),
    Connector("mssql", "MSSQL", "b5ea17b1-f170-46dc-bc31-cc744ca984c1", "database", (), 3),
    Connector(
        "mongodb-v2",
        "MongoDB",
        "b2e713cd-cc36-4c0a-b5bd-b47cb8a0561e",
        "database",
        (_batch("queue_size", 10_000, 1_000, 10_000),),
        2,
    ),
    Connector(
        "stripe",
        "Stripe",
        "e094cb9a-26de-4645-8761-65c0c425d1de",
        "api",
        (_knob("num_workers", 10, 1, 20),),
        4,
    ),
    Connector(
        "hubspot",
        "HubSpot",
        "36c891d9-4bd9-43ac-bad2-10e12756272c",
        "api",
        (_knob("num_worker", 3, 1, 40),),
        4,
    ),
    Connector("salesforce", "Salesforce", "b117307c-14b6-41aa-9422-947e34922962", "api", (), 5),
    Connector(
        "zendesk-support",
        "Zendesk Support",
        "79c1aa37-dae3-42ae-b333-d1c105477715",
        "api",
        (_knob("num_workers", 3, 1, 40),),
        2,
    ),
    Connector(
        "jira",
        "Jira",
        "68e63de2-bb83-4c7e-93fa-a8a9051e3993",
        "api",
        (_knob("num_workers", 3, 1, 40),),
        2,
    ),
    Connector("google-ads", "Google Ads", "253487c0-2246-43ba-a21f-5116b20a2c50", "api", (), 3),
    Connector(
        "facebook-marketing",
        "Facebook Marketing",
        "e7778cfc-e97c-4458-9ecb-b4f2bba8946c",
        "api",
        (_batch("page_size", 100, 10, 1_000),),
        2,
    ),
    Connector(
        "mixpanel",
        "Mixpanel",
        "12928b32-bf0a-4f1e-964f-07e12e37153a",
        "api",
        (_knob("num_workers", 3, 1, 25), _batch("page_size", 1_000, 100, 10_000)),
        1,
    ),
    Connector("s3", "S3", "69589781-7828-43c5-9f63-8925b1c1ccc2", "file", (), 3),
    Connector(
        "google-sheets",
        "Google Sheets",
        "71607ba1-c0ac-4799-8049-7f4b90dd50f7",
        "file",
        (_batch("batch_size", 1_000_000, 100, 1_000_000),),
        2,
    ),
    Connector(
        "faker",
        "Sample Data",
        "dfd88b22-b603-4c3d-aad7-3701784586b1",
        "api",
        (_knob("parallelism", 4, 1, 32), _batch("records_per_slice", 1_000, 10, 10_000)),
        0.5,
    ),
)

DESTINATIONS: Final = (
    Connector("snowflake", "Snowflake", "424892c4-daac-4491-b35d-c6688ba547ba", "database", (), 5),
    Connector("bigquery", "BigQuery", "22f6c74f-5699-40ff-833c-4a879ea40133", "database", (), 4),
    Connector("postgres", "Postgres", "25c5221d-dce2-4163-ade9-739ef790f503", "database", (), 1),
    Connector(
        "s3",
        "S3",
        "4816b78f-1489-44c1-9060-4b19d5fa9362",
        "file",
        (_batch("format.block_size_mb", 128, 16, 1_024),),
        1,
    ),
)

OTHER: Final = Connector("custom", "Custom", "00000000-0000-4000-8000-00000000c0de", "api")


def source_connector(name: str) -> Connector:
    """Return the source connector called `name` (`stripe`, `source-stripe`), or a custom one."""
    return _find(SOURCES, name.removeprefix("source-"))


def destination_connector(name: str) -> Connector:
    """Return the destination connector called `name`, or a custom one of that name."""
    return _find(DESTINATIONS, name.removeprefix("destination-"))


def connector_of_definition(definition_id: str) -> Connector | None:
    """Return the connector with this definition id, if the lab has it."""
    known = (*SOURCES, *DESTINATIONS)
    return next((one for one in known if one.definition_id == definition_id), None)


def _find(table: tuple[Connector, ...], name: str) -> Connector:
    found = next((one for one in table if one.name == name), None)
    return found or Connector(name, name.title(), OTHER.definition_id, OTHER.family)
