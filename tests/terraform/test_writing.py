import os
from pathlib import Path

import pytest

from bot.domain.edit import Edit
from bot.domain.errors import TerraformError
from bot.terraform.index import Index, index
from bot.terraform.root import open_root
from bot.terraform.verify import Change, set_values
from bot.terraform.writing import write

OLD, NEW = "0 0 * * * ? UTC", "0 15 3 * * ? UTC"
ROOT = """resource "airbyte_connection" "{name}" {{
  schedule = {{ schedule_type = "cron", cron_expression = "{cron}" }}
}}
"""


def edited(root: Path, *names: str) -> tuple[Index, list[Edit]]:
    known = index(open_root(root))
    changes = [Change(f"airbyte_connection.{n}", "schedule.cron_expression", NEW) for n in names]
    found = set_values(known, changes)
    assert all(isinstance(one, Edit) for one in found), found
    return known, [one for one in found if isinstance(one, Edit)]


def test_permissions_stay(tmp_path: Path) -> None:
    file = tmp_path / "main.tf"
    file.write_text(ROOT.format(name="c", cron=OLD))
    file.chmod(0o640)
    known, edits = edited(tmp_path, "c")
    assert write(known, edits) == [file]
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.read_text() == ROOT.format(name="c", cron=NEW)
    assert list(tmp_path.iterdir()) == [file]


def test_a_symbolic_link_stays_and_its_target_changes(tmp_path: Path) -> None:
    target = tmp_path / "shared" / "c.tf"
    target.parent.mkdir()
    target.write_text(ROOT.format(name="c", cron=OLD))
    root = tmp_path / "root"
    root.mkdir()
    (root / "c.tf").symlink_to("../shared/c.tf")
    known, edits = edited(root, "c")
    write(known, edits)
    assert (root / "c.tf").is_symlink()
    assert target.read_text() == ROOT.format(name="c", cron=NEW)


def test_several_edits_of_one_file_go_in_together(tmp_path: Path) -> None:
    file = tmp_path / "main.tf"
    file.write_text("".join(ROOT.format(name=name, cron=OLD) for name in "abc"))
    known, edits = edited(tmp_path, "c", "a")
    write(known, edits)
    crons = {"a": NEW, "b": OLD, "c": NEW}
    assert file.read_text() == "".join(ROOT.format(name=n, cron=c) for n, c in crons.items())


@pytest.mark.parametrize("change", ["edit", "new", "gone", "variables"])
def test_a_root_that_changed_meanwhile_is_refused(tmp_path: Path, change: str) -> None:
    file, other = tmp_path / "main.tf", tmp_path / "other.tf"
    file.write_text(ROOT.format(name="c", cron=OLD))
    other.write_text(ROOT.format(name="d", cron=OLD))
    known, edits = edited(tmp_path, "c")
    if change == "edit":
        other.write_text(ROOT.format(name="d", cron=NEW))
    elif change == "new":
        (tmp_path / "late.tf").write_text(ROOT.format(name="e", cron=OLD))
    elif change == "variables":
        (tmp_path / "late.auto.tfvars").write_text('x = "y"\n')
    else:
        other.unlink()
    with pytest.raises(TerraformError, match=r"changed|new"):
        write(known, edits)
    assert file.read_text() == ROOT.format(name="c", cron=OLD)


def test_nothing_is_written_when_one_file_of_two_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        (tmp_path / f"{name}.tf").write_text(ROOT.format(name=name, cron=OLD))
    known, edits = edited(tmp_path, "a", "b")
    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", "b.tf")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TerraformError, match="No space left"):
        write(known, edits)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tf", "b.tf"]
    for name in "ab":
        assert (tmp_path / f"{name}.tf").read_text() == ROOT.format(name=name, cron=OLD)
