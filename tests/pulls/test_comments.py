from collections.abc import Iterator

import pytest

from bot.domain.errors import InputError
from bot.pulls.comments import LONGEST, write_comment
from bot.pulls.github_access import Access, connect
from bot.pulls.github_api import Api
from tests.servers.github_contract import check
from tests.workflows.hub import BOT, NAME, Hub, serve

PERSON = {"login": "mallory", "type": "User"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as hub:
        yield hub
    check(hub.requests)


@pytest.fixture
def api(hub: Hub) -> Api:
    return connect(Access(NAME, hub.url, "ghs_0123456789"), seconds_between_writes=0)


def writes(hub: Hub) -> list[str]:
    return [request.method for request in hub.requests if request.is_write]


def test_one_comment_of_a_kind_is_written_then_rewritten_then_left_alone(
    hub: Hub, api: Api
) -> None:
    write_comment(api, 7, "plan", "first")
    write_comment(api, 7, "plan", "second")
    write_comment(api, 7, "plan", "second")
    write_comment(api, 7, "policy", "another")
    assert [comment["body"].splitlines()[-1] for comment in hub.comments] == ["second", "another"]
    assert writes(hub) == ["POST", "PATCH", "POST"]


def test_a_person_who_types_the_marker_keeps_what_they_wrote(hub: Hub, api: Api) -> None:
    hub.say("<!-- trimtab:plan -->\nmine", PERSON)
    write_comment(api, 7, "plan", "ours")
    assert hub.comments[0]["body"].endswith("mine")
    assert len(hub.comments) == 2


def test_it_is_found_behind_a_hundred_others(hub: Hub, api: Api) -> None:
    for number in range(150):
        hub.say(f"comment {number}", PERSON)
    hub.say("<!-- trimtab:plan -->\nold", BOT)
    write_comment(api, 7, "plan", "new")
    assert writes(hub) == ["PATCH"]


def test_a_long_plan_is_cut_where_github_would_refuse_it(hub: Hub, api: Api) -> None:
    write_comment(api, 7, "plan", "x" * 100_000)
    assert len(hub.comments[0]["body"]) == LONGEST
    assert hub.comments[0]["body"].endswith("has everything.*\n")


def test_a_kind_cannot_close_the_marker(api: Api) -> None:
    with pytest.raises(InputError, match="no kind of comment"):
        write_comment(api, 7, "x --> y", "")
