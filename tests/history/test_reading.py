"""Reading a workspace of an Airbyte that does what the lab does not."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.airbyte.access import Access
from bot.airbyte.client import Airbyte
from bot.airbyte.transport import Patience
from bot.domain.connection import WorkspaceId
from bot.domain.errors import AirbyteError
from bot.domain.mine import MineOutcome
from bot.history.mining import Mined, MiningPlan, mine
from bot.history.store import History
from tests.airbyte.loopback import PUBLIC, Answer, Request, Server
from tests.history.test_mining import Lifetime

QUICK = Patience(2, timedelta(0), timedelta(0))
NOW = datetime.now(UTC).replace(microsecond=0)
HOME = "home"
HOUR = timedelta(hours=1)


def job(number: int, created: datetime, ended: datetime | None = None, rows: int = 1) -> Any:
    row = {
        "jobId": number,
        "connectionId": "c1",
        "status": "running",
        "jobType": "sync",
        "startTime": created.isoformat(),
        "rowsSynced": rows,
        "bytesSynced": rows,
    }
    if ended is not None:
        row |= {"status": "succeeded", "lastUpdatedAt": ended.isoformat()}
    return row


def serve(server: Server, jobs: Sequence[Any], *workspaces: str, late: bool = True) -> None:
    """Answer as Airbyte would that has these jobs in its first workspace."""
    places = workspaces or (HOME,)

    def moment(request: Request, name: str) -> datetime | None:
        return datetime.fromisoformat(request.query[name]) if name in request.query else None

    def fits(row: Any, request: Request) -> bool:
        created = datetime.fromisoformat(row["startTime"])
        ended = datetime.fromisoformat(row.get("lastUpdatedAt", NOW.isoformat()))
        start, end = moment(request, "createdAtStart"), moment(request, "createdAtEnd")
        changed = moment(request, "updatedAtStart") if late else None
        return (
            request.query["workspaceIds"] == places[0]
            and (start is None or created >= start)
            and (end is None or created <= end)
            and (changed is None or ended >= changed)
        )

    def listed(request: Request) -> Answer:
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        rows = sorted((r for r in jobs if fits(r, request)), key=lambda r: str(r["startTime"]))
        return Answer(200, {"data": rows[offset : offset + limit]})

    server.on("GET", f"{PUBLIC}/jobs", listed)
    for row in jobs:
        server.on("GET", f"{PUBLIC}/jobs/{row['jobId']}", Answer(200, row))
    for name in ("connections", "sources", "destinations"):
        server.on("GET", f"{PUBLIC}/{name}", Answer(200, {"data": []}))
    rows = [{"workspaceId": place, "name": place} for place in places]
    server.on("GET", f"{PUBLIC}/workspaces", Answer(200, {"data": rows}))


def dig(server: Server, history: History, plan: MiningPlan | None = None) -> Mined:
    with Airbyte(Access.to(server.url), QUICK) as airbyte:
        return mine(history, airbyte, plan or MiningPlan(), Lifetime())


def rows_of(history: History) -> dict[int, tuple[str, int]]:
    found = history.execute("select job_id, status::varchar, rows from syncs")
    return {job_id: (status, rows) for job_id, status, rows in found}


def test_an_empty_workspace_is_complete(server: Server, history: History) -> None:
    serve(server, [])
    mined = dig(server, history)
    assert mined.is_complete
    assert rows_of(history) == {}
    assert history.watermark(WorkspaceId(HOME)) is not None


def test_no_workspace_in_sight_is_an_error_with_a_next_step(
    server: Server, history: History
) -> None:
    server.on("GET", f"{PUBLIC}/workspaces", Answer(200, {"data": []}))
    with pytest.raises(AirbyteError, match="No workspace is in sight") as caught:
        dig(server, history)
    assert "reader role" in caught.value.hint


def test_a_long_sync_that_ended_lately_is_read_again(server: Server, history: History) -> None:
    """It was created before the overlap begins, and its totals come after its end."""
    created, ended = NOW - 30 * HOUR, NOW - HOUR
    serve(server, [job(1, created, ended, rows=0)])
    dig(server, history)
    serve(server, [job(1, created, ended, rows=7)])
    dig(server, history)
    assert rows_of(history) == {1: ("succeeded", 7)}


@pytest.mark.parametrize("late", [True, False], ids=["filtered by update", "filter unknown"])
def test_a_sync_that_had_not_ended_is_read_again(
    server: Server, history: History, late: bool
) -> None:
    ancient = [job(n, NOW - 2000 * HOUR, NOW - 1999 * HOUR) for n in (10, 11)]
    serve(server, [*ancient, job(1, NOW - 90 * HOUR)], late=late)
    dig(server, history)
    serve(server, [*ancient, job(1, NOW - 90 * HOUR, NOW - 70 * HOUR)], late=late)
    dig(server, history)
    assert rows_of(history)[1] == ("succeeded", 1)


def test_a_closed_workspace_is_partial_and_the_next_is_read(
    server: Server, history: History
) -> None:
    serve(server, [job(1, NOW - HOUR)], HOME, "closed")
    forbidden = Answer(403, {"title": "forbidden", "detail": "no role"})
    answer = server.routes[f"GET {PUBLIC}/jobs"]
    server.on(
        "GET",
        f"{PUBLIC}/jobs",
        lambda request: forbidden if request.query["workspaceIds"] == "closed" else answer(request),
    )
    mined = dig(server, history, MiningPlan((WorkspaceId("closed"), WorkspaceId(HOME))))
    assert not mined.is_complete
    assert [one.outcome for one in mined.mines] == [MineOutcome.PARTIAL, MineOutcome.COMPLETE]
    assert "403: no role" in mined.mines[0].unread[0]
    assert history.watermark(WorkspaceId("closed")) is None
    assert rows_of(history).keys() == {1}


def test_an_airbyte_that_breaks_down_leaves_what_was_read_and_says_what_is_missing(
    server: Server, history: History
) -> None:
    serve(server, [job(n, NOW - n * HOUR) for n in range(1, 400)], HOME, "other")
    answer = server.routes[f"GET {PUBLIC}/jobs"]
    good = [answer] * 2
    server.on("GET", f"{PUBLIC}/jobs", *good, Answer(hang_up=True))
    mined = dig(server, history)
    assert mined.mines[0].outcome is MineOutcome.PARTIAL
    assert mined.unread == ("workspace other: not begun",)
    assert 100 <= len(rows_of(history)) < 399
    reached = history.watermark(WorkspaceId(HOME))
    assert reached is not None
    assert reached < NOW - HOUR
    server.routes[f"GET {PUBLIC}/jobs"] = answer
    assert dig(server, history).is_complete
    assert len(rows_of(history)) == 399


def test_an_unreadable_job_is_named_and_the_mine_partial(server: Server, history: History) -> None:
    bad = job(2, NOW - 2 * HOUR) | {"connectionId": None}
    serve(server, [job(1, NOW - 3 * HOUR), bad])
    mined = dig(server, history)
    assert mined.mines[0].outcome is MineOutcome.PARTIAL
    assert mined.mines[0].unread[0].startswith("job 2: connectionId")
    assert rows_of(history).keys() == {1}


def test_an_airbyte_that_does_not_filter_by_time_is_refused(
    server: Server, history: History
) -> None:
    rows = [job(n, NOW - n * HOUR) for n in (3, 2, 1)]
    serve(server, rows)
    dig(server, history)
    server.on("GET", f"{PUBLIC}/jobs", Answer(200, {"data": [job(9, NOW - 900 * HOUR), *rows]}))
    with pytest.raises(AirbyteError, match="does not list jobs by the time"):
        dig(server, history)
    assert rows_of(history).keys() == {1, 2, 3}


def test_a_fleet_with_an_unreadable_connection_is_not_taken_for_the_whole(
    server: Server, history: History
) -> None:
    serve(server, [])
    server.on("GET", f"{PUBLIC}/connections", Answer(200, {"data": [{"connectionId": "c9"}]}))
    mined = dig(server, history)
    assert mined.mines[0].unread == ("connection c9: sourceId: Field required",)
    assert history.execute("select count(*) from connection_versions") == [(0,)]
