"""Every sample of docs/policies.md is read as it stands there."""

import re
from pathlib import Path

import pytest

from bot.domain.verdict import ApprovalLevel
from bot.policy.explanation import in_force
from bot.policy.fixtures import run_fixtures
from bot.policy.judging import Judge
from bot.policy.model import Clauses, Guarantee, KnobBounds, Limits, PullRequests, Trigger
from bot.policy.rules import read_rules
from tests.policy.cases import subject

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/policies.md").read_text()
SAMPLES = re.findall(r"(<!-- tests -->\n)?```yaml\n(.*?)```", TEXT, re.DOTALL)
POLICIES = [sample for is_test, sample in SAMPLES if not is_test]
TESTS = [sample for is_test, sample in SAMPLES if is_test]


@pytest.mark.parametrize("sample", POLICIES, ids=range(len(POLICIES)))
def test_a_sample_is_a_file_that_can_be_used(tmp_path: Path, sample: str) -> None:
    (tmp_path / "p.yaml").write_text(sample)
    judge = Judge(read_rules(tmp_path))
    judge.terms(subject("a", "financial"))
    assert in_force(judge.standing(subject("a", "financial")))


@pytest.mark.parametrize("sample", TESTS)
def test_a_sample_of_tests_passes_under_the_shipped_policies(tmp_path: Path, sample: str) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "t.yaml").write_text(sample)
    results = run_fixtures(read_rules(ROOT / "policies"), tmp_path)
    assert results
    assert [each.failures for each in results if each.failures] == []


@pytest.mark.parametrize(
    "key",
    sorted(
        {*Clauses.model_fields, *Guarantee.model_fields, *Limits.model_fields}
        | {*Trigger.model_fields, *PullRequests.model_fields, *KnobBounds.model_fields}
    ),
)
def test_every_key_is_in_the_cookbook(key: str) -> None:
    assert re.search(rf"\b{key}\b", TEXT)


@pytest.mark.parametrize("level", list(ApprovalLevel))
def test_every_level_is_told(level: ApprovalLevel) -> None:
    assert f"| `{level.label}` |" in TEXT
