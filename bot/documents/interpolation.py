"""Interpolation: `${env:NAME}` and `${file:PATH}` inside the scalars of a document.

It happens after parsing, one scalar at a time, so that a value can never inject structure.
`$${` writes a literal `${`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.documents.document import Data, Document, Path_
from bot.domain.errors import ConfigError

MAX_FILE_BYTES: Final = 1024 * 1024

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")


@dataclass(frozen=True, slots=True)
class Unset:
    """A variable or file that a document refers to and that is not there."""

    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A document with its references resolved.

    `secrets` are the resolved values, to be hidden from then on; `unset` lists what could not
    be resolved, whose scalars are left as they were written.
    """

    document: Document
    secrets: frozenset[str]
    unset: tuple[Unset, ...]


@dataclass(slots=True)
class _Resolver:
    document: Document
    env: Mapping[str, str]
    base: Path
    secrets: set[str] = field(default_factory=set)
    unset: list[Unset] = field(default_factory=list)

    def resolve(self, value: Data, path: Path_) -> Data:
        if isinstance(value, str):
            return _REFERENCE.sub(lambda match: self._replace(match, path), value)
        if isinstance(value, list):
            return [self.resolve(item, (*path, i)) for i, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self.resolve(item, (*path, key)) for key, item in value.items()}
        return value

    def _replace(self, match: re.Match[str], path: Path_) -> str:
        written = match.group()
        if written == "$${":
            return "${"
        where = self.document.where(path)
        if match.group(1) is None:
            raise ConfigError(f"{where}: '${{' is not closed", "Write '$${' for a literal '${'.")
        scheme, _, name = match.group(1).partition(":")
        found = self._look_up(scheme.strip(), name.strip(), where)
        if found is None:
            return written
        self.secrets.add(found)
        return found

    def _look_up(self, scheme: str, name: str, where: str) -> str | None:
        if scheme == "env" and name:
            value = self.env.get(name)
            if value is None:
                self.unset.append(Unset(where, f"the environment variable {name} is not set"))
            return value
        if scheme == "file" and name:
            return self._read(self.base / Path(name).expanduser(), where)
        raise ConfigError(
            f"{where}: '${{{scheme}:{name}}}' is not a reference that can be resolved",
            "Known are ${env:NAME} and ${file:PATH}; write '$${' for a literal '${'.",
        )

    def _read(self, path: Path, where: str) -> str | None:
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise ConfigError(
                    f"{where}: {path} is larger than {MAX_FILE_BYTES:,} bytes",
                    "A ${file:…} reference is for secrets and short texts.",
                )
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            self.unset.append(Unset(where, f"the file {path} cannot be read: {reason}"))
            return None


def interpolate(document: Document, env: Mapping[str, str], base: Path) -> Interpolated:
    """Resolve every reference of a document.

    Args:
        document: what was read.
        env: where `${env:NAME}` looks, usually `os.environ`.
        base: the folder that relative `${file:PATH}` references start from.

    Raises:
        ConfigError: a reference that is malformed or of an unknown kind. One that is well
            formed and cannot be resolved is no error here: it is listed in `unset`.
    """
    resolver = _Resolver(document, env, base)
    data = resolver.resolve(document.data, ())
    resolved = Document(document.name, data, document.positions, document.keys)
    return Interpolated(resolved, frozenset(resolver.secrets), tuple(resolver.unset))
