import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.errors import InputError
from bot.report.metrics import Gauge, exposition, measures, push, write_textfile
from tests.report.summaries import EMPTY, FULL, UNREAD

ENDED = datetime(2026, 11, 27, 2, tzinfo=UTC)


def samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_what_is_written() -> None:
    found = samples(exposition(measures(FULL, {"mine": 1.25}, ENDED)))
    assert found["trimtab_last_run_timestamp_seconds", ""] == ENDED.timestamp()
    assert found["trimtab_last_run_complete", ""] == 1
    assert found["trimtab_pull_requests", "open"] == 2
    assert found["trimtab_predicted_saving_usd", "high"] == 100
    assert found["trimtab_stage_seconds", "mine"] == 1.25


def test_an_incomplete_run_can_be_alerted_on() -> None:
    assert samples(exposition(measures(UNREAD, {}, ENDED)))["trimtab_last_run_complete", ""] == 0


def test_no_known_saving_gives_no_series_rather_than_zero() -> None:
    assert "saving" not in exposition(measures(EMPTY, {}, ENDED))


def test_labels_with_quotes_and_line_breaks_survive() -> None:
    odd = 'a"b\\c\nd'
    gauge = Gauge("trimtab_x", "X.", {("stage", odd): 1.0})
    assert samples(exposition(iter([gauge]))) == {("trimtab_x", odd): 1.0}


def test_a_textfile_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "trimtab.prom"
    write_textfile(path, "old\n")
    write_textfile(path, "new\n")
    assert path.read_text() == "new\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_textfile_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="metrics cannot be written"):
        write_textfile(tmp_path / "file" / "x.prom", "")


class Gateway(BaseHTTPRequestHandler):
    seen: list[tuple[str, str, bytes]]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.command, self.path, body))
        self.send_response(400 if b"bad" in body else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[str]:
    Gateway.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/metrics/job/trimtab"
    server.shutdown()
    server.server_close()


def test_a_gateway_gets_the_group_replaced(gateway: str) -> None:
    push(gateway, "trimtab_x 1\n")
    assert Gateway.seen == [("PUT", "/metrics/job/trimtab", b"trimtab_x 1\n")]


def test_a_gateway_that_refuses_is_an_error_without_its_address(gateway: str) -> None:
    with pytest.raises(InputError, match="HTTPStatusError") as caught:
        push(gateway.replace("//", "//me:hush@"), "bad")
    assert "hush" not in str(caught.value)
