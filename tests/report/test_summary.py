from dataclasses import replace

from bot.report.summary import Entry, Fate, Summary, render

ENTRY = Entry(
    Fate.OPEN, "a: start at 7", "trimtab/a/schedule", "main.tf:3", "team approves (p.yaml:9)"
)


def summary(*entries: Entry, **more: tuple[tuple[str, str], ...]) -> Summary:
    withheld, quiet = more.get("withheld", ()), more.get("quiet", ())
    return Summary(1200, 3, 18, (), entries, withheld, quiet)


def test_the_first_line_has_the_totals() -> None:
    first = render(summary(ENTRY)).splitlines()[0]
    assert first == "18 connections · 1,200 new and 3 changed syncs · pull requests: 1 open"


def test_every_pull_request_says_where_it_edits_and_who_approves() -> None:
    assert render(summary(ENTRY)).endswith(
        "Pull requests\n"
        "  + a: start at 7\n"
        "      main.tf:3 · team approves (p.yaml:9) · trimtab/a/schedule"
    )


def test_one_that_stays_as_it_was_takes_one_line() -> None:
    assert render(summary(replace(ENTRY, fate=Fate.KEEP))).endswith("\n  = a: start at 7")


def test_hands_off_says_why() -> None:
    entry = Entry(Fate.HANDS_OFF, "t", "b", "w", "x", "somebody has pushed to its branch")
    assert "(somebody has pushed to its branch)" in render(summary(entry))


def test_a_reason_that_many_share_is_said_once() -> None:
    shown = render(summary(quiet=(("a", "alone"), ("b", "alone"), ("c", "no schedule"))))
    assert shown.endswith("Left as they are\n  2 connections: alone\n  c: no schedule")


def test_what_is_withheld_is_listed_with_its_reason() -> None:
    shown = render(summary(withheld=(("a", "policy says no"),)))
    assert "Recommended and not proposed\n  a: policy says no" in shown


def test_what_could_not_be_read_is_named() -> None:
    unread = Summary(0, 0, 1, ("workspace w: forbidden",), (), (), ())
    assert "Not read, so no pull request is touched\n  workspace w: forbidden" in render(unread)


def test_pending_means_that_something_would_be_written() -> None:
    assert summary(ENTRY).pending
    kept = Entry(Fate.KEEP, "t", "b", "w", "x")
    away = Entry(Fate.HANDS_OFF, "t", "b", "w", "x")
    assert not summary(kept, away).pending


def test_a_name_ends_no_line_and_steers_no_terminal() -> None:
    hostile = "a\n::error::x\x1b[2J"
    entry = replace(ENTRY, title=hostile, where=hostile)
    pairs = ((hostile, hostile),)
    shown = render(Summary(0, 0, 1, (hostile,), (entry,), pairs, pairs))
    assert not any(line.startswith("::") for line in shown.splitlines())
    assert "\x1b" not in shown
