"""Random roots: an edit, evaluated, is the evaluation with the one value set."""

import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.domain.edit import Edit, Refusal
from bot.terraform.evaluation import evaluate
from bot.terraform.index import index
from bot.terraform.root import open_root
from bot.terraform.verify import Change, set_value, set_values
from bot.terraform.writing import write

ENDINGS = ["\n", "\r\n"]
MODEST = settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking costs minutes here
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Fleet:
    """A root, and for each connection the address and its cron."""

    files: dict[str, bytes]
    crons: dict[str, str]

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as made:
            for name, data in self.files.items():
                path = Path(made) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            yield Path(made)


@st.composite
def crons(draw: st.DrawFn) -> str:
    minute = draw(st.integers(0, 59))
    hour = draw(st.one_of(st.just("*"), st.integers(0, 23).map(str)))
    return f"0 {minute} {hour} * * ? UTC"


keys = st.text("abcdefghij_-. äß", min_size=1, max_size=6).filter(lambda k: k.strip() == k)


class Style:
    """How a root is written: spaces, comments, quotes, line endings."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.gap = draw(st.sampled_from(["", " ", "  ", "\t"]))
        self.indent = draw(st.sampled_from(["  ", "\t", "    ", ""]))
        self.one_line = draw(st.booleans())
        self.comment = draw(st.sampled_from(["", " # hourly", ' // ${x} "y"', " /* { */"]))
        self.ending = draw(st.sampled_from(ENDINGS))
        self.bom = draw(st.booleans())
        self.final = draw(st.booleans())
        self.separator = draw(st.sampled_from(["=", ":"]))

    def object(self, pairs: list[tuple[str, str]], depth: int = 1) -> str:
        sign = self.gap + self.separator + self.gap
        if self.one_line:
            return "{ " + ", ".join(f"{name}{sign}{value}" for name, value in pairs) + " }"
        rows = [f"{self.indent * depth}{name}{sign}{value}{self.comment}" for name, value in pairs]
        return "{\n" + "\n".join(rows) + "\n" + self.indent * (depth - 1) + "}"

    def encode(self, name: str, text: str) -> bytes:
        text = text.rstrip("\n") + ("\n" if self.final else "")
        data = text.replace("\n", self.ending).encode()
        # Terraform skips a byte order mark in its own files, not in what jsondecode() reads.
        is_own = name.endswith((".tf", ".tfvars"))
        return b"\xef\xbb\xbf" + data if self.bom and is_own else data


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def resource(style: Style, name: str, cron: str, extra: str = "") -> str:
    schedule = style.object([("schedule_type", '"cron"'), ("cron_expression", cron)], 2)
    return (
        f'resource "airbyte_connection" "{name}" {{\n{extra}'
        f'  name = "{name}"\n  schedule = {schedule}\n}}\n'
    )


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Draw a root in one of the layouts that people use, each connection with its own literal."""
    style = Style(draw)
    table = draw(st.dictionaries(keys, crons(), min_size=1, max_size=4))
    layout = draw(
        st.sampled_from(["literal", "locals", "tfvars", "list", "module", "yaml", "json", "count"])
    )
    address = {key: f'airbyte_connection.c["{key}"]' for key in table}
    rows = [(quoted(key), style.object([("cron", quoted(cron))], 3)) for key, cron in table.items()]
    body = style.object(rows, 2)
    each = "  for_each = {source}\n"
    if layout == "literal":
        names = {key: f"c{i}" for i, key in enumerate(table)}
        text = "\n".join(resource(style, names[k], quoted(c)) for k, c in table.items())
        files = {"main.tf": text}
        address = {key: f"airbyte_connection.{names[key]}" for key in table}
    elif layout == "locals":
        main = resource(style, "c", "each.value.cron", each.format(source="local.conns"))
        files = {"main.tf": f"locals {{\n  conns = {body}\n}}\n{main}"}
    elif layout == "tfvars":
        main = resource(style, "c", "each.value.cron", each.format(source="var.conns"))
        files = {
            "main.tf": f'variable "conns" {{}}\n{main}',
            "terraform.tfvars": f"conns = {body}\n",
        }
    elif layout == "list":
        items = ",\n".join(
            style.object([("name", quoted(k)), ("cron", quoted(c))], 2) for k, c in table.items()
        )
        source = "{ for c in local.conns : c.name => c }"
        main = resource(style, "c", "each.value.cron", each.format(source=source))
        files = {"main.tf": f"{main}\nlocals {{\n  conns = [\n{items},\n  ]\n}}\n"}
    elif layout == "module":
        child = resource(style, "c", "each.value.cron", each.format(source="var.conns"))
        files = {
            "main.tf": f'module "m" {{\n  source = "./m"\n  conns = {body}\n}}\n',
            "m/main.tf": f'variable "conns" {{}}\n{child}',
        }
        address = {key: f"module.m.{one}" for key, one in address.items()}
    elif layout == "count":
        items = ",\n".join(quoted(cron) for cron in table.values())
        main = resource(style, "c", "local.crons[count.index]", f"  count = {len(table)}\n")
        files = {"main.tf": f"{main}\nlocals {{\n  crons = [\n{items}\n  ]\n}}\n"}
        address = {key: f"airbyte_connection.c[{i}]" for i, key in enumerate(table)}
    else:
        source = f'{layout}decode(file("${{path.module}}/conns.{layout}"))'
        main = resource(style, "c", "each.value.cron", each.format(source=source))
        pairs = [f'  {quoted(k)}: {{"cron": {quoted(c)}}}' for k, c in table.items()]
        data = "{\n" + ",\n".join(pairs) + "\n}\n"
        if layout == "yaml":
            data = "".join(f"{quoted(k)}: # a\n  cron: {quoted(c)}\n" for k, c in table.items())
        files = {"main.tf": main, f"conns.{layout}": data}
    encoded = {name: style.encode(name, text) for name, text in files.items()}
    return Fleet(encoded, {address[key]: cron for key, cron in table.items()})


def values_of(root: Path) -> dict[str, Any]:
    return copy.deepcopy(dict(evaluate(index(open_root(root)).configuration).blocks))


@MODEST
@given(fleets(), crons(), st.data())
def test_editing_then_evaluating_is_evaluating_then_setting(
    fleet: Fleet, new: str, data: st.DataObject
) -> None:
    address = data.draw(st.sampled_from(sorted(fleet.crons)))
    with fleet.on_disk() as root:
        before = values_of(root)
        known = index(open_root(root))
        edit = set_value(known, Change(address, "schedule.cron_expression", new))
        if isinstance(edit, Refusal):
            # Aligned comments are the one thing a drawn root can have against an edit.
            assert "aligned" in edit.detail, edit
            return
        assert edit.site.value == fleet.crons[address]
        write(known, [edit])
        expected = before
        expected[address]["schedule"]["cron_expression"] = new
        assert values_of(root) == expected
        for name, old in fleet.files.items():
            now = (root / name).read_bytes()
            if name != edit.site.file:
                assert now == old
                continue
            start, end = edit.site.start, edit.site.end
            assert now[:start] == old[:start]
            assert now[start + len(edit.after_literal.encode()) :] == old[end:]


@MODEST
@given(fleets(), crons())
def test_many_edits_at_once_are_the_edits_one_by_one(fleet: Fleet, new: str) -> None:
    path = "schedule.cron_expression"
    changes = [Change(address, path, new) for address in fleet.crons]
    with fleet.on_disk() as root:
        known = index(open_root(root))
        together = set_values(known, changes)
        apart = [set_value(index(open_root(root)), change) for change in changes]
        assert together == apart
        edits = [one for one in together if isinstance(one, Edit)]
        write(known, edits)
        after = values_of(root)
        for edit in edits:
            assert after[edit.address]["schedule"]["cron_expression"] == new


@MODEST
@given(st.integers(2, 4), crons(), crons(), st.sampled_from(["local", "var", "module", "count"]))
def test_what_feeds_several_connections_is_refused(
    several: int, old: str, new: str, layout: str
) -> None:
    block = (
        'resource "airbyte_connection" "{name}" {{\n{extra}'
        '  schedule = {{ schedule_type = "cron", cron_expression = {cron} }}\n}}\n'
    )
    if layout == "count":
        text = block.format(name="c0", extra=f"  count = {several}\n", cron=quoted(old))
        address, files = "airbyte_connection.c0[0]", {"main.tf": text}
    elif layout == "module":
        calls = "".join(f'module "m{i}" {{\n  source = "./m"\n}}\n' for i in range(several))
        child = block.format(name="c", extra="", cron=quoted(old))
        address, files = "module.m0.airbyte_connection.c", {"main.tf": calls, "m/main.tf": child}
    else:
        shared = f"locals {{\n  a = {quoted(old)}\n}}\n"
        if layout == "var":
            shared = f'variable "a" {{\n  default = {quoted(old)}\n}}\n'
        blocks = (block.format(name=f"c{i}", extra="", cron=f"{layout}.a") for i in range(several))
        address, files = "airbyte_connection.c0", {"main.tf": shared + "".join(blocks)}
    fleet = Fleet({name: text.encode() for name, text in files.items()}, {})
    with fleet.on_disk() as root:
        found = set_value(index(open_root(root)), Change(address, "schedule.cron_expression", new))
        if old == new:
            return
        assert isinstance(found, Refusal)
        assert found.reason.value == "fan_out"
        assert {name: (root / name).read_bytes() for name in fleet.files} == fleet.files
