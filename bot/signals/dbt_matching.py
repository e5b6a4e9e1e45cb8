"""Matching: which connection fills each source table of a dbt project.

What a person has written down comes first: `meta.trimtab.connection` of a source, then `schemas`
of the settings. Then the table has to have the name of a stream, and the schema that of the
stream's namespace; where no namespace is the schema's, a stream of the name speaks for a table only
if one connection alone has such a stream. Nothing is guessed between several.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.connection import Connection, ConnectionId
from bot.signals.dbt_manifest import Manifest, Node

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Matched:
    """Which connections fill each source table (by its id in the manifest).

    `unclear` names the tables that several may fill, `nobody` those that none does.
    """

    connections: Mapping[str, tuple[ConnectionId, ...]]
    unclear: tuple[str, ...]
    nobody: tuple[str, ...]


def match(
    manifest: Manifest,
    connections: Iterable[Connection],
    filled_by: Mapping[str, ConnectionId],
) -> Matched:
    """Match every source table of a manifest.

    Args:
        manifest: the project.
        connections: those that may fill it.
        filled_by: the connection that fills a schema (in lower case), where that is written down.
    """
    index = _Index.of(connections)
    found: dict[str, tuple[ConnectionId, ...]] = {}
    unclear, nobody = [], []
    for node in manifest.nodes.values():
        if not node.is_source:
            continue
        candidates, is_sure = index.candidates(node, filled_by)
        label = f"{node.schema}.{node.name}"
        if not candidates:
            nobody.append(label)
        elif len(candidates) > 1 and not is_sure:
            unclear.append(label)
        else:
            found[node.id] = candidates
    return Matched(found, tuple(sorted(unclear)), tuple(sorted(nobody)))


@dataclass(frozen=True, slots=True)
class _Index:
    """Connections by what they are called and by what they write."""

    named: Mapping[str, tuple[ConnectionId, ...]]
    tables: Mapping[tuple[str, str], tuple[ConnectionId, ...]]
    streams: Mapping[str, tuple[ConnectionId, ...]]

    @classmethod
    def of(cls, connections: Iterable[Connection]) -> "_Index":
        named: dict[str, set[ConnectionId]] = {}
        tables: dict[tuple[str, str], set[ConnectionId]] = {}
        streams: dict[str, set[ConnectionId]] = {}
        for each in connections:
            for text in (each.id, each.name):
                named.setdefault(text, set()).add(each.id)
            for stream in each.streams:
                name = _plain(stream.name)
                streams.setdefault(name, set()).add(each.id)
                if stream.namespace is not None:
                    tables.setdefault((_plain(stream.namespace), name), set()).add(each.id)
        return cls(_sorted(named), _sorted(tables), _sorted(streams))

    def candidates(
        self, node: Node, filled_by: Mapping[str, ConnectionId]
    ) -> tuple[tuple[ConnectionId, ...], bool]:
        """Return who may fill a table, and whether a person has written that down."""
        if node.filled_by:
            written = {each for text in node.filled_by for each in self.named.get(text, ())}
            return tuple(sorted(written)), True
        if node.schema.lower() in filled_by:
            return (filled_by[node.schema.lower()],), True
        schema, name = _plain(node.schema), _plain(node.name)
        return self.tables.get((schema, name)) or self.streams.get(name, ()), False


def _sorted(sets: Mapping[_Key, set[ConnectionId]]) -> dict[_Key, tuple[ConnectionId, ...]]:
    return {key: tuple(sorted(members)) for key, members in sets.items()}


def _plain(name: str) -> str:
    """Return a name as destinations write it: lower case, with underscores for the rest."""
    return re.sub(r"\W+", "_", name.lower())
