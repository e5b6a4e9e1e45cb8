from pathlib import Path

import pytest

from bot.cli.main import main
from bot.documents.document import read_document
from bot.domain.errors import ConfigError
from bot.policy.coverage import uncovered
from bot.policy.fixtures import run_fixtures
from bot.policy.rules import read_rules

SHIPPED = Path(__file__).parents[2] / "policies"
RULES = """\
version: 1
defaults: {phase: live}
policies:
  - name: all
    limits: {schedule_shift: 30m}
    approval: owner
"""
TEST = """\
version: 1
tests:
  - name: it moves
    change: {{schedule: "0 {minute} 6 * * ?"}}
    expect: {{verdict: {verdict}, by: {by}, says: {says}}}
"""


def folder_of(tmp_path: Path, test: str) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "tests" / "all.yaml").write_text(test)
    return tmp_path


def test_every_clause_that_is_shipped_is_decided_by_a_test_and_every_test_passes() -> None:
    rules = read_rules(SHIPPED)
    results = run_fixtures(rules, SHIPPED)
    assert [(each.name, each.failures) for each in results if each.failures] == []
    assert uncovered(rules, SHIPPED, results) == []


def test_a_clause_without_a_test_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEST.format(minute=10, verdict="needs owner", by="all", says="owner approves")
    folder = folder_of(tmp_path, text)
    assert main(["policy", "test", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"no test decides {tmp_path.name}/rules.yaml:5: all: limits.schedule_shift" in out
    assert main(["policy", "test", str(folder), "--covered"]) == 1


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        (
            TEST.format(minute=10, verdict="deny", by="all", says="owner"),
            "expected deny, found needs owner",
        ),
        (
            TEST.format(minute=10, verdict="needs owner", by="other", says="owner"),
            "expected other to decide, it was all",
        ),
        (
            TEST.format(minute=10, verdict="needs owner", by="all", says="nonsense"),
            "nothing says 'nonsense'",
        ),
    ],
)
def test_a_test_that_fails_says_what_was_expected_and_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, failure: str
) -> None:
    assert main(["policy", "test", str(folder_of(tmp_path, text))]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out
    assert f"/tests/all.yaml:3:5  it moves\n        {failure}" in out
    assert "owner approves" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{}", "all.yaml:4:13: change: give one of schedule, knob and pause"),
        ("{pause: true, knob: x, to: 1}", "give one of schedule, knob and pause"),
        ("{knob: num_worker, to: 3}", "no end of this connection has a knob 'num_worker'"),
        ("{knob: num_workers}", "change.to is missing"),
        ("{shedule: x}", "did you mean 'schedule'?"),
    ],
)
def test_a_test_that_changes_nothing_real_is_refused(
    tmp_path: Path, change: str, message: str
) -> None:
    text = f"version: 1\ntests:\n  - name: x\n    change: {change}\n    connection: {{source: stripe}}\n    expect: {{verdict: deny}}\n"
    folder = folder_of(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        run_fixtures(read_rules(folder), folder)
    assert message in str(caught.value)


def test_a_folder_without_tests_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    assert main(["policy", "test", str(tmp_path)]) == 1
    assert "there are no tests" in capsys.readouterr().err


def test_tests_are_no_policies(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, TEST.format(minute=10, verdict="deny", by="all", says="x"))
    assert [rule.name for rule in read_rules(folder).policies] == ["all"]
    assert read_document(folder / "tests" / "all.yaml").data
