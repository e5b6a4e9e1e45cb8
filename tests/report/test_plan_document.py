import json
from pathlib import Path

import jsonschema

from bot.report.plan_document import PlanDocument, render_json
from tests.report.summaries import EMPTY, FULL, UNREAD

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas" / "plan.v1.json"


def test_every_plan_fits_the_published_schema() -> None:
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for summary in (FULL, EMPTY, UNREAD):
        jsonschema.validate(json.loads(render_json(summary)), schema)


def test_the_published_schema_is_that_of_the_code() -> None:
    assert json.loads(PUBLISHED.read_text()) == PlanDocument.model_json_schema(), (
        "write it anew: make reference"
    )


def test_money_is_exact_and_what_is_not_known_is_null() -> None:
    plan = json.loads(render_json(FULL))
    assert plan["saving"] == {"low": "5.00", "expected": None, "high": "100.00", "currency": "USD"}
    assert [pull["saving"] and pull["saving"]["expected"] for pull in plan["pulls"]] == [
        "20.00",
        "30.00",
        None,
        "2.00",
    ]


def test_a_plan_that_rests_on_half_the_data_says_so() -> None:
    plan = json.loads(render_json(UNREAD))
    assert not plan["complete"]
    assert not plan["pending"]
