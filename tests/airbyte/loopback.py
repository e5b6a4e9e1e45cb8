"""A small real HTTP server on loopback that answers what a test tells it to."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PUBLIC = "/api/public/v1"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False

    @property
    def payload(self) -> bytes:
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body).encode()


Handler = Callable[[Request], Answer]


class Server:
    """Routes by method and path; keeps every request, and the most that were open at once."""

    def __init__(self) -> None:
        self.routes: dict[str, Handler] = {}
        self.requests: list[Request] = []
        self.open = 0
        self.most_open = 0
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def on(self, method: str, path: str, *answers: Answer | Handler) -> None:
        """Give the answers in turn; the last one is repeated."""
        left = list(answers)

        def handle(request: Request) -> Answer:
            with self.lock:
                answer = left.pop(0) if len(left) > 1 else left[0]
            return answer(request) if callable(answer) else answer

        self.routes[f"{method} {path}"] = handle

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: Request) -> Answer:
        handler = self.routes.get(f"{request.method} {request.path}")
        return handler(request) if handler else Answer(404, {"message": "no such route"})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handling(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with server.lock:
                    server.open += 1
                    server.most_open = max(server.most_open, server.open)
                try:
                    self._serve()
                finally:
                    with server.lock:
                        server.open -= 1

            do_POST = do_GET  # noqa: N815  the name is http.server's

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                request = Request(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    {key.lower(): value for key, value in self.headers.items()},
                    json.loads(raw) if raw else None,
                )
                server.requests.append(request)
                answer = server.answer(request)
                if answer.hang_up:
                    self.close_connection = True
                    return
                headers = {"content-type": "application/json", **answer.headers}
                self.send_response_only(answer.status)
                if "date" not in headers:
                    self.send_header("date", self.date_time_string())
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("content-length", str(len(answer.payload)))
                self.end_headers()
                self.wfile.write(answer.payload)

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        return Handling
