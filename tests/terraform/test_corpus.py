import os
from pathlib import Path

import pytest

from bot.domain.edit import Edit, Refusal
from bot.terraform.index import index
from bot.terraform.root import open_root
from bot.terraform.verify import set_value
from bot.terraform.writing import write
from tests.terraform.cases import Case, cases

CASES = cases()
FOUND = [case for case in CASES if case.reason is None]
REFUSED = [case for case in CASES if case.reason is not None]


def contents(top: Path) -> dict[str, bytes]:
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_the_one_literal_moves_and_no_other_byte_and_a_second_run_does_nothing(
    case: Case, tmp_path: Path
) -> None:
    root = case.write(tmp_path)
    known = index(open_root(root, case.var_files))
    edit = set_value(known, case.change)
    assert isinstance(edit, Edit), edit
    assert contents(tmp_path) == case.files
    write(known, [edit])

    file, line = case.place
    assert (edit.site.file, edit.site.line) == (file, line)
    name = os.path.normpath(Path(case.root) / file)
    lines = case.files[name].split(b"\n")
    before, after = case.head["before"].encode(), case.head["after"].encode()
    assert lines[line - 1].count(before) == 1
    lines[line - 1] = lines[line - 1].replace(before, after)
    assert contents(tmp_path) == {**case.files, name: b"\n".join(lines)}
    assert (edit.stale_comment or "") == case.head.get("stale", "")

    known = index(open_root(root, case.var_files))
    again = set_value(known, case.change)
    assert isinstance(again, Edit), again
    assert (again.diff, write(known, [again])) == ("", [])


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_cannot_be_proven_is_refused_with_the_place_and_a_snippet(
    case: Case, tmp_path: Path
) -> None:
    root = case.write(tmp_path)
    known = index(open_root(root, case.var_files))
    refusal = set_value(known, case.change)
    assert isinstance(refusal, Refusal), refusal
    assert (refusal.reason.value, (refusal.file, refusal.line)) == (case.reason, case.place), (
        refusal
    )
    assert refusal.snippet
    assert case.head.get("detail", "") in refusal.detail
    assert contents(tmp_path) == case.files
