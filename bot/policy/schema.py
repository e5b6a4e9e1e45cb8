"""Schemas: what editors are told of policy files and of their tests."""

import json

from pydantic import BaseModel

from bot.policy.fixtures import FixtureFile
from bot.policy.model import PolicyFile


def of_policies() -> str:
    """Return the JSON Schema of a policy file."""
    return _schema(PolicyFile, "A file of trimtab policies")


def of_fixtures() -> str:
    """Return the JSON Schema of a file of tests."""
    return _schema(FixtureFile, "A file of tests of trimtab policies")


def _schema(model: type[BaseModel], title: str) -> str:
    made = model.model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps({**made, **head}, indent=2)
