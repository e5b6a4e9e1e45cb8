from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.domain.errors import ForgeError
from bot.domain.manners import Manners
from bot.domain.promises import Window, WindowKind
from bot.pulls.change import Target
from bot.pulls.closing import Obsolete
from bot.pulls.draft import Draft
from bot.pulls.execution import carry_out
from bot.pulls.held import HeldReason
from bot.pulls.metadata import CloseReason
from bot.pulls.operations import (
    ClosePull,
    EditBody,
    FinishUpdate,
    OpenPull,
    SetAutoMerge,
    SetLabels,
    UpdateBranch,
)
from bot.pulls.ownership import HANDS_OFF
from bot.pulls.reconcile import Circumstances, Reconciled, reconcile, remember
from bot.pulls.snapshot import PullState
from tests.pulls.memory import MemoryWorld
from tests.pulls.worlds import FILE, FailingForge, Killed, content, draft, merged

NAMES = ("ant", "bee", "cat", "dog", "eel", "fly", "gnu", "hen")
GONE = Obsolete(CloseReason.EVIDENCE_VANISHED, "ant is fine as it is")
NO_LIMITS = Manners(open_limit=100, new_per_run=100, per_team=100)


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld({FILE: content(dict.fromkeys(NAMES, 1))})


def ant(world: MemoryWorld, value: int = 20, evidence: int = 0) -> Draft:
    return draft(world.content("main")[FILE], "ant", value, evidence=evidence)


def mine(world: MemoryWorld) -> bytes:
    return world.content("main")[FILE].replace(b"# gnu 1", b"# mine")


def plan(
    world: MemoryWorld,
    *drafts: Draft,
    manners: Manners = NO_LIMITS,
    obsolete: Obsolete | None = None,
    complete: bool = True,
) -> Reconciled:
    found = {Target("ant", "size"): obsolete} if obsolete else {}
    circumstances = Circumstances(world.now, complete, found)
    return reconcile(world.snapshot(), drafts, manners, circumstances)


def run(
    world: MemoryWorld,
    *drafts: Draft,
    manners: Manners = NO_LIMITS,
    obsolete: Obsolete | None = None,
) -> Reconciled:
    planned = plan(world, *drafts, manners=manners, obsolete=obsolete)
    assert carry_out(world, planned.operations, world.base).failures == ()
    return planned


def kinds(planned: Reconciled) -> list[type]:
    return [type(operation) for operation in planned.operations]


def reasons(planned: Reconciled) -> list[HeldReason]:
    return [held.reason for held in planned.held]


# The branch and the body.


def test_a_new_draft_opens_a_pull_request_and_a_second_run_does_nothing(
    world: MemoryWorld,
) -> None:
    assert kinds(run(world, ant(world))) == [OpenPull]
    assert plan(world, ant(world)) == Reconciled((), ())


def test_other_evidence_edits_the_body_and_leaves_the_branch_alone(world: MemoryWorld) -> None:
    run(world, ant(world))
    branches = dict(world.branches)
    assert kinds(run(world, ant(world, evidence=7))) == [EditBody]
    assert world.branches == branches
    assert "Because of 7 syncs" in world.pulls[1].body


def test_another_value_replaces_the_one_commit_and_keeps_the_number(world: MemoryWorld) -> None:
    run(world, ant(world))
    assert kinds(run(world, ant(world, 30))) == [UpdateBranch]
    assert b"ant = 30" in world.content("trimtab/ant/size")[FILE]
    assert list(world.pulls) == [1]
    assert world.commits[world.branches["trimtab/ant/size"]][1] == world.base


def test_a_base_that_moves_elsewhere_in_the_file_touches_nothing(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.edit_base({FILE: world.content("main")[FILE].replace(b"gnu = 1", b"gnu = 5")})
    assert plan(world, ant(world)) == Reconciled((), ())


def test_a_branch_that_conflicts_is_made_anew_on_the_base(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.edit_base({FILE: world.content("main")[FILE].replace(b"ant = 1", b"ant = 5")})
    assert kinds(run(world, ant(world))) == [UpdateBranch]
    assert not world.snapshot().pulls[0].conflicts
    assert plan(world, ant(world)) == Reconciled((), ())


def test_a_conflict_beside_the_literal_is_one_too(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.edit_base({FILE: mine(world)})
    snapshot = world.snapshot()
    conflicting = replace(snapshot, pulls=(replace(snapshot.pulls[0], conflicts=True),))
    planned = reconcile(conflicting, [ant(world)], NO_LIMITS, Circumstances(world.now, True))
    assert kinds(planned) == [UpdateBranch]
    carry_out(world, planned.operations, world.base)
    assert world.content("trimtab/ant/size")[FILE] == ant(world).files[FILE]


def test_a_forge_that_still_speaks_of_a_conflict_after_that_makes_no_loop(
    world: MemoryWorld,
) -> None:
    run(world, ant(world))
    snapshot = world.snapshot()
    stale = replace(snapshot, pulls=(replace(snapshot.pulls[0], conflicts=True),))
    circumstances = Circumstances(world.now, complete=True)
    assert reconcile(stale, [ant(world)], NO_LIMITS, circumstances).operations == ()


def test_a_renamed_connection_keeps_its_pull_request(world: MemoryWorld) -> None:
    run(world, ant(world))
    renamed = replace(ant(world), branch="trimtab/other/size", title="other: size 20")
    assert kinds(run(world, renamed)) == [EditBody]
    assert list(world.branches) == ["trimtab/ant/size"]


# People.


@pytest.mark.parametrize("amend", [False, True])
def test_a_branch_that_somebody_worked_on_is_left_alone(world: MemoryWorld, amend: bool) -> None:
    run(world, ant(world))
    work = world.amend if amend else world.push
    work("trimtab/ant/size", {FILE: mine(world)})
    planned = plan(world, ant(world, 30), obsolete=GONE)
    assert planned.operations == ()
    (held,) = planned.held
    assert (held.reason, held.pull) == (HeldReason.HANDS_OFF, 1)
    assert held.detail == "somebody has pushed to its branch"


def test_a_description_that_was_edited_is_left_alone(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.rewrite(1, world.pulls[1].body.replace("Because", "Although"))
    planned = plan(world, ant(world, 30))
    assert (planned.operations, reasons(planned)) == ((), [HeldReason.HANDS_OFF])


def test_what_people_write_around_the_description_is_kept(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.rewrite(1, f"Dear team,\r\n\r\n{world.pulls[1].body}\r\n\r\nWait for Monday.")
    assert plan(world, ant(world)).operations == ()
    run(world, ant(world, evidence=3))
    run(world, ant(world, 30))
    assert world.pulls[1].body.startswith("Dear team,\n\n")
    assert world.pulls[1].body.endswith("\n\nWait for Monday.")


def test_a_ticked_box_is_no_edit(world: MemoryWorld) -> None:
    boxed = replace(ant(world), body="- [ ] one\n- [ ] two\n")
    run(world, boxed)
    world.rewrite(1, world.pulls[1].body.replace("[ ] one", "[x] one"))
    assert plan(world, boxed) == Reconciled((), ())


def test_a_title_of_a_person_is_kept(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.retitle(1, "Mine")
    run(world, ant(world, 30))
    run(world, ant(world, 30, evidence=4))
    assert world.pulls[1].title == "Mine"
    assert plan(world, ant(world, 30, evidence=4)).operations == ()


def test_a_label_keeps_trimtab_away(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.label(1, "trimtab", HANDS_OFF)
    assert reasons(plan(world, ant(world, 30))) == [HeldReason.HANDS_OFF]


def test_labels_follow_the_draft_and_what_people_put_there_stays(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.label(1, "trimtab", "urgent")
    assert plan(world, ant(world)).operations == ()
    riskier = replace(ant(world), labels=frozenset({"trimtab", "trimtab:risk-high"}))
    assert kinds(run(world, riskier)) == [SetLabels, EditBody]
    assert world.pulls[1].labels == {"trimtab", "trimtab:risk-high", "urgent"}


def test_a_lost_record_is_found_by_its_commit_and_left_alone(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.rewrite(1, "I know better.")
    renamed = replace(ant(world), branch="trimtab/other/size")
    planned = plan(world, renamed)
    assert (planned.operations, reasons(planned)) == ((), [HeldReason.HANDS_OFF])


def test_merging_by_itself_is_turned_off_before_the_risk_grows(world: MemoryWorld) -> None:
    run(world, replace(ant(world), auto_merge=True))
    assert world.pulls[1].auto_merge
    assert kinds(run(world, ant(world, 30))) == [SetAutoMerge, UpdateBranch]
    assert not world.pulls[1].auto_merge


def test_merging_by_itself_that_a_person_turned_off_stays_off(world: MemoryWorld) -> None:
    wish = replace(ant(world), auto_merge=True)
    run(world, wish)
    world.auto_merge(1, on=False)
    assert plan(world, wish).operations == ()


# Closing, and opening again.


def test_silence_is_no_evidence(world: MemoryWorld) -> None:
    run(world, ant(world))
    assert plan(world) == Reconciled((), ())


def test_evidence_closes_with_its_reason_one_comment_and_no_branch_left(
    world: MemoryWorld,
) -> None:
    run(world, ant(world))
    assert kinds(run(world, obsolete=GONE)) == [ClosePull]
    assert world.pulls[1].state is PullState.CLOSED
    assert world.branches == {}
    ((number, text),) = world.comments
    assert number == 1
    assert text.startswith("Closed by trimtab (evidence-vanished): ant is fine as it is.")
    assert plan(world, obsolete=GONE) == Reconciled((), ())


def test_a_mine_that_is_not_complete_closes_and_opens_nothing(world: MemoryWorld) -> None:
    run(world, ant(world))
    other = draft(world.content("main")[FILE], "bee", 20)
    planned = plan(world, other, obsolete=GONE, complete=False)
    assert planned.operations == ()
    assert reasons(planned) == [HeldReason.INCOMPLETE, HeldReason.INCOMPLETE]


def test_one_wanted_change_of_several_keeps_a_pull_request_open(world: MemoryWorld) -> None:
    base = world.content("main")[FILE]
    both = [draft(base, "ant", 20), draft(base, "bee", 20)]
    run(world, merged(both, "team/zoo/low", "trimtab/team-zoo/low"))
    assert plan(world, obsolete=GONE).operations == ()


def test_what_a_person_closed_is_not_proposed_again_for_thirty_days(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    planned = plan(world, ant(world, 21, evidence=5))
    (held,) = planned.held
    assert (held.reason, held.pull) == (HeldReason.SNOOZED, 1)
    assert held.until == world.now + timedelta(days=30)
    world.now += timedelta(days=30)
    assert kinds(plan(world, ant(world))) == [OpenPull]


def test_a_material_change_ends_a_snooze(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    assert kinds(run(world, ant(world, 40))) == [OpenPull]


def test_what_is_open_again_is_no_longer_objected_to(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    world.now += timedelta(days=29)
    (change,) = ant(world).changes
    assert remember(world.snapshot(), NO_LIMITS, world.now).objection(change, "") is not None
    carry_out(world, [OpenPull(ant(world), world.branches["trimtab/ant/size"])], world.base)
    assert remember(world.snapshot(), NO_LIMITS, world.now).objection(change, "") is None


def test_a_value_that_was_refused_before_is_still_refused_after_another(
    world: MemoryWorld,
) -> None:
    run(world, ant(world))
    world.close(1)
    run(world, ant(world, 40))
    world.close(2)
    assert reasons(plan(world, ant(world))) == [HeldReason.SNOOZED]


def test_an_open_pull_request_does_not_move_to_a_value_that_was_refused(
    world: MemoryWorld,
) -> None:
    run(world, ant(world))
    world.close(1)
    run(world, ant(world, 40))
    planned = plan(world, ant(world))
    assert (planned.operations, reasons(planned)) == ((), [HeldReason.SNOOZED])


def test_reopening_undoes_a_snooze(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    world.reopen(1)
    assert plan(world, ant(world)) == Reconciled((), ())


def test_what_trimtab_closed_is_never_taken_for_a_persons_no(world: MemoryWorld) -> None:
    run(world, ant(world))
    run(world, obsolete=GONE)
    assert kinds(run(world, ant(world))) == [OpenPull]


def test_nor_where_the_forge_cannot_say_who_closed_it(world: MemoryWorld) -> None:
    run(world, ant(world))
    run(world, obsolete=GONE)
    world.pulls[1] = replace(world.pulls[1], ended_by_us=None)
    assert kinds(plan(world, ant(world))) == [OpenPull]


def test_closed_by_a_person_after_trimtab_had_counts_as_the_persons(world: MemoryWorld) -> None:
    run(world, ant(world))
    run(world, obsolete=GONE)
    world.now += timedelta(days=2)
    world.reopen(1)
    world.close(1)
    # With a personal token the account is the same; the time is not.
    world.pulls[1] = replace(world.pulls[1], ended_by_us=None)
    assert reasons(plan(world, ant(world))) == [HeldReason.SNOOZED]


def test_what_a_person_opens_again_stays_open_and_is_said(world: MemoryWorld) -> None:
    run(world, ant(world))
    run(world, obsolete=GONE)
    world.reopen(1)
    assert reasons(run(world, obsolete=GONE)) == [HeldReason.REOPENED]
    assert world.pulls[1].state is PullState.OPEN
    assert kinds(run(world, ant(world))) == [EditBody]
    assert "trimtab closed this" not in world.pulls[1].body
    assert reasons(plan(world, obsolete=GONE)) == [HeldReason.REOPENED]


def test_a_lost_record_of_a_closed_pull_request_still_snoozes(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.rewrite(1, "No, thanks.")
    world.close(1)
    assert reasons(plan(world, ant(world, 40))) == [HeldReason.SNOOZED]


# Back and forth.


def test_nothing_is_turned_round_within_21_days_of_a_merge(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.merge(1)
    assert reasons(plan(world, ant(world, 2))) == [HeldReason.REVERSAL]
    assert kinds(plan(world, ant(world, 40))) == [OpenPull]
    world.now += timedelta(days=21)
    assert kinds(plan(world, ant(world, 2))) == [OpenPull]


def test_what_a_person_undid_is_not_proposed_at_once(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.merge(1)
    world.edit_base({FILE: world.content("main")[FILE].replace(b"ant = 20", b"ant = 1")})
    assert reasons(plan(world, ant(world))) == [HeldReason.UNDONE]


def test_after_two_turns_trimtab_stops_and_says_so(world: MemoryWorld) -> None:
    values = [20, 5, 30, 4]
    for number, value in enumerate(values[:3], start=1):
        assert kinds(run(world, ant(world, value))) == [OpenPull]
        world.merge(number)
        world.now += timedelta(days=22)
    planned = plan(world, ant(world, values[3]))
    (held,) = planned.held
    assert held.reason is HeldReason.FLIPPED
    assert "a person decides" in held.detail


def test_evidence_that_comes_and_goes_stops_after_two_turns(world: MemoryWorld) -> None:
    for _ in range(3):
        assert kinds(run(world, ant(world))) == [OpenPull]
        run(world, obsolete=GONE)
    assert reasons(plan(world, ant(world))) == [HeldReason.FLIPPED]


def test_a_value_that_swings_in_an_open_pull_request_stops_moving(world: MemoryWorld) -> None:
    run(world, ant(world, 20))
    swings = [kinds(run(world, ant(world, value))) for value in (40, 20, 40, 20)]
    assert swings == [[UpdateBranch]] * 3 + [[]]
    assert reasons(plan(world, ant(world, 20))) == [HeldReason.FLIPPED]


# Limits.


def many(world: MemoryWorld, count: int, team: str | None = None) -> list[Draft]:
    base = world.content("main")[FILE]
    return [replace(draft(base, name, 20), team=team) for name in NAMES[:count]]


def test_a_run_opens_three_and_lists_the_rest_with_the_reason(world: MemoryWorld) -> None:
    planned = run(world, *many(world, 5), manners=Manners())
    assert kinds(planned) == [OpenPull] * 3
    assert reasons(planned) == [HeldReason.NEW_LIMIT] * 2


def test_five_are_open_at_most(world: MemoryWorld) -> None:
    run(world, *many(world, 8), manners=Manners())
    world.now += timedelta(days=1)
    planned = run(world, *many(world, 8), manners=Manners())
    assert kinds(planned) == [OpenPull] * 2
    assert reasons(planned) == [HeldReason.OPEN_LIMIT] * 3
    assert planned.held[0].detail == "5 are open, and 5 may be"


def test_one_team_has_two_at_most(world: MemoryWorld) -> None:
    planned = run(world, *many(world, 3, "zoo"), manners=Manners())
    assert kinds(planned) == [OpenPull] * 2
    assert reasons(planned) == [HeldReason.TEAM_LIMIT]


def test_closing_makes_room_in_the_same_run(world: MemoryWorld) -> None:
    manners = Manners(open_limit=1)
    run(world, ant(world), manners=manners)
    other = draft(world.content("main")[FILE], "bee", 20)
    assert kinds(run(world, other, manners=manners, obsolete=GONE)) == [ClosePull, OpenPull]


def test_outside_working_hours_only_bodies_change(world: MemoryWorld) -> None:
    hours = Window("office", WindowKind.FREEZE, time(9), timedelta(hours=8), "Europe/Berlin")
    manners = replace(NO_LIMITS, working_hours=(hours,))
    run(world, ant(world), manners=manners)
    world.now = datetime(2026, 3, 2, 20, tzinfo=UTC)
    other = draft(world.content("main")[FILE], "bee", 20)
    assert kinds(plan(world, ant(world, evidence=9), manners=manners)) == [EditBody]
    planned = plan(world, ant(world, 30), other, manners=manners)
    assert planned.operations == ()
    assert reasons(planned) == [HeldReason.WORKING_HOURS] * 2
    assert planned.held[0].until == datetime(2026, 3, 3, 8, tzinfo=UTC)


def test_a_freeze_is_named_with_its_end(world: MemoryWorld) -> None:
    day = date(2026, 3, 1)
    freeze = Window(
        "close", WindowKind.FREEZE, time(), timedelta(days=3), "UTC", first=day, last=day
    )
    planned = plan(world, ant(world), manners=replace(NO_LIMITS, freezes=(freeze,)))
    (held,) = planned.held
    assert (held.reason, held.until) == (HeldReason.FREEZE, datetime(2026, 3, 4, tzinfo=UTC))


# Grouping another way.


def test_another_grouping_supersedes_the_old_pull_request(world: MemoryWorld) -> None:
    base = world.content("main")[FILE]
    singles = [draft(base, "ant", 20), draft(base, "bee", 20)]
    run(world, *singles)
    together = merged(singles, "team/zoo/low", "trimtab/team-zoo/low")
    planned = run(world, together)
    assert kinds(planned) == [ClosePull, ClosePull, OpenPull]
    assert {o.reason for o in planned.operations if isinstance(o, ClosePull)} == {
        CloseReason.SUPERSEDED
    }
    assert plan(world, together) == Reconciled((), ())


def test_what_another_open_pull_request_changes_is_not_opened_beside_it(
    world: MemoryWorld,
) -> None:
    base = world.content("main")[FILE]
    pair = merged([draft(base, "ant", 20), draft(base, "bee", 20)], "team/zoo/low", "trimtab/z/low")
    run(world, pair)
    planned = plan(world, ant(world))
    (held,) = planned.held
    assert (held.reason, held.pull) == (HeldReason.CARRIED, 1)


def test_an_old_pull_request_stays_while_there_is_no_room_for_its_successor(
    world: MemoryWorld,
) -> None:
    run(world, ant(world))
    other = replace(ant(world), identity="team/zoo/low", branch="trimtab/z/low")
    assert plan(world, other, manners=Manners(new_per_run=0)).operations == ()


def test_a_second_run_of_the_same_night_opens_no_more_than_the_first(world: MemoryWorld) -> None:
    base = world.content("main")[FILE]
    both = [draft(base, "ant", 20), draft(base, "bee", 20)]
    one = Manners(new_per_run=1)
    run(world, *both, manners=one)
    assert plan(world, *both, manners=one).operations == ()
    assert reasons(plan(world, *both, manners=one)) == [HeldReason.NEW_LIMIT]
    world.now += timedelta(hours=23)
    assert len(plan(world, *both, manners=one).operations) == 1


def test_a_branch_of_that_name_by_a_person_is_not_adopted(world: MemoryWorld) -> None:
    world.branches["trimtab/ant/size"] = world.commit({FILE: b"mine\n"}, world.base, "mine")
    assert reasons(plan(world, ant(world))) == [HeldReason.TAKEN]


def test_the_branch_of_a_closed_pull_request_is_used_again(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    world.now += timedelta(days=40)
    run(world, ant(world))
    assert list(world.branches) == ["trimtab/ant/size"]
    assert world.pulls[2].state is PullState.OPEN


def test_unless_somebody_has_worked_on_it(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    world.push("trimtab/ant/size", {FILE: mine(world)})
    world.now += timedelta(days=40)
    assert reasons(plan(world, ant(world))) == [HeldReason.TAKEN]


# Runs that die.


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 6))
def test_a_run_that_dies_while_opening_is_healed(
    world: MemoryWorld, write: int, after: bool
) -> None:
    wish = ant(world)
    with pytest.raises(Killed):
        carry_out(
            FailingForge(world, Killed(), write, after), plan(world, wish).operations, world.base
        )
    run(world, wish)
    (pull,) = world.pulls.values()
    assert pull.labels == wish.labels
    assert plan(world, wish) == Reconciled((), ())


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 5))
def test_a_run_that_dies_while_updating_is_healed(
    world: MemoryWorld, write: int, after: bool
) -> None:
    run(world, ant(world))
    planned = plan(world, ant(world, 30))
    with pytest.raises(Killed):
        carry_out(FailingForge(world, Killed(), write, after), planned.operations, world.base)
    run(world, ant(world, 30))
    assert b"ant = 30" in world.content("trimtab/ant/size")[FILE]
    assert plan(world, ant(world, 30)) == Reconciled((), ())


def test_an_update_that_was_begun_is_finished_though_nothing_is_recommended_now(
    world: MemoryWorld,
) -> None:
    run(world, ant(world))
    planned = plan(world, ant(world, 30))
    with pytest.raises(Killed):
        carry_out(FailingForge(world, Killed(), 3, after=True), planned.operations, world.base)
    assert kinds(run(world)) == [FinishUpdate]
    assert b"ant = 30" in world.content("trimtab/ant/size")[FILE]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 4))
def test_a_run_that_dies_while_closing_is_healed(
    world: MemoryWorld, write: int, after: bool
) -> None:
    run(world, ant(world))
    planned = plan(world, obsolete=GONE)
    with pytest.raises(Killed):
        carry_out(FailingForge(world, Killed(), write, after), planned.operations, world.base)
    run(world, obsolete=GONE)
    assert world.pulls[1].state is PullState.CLOSED
    assert world.branches == {}
    assert len(world.comments) <= 1


def test_a_branch_that_was_opened_for_nothing_is_deleted(world: MemoryWorld) -> None:
    planned = plan(world, ant(world))
    with pytest.raises(Killed):
        carry_out(FailingForge(world, Killed(), 3, after=True), planned.operations, world.base)
    assert list(world.branches) == ["trimtab/ant/size"]
    run(world)
    assert world.branches == {}


def test_a_push_between_reading_and_writing_wins(world: MemoryWorld) -> None:
    run(world, ant(world))
    planned = plan(world, ant(world, 30))
    world.push("trimtab/ant/size", {FILE: mine(world)})
    done = carry_out(world, planned.operations, world.base)
    assert len(done.failures) == 1
    assert world.content("trimtab/ant/size")[FILE] == mine(world)
    assert reasons(plan(world, ant(world, 30))) == [HeldReason.HANDS_OFF]


def test_a_successor_waits_until_the_old_one_could_be_closed(world: MemoryWorld) -> None:
    base = world.content("main")[FILE]
    singles = [draft(base, "ant", 20), draft(base, "bee", 20)]
    run(world, *singles)
    planned = plan(world, merged(singles, "team/zoo/low", "trimtab/team-zoo/low"))
    failing = FailingForge(world, ForgeError("no"), 1)
    done = carry_out(failing, planned.operations, world.base)
    (_, refused), (operation, waits) = done.failures
    assert refused.message == "no"
    assert isinstance(operation, OpenPull)
    assert "not opened before" in waits.message
    opened = [pull for pull in world.pulls.values() if pull.state is PullState.OPEN]
    assert [pull.number for pull in opened] == [1]


def test_a_new_pull_request_takes_five_writes_and_an_update_four(world: MemoryWorld) -> None:
    counting = FailingForge(world, Killed())
    carry_out(counting, plan(world, ant(world)).operations, world.base)
    assert counting.writes == 5
    carry_out(counting, plan(world, ant(world, 30)).operations, world.base)
    assert counting.writes == 9
    carry_out(counting, plan(world, ant(world, 30, evidence=1)).operations, world.base)
    assert counting.writes == 10
