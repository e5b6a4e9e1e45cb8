import httpx
import pytest

from bot.airbyte import problem


def answered(status: int, body: str, kind: str = "application/json") -> httpx.Response:
    request = httpx.Request("GET", "https://a.example/api/public/v1/jobs?limit=1")
    return httpx.Response(status, text=body, headers={"content-type": kind}, request=request)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"status":403,"title":"forbidden","detail":"no role"}', "no role"),
        ('{"title":"unprocessable-entity","data":{"message":"bad cron"}}', "bad cron"),
        ('{"message":"You are being rate limited."}', "You are being rate limited."),
        ('{"errorId":"6d2c"}', "an error that Airbyte logged as 6d2c"),
        ('{"title":"resource-not-found","data":{"resourceType":"connection","resourceId":"9b"}}',
         "no connection 9b"),
        ('{"title":"forbidden"}', "forbidden"),
        ("[1]", "[1]"),
        ("plain\ntext", "plain text"),
        ("x" * 1000, "x" * 300 + "…"),
    ],
)  # fmt: skip
def test_every_error_shape_becomes_one_sentence(body: str, said: str) -> None:
    error = problem.refusal(answered(409, body))
    assert error.message == f"GET https://a.example/api/public/v1/jobs answered 409: {said}"


def test_an_empty_body_leaves_the_status() -> None:
    assert problem.refusal(answered(403, "")).message.endswith("answered 403")


def test_a_web_page_says_that_the_address_is_no_api_root() -> None:
    error = problem.refusal(answered(404, "<!doctype html><html>…", "text/html"))
    assert "web page" in error.message
    assert "html" not in error.message
    assert "/api/public/v1" in error.hint


def test_a_web_page_with_status_200_is_no_success() -> None:
    error = problem.unreadable(answered(200, " <html>", "text/html"), "whatever")
    assert "web page instead of JSON" in error.message
