"""Requests and answers of the simulated API, and its error bodies in all their shapes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from bot.lab.noise import key_of, mix

JSON: Final = "application/json"


@dataclass(frozen=True)
class Request:
    """One request: `path` below the API's root, `number` counts requests from 1."""

    method: str
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]
    number: int = 0

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """Return the query's parameters."""
        return parse_qs(self.query, keep_blank_values=True)

    def values(self, name: str) -> list[str]:
        """Return a query parameter that may be repeated, or comma-joined."""
        return [
            part for value in self.parameters.get(name, []) for part in value.split(",") if part
        ]

    def value(self, name: str, default: str | None = None) -> str | None:
        """Return a query parameter's last value."""
        found = self.parameters.get(name)
        return found[-1] if found else default

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            Refusal: it is not one.
        """
        try:
            data = json.loads(self.body or b"{}")
        except ValueError:
            raise Refusal(bare(400, "Failed to parse JSON body")) from None
        if not isinstance(data, dict):
            raise Refusal(bare(400, "Failed to parse JSON body"))
        return data


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `body` is complete."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818  an answer that ends a route early, not an error of ours
    """An answer other than the hoped-for one."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def ok(data: object, status: int = 200) -> Answer:
    """Answer with JSON; null properties are left out, as the server's Jackson does."""
    return Answer(status, json.dumps(without_nulls(data), separators=(",", ":")).encode())


def without_nulls(data: object) -> object:
    """Drop null properties at every depth; empty strings and lists stay."""
    if isinstance(data, dict):
        return {key: without_nulls(value) for key, value in data.items() if value is not None}
    if isinstance(data, list):
        return [without_nulls(value) for value in data]
    return data


def problem(status: int, kind: str, detail: str, **data: object) -> Answer:
    """Answer with Airbyte's problem JSON; `documentationUrl` really is null."""
    body = {
        "status": status,
        "type": f"error:{kind}",
        "title": kind.rsplit("/", maxsplit=1)[-1],
        "detail": detail,
        "documentationUrl": None,
        "data": data,
    }
    return Answer(status, json.dumps(body).encode())


def bare(status: int, message: str) -> Answer:
    """Answer with `{"message": …}`, as for 429 and known exceptions."""
    return Answer(status, json.dumps({"message": message}).encode())


def anonymous_error(status: int, number: int) -> Answer:
    """Answer with `{"errorId": …}`, as for what nobody caught."""
    key = key_of("error", number)
    error_id = UUID(int=(mix(key, 1) << 64) | mix(key, 2), version=4)
    return Answer(status, json.dumps({"errorId": str(error_id)}).encode())


def missing(kind: str, number: int) -> Answer:
    """Answer that there is no such thing."""
    del kind
    return anonymous_error(404, number)


def proxy_page(status: int, title: str) -> Answer:
    """Answer with the HTML of something that stands before Airbyte."""
    html = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, html.encode(), "text/html; charset=utf-8")
