"""Shadows: a throw-away copy of a root in which an edit can be tried.

Only folders that hold a file with other content are made; everything else is a symbolic link.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def shadow(folders: set[Path], replaced: Mapping[Path, bytes]) -> Iterator[dict[Path, Path]]:
    """Mirror `folders` with some files replaced; yields where each folder now is.

    Relative paths between the folders keep their meaning. The copy is readable by its owner
    only and is gone when the block ends.
    """
    needed = {*folders, *(path.parent for path in replaced)}
    top = Path(os.path.commonpath(needed))
    real = {top}
    for folder in needed:
        while folder != top:
            real.add(folder)
            folder = folder.parent  # noqa: PLW2901  climbing to the top
    with tempfile.TemporaryDirectory(prefix="trimtab-") as made:
        base = Path(made) / "root"
        for folder in sorted(real):
            copy = base / folder.relative_to(top)
            copy.mkdir(parents=True)
            for entry in os.scandir(folder):
                path = folder / entry.name
                if path not in real and path not in replaced and not _is_passed_over(entry):
                    (copy / entry.name).symlink_to(path)
        for path, content in replaced.items():
            (base / path.parent.relative_to(top) / path.name).write_bytes(content)
        yield {folder: base / folder.relative_to(top) for folder in real}


def _is_passed_over(entry: os.DirEntry[str]) -> bool:
    """Tell what Terraform does not load for all its name: a lock of an editor, a folder `x.tf`."""
    is_named = entry.name.endswith((".tf", ".tf.json"))
    return is_named and (entry.name.startswith(".") or entry.is_dir())
