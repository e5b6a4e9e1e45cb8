"""The corpus: one file per case, holding a whole root and what is expected of it.

The head of a case names the address, the path and the new value; then either `found:` with the
place and the literals before and after (as written), or `refused:` with the reason and the place.
Every part of the tree follows under a `-- name --` line. `crlf`, `bom` and `open` (no newline at the
end of the last file) in `bytes:` say what else is done to the files.
"""

from dataclasses import dataclass, field
from pathlib import Path

from bot.terraform.verify import Change

CORPUS = Path(__file__).parent / "corpus"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Case:
    name: str
    head: dict[str, str]
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def change(self) -> Change:
        return Change(self.head["address"], self.head["path"], self.head["value"], by_hand=True)

    @property
    def root(self) -> str:
        return self.head.get("root", ".")

    @property
    def var_files(self) -> tuple[str, ...]:
        return tuple(self.head.get("var_files", "").split())

    @property
    def place(self) -> tuple[str, int]:
        words = self.head.get("found") or self.head["refused"]
        file, _, line = words.split()[-1].rpartition(":")
        return file, int(line)

    @property
    def reason(self) -> str | None:
        refused = self.head.get("refused")
        return None if refused is None else refused.split()[0]

    def write(self, folder: Path) -> Path:
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder / self.root


def read_case(path: Path) -> Case:
    head: dict[str, str] = {}
    files: dict[str, str] = {}
    current = None
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("-- ") and line.endswith(" --\n"):
            current = line[3:-4]
            files[current] = ""
        elif current is not None:
            files[current] += line
        elif ":" in line and not line.startswith("#"):
            key, _, value = line.partition(":")
            head[key.strip()] = value.strip()
    return Case(path.stem, head, {n: _bytes(t, head.get("bytes", "")) for n, t in files.items()})


def cases() -> list[Case]:
    return [read_case(path) for path in sorted(CORPUS.glob("*.case"))]


def _bytes(text: str, wanted: str) -> bytes:
    data = text.replace("<TAB>", "\t").encode()
    if "open" in wanted:
        data = data.removesuffix(b"\n")
    if "crlf" in wanted:
        data = data.replace(b"\n", b"\r\n")
    return BOM + data if "bom" in wanted else data
