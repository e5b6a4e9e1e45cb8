from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.manners import Manners
from bot.pulls.change import Interval, Prediction
from bot.pulls.closing import Obsolete
from bot.pulls.dashboard import BUDGET, TITLE, Findings, Health, dashboard
from bot.pulls.draft import Draft
from bot.pulls.execution import carry_out, execute
from bot.pulls.held import Held, HeldReason
from bot.pulls.metadata import CloseReason
from bot.pulls.operations import OpenPull, WriteDashboard
from bot.pulls.reconcile import Circumstances, reconcile
from bot.pulls.snapshot import Issue, Review
from bot.pulls.ticks import Note, lifted, read_note, tick, ticked, write_note
from tests.pulls.memory import MemoryWorld
from tests.pulls.worlds import FILE, content, draft

MANNERS = Manners()
NAMES = ("ant", "bee", "cat", "dog")
QUIET = (
    ("Ant", "it is fine"),
    ("Bee", "it is fine"),
    ("Cat", "too little history"),
    ("Cat", "somebody reads it"),  # what another advisor says
)


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld({FILE: content(dict.fromkeys(NAMES, 1))})


def findings(
    world: MemoryWorld, quiet: Sequence[tuple[str, str]] = QUIET, **health: object
) -> Findings:
    made = Health(world.now, complete=True, connections=3, new_syncs=1, changed_syncs=2)
    return Findings(
        replace(made, **health),  # type: ignore[arg-type]
        {"monitor": 2, "live": 1, "canary": 0},
        quiet,
    )


def ant(world: MemoryWorld, value: int = 20) -> Draft:
    return draft(world.content("main")[FILE], "ant", value)


def run(world: MemoryWorld, *drafts: Draft) -> WriteDashboard | None:
    """Run as the job does, and return what was written to the dashboard."""
    circumstances = Circumstances(world.now, complete=True)
    planned = reconcile(world.snapshot(), drafts, MANNERS, circumstances)
    carry_out(world, planned.operations, world.base)
    after = reconcile(world.snapshot(), drafts, MANNERS, circumstances)
    board = dashboard(world.snapshot(), after.held, MANNERS, findings(world))
    if board is not None:
        execute(world, board, world.base)
    return board


def text(world: MemoryWorld) -> str:
    assert world.dashboard is not None
    return world.dashboard.body.replace("\\$", "$")


def test_it_says_what_is_open_held_left_and_why(world: MemoryWorld) -> None:
    drafts = [draft(world.content("main")[FILE], name, 20) for name in NAMES]
    run(world, *drafts)
    for expected in (
        "**Last run:** 2026-03-02 12:00 UTC, complete · 3 connections · 1 new and 2 changed syncs",
        "### Open (3 of 5)",
        "- #1 ant: size 20 instead of 1 · risk low, approval: team",
        "saves $12 ($10 … $20) a month, predicted",
        "### Held back (1)",
        "2 monitor, 1 live.",
        "| open | 3, promising $38 ($30 … $60) |",
        "| merged in the last 120 days | none |",
        "Why nothing else is proposed for 3 connections",
        "- 2: it is fine\n  (Ant, Bee)",
        "- 1: too little history\n  (Cat)",
    ):
        assert expected in text(world)
    assert world.dashboard is not None
    assert world.dashboard.title == TITLE


def test_what_is_held_back_is_listed_with_its_reason_and_reached_limits(
    world: MemoryWorld,
) -> None:
    world.dashboard = None
    drafts = [replace(draft(world.content("main")[FILE], name, 20), team="zoo") for name in NAMES]
    run(world, *drafts)
    assert "### Held back (2)" in text(world)
    assert "cat: size 20 instead of 1: **too many open for the team** (2 of zoo's are open" in text(
        world
    )
    assert "2 of one team (**reached** by zoo)" in text(world)


def test_a_run_that_finds_the_same_writes_nothing_though_its_times_differ(
    world: MemoryWorld,
) -> None:
    assert run(world, ant(world)) is not None
    world.now += timedelta(hours=6)
    assert run(world, ant(world)) is None


def test_it_is_written_once_a_day_all_the_same(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.now += timedelta(hours=23, minutes=50)
    assert run(world, ant(world)) is not None
    assert "2026-03-03 11:50 UTC" in text(world)


def test_it_is_written_when_anything_else_changes(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.merge(1)
    assert run(world, ant(world)) is not None
    assert "| merged in the last 120 days | 1, promising" in text(world)


def test_a_dashboard_that_people_closed_is_left_closed(world: MemoryWorld) -> None:
    run(world, ant(world))
    assert world.dashboard is not None
    world.dashboard = replace(world.dashboard, is_open=False)
    world.now += timedelta(days=3)
    assert run(world, ant(world, 30)) is None


def test_a_title_of_people_stays(world: MemoryWorld) -> None:
    world.dashboard = Issue(1000, "Our bot", "")
    run(world, ant(world))
    assert world.dashboard.title == "Our bot"


def test_a_run_that_failed_says_so_and_what_it_could_not_read(world: MemoryWorld) -> None:
    found = findings(
        world, complete=False, unread=("workspace @prod: 503",), failed=("#3: refused",)
    )
    board = dashboard(world.snapshot(), (), MANNERS, found)
    assert board is not None
    assert "not complete, so that nothing was changed" in board.body
    assert "- workspace @\u200bprod: 503" in board.body
    assert "**Refused by the forge; the next run tries again:**" in board.body


def test_a_tick_has_a_snoozed_change_proposed_again(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    run(world, ant(world))
    assert (
        "- [ ] <!-- trimtab:again:1:1772452800 --> ant: size 20 instead of 1: **snoozed**"
        in text(world)
    )
    assert world.tick(1)
    run(world, ant(world))
    assert [pull.number for pull in world.pulls.values()] == [1, 2]
    assert "trimtab:again" not in text(world)
    assert run(world, ant(world)) is None


def test_a_tick_is_remembered_until_there_is_room(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    run(world, ant(world))
    world.tick(1)
    full = replace(MANNERS, open_limit=0)
    circumstances = Circumstances(world.now, complete=True)
    planned = reconcile(world.snapshot(), [ant(world)], full, circumstances)
    assert [held.reason for held in planned.held] == [HeldReason.OPEN_LIMIT]
    board = dashboard(world.snapshot(), planned.held, full, findings(world))
    assert board is not None
    execute(world, board, world.base)
    assert ticked(text(world)) == frozenset()
    assert lifted(world.snapshot()) == {1}
    run(world, ant(world))
    assert 2 in world.pulls
    assert lifted(world.snapshot()) == frozenset()


def test_a_tick_counts_for_the_closing_that_its_box_was_drawn_for(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    run(world, ant(world))
    world.tick(1)
    world.reopen(1)
    world.now += timedelta(minutes=5)
    world.close(1)
    run(world, ant(world))
    assert list(world.pulls) == [1]


def test_a_tick_forgets_the_refusals_before_it_too(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.close(1)
    run(world, ant(world))
    world.tick(1)
    run(world, ant(world))
    world.close(2)
    run(world, ant(world))
    assert "trimtab:again:2" in text(world)
    world.tick(2)
    run(world, ant(world))
    assert 3 in world.pulls


def test_a_tick_lets_a_value_turn_round_once_more(world: MemoryWorld) -> None:
    for value in (20, 40, 20, 40, 20):
        run(world, ant(world, value))
    assert "**turned round too often**" in text(world)
    assert world.tick(1)
    run(world, ant(world, 20))
    assert b"ant = 20" in world.content("trimtab/ant/size")[FILE]
    assert lifted(world.snapshot()) == frozenset()


def test_what_people_work_on_is_listed_apart(world: MemoryWorld) -> None:
    run(world, ant(world))
    world.rewrite(1, "I know better.")
    run(world, ant(world))
    assert "### Left to people (1)" in text(world)
    assert "#1 ant: size 20 instead of 1: **somebody works on it**" in text(world)


def test_ten_thousand_connections_fit(world: MemoryWorld) -> None:
    quiet = [(f"connection number {n} of the fleet", f"reason {n % 700}") for n in range(10_000)]
    held = [
        Held(f"a change with a long title, the {n}th", HeldReason.NEW_LIMIT, "one run opens 3")
        for n in range(2_000)
    ]
    board = dashboard(world.snapshot(), held, MANNERS, findings(world, quiet))
    assert board is not None
    assert len(board.body) < BUDGET + 1_000
    assert "### Held back (2000)" in board.body
    assert "more; `trimtab plan` names them all" in board.body
    assert read_note(board.body) is not None


def test_hostile_names_are_harmless(world: MemoryWorld) -> None:
    name = "- [x] <!-- trimtab:again:7:0 --> @everyone </details> | <!-- trimtab:dashboard {} -->"
    held = [Held(name, HeldReason.SNOOZED, name, (), 3)]
    world.dashboard = Issue(1000, TITLE, "")
    board = dashboard(world.snapshot(), held, MANNERS, findings(world, [(name, name)]))
    assert board is not None
    assert ticked(board.body) == frozenset()
    assert "@everyone" not in board.body
    assert board.body.count("</details>") == 1
    assert read_note(board.body) is not None


def test_promises_that_are_no_numbers_count_for_nothing(world: MemoryWorld) -> None:
    change = ant(world).changes[0]
    for odd in (
        Interval("1", "NaN", "3", "USD/month"),
        Interval("1", "1E999999", "3", "USD/month"),
        Interval("1", "many", "3", "USD/month"),
        Interval("1", "2", "3", "seconds/sync"),
        Interval("1", "2", "3", "</td>/month"),
    ):
        changed = replace(change, prediction=Prediction(saving=odd))
        fresh = MemoryWorld({FILE: content(dict.fromkeys(NAMES, 1))})
        run(fresh, replace(ant(world), changes=(changed,)))
        assert "| open | 1, promising nothing in money |" in text(fresh)


def test_currencies_are_not_added_together(world: MemoryWorld) -> None:
    euro = ant(world)
    prediction = Prediction(saving=Interval("1", "20", "30", "EUR/month"))
    euro = replace(euro, changes=(replace(euro.changes[0], prediction=prediction),))
    run(world, euro, draft(world.content("main")[FILE], "bee", 20))
    assert "promising 20 EUR (1.00 EUR … 30 EUR) and $12 ($10 … $20)" in text(world)


def test_reviews_are_shown(world: MemoryWorld) -> None:
    execute(world, OpenPull(ant(world)), world.base)
    world.pulls[1] = replace(world.pulls[1], review=Review.APPROVED, url="https://forge/1")
    board = dashboard(world.snapshot(), (), MANNERS, findings(world))
    assert board is not None
    assert "[ant: size 20 instead of 1](https://forge/1)" in board.body
    assert "· approved ·" in board.body


@pytest.mark.parametrize(
    "body", ["", "<!-- trimtab:dashboard {} -->", "<!-- trimtab:dashboard [ -->"]
)
def test_a_dashboard_that_cannot_be_read_lifts_nothing(world: MemoryWorld, body: str) -> None:
    assert read_note(body) is None
    world.dashboard = Issue(1000, TITLE, body)
    assert lifted(world.snapshot()) == frozenset()


def test_a_note_is_read_back_as_it_was_written() -> None:
    note = Note(datetime(2026, 3, 1, tzinfo=UTC), "sha256:1", ((1, 7),))
    assert read_note(f"Text.\n{write_note(note)}\n") == note


def test_only_boxes_that_are_there_can_be_ticked() -> None:
    assert tick("- [ ] <!-- trimtab:again:12:7 --> x", 1) is None


def test_closing_by_trimtab_offers_no_box(world: MemoryWorld) -> None:
    run(world, ant(world))
    gone = {ant(world).changes[0].target: Obsolete(CloseReason.POLICY_DENIES, "denied")}
    circumstances = Circumstances(world.now, complete=True, obsolete=gone)
    planned = reconcile(world.snapshot(), [], MANNERS, circumstances)
    carry_out(world, planned.operations, world.base)
    run(world)
    assert "trimtab:again" not in text(world)
