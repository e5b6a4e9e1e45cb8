"""The stand-in under the real terraform."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import InputError, TerraformError
from bot.lab.provider import schemas
from bot.lab.provider.backends import open_backend
from bot.lab.provider.local import FileBackend
from bot.terraform.binary import Terraform, library
from tests.roots import GENERIC, TYPED, Roots, plan_of, rewrite


def store(made: Terraform) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((made.root.parent / "store.json").read_text())
    return held


def changes(made: Terraform) -> dict[str, list[str]]:
    """Plan, and return the actions by address, without those that do nothing."""
    found = plan_of(made)["resource_changes"]
    return {
        one["address"]: one["change"]["actions"]
        for one in found
        if one["change"]["actions"] not in (["no-op"], ["read"])
    }


@pytest.mark.parametrize("version", ["1.2.0", "0.13.0"])
def test_the_schemas_that_terraform_sees_are_the_published_ones(version: str, root: Roots) -> None:
    printed = json.loads(root("", version=version).run("providers", "schema", "-json").stdout)
    seen = printed["provider_schemas"]["registry.terraform.io/airbytehq/airbyte"]
    held = schemas.load(version)
    assert set(seen["resource_schemas"]) == set(held.resources)
    for name, schema in held.resources.items():
        attributes = seen["resource_schemas"][name]["block"]["attributes"]
        assert _plain(attributes) == _plain(schemas.attributes(schema)), name


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what both forms state: ours has more facts, Terraform's leaves out what is empty."""
    flags = ("required", "optional", "computed", "sensitive", "deprecated", "type")
    plain: dict[str, Any] = {}
    for name, attribute in attributes.items():
        plain[name] = {flag: attribute[flag] for flag in flags if attribute.get(flag)}
        inner = attribute.get("nested_type")
        if inner is not None:
            plain[name]["nested"] = (inner["nesting_mode"], _plain(inner.get("attributes", {})))
    return plain


def test_what_is_applied_plans_no_further_change(applied: Terraform) -> None:
    assert changes(applied) == {}
    assert "resource_drift" not in applied.show(applied.root / "plan")


def test_a_cron_without_its_zone_drifts_for_ever_as_it_does_on_airbyte(applied: Terraform) -> None:
    rewrite(applied, "? UTC", "?")
    applied.apply()
    assert changes(applied) == {"airbyte_connection.c": ["update"]}
    assert applied.show(applied.root / "plan")["resource_drift"]


def test_a_change_of_the_schedule_sends_the_schedule_and_nothing_else(applied: Terraform) -> None:
    ((key, before),) = store(applied)["connections"].items()
    rewrite(applied, "0 0 6 ", "0 30 6 ")
    assert changes(applied) == {"airbyte_connection.c": ["update"]}
    applied.apply(applied.root / "plan")
    after = store(applied)["connections"][key]
    schedule = {"scheduleType": "cron", "cronExpression": "0 30 6 * * ? UTC"}
    assert after == {**before, "schedule": schedule}


def test_secrets_are_sent_but_come_back_masked(applied: Terraform) -> None:
    ((key, held),) = store(applied)["sources"].items()
    assert held["configuration"]["client_secret"] == "hush"
    assert held["sourceType"] == "stripe"
    answered = FileBackend(applied.root.parent / "store.json").read("sources", key)
    assert answered is not None
    assert answered["configuration"]["client_secret"] == "**********"
    assert answered["configuration"]["num_workers"] == 10
    destinations = store(applied)["destinations"].values()
    assert [held["destinationType"] for held in destinations] == ["snowflake"]


def test_moving_a_connection_to_another_source_replaces_it(applied: Terraform) -> None:
    rewrite(applied, "= airbyte_source.stripe.source_id", '= "other"')
    assert changes(applied) == {"airbyte_connection.c": ["delete", "create"]}


def test_a_connection_that_exists_is_imported_and_a_missing_one_is_named(
    applied: Terraform,
) -> None:
    (key,) = store(applied)["connections"]
    assert applied.run("state", "rm", "airbyte_connection.c").ok
    refused = applied.run("import", "-no-color", "airbyte_connection.c", "nobody")
    assert "non-existent" in refused.stderr
    assert applied.run("import", "airbyte_connection.c", key).ok
    assert changes(applied) == {}


def test_destroying_leaves_nothing_behind(applied: Terraform) -> None:
    applied.apply(None, "-destroy")
    assert not any(store(applied).values())


def test_a_typed_source_sends_its_tuning_where_the_api_has_it(root: Roots) -> None:
    made = root(TYPED, version="0.13.0")
    made.apply()
    (held,) = store(made)["sources"].values()
    method = held["configuration"]["replication_method"]
    assert (method["method"], method["queue_size"]) == ("CDC", 5000)
    assert held["sourceType"] == "postgres"
    assert changes(made) == {}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"cron"', '"hourly"', "must be one of"),
        ('schedule_type = "cron", ', "", "must not be null"),
    ],
)
def test_what_the_provider_refuses_fails_to_validate(
    before: str, after: str, said: str, root: Roots
) -> None:
    with pytest.raises(TerraformError, match=said):
        root(GENERIC.replace(before, after)).validate()


@pytest.mark.parametrize(
    "url", ["https://api.airbyte.com/v1", "http://10.0.0.7:8000/v1", "lab", None]
)
def test_it_refuses_to_talk_to_another_machine(url: str | None) -> None:
    with pytest.raises(InputError, match="on this machine only"):
        open_backend({"server_url": url})


def test_a_refused_server_is_shown_as_terraform_shows_errors(root: Roots) -> None:
    made = root(url="https://api.airbyte.com/v1")
    with pytest.raises(TerraformError, match="on this machine only"):
        made.plan(made.root / "plan")


def test_the_wheel_runs_the_same_commands_where_no_binary_is_installed(applied: Terraform) -> None:
    wheel = Terraform(applied.root, library(), applied.environment)
    rewrite(applied, "0 0 6 ", "0 30 6 ")
    assert changes(wheel) == {"airbyte_connection.c": ["update"]}
    wheel.apply(wheel.root / "plan")
    assert wheel.plan(wheel.root / "plan") is False
    rewrite(applied, "airbyte_connection", "airbyte_nothing")
    with pytest.raises(TerraformError, match="airbyte_nothing"):
        wheel.validate()


class _Api(BaseHTTPRequestHandler):
    """A public API over a `FileBackend`, with a short-lived token and a rate limit."""

    backend: FileBackend
    log: list[tuple[str, str]]

    def do_POST(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *arguments: object) -> None:
        del arguments

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        self.log.append((self.command, self.path))
        _, _, collection, *rest = self.path.split("/")
        if collection == "applications":
            return self._answer(200, {"access_token": f"t{len(self.log)}"})
        if self.headers.get("authorization") is None:
            return self._answer(401, {"title": "invalid-api-key"})
        if len(self.log) % 5 == 0:
            return self._answer(429, {"message": "You are being rate limited."})
        found = self._act(collection, rest, body)
        return self._answer(404, {}) if found is None else self._answer(200, found)

    def _act(self, collection: str, rest: list[str], body: dict[str, Any]) -> dict[str, Any] | None:
        if self.command == "POST":
            if body.get("name") == "refused":
                return {"problem": True}
            return self.backend.create(collection, body)
        if self.command == "PATCH":
            return self.backend.update(collection, rest[0], body)
        if self.command == "DELETE":
            self.backend.delete(collection, rest[0])
            return {}
        return self.backend.read(collection, rest[0])

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    log: list[tuple[str, str]] = []
    served = FileBackend(tmp_path / "served.json")
    handler = type("Api", (_Api,), {"backend": served, "log": log})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", log
    server.shutdown()
    server.server_close()
    thread.join()


def test_over_http_it_mints_a_token_and_waits_when_it_is_told_to_slow_down(
    root: Roots, api: tuple[str, list[tuple[str, str]]]
) -> None:
    url, log = api
    made = root(url=url)
    with pytest.raises(TerraformError, match="HTTP 401: invalid-api-key"):
        made.apply()
    log.clear()
    rewrite(made, "server_url", 'client_id = "id"\n  client_secret = "hush"\n  server_url')
    made.apply()
    assert log[0] == ("POST", "/v1/applications/token")
    rewrite(made, "0 0 6 ", "0 30 6 ")
    assert changes(made) == {"airbyte_connection.c": ["update"]}
    made.apply(made.root / "plan")
    (patched,) = {path for method, path in log if method == "PATCH"}
    assert patched.startswith("/v1/connections/")
