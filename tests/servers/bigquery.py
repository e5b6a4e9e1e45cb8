"""A stand-in for the part of BigQuery's REST API that streaming needs, over real HTTP.

It keeps tables in memory, checks rows as BigQuery does (unknown fields, missing required ones,
types that do not parse) and answers `insertAll` with an outcome for each row:
https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll

`storage` is the Storage Write API of the same tables: `tests.servers.bigquery_storage`.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.bigquery_storage import StorageServer, running_storage

Json = dict[str, Any]


@dataclass
class BigQueryServer:
    """What the stand-in holds, and what it is to answer next instead of doing its work."""

    url: str = ""
    tables: dict[str, Json] = field(default_factory=dict)
    rows: dict[str, list[Json]] = field(default_factory=dict)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.storage = StorageServer(self.tables, self.rows)

    def insert(self, table: str, body: Json) -> Json:
        fields = {f["name"]: f for f in self.tables[table]["schema"]["fields"]}
        errors = []
        for index, row in enumerate(body["rows"]):
            problem = _problem(row["json"], fields)
            if problem is not None:
                errors.append({"index": index, "errors": [problem]})
        bad = {error["index"] for error in errors}
        skip = str(body.get("skipInvalidRows", False)).lower() == "true"
        if errors and not skip:
            stopped = {"reason": "stopped", "location": "", "message": ""}
            good = [i for i in range(len(body["rows"])) if i not in bad]
            errors += [{"index": index, "errors": [stopped]} for index in good]
        else:
            taken = [row["json"] for i, row in enumerate(body["rows"]) if i not in bad]
            self.rows.setdefault(table, []).extend(taken)
        return {"kind": "bigquery#tableDataInsertAllResponse", "insertErrors": errors}


def _problem(row: Json, fields: dict[str, Json]) -> Json | None:
    for name, value in row.items():
        if name not in fields:
            return {"reason": "invalid", "location": name, "message": f"no such field: {name}."}
        if fields[name]["type"] == "INTEGER" and value is not None:
            try:
                int(value)
            except ValueError:
                message = f"Cannot convert value to integer (bad value): {value}"
                return {"reason": "invalid", "location": name, "message": message}
    for name, declared in fields.items():
        if declared.get("mode") == "REQUIRED" and row.get(name) is None:
            return {"reason": "invalid", "message": f"Missing required field: {name}."}
    return None


@contextmanager
def running_bigquery() -> Iterator[BigQueryServer]:
    """Serve both APIs on free loopback ports."""
    state = BigQueryServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def log_request(self, code: object = "-", size: object = "-") -> None:
            state.requests.append(self.requestline)

        def _serve(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if state.refusals:
                status, message = state.refusals.pop(0)
                self._answer(status, {"error": {"code": status, "message": message, "errors": []}})
                return
            parts = self.path.split("?")[0].strip("/").split("/")
            self._answer(*_route(state, method, parts, json.loads(body or b"{}")))

        def _answer(self, status: int, content: Json) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        with running_storage(state.storage):
            yield state
    finally:
        server.shutdown()
        server.server_close()


def _route(state: BigQueryServer, method: str, parts: list[str], body: Json) -> tuple[int, Json]:
    missing = (404, {"error": {"code": 404, "message": "Not found", "errors": []}})
    match [method, *parts]:
        case ["GET", "bigquery", "v2", "projects", project, "datasets", dataset]:
            reference = {"projectId": project, "datasetId": dataset}
            return (200, {"datasetReference": reference}) if dataset == "warehouse" else missing
        case ["GET", *_, "tables", table]:
            return (200, state.tables[table]) if table in state.tables else missing
        case ["POST", *_, "tables"]:
            state.tables[body["tableReference"]["tableId"]] = body
            return 200, body
        case ["POST", *_, "tables", table, "insertAll"]:
            return (200, state.insert(table, body)) if table in state.tables else missing
    return missing
