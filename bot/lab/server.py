"""HTTP over loopback: five workers, kept-alive connections, and mishaps on the way."""

import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Semaphore, Thread
from typing import Any, Final

from bot.lab import constants as known
from bot.lab.faults import Faults, Mishap
from bot.lab.http import Answer, Request, anonymous_error, bare, problem, proxy_page

Respond = Callable[[Request], Answer]
_LINE: Final = 65_536
_IDLE_SECONDS: Final = 30


class LabServer:
    """Serves `respond` on a loopback port until it is closed.

    Args:
        respond: answers one request; called by at most five threads at a time.
        faults: how requests go wrong, by their number.
        date: epoch seconds for the `Date` header.
        port: 0 picks a free one.
    """

    def __init__(
        self, respond: Respond, faults: Faults, date: Callable[[], int], port: int = 0
    ) -> None:
        self.faults = faults
        self.requests = 0
        self._respond = respond
        self._date = date
        self._lock = Lock()
        self._workers = Semaphore(known.SERVER_THREADS)
        lab = self

        class Handler(StreamRequestHandler):
            timeout = _IDLE_SECONDS
            disable_nagle_algorithm = True

            def handle(self) -> None:
                try:
                    while lab.serve_one(self):
                        pass
                except (ConnectionError, TimeoutError):
                    return

        class Server(ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve_one(self, handler: Any) -> bool:
        """Read one request and answer it; tell whether the connection stays open."""
        request = _read(handler.rfile)
        if request is None:
            return False
        with self._lock:
            self.requests += 1
            number = self.requests
        # Refused, minted and counted requests alike may meet a mishap; tokens may not, so that a
        # client's patience is tested where it reads.
        mishap = None if request.path.endswith("/token") else self.faults.mishap(number)
        if mishap is Mishap.DISCONNECT:
            return False
        numbered = Request(
            request.method, request.path, request.query, request.body, request.headers, number
        )
        with self._workers:
            if self.faults.delay:
                time.sleep(self.faults.delay)
            answer = _mishap(mishap, number) or self._respond(numbered)
        data = self._head(answer) + (b"" if request.method == "HEAD" else answer.body)
        if mishap is Mishap.CUT_OFF:
            handler.wfile.write(data[: max(len(data) - len(answer.body) // 2, 1) - 1])
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            return False
        handler.wfile.write(data)
        return request.headers.get("connection", "").lower() != "close"

    def _head(self, answer: Answer) -> bytes:
        phrase = HTTPStatus(answer.status).phrase
        lines = [
            f"HTTP/1.1 {answer.status} {phrase}",
            f"Date: {formatdate(self._date() + self.faults.clock_skew, usegmt=True)}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        if answer.status != HTTPStatus.NO_CONTENT:
            lines += [
                f"Content-Type: {answer.content_type}",
                f"Content-Length: {len(answer.body)}",
            ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _read(stream: Any) -> Request | None:
    """Read one request, or None when the client has gone or speaks no HTTP."""
    line = stream.readline(_LINE).decode("latin-1").rstrip("\r\n")
    parts = line.split(" ")
    if len(parts) != 3:  # noqa: PLR2004  method, target, version
        return None
    headers: dict[str, str] = {}
    while (text := stream.readline(_LINE)) not in (b"\r\n", b"\n", b""):
        name, _, value = text.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = _body(stream, headers)
    path, _, query = parts[1].partition("?")
    return Request(parts[0], path, query, body, headers)


def _body(stream: Any, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        body: bytes = stream.read(int(headers.get("content-length", 0) or 0))
        return body
    chunks = []
    while size := int(stream.readline(_LINE).split(b";")[0], 16):
        chunks.append(stream.read(size))
        stream.readline(_LINE)
    stream.readline(_LINE)
    return b"".join(chunks)


def _mishap(mishap: Mishap | None, number: int) -> Answer | None:
    match mishap:
        case Mishap.TOO_MANY:
            return bare(429, "You are being rate limited.")
        case Mishap.SERVER_ERROR:
            return anonymous_error(500, number)
        case Mishap.UNAVAILABLE:
            return proxy_page(503, "503 Service Temporarily Unavailable")
        case Mishap.TIMEOUT:
            return problem(408, "request-timeout-exceeded", "The request timed out.")
        case Mishap.PROXY_PAGE:
            return proxy_page(200, "Sign in")
        case _:
            return None
