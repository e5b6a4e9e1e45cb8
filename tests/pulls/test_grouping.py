from collections.abc import Sequence

import pytest

from bot.domain.edit import Edit, Site
from bot.domain.manners import GroupBy
from bot.pulls.change import SettingChange
from bot.pulls.grouping import LARGEST, Candidate, Group, group, rewrite
from bot.pulls.held import Held, HeldReason

FILE = "main.tf"
CONTENT = "".join(f"v{n:02} = {n}\n" for n in range(60)).encode()


def candidate(
    place: int = 0,
    connection: str | None = None,
    setting: str = "schedule",
    *,
    risk: str = "low",
    team: str | None = None,
    policy: str | None = None,
    workspace: str = "prod",
) -> Candidate[str]:
    """Change the literal in one line of `CONTENT`."""
    start = CONTENT.index(b"= ", CONTENT.index(f"v{place:02}".encode())) + 2
    literal = str(place)
    site = Site(FILE, place + 1, start, start + len(literal), literal, literal, ())
    edit = Edit(f"airbyte_connection.v{place}", setting, site, "1000", "1000", "diff")
    name = connection or f"c{place}"
    change = SettingChange(name, setting, literal, "1000", FILE, edit.address, setting, f"f{place}")
    return Candidate(change, edit, name, workspace, risk, f"carried {place}", team, policy)


def sort(candidates: Sequence[Candidate[str]], by: GroupBy) -> tuple[list[Group[str]], list[Held]]:
    return group(candidates, by, lambda change, title: None)


def test_by_connection_each_setting_stands_alone() -> None:
    groups, held = sort(
        [candidate(0, "a"), candidate(1, "a", "configuration.size"), candidate(2, "b")],
        GroupBy.CONNECTION,
    )
    assert held == []
    assert [each.identity for each in groups] == [
        "connection/a/schedule",
        "connection/a/configuration.size",
        "connection/b/schedule",
    ]
    assert len({each.branch for each in groups}) == 3


@pytest.mark.parametrize(
    ("by", "key"),
    [
        (GroupBy.TEAM, {"team": "data"}),
        (GroupBy.POLICY, {"policy": "small"}),
        (GroupBy.WORKSPACE, {"workspace": "data"}),
    ],
)
def test_otherwise_changes_go_together_and_risk_tiers_never_mix(
    by: GroupBy, key: dict[str, str]
) -> None:
    low, high = candidate(0, **key), candidate(1, risk="high", **key)
    more = candidate(2, **key)
    groups, _held = sort([low, high, more], by)
    assert [(each.risk, each.candidates) for each in groups] == [
        ("low", (low, more)),
        ("high", (high,)),
    ]
    assert all(each.identity.startswith(f"{by}/") for each in groups)


def test_what_has_no_team_stays_alone() -> None:
    groups, _held = sort([candidate(0), candidate(1)], GroupBy.TEAM)
    assert [each.by for each in groups] == [GroupBy.CONNECTION] * 2


def test_the_branch_does_not_depend_on_the_value_and_is_safe_for_git() -> None:
    (one,), _ = sort([candidate(0, "Ünïcode → @x/../y")], GroupBy.CONNECTION)
    (two,), _ = sort([candidate(1, "→→")], GroupBy.CONNECTION)
    assert one.branch == "trimtab/n-code-x-y-ncodexy/schedule"
    assert two.branch == "trimtab/connection-/schedule"


def test_an_objection_keeps_one_change_out_and_the_others_in() -> None:
    refused = Held("c0", HeldReason.SNOOZED, "a person closed #1", ("c0",), 1)
    groups, held = group(
        [candidate(0, team="data"), candidate(1, team="data")],
        GroupBy.TEAM,
        lambda change, title: refused if change.connection == "c0" else None,
    )
    assert held == [refused]
    assert [change.connection for change in groups[0].changes] == ["c1"]


def test_two_recommendations_for_one_setting_or_one_literal_do_not_both_go() -> None:
    groups, held = sort(
        [candidate(0, "a"), candidate(1, "a"), candidate(0, "b")], GroupBy.CONNECTION
    )
    assert [each.identity for each in groups] == ["connection/a/schedule"]
    assert [each.reason for each in held] == [HeldReason.CARRIED] * 2


def test_a_pull_request_that_is_full_takes_no_more() -> None:
    groups, held = sort([candidate(n, team="data") for n in range(LARGEST + 2)], GroupBy.TEAM)
    assert len(groups[0].candidates) == LARGEST
    assert [each.reason for each in held] == [HeldReason.FULL] * 2


def test_the_team_of_a_group_is_the_one_of_all_its_changes() -> None:
    (same,), _ = sort([candidate(0, team="x"), candidate(1, team="x")], GroupBy.WORKSPACE)
    (mixed,), _ = sort([candidate(0, team="x"), candidate(1, team="y")], GroupBy.WORKSPACE)
    assert (same.team, mixed.team) == ("x", None)


def test_several_edits_of_one_file_are_made_at_once() -> None:
    (grouped,), _ = sort([candidate(n, team="x") for n in (7, 3, 40)], GroupBy.TEAM)
    files = rewrite(grouped.candidates, lambda file: CONTENT)
    expected = CONTENT
    for n in (3, 7, 40):
        expected = expected.replace(b"v%02d = %d\n" % (n, n), b"v%02d = 1000\n" % n)
    assert files == {FILE: expected}
