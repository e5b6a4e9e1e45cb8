"""`trimtab terraform`: what a root holds, where a value is set, and a proven edit of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.domain.errors import ExitCode, InputError

if TYPE_CHECKING:
    from bot.domain.edit import Edit, Refusal, Site


def _readable(_context: click.Context, parameter: click.Parameter, text: str) -> str:
    """Refuse bytes that are not UTF-8: they can be in no file that Terraform reads."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{parameter.human_readable_name} is not valid UTF-8", "Give it as UTF-8 text."
        ) from error
    return text


_root = click.argument("root", type=click.Path(path_type=Path))
_output = click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
_var_file = click.option(
    "--var-file",
    "var_files",
    multiple=True,
    metavar="F",
    help="As terraform's -var-file, relative to ROOT; the last one wins.",
)


@click.group("terraform")
def command() -> None:
    """Find the literal behind a value in a Terraform root, and change it with a proof.

    ROOT is the folder that terraform is run in.
    """


@command.command("index")
@_root
@_var_file
@_output
def list_resources(root: Path, var_files: tuple[str, ...], output: str) -> None:
    """List the connections, sources, destinations and warehouses of ROOT, evaluated."""
    from bot.terraform.index import index
    from bot.terraform.inventory import inventory
    from bot.terraform.root import open_root

    rows = inventory(index(open_root(root, var_files)))
    if output == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows["resources"]:
        click.echo(f"{row['address']}  {row['file']}:{row['line']}")


@command.command("locate")
@_root
@click.argument("address", callback=_readable)
@click.argument("path", callback=_readable)
@_var_file
@_output
def find(root: Path, address: str, path: str, var_files: tuple[str, ...], output: str) -> int:
    """Find the one literal that decides PATH of ADDRESS, or say why there is none."""
    from bot.domain.edit import Refusal
    from bot.terraform.index import index
    from bot.terraform.locate import locate
    from bot.terraform.root import open_root

    found = locate(index(open_root(root, var_files)), address, path)
    if isinstance(found, Refusal):
        return _refuse(found, output)
    if output == "json":
        click.echo(json.dumps(_place(found), ensure_ascii=False))
    else:
        click.echo(f"{found.file}:{found.line}  {found.literal}")
        for name in found.trail:
            click.echo(f"  {name}")
    return ExitCode.OK


@command.command("set")
@_root
@click.argument("address", callback=_readable)
@click.argument("path", callback=_readable)
@click.argument("value", callback=_readable)
@_var_file
@click.option("--write", "writes", is_flag=True, help="Change the file; otherwise nothing changes.")
@_output
def change(
    root: Path,
    address: str,
    path: str,
    value: str,
    var_files: tuple[str, ...],
    writes: bool,
    output: str,
) -> int:
    """Give PATH of ADDRESS the value VALUE, and prove that nothing else changes."""
    from bot.domain.edit import Refusal
    from bot.terraform.index import index
    from bot.terraform.root import open_root
    from bot.terraform.verify import Change, set_value
    from bot.terraform.writing import write

    known = index(open_root(root, var_files))
    found = set_value(known, Change(address, path, value, by_hand=True))
    if isinstance(found, Refusal):
        return _refuse(found, output)
    if writes:
        write(known, [found])
    if output == "json":
        click.echo(json.dumps(_edit(found), ensure_ascii=False))
    else:
        click.echo(found.diff or f"{found.site.file}:{found.site.line} is so already\n", nl=False)
        if found.stale_comment:
            click.echo(f"The comment on that line may be stale: {found.stale_comment}", err=True)
    return ExitCode.OK


def _place(site: "Site") -> dict[str, Any]:
    return {
        "file": site.file,
        "line": site.line,
        "before": site.value,
        "trail": list(site.trail),
    }


def _edit(edit: "Edit") -> dict[str, Any]:
    place = _place(edit.site)
    trail = place.pop("trail")
    row = {**place, "after": edit.after, "trail": trail, "diff": edit.diff}
    if edit.stale_comment:
        row["stale_comment"] = edit.stale_comment
    return row


def _refuse(refusal: "Refusal", output: str) -> int:
    row = {
        "reason": refusal.reason.value,
        "detail": refusal.detail,
        "file": refusal.file,
        "line": refusal.line,
        "snippet": refusal.snippet,
    }
    if output == "json":
        click.echo(json.dumps({"refused": row}, ensure_ascii=False))
    else:
        place = f"{refusal.file}:{refusal.line}: " if refusal.file else ""
        click.echo(f"refused ({refusal.reason.value}): {place}{refusal.detail}", err=True)
        if refusal.snippet:
            click.echo(f"To do it by hand:\n{refusal.snippet}", err=True)
    return ExitCode.EXPECTED_ERROR
