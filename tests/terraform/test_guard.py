"""The guard on plans written by hand: what a real terraform would be slow or unable to produce."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.main import main
from bot.domain.edit import Edit, Site
from bot.domain.errors import ConfigError, TerraformError, TrimtabError
from bot.knobs.catalogue import load
from bot.terraform import guard, planfile, promise
from bot.terraform.guard import Report, Rule

SECRET = "hush-hush"
CRON = ("schedule.cron_expression", "0 0 0 * * ? UTC", "0 20 0 * * ? UTC")
WORKERS = ("configuration.num_workers", 10, 4)


def connection(**after: Any) -> dict[str, Any]:
    before = {
        "name": "c",
        "status": "active",
        "schedule": {"schedule_type": "cron", "cron_expression": CRON[1], "basic_timing": None},
    }
    return change("airbyte_connection.c", before, {**copy.deepcopy(before), **after})


def moved_cron(cron: str = CRON[2]) -> dict[str, Any]:
    return {"schedule_type": "cron", "cron_expression": cron, "basic_timing": None}


def source(configuration: Any, before: Any = None, **more: Any) -> dict[str, Any]:
    held = {"num_workers": 10, "client_secret": SECRET} if before is None else before
    made = change(
        "airbyte_source.s",
        {"name": "s", "configuration": json.dumps(held)},
        {
            "name": "s",
            "configuration": configuration
            if isinstance(configuration, str)
            else json.dumps(configuration),
        },
        **more,
    )
    made["change"]["before_sensitive"] = {"configuration": True}
    made["change"].setdefault("after_sensitive", {"configuration": True})
    return made


def change(address: str, before: Any, after: Any, *actions: str, **more: Any) -> dict[str, Any]:
    kind, name = address.split(".")[-2:]
    found = list(actions) or (["update"] if before != after else ["no-op"])
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name.partition("[")[0],
        "provider_name": "registry.terraform.io/airbytehq/airbyte",
        "change": {"actions": found, "before": before, "after": after, "after_unknown": {}},
        **more,
    }


def plan(*changes: dict[str, Any], **more: Any) -> planfile.Plan:
    return planfile.parse(written(*changes, **more), "plan.json")


def written(*changes: dict[str, Any], **more: Any) -> bytes:
    document = {"format_version": "1.2", "planned_values": {}, "resource_changes": list(changes)}
    return json.dumps({**document, **more}).encode()


def promised(*changes: tuple[str, Any, Any], address: str = "airbyte_connection.c") -> Any:
    listed = [
        {"address": address, "path": path, "before": before, "after": after}
        for path, before, after in changes
    ]
    return promise.Proposal.model_validate({"version": 1, "changes": listed}).changes


def rules(report: Report) -> list[tuple[Rule, str]]:
    return [(found.rule, found.path) for found in report.findings]


def test_what_was_promised_and_nothing_else_passes() -> None:
    report = guard.check(plan(connection(schedule=moved_cron())), promised(CRON))
    assert report.ok
    assert [kept.path for kept in report.kept] == [CRON[0]]


def test_a_second_attribute_is_named() -> None:
    tampered = connection(schedule=moved_cron(), status="inactive")
    assert rules(guard.check(plan(tampered), promised(CRON))) == [(Rule.ATTRIBUTE, "status")]


def test_another_address_is_named_even_when_the_change_is_of_the_promised_kind() -> None:
    other = {**connection(schedule=moved_cron()), "address": "airbyte_connection.other"}
    report = guard.check(plan(connection(schedule=moved_cron()), other), promised(CRON))
    assert rules(report) == [(Rule.ADDRESS, CRON[0])]
    assert report.findings[0].address == "airbyte_connection.other"


def test_another_value_is_refused() -> None:
    report = guard.check(plan(connection(schedule=moved_cron("0 40 0 * * ? UTC"))), promised(CRON))
    assert rules(report) == [(Rule.VALUE, CRON[0])]


def test_a_promise_that_starts_from_another_value_than_the_state_is_refused() -> None:
    stale = promised((CRON[0], "0 0 5 * * ? UTC", CRON[2]))
    report = guard.check(plan(connection(schedule=moved_cron())), stale)
    assert rules(report) == [(Rule.VALUE, CRON[0])]
    assert "starts from" in report.findings[0].message


def test_the_zone_that_airbyte_adds_is_no_other_value_to_start_from() -> None:
    literal = promised((CRON[0], "0 0 0 * * ?", CRON[2]))
    assert guard.check(plan(connection(schedule=moved_cron())), literal).ok


def test_a_promise_that_the_plan_does_not_keep_is_missing() -> None:
    report = guard.check(plan(connection()), promised(CRON))
    assert rules(report) == [(Rule.MISSING, CRON[0])]


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (["create"], "created"),
        (["delete"], "destroyed"),
        (["delete", "create"], "replaced"),
        (["create", "delete"], "replaced"),
        (["forget"], "forgotten"),
        (["dance"], "dance"),
    ],
)
def test_anything_but_an_update_is_refused(actions: list[str], said: str) -> None:
    other = change("airbyte_source.s", None, None, *actions)
    report = guard.check(plan(connection(schedule=moved_cron()), other), promised(CRON))
    assert rules(report) == [(Rule.ACTION, "")]
    assert said in report.findings[0].message


def test_a_promised_address_that_would_be_replaced_keeps_no_promise() -> None:
    replaced = connection(schedule=moved_cron())
    replaced["change"]["actions"] = ["delete", "create"]
    report = guard.check(plan(replaced), promised(CRON))
    assert {found.rule for found in report.findings} == {Rule.ACTION, Rule.MISSING}


def test_moves_and_imports_are_refused_even_when_nothing_else_changes() -> None:
    moved = {**connection(), "previous_address": "airbyte_connection.old"}
    imported = connection()
    imported["address"] = "airbyte_connection.d"
    imported["change"]["importing"] = {"id": "x"}
    report = guard.check(
        plan(moved, imported, change("airbyte_connection.e", {}, {})), promised(CRON)
    )
    messages = [found.message for found in report.findings if found.rule is Rule.ACTION]
    assert messages == ["would be moved here from airbyte_connection.old", "would be imported"]


def test_a_deposed_object_is_refused() -> None:
    deposed = {**change("airbyte_connection.c", {}, None, "delete"), "deposed": "ab12"}
    report = guard.check(plan(connection(schedule=moved_cron()), deposed), promised(CRON))
    assert rules(report) == [(Rule.ACTION, "")]


def test_noise_of_the_target_branch_is_not_blamed_but_its_growth_is() -> None:
    noise = change("airbyte_connection.noisy", {"prefix": "a"}, {"prefix": "b"})
    base = plan(connection(), noise)
    mine = connection(schedule=moved_cron())
    clean = guard.check(plan(mine, noise), promised(CRON), base)
    assert clean.ok
    assert any("airbyte_connection.noisy" in note for note in clean.notes)
    more = change(
        "airbyte_connection.noisy", {"prefix": "a", "status": "x"}, {"prefix": "b", "status": "y"}
    )
    grown = guard.check(plan(mine, more), promised(CRON), base)
    assert rules(grown) == [(Rule.ADDRESS, "status")]


def test_noise_with_another_value_than_on_the_target_branch_is_blamed() -> None:
    base = plan(change("airbyte_connection.noisy", {"prefix": "a"}, {"prefix": "b"}))
    other = change("airbyte_connection.noisy", {"prefix": "a"}, {"prefix": "evil"})
    report = guard.check(plan(connection(schedule=moved_cron()), other), promised(CRON), base)
    assert rules(report) == [(Rule.ADDRESS, "prefix")]


def test_a_promise_may_start_from_what_the_target_branch_is_about_to_set() -> None:
    pending = plan(connection(schedule=moved_cron("0 5 0 * * ? UTC")))
    mine = promised((CRON[0], "0 5 0 * * ? UTC", CRON[2]))
    assert guard.check(plan(connection(schedule=moved_cron())), mine, pending).ok
    assert not guard.check(plan(connection(schedule=moved_cron())), mine).ok


def test_a_tuning_option_inside_the_configuration_is_compared_by_key() -> None:
    changed = source({"num_workers": 4, "client_secret": SECRET})
    assert guard.check(plan(changed), promised(WORKERS, address="airbyte_source.s")).ok


@pytest.mark.parametrize(
    ("configuration", "path"),
    [
        ({"num_workers": 4, "client_secret": "other"}, "configuration.client_secret"),
        ({"num_workers": 4}, "configuration.client_secret"),
        ({"num_workers": 4, "client_secret": SECRET, "new": None}, "configuration.new"),
        (
            {"num_workers": 4, "client_secret": SECRET, "a.b\n::x": 1},
            'configuration."a.b\\n::x"',
        ),
    ],
)
def test_a_second_key_of_the_configuration_is_named_without_its_value(
    configuration: dict[str, Any], path: str
) -> None:
    report = guard.check(plan(source(configuration)), promised(WORKERS, address="airbyte_source.s"))
    assert rules(report) == [(Rule.ATTRIBUTE, path)]
    assert SECRET not in str(report)
    assert "other" not in report.findings[0].message.replace("other attributes", "")


@pytest.mark.parametrize(
    "text",
    ['{"num_workers": 4, "num_workers": 4, "client_secret": "x"}', "not json", "[" * 5_000, "NaN"],
)
def test_a_configuration_that_cannot_be_compared_by_key_is_refused(text: str) -> None:
    report = guard.check(plan(source(text)), promised(WORKERS, address="airbyte_source.s"))
    assert (Rule.ATTRIBUTE, "configuration") in rules(report)


def test_a_configuration_that_is_only_spelled_anew_is_not_let_through() -> None:
    before = {"num_workers": 10, "client_secret": SECRET}
    respelled = source(json.dumps(before, indent=1), before)
    report = guard.check(plan(respelled, connection(schedule=moved_cron())), promised(CRON))
    assert rules(report) == [(Rule.ADDRESS, "configuration")]


def test_a_number_that_becomes_text_is_refused_though_it_reads_the_same() -> None:
    changed = source({"num_workers": "4", "client_secret": SECRET})
    report = guard.check(plan(changed), promised(WORKERS, address="airbyte_source.s"))
    assert rules(report) == [(Rule.VALUE, WORKERS[0])]
    assert "type" in report.findings[0].message


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (1, "1")])
def test_values_that_python_takes_for_equal_are_told_apart(before: Any, after: Any) -> None:
    changed = source({"num_workers": 10, "flag": after}, {"num_workers": 10, "flag": before})
    report = guard.check(plan(changed), promised(CRON))
    assert (Rule.ADDRESS, "configuration.flag") in rules(report)


@pytest.mark.parametrize(
    ("before", "after"), [("1", "1.0"), ("100", "1e2"), ("0", "-0.0"), ("-2.50", "-25e-1")]
)
def test_numbers_are_equal_by_value(before: str, after: str) -> None:
    texts = [f'{{"num_workers": {n}, "limit": {v}}}' for n, v in ((10, before), (4, after))]
    changed = source(texts[1], None)
    changed["change"]["before"]["configuration"] = texts[0]
    assert guard.check(plan(changed), promised(WORKERS, address="airbyte_source.s")).ok


def test_numbers_beyond_the_precision_of_a_float_are_told_apart() -> None:
    before, after = {"n": 10**30}, {"n": 10**30 + 1}
    report = guard.check(plan(source(after, before)), promised(CRON))
    assert (Rule.ADDRESS, "configuration.n") in rules(report)


def test_a_promised_value_that_is_known_only_after_apply_is_refused() -> None:
    changed = connection(schedule={"schedule_type": "cron", "basic_timing": None})
    changed["change"]["after_unknown"] = {"schedule": {"cron_expression": True}}
    report = guard.check(plan(changed), promised(CRON))
    assert rules(report) == [(Rule.VALUE, CRON[0])]


def test_what_airbyte_fills_in_is_noted_and_other_unknowns_are_refused() -> None:
    changed = connection(schedule=moved_cron())
    changed["change"]["after_unknown"] = {"status_reason": True}
    filled = guard.check(plan(changed), promised(CRON))
    assert filled.ok
    assert any("status_reason" in note for note in filled.notes)
    changed["change"]["after_unknown"] = {"connection_id": True}
    assert rules(guard.check(plan(changed), promised(CRON))) == [(Rule.ATTRIBUTE, "connection_id")]


def test_a_secret_that_is_no_longer_marked_as_one_is_refused() -> None:
    changed = source({"num_workers": 4, "client_secret": SECRET})
    changed["change"]["after_sensitive"] = {}
    report = guard.check(plan(changed), promised(WORKERS, address="airbyte_source.s"))
    assert rules(report) == [(Rule.ATTRIBUTE, "configuration")]


def test_an_update_without_a_visible_change_is_refused() -> None:
    hidden = change("airbyte_connection.d", {"name": "d"}, {"name": "d"}, "update")
    report = guard.check(plan(connection(schedule=moved_cron()), hidden), promised(CRON))
    assert rules(report) == [(Rule.ATTRIBUTE, "")]


def test_a_look_alike_provider_is_refused() -> None:
    changed = connection(schedule=moved_cron())
    changed["provider_name"] = "registry.terraform.io/aballiet/airbyte-oss"
    report = guard.check(plan(changed), promised(CRON))
    assert rules(report) == [(Rule.ADDRESS, "")]


def test_drift_is_noted_and_not_blamed() -> None:
    drift = [change("airbyte_connection.d", {"status": "active"}, {"status": "inactive"})]
    report = guard.check(
        plan(connection(schedule=moved_cron()), resource_drift=drift), promised(CRON)
    )
    assert report.ok
    assert any("airbyte_connection.d: changed outside" in note for note in report.notes)


def output(before: Any, after: Any, action: str = "update", **more: Any) -> dict[str, Any]:
    return {"o": {"actions": [action], "before": before, "after": after, **more}}


def test_an_output_may_follow_a_promised_value_and_nothing_else() -> None:
    mine = connection(schedule=moved_cron())
    follows = output({"c": CRON[1], "d": "x"}, {"c": CRON[2], "d": "x"})
    assert guard.check(plan(mine, output_changes=follows), promised(CRON)).ok
    for stray in (
        output(None, "x", "create"),
        output("x", None, "delete"),
        output({"c": CRON[1]}, {"c": "y"}),
        output(CRON[1], CRON[2], before_sensitive=True, after_sensitive=False),
        output(CRON[1], None, after_unknown=True),
    ):
        report = guard.check(plan(mine, output_changes=stray), promised(CRON))
        assert {found.rule for found in report.findings} == {Rule.OUTPUT}, stray
        assert guard.check(
            plan(mine, output_changes=stray), promised(CRON), plan(output_changes=stray)
        ).ok


def configured(server: str, cron: str, **more: Any) -> dict[str, Any]:
    resource = {
        "address": "airbyte_connection.c",
        "type": "airbyte_connection",
        "name": "c",
        "expressions": {"schedule": {"constant_value": {"cron_expression": cron}}},
        **more,
    }
    return {
        "provider_config": {"airbyte": {"expressions": {"server_url": {"constant_value": server}}}},
        "root_module": {"resources": [resource]},
    }


def test_what_no_plan_shows_is_found_by_comparing_configurations() -> None:
    base = plan(connection(), configuration=configured("https://a", CRON[1]))
    mine = connection(schedule=moved_cron())

    def with_configuration(held: dict[str, Any]) -> Report:
        return guard.check(plan(mine, configuration=held), promised(CRON), base)

    assert with_configuration(configured("https://a", CRON[2])).ok
    elsewhere = with_configuration(configured("https://evil", CRON[2]))
    assert [found.rule for found in elsewhere.findings] == [Rule.CONFIGURATION]
    assert "server_url" in elsewhere.findings[0].path
    assert "evil" not in str(elsewhere)
    ran = with_configuration(
        configured("https://a", CRON[2], provisioners=[{"type": "local-exec"}])
    )
    assert [found.path.rpartition(".")[2] for found in ran.findings] == ["provisioners"]


def test_work_that_the_plan_puts_off_is_refused() -> None:
    mine = connection(schedule=moved_cron())
    deferred = [{"reason": "provider_config_unknown", "resource_change": {"address": "a.b"}}]
    report = guard.check(plan(mine, deferred_changes=deferred), promised(CRON))
    assert rules(report) == [(Rule.INCOMPLETE, "")]
    invoked = guard.check(
        plan(mine, action_invocations=[{"address": "action.x.y"}]), promised(CRON)
    )
    assert rules(invoked) == [(Rule.ACTION, "")]


def fed(*consumers: str, keyed: bool = False) -> dict[str, Any]:
    reference = "data.airbyte_connector_configuration.d"
    references = [f"{reference}.configuration_json", reference] + (["each.key"] if keyed else [])
    resources = [
        {
            "type": "airbyte_source",
            "name": name,
            "expressions": {"configuration": {"references": references}},
        }
        for name in consumers
    ]
    module = {"module": {"resources": resources}}
    return {"root_module": {"module_calls": {"m": module}}}


def in_module(name: str, key: str = "", **more: Any) -> dict[str, Any]:
    made = source({"num_workers": 4, "client_secret": SECRET}, **more)
    address = f'module.m["x"].airbyte_source.{name}{key}'
    return {**made, "address": address, "name": name, "module_address": 'module.m["x"]'}


DATA = 'module.m["x"].data.airbyte_connector_configuration.d'


def test_a_promise_about_a_data_source_is_kept_by_the_source_that_it_feeds() -> None:
    report = guard.check(
        plan(in_module("s"), configuration=fed("s")), promised(WORKERS, address=DATA)
    )
    assert report.ok
    keyed = {**in_module("s", '["a"]'), "index": "a"}
    others = {**in_module("s", '["b"]'), "index": "b"}
    held = fed("s", keyed=True)
    only = promised(WORKERS, address=f'{DATA}["a"]')
    assert guard.check(plan(keyed, configuration=held), only).ok
    both = guard.check(plan(keyed, others, configuration=held), only)
    assert [found.address for found in both.findings] == ['module.m["x"].airbyte_source.s["b"]'] * 1


def test_a_data_source_that_feeds_two_changed_sources_is_refused() -> None:
    report = guard.check(
        plan(in_module("s"), in_module("t"), configuration=fed("s", "t")),
        promised(WORKERS, address=DATA),
    )
    assert not report.ok
    assert "feeds 2 resources" in report.findings[0].message


def test_a_data_source_that_feeds_nothing_that_changes_is_refused() -> None:
    report = guard.check(
        plan(in_module("s"), configuration=fed("t")), promised(WORKERS, address=DATA)
    )
    assert Rule.MISSING in {found.rule for found in report.findings}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not the JSON"),
        (b"PK\x03\x04", "saved plan"),
        (b"{", "not the JSON"),
        (b"[]", "not the JSON"),
        (b'"x"', "not the JSON"),
        (b'{"format_version": "1.2"', "not the JSON"),
        (b"[command]/usr/bin/terraform-bin show -json\n{}", "terraform_wrapper"),
        (b'{"format_version": "1.0", "values": {}}', "a state"),
        (b'{"format_version": "2.0", "planned_values": {}}', "format"),
        (written(errored=True), "stopped on an error"),
        (written(complete=False), "-target"),
        (written() + b"{}", "not the JSON"),
        (written().replace(b'"planned', b'"resource_changes": [], "planned'), "not the JSON"),
        (written().replace(b"[]", b"[{}]"), "not the JSON"),
        (written().replace(b"[]", b'{"a": NaN}'), "not the JSON"),
        (written(configuration=[]), "not the JSON"),
        (b'{"format_version": "1.2", "x": ' + b"[" * 100_000, "not the JSON"),
        (b'{"format_version": "1.2", "x": ' + b"9" * 10_000 + b"}", "not the JSON"),
        (b"\xff\xfe\x00\xd8", "not the JSON"),
    ],
)
def test_what_is_no_complete_plan_is_refused_in_one_sentence(raw: bytes, said: str) -> None:
    with pytest.raises(TerraformError, match=said):
        planfile.parse(raw, "plan.json")


def test_a_plan_written_by_powershell_is_read() -> None:
    text = written(connection(schedule=moved_cron())).decode()
    assert guard.check(planfile.parse(text.encode("utf-16"), "p"), promised(CRON)).ok
    assert guard.check(planfile.parse(text.encode("utf-8-sig"), "p"), promised(CRON)).ok


def test_values_nested_without_end_are_refused_and_not_a_bug() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    report = guard.check(plan(source({"num_workers": 4, "deep": deep})), promised(CRON))
    assert not report.ok


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "version"),
        ('{"version": 2, "changes": []}', "version"),
        ('{"version": 1, "changes": []}', "at least 1"),
        ('{"version": 1, "changes": [{"address": "a"}]}', "changes.0.path"),
        ("nonsense", "JSON"),
    ],
)
def test_a_proposal_that_is_none_is_refused_with_the_entry(
    text: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "proposal.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        promise.read(file)
    with pytest.raises(ConfigError, match=r"nowhere\.json"):
        promise.read(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "entry",
    [
        ("configuration.client_secret", "a", "b"),
        ("configuration.lookback_window", 1, 2),
        ("configuration.num_workers", 4, 4),
    ],
)
def test_a_proposal_cannot_promise_a_secret_a_lookback_or_nothing(
    entry: tuple[str, Any, Any],
) -> None:
    with pytest.raises(ValueError, match=r"never changed|are the same"):
        promised(entry, address="airbyte_source.s")
    with pytest.raises(ValueError, match="listed twice"):
        promised(CRON, CRON)


def test_a_path_may_reach_into_a_list_and_name_a_key_with_a_dot() -> None:
    before = {"job_specific": [{"cpu_request": "1", "a.b": "x"}]}
    after = {"job_specific": [{"cpu_request": "2", "a.b": "y"}]}
    changed = change("airbyte_connection.c", before, after)
    paths = [
        ("job_specific[0].cpu_request", "1", "2"),
        ('job_specific[0]["a.b"]', "x", "y"),
    ]
    assert guard.check(plan(changed), promised(*paths)).ok


@pytest.mark.parametrize("path", ["a..b", ".a", "a b", "[", "a[x]", "a\n"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        promised((path, 1, 2))


def test_every_knob_of_the_catalogue_can_be_promised() -> None:
    for knob in load():
        for path in filter(None, (knob.path, knob.typed_path)):
            assert promised((f"configuration.{path}", 1, 2), address="airbyte_source.s")


def test_a_proposal_written_from_edits_is_read_back_and_kept(tmp_path: Path) -> None:
    site = Site("main.tf", 3, 10, 12, "10", "10", ("airbyte_source.s.configuration.num_workers",))
    edit = Edit("airbyte_source.s", WORKERS[0], site, "4", "4", "diff")
    file = tmp_path / "proposal.json"
    file.write_text(promise.write([edit]))
    changed = source({"num_workers": 4, "client_secret": SECRET})
    assert guard.check(plan(changed), promise.read(file)).ok


def files(tmp_path: Path, *changes: dict[str, Any]) -> list[str]:
    (tmp_path / "plan.json").write_bytes(written(*changes))
    listed = [
        {"address": "airbyte_connection.c", "path": p, "before": b, "after": a}
        for p, b, a in (CRON,)
    ]
    (tmp_path / "proposal.json").write_text(json.dumps({"version": 1, "changes": listed}))
    return [str(tmp_path / "plan.json"), "--proposal", str(tmp_path / "proposal.json")]


def test_the_verb_answers_with_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = files(tmp_path, connection(schedule=moved_cron()))
    assert main(["check-plan", *arguments]) == 0
    assert "nothing else" in capsys.readouterr().out
    tampered = files(
        tmp_path,
        connection(schedule=moved_cron()),
        change("airbyte_source.x\n::add-mask::", None, {}, "create"),
    )
    assert main(["check-plan", *tampered]) == 1
    printed = capsys.readouterr().out
    assert "FAIL  airbyte_source.x" in printed
    assert not any(line.startswith("::") for line in printed.splitlines())
    assert main(["check-plan", *tampered, "-o", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["rule"] == "action"
    assert main(["check-plan", str(tmp_path / "nothing.json"), *tampered[1:]]) == 1
    assert main(["check-plan", tampered[0]]) == 2


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
VALID = json.loads(
    written(
        connection(schedule=moved_cron()),
        source({"num_workers": 4}),
        output_changes=output("a", "b"),
        configuration=fed("s"),
        resource_drift=[connection(status="x")],
    )
)


def places(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree if isinstance(tree, list) else [])
    )
    return [at] + [place for key, value in inner for place in places(value, (*at, key))]


@given(st.sampled_from(places(VALID)[1:]), json_values)
def test_no_plan_however_odd_makes_the_guard_stumble(place: tuple[Any, ...], value: Any) -> None:
    document = copy.deepcopy(VALID)
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    try:
        odd = planfile.parse(json.dumps(document).encode(), "p")
        guard.check(odd, promised(CRON), plan(configuration=fed("s")))
        guard.check(plan(), promised(WORKERS, address=DATA), odd)
    except TrimtabError:
        pass


@given(
    st.dictionaries(st.sampled_from("abcd"), json_values, max_size=4),
    st.dictionaries(st.sampled_from("abcd"), json_values, max_size=4),
)
def test_any_change_of_a_configuration_beside_the_promised_one_is_found(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    changed = source({**after, "num_workers": 4}, {**before, "num_workers": 10})
    report = guard.check(plan(changed), promised(WORKERS, address="airbyte_source.s"))
    same = json.loads(json.dumps(before)) == json.loads(json.dumps(after))
    typed = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    if typed:
        assert report.ok
    elif not same:
        assert not report.ok
