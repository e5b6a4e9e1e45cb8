from pathlib import Path

import pytest

from bot.domain.errors import ConfigError, PolicyError
from bot.policy.rules import read_rules

SHIPPED = Path(__file__).parents[2] / "policies"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_the_shipped_policies_are_valid() -> None:
    assert [rule.entry.name for rule in read_rules(SHIPPED)] == ["defaults"]


def test_rules_know_the_line_that_holds_each_of_their_keys() -> None:
    (rule,) = read_rules(SHIPPED)
    text = (SHIPPED / "00-defaults.yaml").read_text().splitlines()
    assert "schedule_shift" in text[rule.line("limits", "schedule_shift") - 1]
    assert "approval" in text[rule.line("approval") - 1]
    assert rule.file == "policies/00-defaults.yaml"


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    entry = "version: 1\npolicies:\n  - name: {}\n"
    folder = write(tmp_path, b=entry.format("second"), a=entry.format("first"))
    assert [rule.entry.name for rule in read_rules(folder)] == ["first", "second"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "version: 1\npolicies:\n  - name: x\n    aproval: team\n",
            "a.yaml:4:5: unknown key 'policies.0.aproval'; did you mean 'approval'?",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    approval: teams\n",
            "a.yaml:4:15: policies.0.approval: unknown value 'teams'; did you mean 'team'?",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    limits: {schedule_shift: half an hour}\n",
            "'half an hour' is no span of time: write 90m, 36h, 2d or 1d12h",
        ),
    ],
)
def test_a_mistake_is_placed_and_the_nearest_spelling_offered(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_rules(write(tmp_path, a=text))
    assert message in caught.value.message


def test_a_name_that_is_used_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    entry = "version: 1\npolicies:\n  - name: x\n"
    with pytest.raises(PolicyError) as caught:
        read_rules(write(tmp_path, a=entry, b=entry))
    assert "b.yaml:3: the policy 'x' is defined twice" in caught.value.message
    assert "a.yaml:3" in caught.value.hint


def test_a_folder_without_policies_says_where_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no policy files"):
        read_rules(tmp_path / "none")
