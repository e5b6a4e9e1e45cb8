from dataclasses import replace
from pathlib import Path

from bot.report.actions import Actions, annotations, outputs
from tests.report.summaries import EMPTY, FULL, OPENED, UNREAD


def test_outside_github_actions_nothing_is_written() -> None:
    assert Actions.of({"GITHUB_STEP_SUMMARY": "x"}) is None


def test_files_are_added_to_and_the_outputs_are_names_and_values(tmp_path: Path) -> None:
    summary, output = tmp_path / "summary", tmp_path / "output"
    summary.write_text("before\n")
    output.write_text("earlier=1\n")
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_OUTPUT": str(output),
    }
    actions = Actions.of(env)
    assert actions is not None
    actions.publish(FULL, {"mine": 1.0})
    assert summary.read_text().startswith("before\n## trimtab\n")
    assert output.read_text().splitlines() == [
        "earlier=1",
        "proposals=3",
        "opened=2",
        "blocked=2",
        "savings-low=5.00",
        "savings-high=100.00",
    ]


def test_savings_that_are_not_known_are_empty() -> None:
    assert outputs(EMPTY)["savings-low"] == ""


def test_what_cannot_be_read_is_an_error_and_what_is_opened_a_notice() -> None:
    assert list(annotations(UNREAD)) == ["::error title=Not read::workspace w: forbidden"]
    assert [line[:8] for line in annotations(FULL)] == ["::notice", "::notice"]


def test_ten_annotations_at_most_and_the_last_says_how_many_more() -> None:
    lines = list(annotations(replace(EMPTY, entries=(OPENED,) * 25)))
    assert len(lines) == 10
    assert lines[-1] == "::notice title=trimtab::16 more: see the job summary"
    assert len(list(annotations(replace(EMPTY, entries=(OPENED,) * 10)))) == 10


def test_a_name_cannot_start_a_command_of_its_own() -> None:
    entry = replace(OPENED, title="a\n::add-mask::x%0A::error::y\r\n")
    (line,) = annotations(replace(EMPTY, entries=(entry,)))
    assert "\n" not in line
    assert "\r" not in line
    assert "x%250A" in line
