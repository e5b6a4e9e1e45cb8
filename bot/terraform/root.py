"""Roots: a folder that Terraform is run in, with the variable files it is run with."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import InputError
from bot.terraform.document import Document, Language, read_document

SKIPPED_FOLDERS = {".terraform", ".terragrunt-cache", ".git", "node_modules"}


@dataclass(frozen=True, slots=True)
class Root:
    """Where Terraform runs; `var_files` are given by hand, the last one wins (`-var-file`)."""

    path: Path
    var_files: tuple[Path, ...] = ()

    def name(self, path: Path) -> str:
        """Return how a file is called: relative to the root, with `/`."""
        return Path(_relative(path, self.path)).as_posix()


def open_root(path: Path, var_files: Sequence[str] = ()) -> Root:
    """Check that a folder is a root, and find its variable files.

    A relative variable file is looked for in the root first, then in the working directory.

    Raises:
        InputError: when the folder holds no configuration, or a variable file is missing.
    """
    folder = Path(path).absolute()
    if not folder.is_dir():
        raise InputError(f"{path} is not a folder", "Give the folder that you run terraform in.")
    if not any(configuration_files(folder)):
        beneath = [child.relative_to(folder).as_posix() for child in find_roots(folder)]
        some = ", ".join(beneath[:5]) + (", …" if len(beneath) > 5 else "")  # noqa: PLR2004
        hint = f"Roots beneath it: {some}." if beneath else "Give a folder with .tf files."
        raise InputError(f"{path} holds no Terraform files", hint)
    return Root(folder, tuple(_var_file(folder, name) for name in var_files))


def find_roots(top: Path) -> list[Path]:
    """List the folders beneath `top` that hold configuration, sorted."""
    return [
        folder for folder in _folders(top) if folder != top and any(configuration_files(folder))
    ]


def configuration_files(folder: Path) -> Iterator[Path]:
    """List the files that Terraform loads from a folder, in its order."""
    for path in sorted(folder.iterdir()):
        name = path.name
        ignored = name.startswith((".", "#")) or name.endswith("~")
        if not ignored and name.endswith((".tf", ".tf.json")) and path.is_file():
            yield path


def is_override(path: Path) -> bool:
    """Tell whether Terraform merges this file over the others."""
    stem = path.name.removesuffix(".json").removesuffix(".tf")
    return stem == "override" or stem.endswith("_override")


def variable_files(root: Root) -> list[Path]:
    """List the variable files of a root; a later one wins over an earlier one.

    Source: https://developer.hashicorp.com/terraform/language/values/variables, "Variable
    Definition Precedence". Environment variables are outside the repository and not looked at.
    """
    fixed = [root.path / name for name in ("terraform.tfvars", "terraform.tfvars.json")]
    automatic = sorted(
        path
        for path in root.path.iterdir()
        if path.name.endswith((".auto.tfvars", ".auto.tfvars.json"))
    )
    found = [path for path in (*fixed, *automatic) if path.is_file()]
    return [*(path for path in found if path not in root.var_files), *root.var_files]


def unused_variable_files(root: Root) -> list[Path]:
    """List variable files in and beneath the root that nobody has asked for."""
    used = set(variable_files(root))
    return [
        path
        for folder in _folders(root.path)
        for path in sorted(folder.iterdir())
        if path.name.endswith((".tfvars", ".tfvars.json")) and path not in used
    ]


def read(root: Root, path: Path) -> Document:
    """Read one file of a root; its ending says in which language it is.

    Raises:
        TerraformError: when it cannot be read.
    """
    name = path.name.lower()
    if name.endswith(".tf.json"):
        language = Language.HCL_JSON
    elif name.endswith(".json"):
        language = Language.JSON
    elif name.endswith((".yaml", ".yml")):
        language = Language.YAML
    else:
        language = Language.HCL
    return read_document(path, root.name(path), language)


def normal(path: Path) -> Path:
    """Fold `..` by name, as Terraform does, and leave symbolic links alone."""
    return Path(os.path.normpath(path))


def _relative(path: Path, start: Path) -> str:
    return os.path.relpath(path, start)


def _var_file(folder: Path, name: str) -> Path:
    given = Path(name)
    for candidate in (folder / given, given.absolute()):
        if candidate.is_file():
            return normal(candidate)
    raise InputError(f"there is no variable file {name}", f"It is looked for in {folder}.")


def _folders(top: Path) -> Iterator[Path]:
    for here, names, _files in os.walk(top):
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS)
        yield Path(here)
