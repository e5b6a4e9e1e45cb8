from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from bot.cli.main import main
from bot.documents.document import read_document
from bot.domain.errors import ConfigError, PolicyError
from bot.domain.manners import GroupBy, Manners
from bot.policy.fixtures import FixtureFile
from bot.policy.model import PolicyFile
from bot.policy.rules import read_rules
from tests.policy.cases import rules_of

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "policies"
PRESETS = ROOT / "bot/policy/presets"
POLICY = "version: 1\npolicies:\n  - name: {}\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_rules_know_the_line_that_holds_each_of_their_keys() -> None:
    rules = read_rules(SHIPPED)
    for rule in (*rules.policies, rules.fallbacks[0]):
        text = (ROOT / rule.file).read_text().splitlines()
        assert "schedule_shift" in text[rule.line("limits", "schedule_shift") - 1]
        assert "approval" in text[rule.line("approval") - 1]


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = write(tmp_path, b=POLICY.format("second"), a=POLICY.format("first"))
    assert [rule.name for rule in read_rules(folder).policies] == ["first", "second"]


def test_the_conservative_preset_stands_behind_every_folder_that_extends_nothing(
    tmp_path: Path,
) -> None:
    rules = read_rules(write(tmp_path, a=POLICY.format("x")))
    assert [rule.file for rule in rules.fallbacks] == ["preset conservative"]


def test_nearer_defaults_come_before_those_that_they_extend(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    write(tmp_path / "shared", base="version: 1\nextends: cost\ndefaults: {priority: 1}\n")
    folder = tmp_path / "policies"
    folder.mkdir()
    write(folder, a="version: 1\nextends: ../shared/base.yaml\ndefaults: {priority: 2}\n")
    files = [rule.file for rule in read_rules(folder).fallbacks]
    assert files == ["policies/a.yaml", "../shared/base.yaml", "preset cost"]


def test_the_last_file_that_says_something_of_pull_requests_counts(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        a="version: 1\npull_requests: {open_limit: 9, snooze: 7d, group_by: team}\n",
        b='version: 1\npull_requests: {open_limit: 2, working_hours: {start: "09:00", length: 8h}}\n',
    )
    manners = read_rules(folder).manners
    assert (manners.open_limit, manners.per_team) == (2, Manners().per_team)
    assert (manners.snooze, manners.group_by) == (timedelta(days=7), GroupBy.TEAM)
    assert [each.length for each in manners.working_hours] == [timedelta(hours=8)]


def test_the_digest_changes_with_what_is_said_and_not_with_comments(tmp_path: Path) -> None:
    one = read_rules(write(tmp_path, a=POLICY.format("x"))).digest
    assert read_rules(write(tmp_path, a="# why\n" + POLICY.format("x"))).digest == one
    assert read_rules(write(tmp_path, a=POLICY.format("y"))).digest != one


# Bad files.


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
            "version: 1\npolicies:\n  - name: x\n    approval: someone\n",
            "known are auto, owner, team, two-person, blocked",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    limits: {schedule_shift: half an hour}\n",
            "'half an hour' is no span of time: write 90m, 36h, 2d or 1d12h",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    limits: {hysteresis: 14}\n",
            "a.yaml:4:26: policies.0.limits.hysteresis: 14 has no unit: write 90m, 36h, 2d or 1d12h",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    guarantee: {finish_by: {time: 1700}}\n",
            "write a time of day in quotes, as '07:00'",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    guarantee: {finish_by: {time: '25:00'}}\n",
            "'25:00' is no time of day: write '07:00'",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    guarantee: {finish_by: {time: '7:00', zone: Berlin}}\n",
            "'Berlin' is no time zone: write Europe/Berlin or UTC",
        ),
        ("version: 1\npolicies: 7\n", "a.yaml:2:11: policies"),
        ("version: 1\npolicies:\n  - name: [x]\n", "a.yaml:3:11: policies.0.name"),
        ("version: 2\n", "a.yaml:1:10: version"),
        ("version: 1\npolicies:\n\t- name: x\n", "YAML does not allow tabs for indentation"),
        (
            "version: 1\npolicies:\n  - name: x\n    name: y\n",
            "a.yaml:4:5: the key 'name' is written twice",
        ),
        (
            "version: 1\nextends: conservativ\n",
            "a.yaml:2:10: extends: there is no preset and no file 'conservativ'",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    guarantee:\n      freeze: {start: '00:00', length: 1h, calendar: busines}\n",
            "a.yaml:5:54: there is no calendar 'busines'",
        ),
        (
            "version: 1\ncalendars: [{name: business}]\npull_requests:\n  freeze: {start: '00:00', length: 1h, calendar: busines}\n",
            "a.yaml:4:50: there is no calendar 'busines'; did you mean 'business'?",
        ),
        (
            "version: 1\npolicies:\n  - name: x\n    limits: {knobs: {num_workers: {min: 5, max: 4}}}\n",
            "a.yaml:4:35: policies.0.limits.knobs.num_workers: min 5 is above max 4",
        ),
        *(
            (f"version: 1\npolicies:\n  - name: x\n    {rule}\n", message)
            for rule, message in {
                "guarantee: {freeze: {start: '00:00', length: 24h, first: 2026-12-20, last: 2026-01-03}}": (
                    "a.yaml:4:25: policies.0.guarantee.freeze: last 2026-01-03 is before first 2026-12-20"
                ),
                "guarantee: {freeze: {start: '00:00', length: 0h}}": "freeze: length has to be more than",
                "guarantee: {freeze: {start: '00:00', length: 99w}}": "length has to be more than nothing and at most",
                "guarantee: {freeze: {start: '00:00', length: 1h, days: []}}": "days: tuple should have",
                "limits: {knobs: {num_workers: {max: .nan}}}": "max: should be a finite number",
                "triggers: [{level: blocked}]": "triggers.0: it is never pulled: give one of delays",
                "match: {schedule: []}": "match.schedule: tuple should have at least 1 item",
            }.items()
        ),
        ("version: 1\ncalendars: [{name: x, month_days: [0]}]\n", "no month has a day 0"),
        ("version: 1\ncalendars: [{name: x, weekdays: []}]\n", "weekdays: tuple should have"),
    ],
)
def test_a_bad_file_is_refused_with_place_reason_and_the_right_word(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises((ConfigError, PolicyError)) as caught:
        read_rules(write(tmp_path, a=text))
    assert message in str(caught.value)


def test_a_bomb_of_anchors_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="more than 200,000 values"):
        read_rules(write(tmp_path, a="\n".join(lines) + "\n"))


def test_five_megabytes_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# " + "x" * 5_000_000)
    with pytest.raises(ConfigError, match="too large for a file that people write"):
        read_rules(tmp_path)


def test_a_file_that_extends_itself_in_a_circle_is_refused_with_the_circle(tmp_path: Path) -> None:
    write(tmp_path, a="version: 1\nextends: b.yaml\n", b="version: 1\nextends: a.yaml\n")
    with pytest.raises(PolicyError) as caught:
        read_rules(tmp_path)
    assert "a.yaml → b.yaml → a.yaml" in caught.value.message
    assert caught.value.message.startswith("b.yaml:2:10: extends: ")


def test_a_name_that_is_used_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        read_rules(write(tmp_path, a=POLICY.format("x"), b=POLICY.format("x")))
    assert "b.yaml:3: the policy 'x' is defined twice" in caught.value.message
    assert "a.yaml:3" in caught.value.hint


def test_a_folder_without_policies_says_where_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no policy files"):
        read_rules(tmp_path / "none")


# The schemas.


@pytest.mark.parametrize(
    ("model", "path"),
    [
        *(
            (PolicyFile, path)
            for path in sorted((*SHIPPED.glob("*.yaml"), *PRESETS.glob("*.yaml")))
        ),
        *((FixtureFile, path) for path in sorted((SHIPPED / "tests").glob("*.yaml"))),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_is_shipped_fits_the_schema_that_editors_get(
    model: type[PolicyFile] | type[FixtureFile], path: Path
) -> None:
    jsonschema.validate(read_document(path).data, model.model_json_schema(by_alias=True))


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\npolicis: []\n",
        "version: 1\npolicies: [{name: x, approval: teams}]\n",
        "version: 1\npolicies: [{name: x, limits: {schedule_shift: soon}}]\n",
        "version: 1\npolicies: [{name: x, guarantee: {finish_by: {time: 5pm}}}]\n",
    ],
)
def test_the_schema_marks_mistakes_too(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            read_document(tmp_path / "a.yaml").data, PolicyFile.model_json_schema(by_alias=True)
        )


def test_the_published_schema_is_the_one_of_this_version(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["policy", "schema"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs/policy.schema.json").read_text()


def test_rules_of_a_text_extend_what_they_name() -> None:
    assert [rule.file for rule in rules_of("version: 1\n").fallbacks] == ["../base.yaml"]
