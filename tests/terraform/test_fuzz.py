"""Damaged roots: whatever is in the files, the answer is a place, a refusal, or one sentence."""

import json
import random
import tempfile
from pathlib import Path

from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.cli.terraform import command
from bot.domain.edit import Refusal
from bot.domain.errors import TrimtabError
from bot.terraform.address import parse_address, parse_path
from bot.terraform.evaluation import Evaluation
from bot.terraform.index import Index, index
from bot.terraform.locate import Location, find
from bot.terraform.root import open_root
from bot.terraform.scope import Reached
from bot.terraform.splice import Replacement, encode, spliced, unified
from bot.terraform.syntax import Literal
from tests.terraform.cases import Case, cases

PIECES = [
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b"${",
    b"%{",
    b"<<-EOT\n",
    b"\n",
    b"\r",
    b"\x00",
    b"=",
    b"(",
]
PIECES += [
    b")",
    b"...",
    b"*",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"# ",
    b"/*",
    b"*/",
    b"for x in ",
    b"? :",
]
CASES = cases()


def damage(data: bytes, dice: random.Random) -> bytes:
    for _ in range(dice.randrange(1, 4)):
        at, to = sorted((dice.randrange(len(data) + 1), dice.randrange(len(data) + 1)))
        to = min(to, at + dice.randrange(40))
        kind = dice.randrange(4)
        if kind == 0:
            data = data[:at] + data[to:]
        elif kind == 1:
            data = data[:at] + dice.choice(PIECES) + data[at:]
        elif kind == 2:
            data = data[:to] + data[at:to] + data[to:]
        else:
            data = data[:at] + data[at:to][::-1] + data[to:]
    return data


def damaged(case: Case, seed: int, folder: Path) -> Path:
    dice = random.Random(seed)
    root = case.write(folder)
    for name in dice.sample(sorted(case.files), dice.randrange(1, len(case.files) + 1)):
        path = folder / name
        path.write_bytes(damage(path.read_bytes(), dice))
    return root


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(CASES), st.integers(0, 2**32))
def test_locating_in_a_damaged_root_never_breaks(case: Case, seed: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = damaged(case, seed, Path(made))
        try:
            known = index(open_root(root, case.var_files))
        except TrimtabError:
            return
        # Everything but the evaluator: it is a process of its own, and is fuzzed below.
        nothing = Evaluation({case.head["address"]: {}}, frozenset())
        known.__dict__["evaluation"] = nothing
        found = find(known, case.head["address"], case.head["path"])
        assert isinstance(found, Location | Refusal)
        if isinstance(found, Refusal):
            assert found.file
            assert found.line is not None
            assert found.snippet


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(st.sampled_from(CASES), st.integers(0, 2**32))
def test_setting_in_a_damaged_root_never_breaks(case: Case, seed: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = damaged(case, seed, Path(made))
        before = {p: p.read_bytes() for p in Path(made).rglob("*") if p.is_file()}
        files = [word for name in case.var_files for word in ("--var-file", name)]
        change = [case.head["address"], case.head["path"], case.head["value"]]
        arguments = ["set", str(root), *change, *files, "-o", "json"]
        done = CliRunner().invoke(command, arguments, standalone_mode=False)
        if done.exception is not None:
            assert isinstance(done.exception, TrimtabError), done.exc_info
        else:
            answer = json.loads(done.stdout)
            assert "refused" in answer or answer["after"] == case.head["value"]
        assert {p: p.read_bytes() for p in Path(made).rglob("*") if p.is_file()} == before


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([case for case in CASES if case.reason is None]),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
def test_any_text_goes_into_a_literal_as_text(case: Case, value: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = case.write(Path(made))
        known = index(open_root(root, case.var_files))
        literal = _literal(known, case)
        if literal is None:
            return
        text = encode(literal, value)
        if text is None:
            return
        after = spliced(literal.document, [Replacement(literal, text)])
        assert after[: literal.start] == literal.document.data[: literal.start]
        assert after.endswith(literal.document.data[literal.end :])
        assert unified(literal.document, after).count("\n") == 0 or after != literal.document.data


def _literal(known: Index, case: Case) -> Literal | None:
    address, path = parse_address(case.head["address"]), parse_path(case.head["path"])
    place = known.place(address)
    assert place is not None
    value = place.block.value(str(path[0]))
    assert value is not None
    scope = known.configuration.scope(place.block, place.instance, address.key)
    found = known.resolver.reach(value, scope, path[1:])
    assert isinstance(found, Reached)
    return found.expression if isinstance(found.expression, Literal) else None
