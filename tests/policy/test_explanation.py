from bot.policy.explanation import in_force, matching, spell, verdict_lines
from tests.policy.cases import case, judge_of, move, subject

JUDGE = judge_of(
    "{name: all, limits: {schedule_shift: 2h}, approval: owner}",
    "{name: erp, match: {all: [{tag: erp}], not: {name: 'x*'}}, limits: {schedule_shift: 30m}}",
    "{name: ada, match: {owner: '@ada'}, triggers: [{moves_by: 5m, level: team}]}",
    "{name: other, match: {tag: none}, approval: blocked}",
    base="version: 1\ndefaults: {phase: live, approval: team}\n",
)
OF = subject("a", "erp", owner=None)


def test_every_policy_is_told_with_each_of_its_conditions() -> None:
    lines = list(matching(JUDGE, JUDGE.standing(OF)))
    assert lines == [
        (0, "all (policies/rules.yaml:4): yes"),
        (0, "erp (policies/rules.yaml:5): yes"),
        (1, "all of: yes"),
        (2, "tag: erp: yes"),
        (1, "not: yes"),
        (2, "name: x*: no"),
        (0, "ada (policies/rules.yaml:6): not known, so it binds and permits nothing"),
        (1, "owner: @ada: not known, so it binds and permits nothing"),
        (0, "other (policies/rules.yaml:7): no"),
        (1, "tag: none: no"),
        (0, "defaults (../base.yaml:2): where no policy speaks"),
    ]


def test_what_holds_is_told_as_it_is_written_and_which_of_several_counts() -> None:
    found = {(each.key, each.policy): each for each in in_force(JUDGE.standing(OF))}
    assert not found["limits.schedule_shift", "all"].counts
    assert found["limits.schedule_shift", "erp"].counts
    assert found["limits.schedule_shift", "erp"].written == "30m"
    assert found["approval", "all"].written == "owner"
    assert ("approval", "defaults") not in found
    assert found["phase", "defaults"].where == "../base.yaml:2"
    assert found["triggers", "ada"].written == '{"moves_by": "5m", "level": "team"}'


def test_a_verdict_is_told_check_by_check() -> None:
    ruling = JUDGE.judge(case(OF, move()))
    lines = [text for _, text in verdict_lines(JUDGE, ruling)]
    assert "approval: needs owner: owner approves (all, policies/rules.yaml:4)" in lines
    assert "verdict: needs team" in lines
    assert lines.index("verdict: needs team") < len(lines) - 1


def test_a_citation_shows_what_it_looked_at() -> None:
    ruling = JUDGE.judge(case(OF, move("0 45 6 * * ?")))
    (citation,) = ruling.verdict.citations
    assert spell(citation) == (
        "starts may move by 30 min at most [shift 45 min] (erp, policies/rules.yaml:5)"
    )
