from typing import Annotated, Literal

import pytest
from pydantic import Field

from bot.documents.document import parse_document
from bot.documents.validation import Finding, Strict, check, validate
from bot.domain.errors import ConfigError


class Circle(Strict):
    kind: Literal["circle"]
    radius: int = Field(gt=0)


class Square(Strict):
    kind: Literal["square"]
    side_length: int


class Drawing(Strict):
    title: str
    colour: Literal["red", "green"] = "red"
    shapes: list[Annotated[Circle | Square, Field(discriminator="kind")]] = Field(
        default_factory=list
    )


def findings(text: str) -> list[str]:
    result = check(Drawing, parse_document(text, "d.yaml"))
    assert isinstance(result, list)
    return [str(finding) for finding in result]


def test_a_good_document_becomes_the_model() -> None:
    drawing = validate(
        Drawing, parse_document("title: x\nshapes: [{kind: circle, radius: 2}]", "d")
    )
    assert drawing.shapes == [Circle(kind="circle", radius=2)]


def test_an_unknown_key_points_at_the_key_and_at_the_nearest_spelling() -> None:
    assert findings("title: x\nshaps: []\n") == [
        "d.yaml:2:1: unknown key 'shaps'; did you mean 'shapes'?"
    ]


def test_an_unknown_key_inside_a_union_member_is_found() -> None:
    assert findings(
        "title: x\nshapes:\n  - kind: square\n    side_length: 1\n    side_lenght: 2\n"
    ) == ["d.yaml:5:5: unknown key 'shapes.0.side_lenght'; did you mean 'side_length'?"]


def test_a_key_with_no_near_spelling_lists_the_known_ones() -> None:
    assert findings("title: x\nzzz: 1\n") == [
        "d.yaml:2:1: unknown key 'zzz'; known are colour, shapes, title"
    ]


def test_a_missing_key_is_named_in_full() -> None:
    assert findings("shapes: [{kind: circle}]\n") == [
        "d.yaml:1:1: title is missing",
        "d.yaml:1:10: shapes.0.radius is missing",
    ]


def test_a_wrong_choice_names_the_nearest() -> None:
    assert findings("title: x\ncolour: greeen\n") == [
        "d.yaml:2:9: colour: unknown value 'greeen'; did you mean 'green'?"
    ]


def test_a_wrong_type_says_what_was_wanted() -> None:
    (finding,) = findings("title: x\nshapes: [{kind: circle, radius: big}]\n")
    assert finding.startswith("d.yaml:2:33: shapes.0.radius: should be a valid integer")


def test_a_bound_is_stated() -> None:
    assert findings("title: x\nshapes: [{kind: circle, radius: 0}]\n") == [
        "d.yaml:2:33: shapes.0.radius: should be greater than 0"
    ]


def test_a_wrong_tag_of_a_union_is_a_finding_too() -> None:
    (finding,) = findings("title: x\nshapes: [{kind: oval}]\n")
    assert finding.startswith("d.yaml:2:10: shapes.0: ")


@pytest.mark.parametrize("text", ["- 1\n", "words\n", "3\n"])
def test_a_document_that_is_no_mapping_says_so(text: str) -> None:
    assert check(Drawing, parse_document(text, "d.yaml")) == [
        Finding("d.yaml:1:1", f"expected a mapping, found {KIND[text]}")
    ]


KIND = {"- 1\n": "a list", "words\n": "text", "3\n": "a single value"}


def test_all_findings_are_raised_together_in_the_order_of_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Drawing, parse_document("nope: 1\ncolour: blue\n", "d.yaml"))
    lines = caught.value.message.splitlines()
    assert [line.split(": ")[-1] for line in lines] == [
        "title is missing",
        "unknown key 'nope'; known are colour, shapes, title",
        "unknown value 'blue'; known are red, green",
    ]
