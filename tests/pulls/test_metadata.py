import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pulls.change import Interval, Prediction, SettingChange
from bot.pulls.digest import digest
from bot.pulls.draft import Draft
from bot.pulls.metadata import (
    CloseReason,
    Closing,
    Metadata,
    describe,
    join,
    split,
    text_digest,
)
from tests.pulls.worlds import content, draft

DRAFT = draft(content({"ant": 1}), "ant", 20)
NOTED = replace(
    describe(DRAFT),
    head="a" * 40,
    tree="b" * 40,
    base="c" * 40,
    flips=1,
    earlier=("sha256:1",),
    closed=Closing(CloseReason.SUPERSEDED, datetime(2026, 3, 1, tzinfo=UTC)),
    snooze_until=datetime(2026, 4, 1, tzinfo=UTC),
)

printable = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
changes = st.builds(
    SettingChange,
    connection=printable,
    setting=printable,
    before=printable,
    after=printable,
    file=printable,
    address=printable,
    path=printable,
    fingerprint=printable,
    donors=st.lists(printable, max_size=3).map(tuple),
    prediction=st.builds(
        Prediction, saving=st.builds(Interval, printable, printable, printable, printable)
    ),
)


def test_a_body_is_read_back_as_it_was_written() -> None:
    found = split(join("Why.\n", NOTED, "Above.\n", "\nBelow."))
    assert (found.above, found.ours, found.below) == ("Above.\n", "Why.", "\nBelow.")
    assert found.metadata == replace(NOTED, text=text_digest("Why."))
    assert not found.is_edited


@given(st.lists(changes, max_size=3).map(tuple))
def test_whatever_names_and_values_hold_the_block_stays_one_comment(
    carried: tuple[SettingChange, ...],
) -> None:
    body = join("Why.", replace(NOTED, changes=carried))
    block = body.rpartition("\n")[2]
    assert block.startswith("<!-- trimtab:v1 {")
    assert block.index("-->") == len(block) - 3
    assert not {"@", "#", "&"} & set(block)
    metadata = split(body).metadata
    assert metadata is not None
    assert metadata.changes == carried


def test_the_block_carries_what_later_parts_need() -> None:
    block = join("Why.", NOTED).rpartition("<!-- trimtab:v1 ")[2].removesuffix(" -->")
    noted = json.loads(block)
    (change,) = noted["changes"]
    assert change["prediction"]["saving"] == {
        "low": "10",
        "middle": "12.5",
        "high": "20",
        "unit": "USD/month",
    }
    assert change["donors"] == ["other"]
    assert {"evidence", "policies", "risk", "confidence", "approval", "head", "base"} < set(noted)


def test_line_ends_and_spaces_of_an_editor_are_no_edit() -> None:
    body = join("One.\n\n- [ ] two", NOTED)
    assert not split(body.replace("\n", "\r\n")).is_edited
    assert not split(body.replace("[ ]", "[x]")).is_edited
    assert split(body.replace("One", "1")).is_edited


@pytest.mark.parametrize(
    "body",
    [
        "",
        "I know better.",
        join("Why.", NOTED).replace("<!-- trimtab:begin -->", ""),
        join("Why.", NOTED).replace("trimtab:v1", "trimtab:v2"),
        join("Why.", NOTED) + join("Why.", NOTED),
        join("Why.", NOTED).replace('"head":"aaaa', '"head":"--upload-pack=evil '),
        join("Why.", NOTED).replace('"flips":1', '"flips":"many"'),
        join("Why.", NOTED).replace('{"id"', '{"id":'),
        "<!-- trimtab:begin -->\n<!-- trimtab:v1 {} -->",
        "<!-- trimtab:v1 {} -->\n<!-- trimtab:begin -->",
        "<!-- trimtab:begin -->\n<!-- trimtab:v1 " + '{"a":' * 3000 + " -->",
        join("Why.", NOTED).replace("2026-03-01T00:00:00Z", "2026-03-01T00:00:00"),
        join("Why.", NOTED).replace("superseded", "because"),
    ],
)
def test_what_cannot_be_read_for_certain_is_peoples(body: str) -> None:
    found = split(body)
    assert found.metadata is None
    assert found.ours == ""
    assert found.above == body.replace("\r\n", "\n")


@given(st.text(max_size=200))
def test_no_text_is_too_odd_to_be_split(body: str) -> None:
    assert split(f"<!-- trimtab:begin -->{body}<!-- trimtab:v1 {{{body}}} -->").metadata is None


def test_a_fingerprint_rests_on_identity_and_changes_alone() -> None:
    other = replace(DRAFT, title="x", body="y", risk="high", evidence="z")
    assert other.fingerprint == DRAFT.fingerprint
    assert other.promise == DRAFT.promise
    assert other.id == DRAFT.id
    assert replace(DRAFT, identity="x").fingerprint != DRAFT.fingerprint


def test_a_promise_rests_on_the_literals_alone() -> None:
    def promising(change: SettingChange) -> Draft:
        return replace(DRAFT, changes=(change,))

    (change,) = DRAFT.changes
    assert promising(replace(change, fingerprint="x", donors=())).promise == DRAFT.promise
    for other in (
        replace(change, after="21"),
        replace(change, before="2"),
        replace(change, file="b.tf"),
        replace(change, address="a.b"),
    ):
        assert promising(other).promise != DRAFT.promise


def test_texts_are_not_confused_when_they_are_cut_otherwise() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest() != digest("")


def test_metadata_of_a_draft_names_its_targets() -> None:
    noted: Metadata = describe(DRAFT)
    assert noted.targets == DRAFT.targets
    assert noted.connections == ("ant",)
