"""Everything that is sent to GitHub is something that GitHub publishes."""

from importlib.resources import files

import pytest

from bot.pulls.github_api import graphql
from tests.servers.github import Request
from tests.servers.github_contract import MISSING, document_findings, findings, is_available

if not is_available():
    pytest.skip(MISSING, allow_module_level=True)

DOCUMENTS = sorted(each.name for each in files("bot.pulls").joinpath("graphql").iterdir())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid_by_the_published_schema(name: str) -> None:
    assert document_findings(graphql(name.removesuffix(".graphql"))) == []


def test_a_wrong_field_variable_key_or_path_would_be_found() -> None:
    def sent(
        method: str, path: str, body: object, query: dict[str, str] | None = None
    ) -> list[str]:
        return findings(Request(method, path, query or {}, body, {}))

    assert document_findings("{ viewer { name_of_mine } }")
    wrong = {"owner": 1, "name": "data", "number": "one"}
    assert sent("POST", "/graphql", {"query": graphql("pull_id"), "variables": wrong})
    assert sent("POST", "/repos/a/b/pulls", {"title": "t", "head": "h"})  # no base
    assert sent("POST", "/repos/a/b/pulls", {"head": "h", "base": "b", "colour": "red"})
    assert sent("PATCH", "/repos/a/b/pulls/1", {"state": "merged"})
    assert sent("PUT", "/repos/a/b/pulls", {})
    assert sent("GET", "/repos/a/b/pulls", None, {"heads": "a"})
    assert not sent("GET", "/repos/a/b/pulls", None, {"head": "a:b"})
