"""The module's cron rules against trimtab's own evaluator.

Terraform's regular expressions are those of Go, a subset of Python's, so they are taken out of the
module and run here by the thousand; `cron.tftest.hcl` runs some through Terraform itself.
"""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from bot.domain.cron import check_airbyte
from tests.domain.cron.expressions import expressions

VARIABLES = Path(__file__).parents[2] / "terraform/modules/airbyte-connection/variables.tf"
RULE = re.compile(r'regex\("((?:[^"\\]|\\.)*)", var\.cron\)')
PATTERNS = [re.compile(one.replace("\\\\", "\\")) for one in RULE.findall(VARIABLES.read_text())]
WITH_A_YEAR = 8


def takes(cron: str) -> bool:
    """Tell whether the module takes a cron: fields and zone by count, the rest by its patterns."""
    fields = len(cron.split(" "))
    if not cron.endswith(" UTC") or fields not in {WITH_A_YEAR - 1, WITH_A_YEAR}:
        return False
    return all(
        pattern.search(cron) is not None
        for pattern in PATTERNS
        if fields == WITH_A_YEAR or not pattern.pattern.startswith("^[0-9]+ ")
    )


def is_refused_by_airbyte(cron: str) -> bool:
    return any(finding.refused for finding in check_airbyte(cron))


def test_there_are_rules_to_test() -> None:
    assert len(PATTERNS) == 8


@given(expressions)
@settings(max_examples=500)
def test_the_module_takes_whatever_airbyte_would_store(expression: str) -> None:
    cron = f"{expression} UTC"
    if not is_refused_by_airbyte(cron):
        assert takes(cron)


@pytest.mark.parametrize(
    "cron",
    [
        "0 0 2 32 * ? UTC",
        "0 0 2 ? 13 MON UTC",
        "0 0 2 0 * ? UTC",
        "0 0 2 ? * 8 UTC",
        "0 0 24 * * ? UTC",
        "0 60 2 * * ? UTC",
        "0  0 2 * * ? UTC",
        "0 0 2 1-40 * ? UTC",
        "0 0 2 * * ? *  UTC",
    ],
)
def test_the_module_refuses_what_airbyte_would_refuse(cron: str) -> None:
    assert is_refused_by_airbyte(cron) or "  " in cron
    assert not takes(cron)
