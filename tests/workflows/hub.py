"""The few answers of GitHub that plan and apply ask for, over loopback."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.servers.github import Request

NAME = "acme/data"
BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass
class Hub:
    """One repository with pull requests by number and commits that came from them."""

    url: str = ""
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    merged: dict[str, int] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def add(self, number: int, branch: str, body: str, repository: str = NAME) -> None:
        head = {"ref": branch, "repo": {"full_name": repository}}
        self.pulls[number] = {"number": number, "body": body, "head": head, "merged_at": None}

    def merge(self, number: int, commit: str) -> None:
        self.pulls[number]["merged_at"] = "2026-11-27T02:00:00Z"
        self.merged[commit] = number

    def say(self, text: str, user: dict[str, str]) -> None:
        made = {"id": len(self.comments) + 1, "body": text, "user": user, "html_url": "there"}
        self.comments.append(made)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if method == "GET" and re.fullmatch(r"issues/\d+/comments", path):
            size, page = int(query["per_page"]), int(query["page"])
            return self.comments[size * (page - 1) : size * page]
        if method == "POST" and re.fullmatch(r"issues/\d+/comments", path):
            self.say(body["body"], BOT)
            return self.comments[-1]
        if method == "PATCH" and (match := re.fullmatch(r"issues/comments/(\d+)", path)):
            comment = self.comments[int(match[1]) - 1]
            comment["body"] = body["body"]
            return comment
        if match := re.fullmatch(r"pulls/(\d+)", path):
            return self.pulls[int(match[1])]
        if match := re.fullmatch(r"commits/([0-9a-f]{40})/pulls", path):
            number = self.merged.get(match[1])
            return [] if number is None else [self.pulls[number]]
        raise AssertionError(f"{method} {path}")


@contextmanager
def serve() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            url = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query, body = dict(parse_qsl(url.query)), json.loads(raw or "null")
            hub.requests.append(
                Request(self.command, url.path, query, body, dict(self.headers.items()))
            )
            below = url.path.removeprefix(f"/repos/{NAME}/")
            told = json.dumps(hub.answer(self.command, below, query, body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PATCH = handle_one  # noqa: N815  the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    yield hub
    server.shutdown()
    server.server_close()
