"""A file that cannot grow: what was started is undone, and said in a sentence."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.loader.protocol import SinkError
from bot.loader.sinks.appendfile import AppendFile


@pytest.fixture
def full_at_1000_bytes() -> Iterator[None]:
    """Let no file of this process grow further, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("piece", [b"b" * 950, b"b" * 100_000], ids=["buffered", "direct"])
@pytest.mark.usefixtures("full_at_1000_bytes")
def test_pieces_that_do_not_fit_are_undone_and_the_file_can_be_used_on(
    tmp_path: Path, piece: bytes
) -> None:
    path = tmp_path / "out"
    file = AppendFile(path)
    file.append([b"a" * 100])
    with pytest.raises(SinkError, match="out: cannot be written: File too large"):
        file.append([piece])
    assert path.read_bytes() == b"a" * 100
    file.append([b"c"])
    assert file.position() == {"bytes": 101}
    file.close()
