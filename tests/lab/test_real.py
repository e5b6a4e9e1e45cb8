"""Syncs of the lab that are runs of a process, here a small one that speaks Airbyte's protocol."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.connection import Cron
from bot.domain.errors import InputError
from bot.domain.sync import Sync, SyncStatus
from bot.lab import Lab
from bot.lab.actions import ChangeEndpoint
from bot.lab.description import Description, GivenConnection, GivenEndpoint
from bot.lab.real import SCALE, Connector, attach

PROGRAM = """
import json, sys, time
arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
config = json.load(open(arguments["--config"]))
if sys.argv[1] == "discover":
    streams = [{"name": "users", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}]
    print(json.dumps({"type": "CATALOG", "catalog": {"streams": streams}}))
elif config.get("broken"):
    sys.exit("no such account")
else:
    time.sleep(config["pause_s"])
    for number in range(config["count"]):
        record = {"stream": "users", "data": {"id": number}, "emitted_at": 0}
        print(json.dumps({"type": "RECORD", "record": record}, separators=config.get("separators")))
"""


@pytest.fixture
def connector(tmp_path: Path) -> Connector:
    (tmp_path / "connector.py").write_text(PROGRAM)
    return Connector((sys.executable, str(tmp_path / "connector.py")))


def fleet(**configuration: object) -> Description:
    return Description(
        sources=(GivenEndpoint("Sample", "faker", configuration),),
        destinations=(GivenEndpoint("Lake", "s3"),),
        connections=(GivenConnection("sample", "Sample", "Lake", Cron("0 0 0/6 * * ?")),),
    )


def next_day(lab: Lab, connector: Connector) -> list[Sync]:
    before = len(lab.truth.syncs())
    attach(lab, lab.truth.connection_ids[0], connector, ("users",))
    lab.advance(timedelta(hours=23))
    return lab.truth.syncs()[before:]


def test_rows_and_time_are_those_of_the_process(connector: Connector) -> None:
    with Lab.start(fleet=fleet(count=50, pause_s=0.2), days=1) as lab:
        syncs = next_day(lab, connector)
    assert [sync.created_at.hour for sync in syncs] == [6, 12, 18]
    for sync in syncs:
        assert sync.status is SyncStatus.SUCCEEDED
        assert sync.rows == 50
        assert sync.duration is not None
        assert sync.duration >= timedelta(seconds=0.2 * SCALE)


def test_rows_are_counted_however_a_connector_spaces_its_json(connector: Connector) -> None:
    catalog = connector.catalog({}, ("users",))
    for separators in (None, (",", ":")):
        configuration = {"count": 3, "pause_s": 0, "separators": separators}
        assert connector.read(configuration, catalog).rows == 3


def test_a_process_that_does_not_end_is_told_with_what_it_was_asked(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.lab.real._TIMEOUT_S", 1)
    with pytest.raises(InputError, match=r"read: not done after 1 seconds$"):
        connector.read({"count": 1, "pause_s": 60}, {})


def test_settings_that_change_reach_the_process(connector: Connector) -> None:
    with Lab.start(fleet=fleet(count=50, pause_s=0), days=1) as lab:
        next_day(lab, connector)
        (source,) = lab.world.fleet.sources
        lab.world.do(ChangeEndpoint(endpoint_id=source, configuration={"count": 7, "pause_s": 0}))
        lab.advance(timedelta(days=1))
        assert lab.truth.syncs()[-1].rows == 7


def test_what_knobs_do_is_left_to_the_process(connector: Connector) -> None:
    with Lab.start(fleet=fleet(count=1, pause_s=0, records_per_slice=10_000), days=1) as lab:
        (source,) = lab.world.fleet.sources
        assert lab.truth.knobs(source)
        next_day(lab, connector)
        assert not lab.truth.knobs(source)


def test_a_process_that_fails_is_a_failed_sync(connector: Connector) -> None:
    with Lab.start(fleet=fleet(count=5, pause_s=0, broken=True), days=1) as lab:
        syncs = next_day(lab, connector)
    assert {sync.status for sync in syncs if sync.updated_at} == {SyncStatus.FAILED}


def test_an_unknown_stream_or_command_is_told(connector: Connector) -> None:
    with Lab.start(fleet=fleet(count=1, pause_s=0), days=1) as lab:
        (connection,) = lab.truth.connection_ids
        with pytest.raises(InputError, match="no stream 'people'"):
            attach(lab, connection, connector, ("people",))
        with pytest.raises(InputError, match="cannot be run"):
            attach(lab, connection, Connector(("no-such-connector",)), ("users",))
