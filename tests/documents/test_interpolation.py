from pathlib import Path

import pytest

from bot.documents.document import parse_document
from bot.documents.interpolation import Interpolated, interpolate
from bot.domain.errors import ConfigError


def resolve(text: str, env: dict[str, str], base: Path = Path()) -> Interpolated:
    return interpolate(parse_document(text, "x.yaml"), env, base)


def test_variables_are_resolved_inside_scalars() -> None:
    result = resolve("url: postgres://u:${env:PW}@h/${env:DB}\n", {"PW": "s3cret", "DB": "app"})
    assert result.document.data == {"url": "postgres://u:s3cret@h/app"}
    assert result.secrets == {"s3cret", "app"}


def test_a_value_cannot_inject_structure() -> None:
    result = resolve("a: ${env:V}\n", {"V": "x\nb: [1]\n${env:OTHER}"})
    assert result.document.data == {"a": "x\nb: [1]\n${env:OTHER}"}


def test_files_are_read_from_beside_the_document_and_trimmed(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"k": 1}\n')
    result = resolve("a: ${file:key.json}\n", {}, tmp_path)
    assert result.document.data == {"a": '{"k": 1}'}


def test_a_doubled_dollar_writes_a_literal() -> None:
    result = resolve("a: $${env:V} costs $5 and $\n", {"V": "no"})
    assert result.document.data == {"a": "${env:V} costs $5 and $"}
    assert not result.secrets


def test_what_is_unset_is_listed_with_its_place_and_left_as_written() -> None:
    result = resolve("a: 1\nb:\n  - ${env:NOT_SET}\n  - ${file:none}\n", {})
    assert [unset.where for unset in result.unset] == ["x.yaml:3:5", "x.yaml:4:5"]
    assert "NOT_SET is not set" in result.unset[0].message
    assert result.document.data == {"a": 1, "b": ["${env:NOT_SET}", "${file:none}"]}


def test_keys_are_never_interpolated() -> None:
    assert resolve("${env:K}: 1\n", {"K": "v"}).document.data == {"${env:K}": 1}


@pytest.mark.parametrize("reference", ["${vault:x}", "${NAME}", "${env:}", "${}"])
def test_an_unknown_reference_is_refused_by_name(reference: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml:1:4: .*not a reference"):
        resolve(f"a: '{reference}'\n", {})


def test_an_unclosed_reference_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not closed"):
        resolve("a: '${env:X'\n", {"X": "1"})
