from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.connection import SourceId
from bot.domain.signal import Freshness
from bot.signals.looking import look
from bot.signals.lookout import Sight
from bot.signals.prometheus import Prometheus
from tests.airbyte.loopback import Answer, Request, Server
from tests.servers import prometheus
from tests.signals.scenes import NOW, connection, scene

RANGE = "/api/v1/query_range"
FLEET = scene(connection("a", source="s1"), connection("b", source="s2"))


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


def settings(url: str, queries: list[dict[str, Any]] | None = None, **more: Any) -> Prometheus:
    asked = queries or [{"query": "cpu", "sources": ["s1"]}]
    return Prometheus.model_validate({"type": "prometheus", "url": url, "queries": asked, **more})


def series(request: Request, value: float = 40, until: float = 1e12) -> list[list[Any]]:
    """Return what Prometheus gives for a range: a value at each step, both ends included."""
    start, end, step = (float(request.query[name]) for name in ("start", "end", "step"))
    times = [start + number * step for number in range(int((end - start) / step) + 1)]
    return [[at, str(value)] for at in times if at <= until]


def matrix(*results: tuple[dict[str, str], list[list[Any]]]) -> Answer:
    found = [{"metric": metric, "values": values} for metric, values in results]
    return Answer(body={"status": "success", "data": {"resultType": "matrix", "result": found}})


def only(sight: Sight) -> tuple[Freshness, str]:
    (signal,) = sight.signals
    return signal.freshness, signal.reason


def test_a_usual_week_of_a_source_is_read_in_ranges_that_share_no_point(server: Server) -> None:
    server.on("GET", RANGE, lambda asked: matrix(({}, series(asked))))
    sight = look([settings(server.url, token="t0ken-of-ours", weeks=3)], FLEET)
    asked = server.asked(RANGE)
    assert len(asked) == 3
    assert {each.headers["authorization"] for each in asked} == {"Bearer t0ken-of-ours"}
    assert float(asked[1].query["start"]) - float(asked[0].query["end"]) == 600
    (signal,) = sight.signals
    assert signal.freshness is Freshness.FRESH
    assert signal.about == {"s1"}
    assert len(signal.readings) in {3 * 168, 3 * 168 + 1}
    assert {each.value for each in signal.readings} == {40.0}
    assert sight.loads[SourceId("s1")].busy == (0.4,) * 168
    assert SourceId("s2") not in sight.loads


def test_the_busiest_measure_of_a_source_counts_and_nothing_is_busier_than_full(
    server: Server,
) -> None:
    values = {"cpu": 30.0, "connections": 90.0, "queue": 500.0}
    server.on("GET", RANGE, lambda asked: matrix(({}, series(asked, values[asked.query["query"]]))))
    queries: list[dict[str, Any]] = [
        {"query": "cpu", "sources": ["source s1"]},
        {"query": "connections", "what": "connections", "full": 120, "sources": ["s1"]},
        {"query": "queue", "what": "queue depth", "full": 100, "sources": ["s2"]},
    ]
    sight = look([settings(server.url, queries)], FLEET)
    assert sight.loads[SourceId("s1")].at(NOW) == 0.75
    assert sight.loads[SourceId("s2")].at(NOW) == 1.0
    assert [each.name for each in sight.signals] == [
        "prometheus: cpu",
        "prometheus: connections",
        "prometheus: queue depth",
    ]


def test_one_query_can_speak_of_many_sources_by_a_label(server: Server) -> None:
    server.on(
        "GET",
        RANGE,
        lambda asked: matrix(
            ({"instance": "db-1"}, series(asked, 20)), ({"instance": "other"}, series(asked, 99))
        ),
    )
    query = {"query": "cpu", "label": "instance", "labels": {"db-1": "s1", "db-2": "s2"}}
    sight = look([settings(server.url, [query])], FLEET)
    assert sight.loads[SourceId("s1")].at(NOW) == 0.2
    fresh, missing = sight.signals
    assert fresh.freshness is Freshness.FRESH
    assert missing.freshness is Freshness.MISSING
    assert missing.about == {"s2"}


def test_an_old_reading_and_a_gap_are_said(server: Server) -> None:
    until = (NOW - timedelta(hours=9)).timestamp()
    server.on("GET", RANGE, lambda asked: matrix(({}, series(asked, until=until))))
    freshness, reason = only(look([settings(server.url)], FLEET))
    assert freshness is Freshness.STALE
    assert reason.startswith("its last reading is 9 h")
    server.on("GET", RANGE, lambda asked: matrix(({}, series(asked)[-288:])))
    freshness, reason = only(look([settings(server.url, weeks=1)], FLEET))
    assert freshness is Freshness.PARTIAL
    assert "of 168 hours of the week were never measured" in reason


def test_what_is_no_number_is_passed_over(server: Server) -> None:
    def answer(asked: Request) -> Answer:
        values = series(asked)
        return matrix(
            ({}, [[at, ("NaN", "+Inf", "-Inf", "40")[i % 4]] for i, (at, _) in enumerate(values)])
        )

    server.on("GET", RANGE, answer)
    sight = look([settings(server.url)], FLEET)
    assert sight.loads[SourceId("s1")].at(NOW) == 0.4


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(400, {"status": "error", "error": "parse error: unexpected end"}), "parse error"),
        (Answer(401, "no"), "answers 401 with something that is not JSON"),
        (Answer(200, {"status": "success", "data": {}}), "no range of values"),
        (Answer(200, []), "answers 200: no reason"),
        (Answer(hang_up=True), "does not answer"),
        (matrix(), "has nothing of it"),
        (matrix(({"a": "1"}, []), ({"a": "2"}, [])), "aggregate them"),
    ],
)
def test_a_query_that_fails_is_a_missing_signal_with_one_sentence(
    server: Server, answer: Answer, words: str
) -> None:
    server.on("GET", RANGE, answer)
    sight = look([settings(server.url)], FLEET)
    freshness, reason = only(sight)
    assert freshness is Freshness.MISSING
    assert words in reason
    assert not sight.loads
    assert sight.signals[0].about == {"s1"}


def test_a_server_that_is_not_there_does_not_hide_the_query_that_works(server: Server) -> None:
    server.on("GET", RANGE, lambda asked: matrix(({}, series(asked))))
    gone = settings("http://127.0.0.1:9", name="gone")
    sight = look([gone, settings(server.url)], FLEET)
    assert [each.freshness for each in sight.signals] == [Freshness.MISSING, Freshness.FRESH]
    assert "127.0.0.1 does not answer" in sight.signals[0].reason


def test_no_secret_is_shown_even_where_the_server_repeats_it(server: Server) -> None:
    said = {"status": "error", "error": "bad token s3cret-token and s3cret-tenant"}
    server.on("GET", RANGE, Answer(403, said))
    found = settings(server.url, token="s3cret-token", headers={"X-Scope-OrgID": "s3cret-tenant"})
    sight = look([found], FLEET)
    assert "s3cret" not in repr(sight)
    assert "s3cret" not in repr(found)
    assert server.asked(RANGE)[0].headers["x-scope-orgid"] == "s3cret-tenant"


def test_a_source_that_the_history_does_not_know_is_named(server: Server) -> None:
    server.on("GET", RANGE, lambda asked: matrix(({}, series(asked))))
    queries = [{"query": "cpu", "sources": ["s1", "s9"]}]
    freshness, reason = only(look([settings(server.url, queries)], FLEET))
    assert freshness is Freshness.PARTIAL
    assert "'s9'" in reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://user:sesame@localhost"},
        {"queries": [{"query": "cpu"}]},
        {"queries": [{"query": "cpu", "label": "instance"}]},
        {"queries": [{"query": "cpu", "sources": ["s1"], "labels": {"a": "s1"}}]},
    ],
)
def test_settings_that_say_too_little_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**{"url": "http://localhost", **wrong})
    assert "sesame" not in str(caught.value)


@pytest.mark.skipif(not prometheus.is_installed(), reason="prometheus and promtool are not there")
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"username": "ada"}, "`username` and `password` go together"),
        ({"password": "s3cret-of-ours"}, "`username` and `password` go together"),
        (
            {"token": "t0ken-of-ours", "username": "ada", "password": "s3cret-of-ours"},
            "either a `token` or a `username`",
        ),
    ],
)
def test_credentials_that_would_not_be_sent_are_refused_unshown(
    given: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValidationError, match=why) as caught:
        settings("http://localhost:9090", **given)
    assert "of-ours" not in str(caught.value)


def test_a_real_prometheus_tells_the_usual_week(tmp_path: Path) -> None:
    end = datetime(2026, 3, 29, tzinfo=UTC)
    seconds = range(int((end - timedelta(days=7)).timestamp()), int(end.timestamp()) + 1, 3600)

    def load(at: int) -> float:
        return 80.0 if datetime.fromtimestamp(at, UTC).hour == 2 else 20.0

    points = [(at, load(at)) for at in seconds]
    idle = [(at, 10.0) for at in seconds]
    held = {'pg_cpu{instance="db-1"}': points, 'pg_cpu{instance="db-2"}': idle}
    query = {"query": "pg_cpu", "label": "instance", "labels": {"db-1": "s1", "db-2": "s2"}}
    with prometheus.serving(tmp_path, held) as url:
        there = scene(*FLEET.connections, now=end)
        sight = look([settings(url, [query], weeks=1, step="1h")], there)
        broken = look([settings(url, [{"query": "sum(", "sources": ["s1"]}])], there)
    assert [each.freshness for each in sight.signals] == [Freshness.FRESH] * 2
    busy = sight.loads[SourceId("s1")]
    assert [busy.busy[day * 24 + 2] for day in range(7)] == [0.8] * 7
    assert busy.at(end) == 0.2
    assert set(sight.loads[SourceId("s2")].busy) == {0.1}
    assert "parse error" in broken.signals[0].reason
