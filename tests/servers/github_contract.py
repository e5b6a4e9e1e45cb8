"""What trimtab sends to GitHub, held against what GitHub publishes of its API.

The OpenAPI description and the GraphQL schema come from npm (`tests/contract/github`); without npm
nothing is checked, which is said once, and fails where `CI` is set.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, get_operation_ast, parse, validate
from graphql.execution.values import get_variable_values
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.servers.github import Request

HERE = Path(__file__).parents[1] / "contract" / "github"
PACKAGES = HERE / "node_modules" / "@octokit"
MISSING = "npm is not installed: requests are not held against GitHub's published API"
_ROOT = "urn:github"


@cache
def is_available() -> bool:
    """Install the descriptions once, whichever process is first; tell whether they are there."""
    with (HERE / "package.json").open() as only_one:
        flock(only_one, LOCK_EX)
        if not (HERE / "node_modules" / ".package-lock.json").exists() and shutil.which("npm"):
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(command, cwd=HERE, check=True, capture_output=True)
    found = (PACKAGES / "openapi").exists()
    if not found and os.environ.get("CI"):
        pytest.fail(MISSING)
    return found


def check(requests: Iterable[Request]) -> None:
    """Fail when a request is none that GitHub describes."""
    if not is_available():
        return
    found = [finding for request in requests for finding in findings(request)]
    assert not found, "\n".join(found)


def findings(request: Request) -> list[str]:
    """List what is wrong with one request."""
    if request.path == "/graphql":
        return _graphql_findings(request.body)
    return _rest_findings(request)


def document_findings(text: str) -> list[str]:
    """List what is wrong with a GraphQL document."""
    return [error.message for error in validate(schema(), parse(text))]


@cache
def schema() -> GraphQLSchema:
    text = (PACKAGES / "graphql-schema" / "schema.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True)


@cache
def _valid(text: str) -> tuple[str, ...]:
    return tuple(document_findings(text))


def _graphql_findings(body: dict[str, Any]) -> list[str]:
    wrong = list(_valid(body["query"]))
    operation = get_operation_ast(parse(body["query"]))
    assert operation is not None
    values = get_variable_values(schema(), operation.variable_definitions or (), body["variables"])
    if isinstance(values, list):
        wrong += [error.message for error in values]
    declared = {each.variable.name.value for each in operation.variable_definitions or ()}
    return wrong + [f"unknown variable {name}" for name in body["variables"].keys() - declared]


@cache
def _description() -> dict[str, Any]:
    path = PACKAGES / "openapi" / "generated" / "api.github.com.json"
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


@cache
def _registry() -> Registry[Any]:
    resource = Resource.from_contents(_description(), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(_ROOT, resource)
    return registry


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Return every described path as a pattern, those with the most fixed parts first."""
    paths = sorted(_description()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(_pattern(path)), path) for path in paths]


def _pattern(path: str) -> str:
    # A ref or a basehead may hold slashes, and does: branches are called `trimtab/…`.
    parts = re.split(r"(\{[^}]*\})", path)
    return "".join(
        (".+" if part in {"{ref}", "{basehead}"} else "[^/]+")
        if part[:1] == "{"
        else re.escape(part)
        for part in parts
    )


def _rest_findings(request: Request) -> list[str]:
    name = f"{request.method} {request.path}"
    for pattern, path in _templates():
        operation = _description()["paths"][path].get(request.method.lower())
        if operation and pattern.fullmatch(request.path):
            wrong = [
                *_body_findings(request, path, operation),
                *_query_findings(request, operation),
            ]
            return [f"{name}: {each}" for each in wrong]
    return [f"{name}: GitHub describes no such request"]


def _body_findings(request: Request, path: str, operation: dict[str, Any]) -> list[str]:
    if "requestBody" not in operation:
        return [] if request.body is None else ["it takes no body"]
    if request.body is None:
        return ["the body is missing"]
    place = path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    pointer = (
        f"#/paths/{place}/{request.method.lower()}/requestBody/content/application~1json/schema"
    )
    validator = Draft202012Validator({"$ref": f"{_ROOT}{pointer}"}, registry=_registry())
    wrong = [error.message for error in validator.iter_errors(request.body)]
    described = operation["requestBody"]["content"]["application/json"]["schema"]
    known = described.get("properties", {}).keys()
    return wrong + [f"unknown key {key}" for key in request.body if known and key not in known]


def _query_findings(request: Request, operation: dict[str, Any]) -> list[str]:
    known = {_parameter(each).get("name") for each in operation.get("parameters", [])}
    return [f"unknown parameter {name}" for name in request.query if name not in known]


def _parameter(given: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in given:
        return given
    found: dict[str, Any] = _description()["components"]["parameters"][given["$ref"].split("/")[-1]]
    return found
