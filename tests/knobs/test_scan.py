import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InputError
from bot.domain.knob import KnobKind
from bot.knobs.catalogue import load
from bot.knobs.rows import Row, read, write
from bot.knobs.scan import Scan, scan

LINK = "https://docs.airbyte.com/integrations/sources/widget"


def scanned(tmp_path: Path, properties: dict[str, Any]) -> Scan:
    file = tmp_path / "spec.json"
    schema = {"type": "object", "properties": properties}
    document = {"spec": {"documentationUrl": LINK, "connectionSpecification": schema}}
    file.write_text(json.dumps(document))
    return scan(file)


def test_tuning_options_are_found_with_their_bounds(tmp_path: Path) -> None:
    found = scanned(
        tmp_path,
        {
            "host": {"type": "string"},
            "num_workers": {
                "type": "integer",
                "default": 3,
                "minimum": 1,
                "exclusiveMaximum": 10,
                "description": "How many <b>workers</b>. And more.",
            },
        },
    )
    assert found.connector == "source-widget"
    (row,) = found.rows
    assert (row.path, row.kind, row.min, row.max) == ("num_workers", KnobKind.PARALLELISM, 1, 9)
    assert row.effect == "How many workers"
    assert row.provenance == "specification spec.json"


def test_an_option_inside_a_variant_has_a_path_in_both_provider_generations(tmp_path: Path) -> None:
    found = scanned(
        tmp_path,
        {
            "replication_method": {
                "oneOf": [
                    {"title": "Standard", "properties": {"method": {"const": "STANDARD"}}},
                    {
                        "title": "Read Changes using Write-Ahead Log (CDC)",
                        "properties": {
                            "method": {"enum": ["CDC"]},
                            "queue_size": {"type": "integer", "default": 10000},
                        },
                    },
                ]
            }
        },
    )
    (row,) = found.rows
    known = load().find("source-postgres", "replication_method.queue_size")
    assert known is not None
    assert (row.path, row.typed_path, row.requires) == (
        known.path,
        known.typed_path,
        known.requires,
    )


@pytest.mark.parametrize(
    ("name", "schema", "reason"),
    [
        ("lookback_window", {"type": "integer"}, "late rows"),
        ("chunk_size", {"type": "integer"}, "chunking"),
        ("limit", {"type": "integer", "description": "How many"}, "might cap"),
        ("time_step", {"type": "string", "default": "P1M"}, "whole days"),
        ("page_size", {"type": "integer", "airbyte_hidden": True}, "hidden"),
        ("page_size", {"type": "array", "items": {}}, "step by step"),
    ],
)
def test_what_looks_like_tuning_but_is_not_is_left_out_with_a_reason(
    name: str, schema: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    found = scanned(tmp_path, {name: schema})
    assert found.rows == []
    ((path, said),) = found.left_out
    assert path == name
    assert reason in said


def test_a_limit_of_a_page_is_a_batch_size_and_a_batch_of_days_a_window(tmp_path: Path) -> None:
    found = scanned(
        tmp_path,
        {
            "limit": {"type": "string", "default": "50", "description": "Records per page"},
            "batch_size": {"type": "integer", "description": "Number of days in one request"},
        },
    )
    assert {row.path: row.kind for row in found.rows} == {
        "limit": KnobKind.BATCH_SIZE,
        "batch_size": KnobKind.WINDOW,
    }


def test_the_rules_of_the_scan_agree_with_the_catalogue_for_every_knob(tmp_path: Path) -> None:
    for number, knob in enumerate(load()):
        leaf = knob.path.rpartition(".")[2]
        schema = {"type": knob.type, "description": knob.effect, "default": knob.default}
        found = scanned(tmp_path, {f"{leaf}": schema})
        kinds = [row.kind for row in found.rows]
        assert kinds == [knob.kind], f"{number}: {knob.connector} {knob.path}"


def test_rows_written_by_the_scan_are_read_back_as_they_were(tmp_path: Path) -> None:
    found = scanned(
        tmp_path, {"page_size": {"type": "integer", "default": 5, "enum": [5, 10], "maximum": 10}}
    )
    (row,) = found.rows
    assert read(write(row), "x") == [row]


@pytest.mark.parametrize("wrap", ["bare", "api", "message"])
def test_every_form_in_which_a_specification_travels_is_read(wrap: str, tmp_path: Path) -> None:
    schema = {"properties": {"concurrency": {"type": "integer"}}}
    forms: dict[str, Any] = {
        "bare": schema,
        "api": {"connectionSpecification": schema},
        "message": {"type": "SPEC", "spec": {"connectionSpecification": schema}},
    }
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(forms[wrap]))
    assert [row.connector for row in scan(file, "source-own").rows] == ["source-own"]
    with pytest.raises(InputError, match="which connector"):
        scan(file)
    with pytest.raises(InputError, match="source or a destination"):
        scan(file, "own")


@pytest.mark.parametrize("text", ["", "[]", "{", "7", '{"spec": 3}', "[" * 100_000])
def test_a_file_that_is_no_specification_is_refused_in_one_sentence(
    text: str, tmp_path: Path
) -> None:
    file = tmp_path / "spec.json"
    file.write_text(text)
    with pytest.raises(InputError):
        scan(file, "source-own")


def test_an_option_that_several_variants_have_is_one_row_with_what_they_share(
    tmp_path: Path,
) -> None:
    size = {"queue_size": {"type": "integer"}}
    variants = [
        {"title": kind, "properties": {**size, "method": {"const": kind}, "v": {"const": "1"}}}
        for kind in ("CDC", "XMIN")
    ]
    found = scanned(tmp_path, {"method": {"oneOf": variants}})
    (row,) = found.rows
    assert (row.path, row.typed_path, row.requires) == (
        "method.queue_size",
        None,
        {"method.v": "1"},
    )


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("page size num_workers", {}),
        ("num_workers", {"enum": [None, {}]}),
        ("num_workers", {"pattern": 3}),
        ("num_workers", {"minimum": 5, "maximum": 2}),
    ],
)
def test_an_option_that_no_row_can_hold_is_left_out(
    name: str, more: dict[str, Any], tmp_path: Path
) -> None:
    found = scanned(tmp_path, {name: {"type": "integer", **more}})
    assert found.rows == []
    assert [path for path, _ in found.left_out] in ([name], [])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.fixed_dictionaries(
            {"type": st.just("integer")}, optional={"enum": inner, "minimum": inner}
        )
        | st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("properties", "oneOf", "title", "type", "default", "enum", "const"),
                    *("num_workers", "odd name num_workers", "minimum", "maximum", "pattern"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(json_values)
def test_no_specification_makes_the_scan_stumble(tmp_path_factory: Any, document: object) -> None:
    file = tmp_path_factory.mktemp("scan") / "spec.json"
    file.write_text(json.dumps({"properties": document}))
    try:
        found = scan(file, "source-own")
    except InputError:
        return
    assert all(isinstance(row, Row) for row in found.rows)
