import io
import json
from datetime import UTC, datetime

import pytest
import structlog

from bot.documents.redaction import Redactor
from bot.report.log import new_run_id, open_log

SECRET = 'hush"hush\\hush'
REDACT = Redactor([SECRET])


def test_machines_get_one_json_object_a_line_with_the_run_id() -> None:
    stream = io.StringIO()
    log = open_log(stream, "r-1", REDACT, as_json=True)
    log.info("mined", syncs=3)
    log.warning("late", workspace="w")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first.pop("timestamp").endswith("Z")
    assert first == {"event": "mined", "level": "info", "run": "r-1", "syncs": 3}
    assert second["level"] == "warning"


def test_any_module_that_asks_structlog_gets_the_same_log() -> None:
    stream = io.StringIO()
    open_log(stream, "r-2", REDACT, as_json=True)
    structlog.get_logger().info("from afar")
    assert json.loads(stream.getvalue())["run"] == "r-2"


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_are_hidden_wherever_they_stand(as_json: bool) -> None:
    stream = io.StringIO()
    log = open_log(stream, "r", REDACT, as_json=as_json)
    nothing: dict[str, str] = {}
    try:
        nothing[SECRET]
    except KeyError as error:
        log.exception(SECRET, nested={SECRET: [SECRET, (1, {SECRET})]}, error=error, n=1.5)
    log.info("url", at="https://me:pass@host/x", header="Bearer abcdefghij")
    written = stream.getvalue()
    assert "***" in written
    for part in (SECRET, json.dumps(SECRET)[1:-1], "hush", "pass@", "abcdefghij"):
        assert part not in written


def test_people_get_short_lines_without_colours_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    open_log(stream, "r-1", REDACT, as_json=False).info("mined", syncs=3)
    assert "\x1b" not in stream.getvalue()
    assert "mined" in stream.getvalue()
    assert "syncs=3" in stream.getvalue()


def test_what_is_not_worth_a_line_is_left_out() -> None:
    stream = io.StringIO()
    open_log(stream, "r", REDACT, as_json=True).debug("detail")
    assert stream.getvalue() == ""


def test_run_ids_sort_by_time_and_differ_within_a_second() -> None:
    early, late = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    assert new_run_id(early) < new_run_id(late)
    assert new_run_id(early) != new_run_id(early)
