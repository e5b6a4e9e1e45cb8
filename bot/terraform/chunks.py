"""Chunks: make a long `for_each` bearable for tfparse.

Each instance that tfparse reports repeats the whole collection that it comes from: a map of 1,000
connections costs gigabytes. In the shadow, such a block is written several times, each time over a
part of the collection. The instances keep their addresses and their values.
"""

from bot.domain.edit import Refusal
from bot.terraform import hcl
from bot.terraform.configuration import Configuration
from bot.terraform.document import Document
from bot.terraform.resolver import Resolver
from bot.terraform.scope import Reached, Scope
from bot.terraform.strings import quote_hcl
from bot.terraform.syntax import Attribute, Expression, For, Object

_LONGEST = 64
_CHUNK = 32
Labels = tuple[str, ...]


def long_collections(configuration: Configuration) -> dict[Document, dict[Labels, list[str]]]:
    """Find the blocks with a long `for_each` and the keys of it, as far as they can be told."""
    resolver = Resolver(configuration)
    found: dict[Document, dict[Labels, list[str]]] = {}
    for instance in configuration.instances():
        for block in instance.module.resources.values():
            collection = block.value("for_each")
            keys = [] if collection is None else _keys(resolver, collection, Scope(instance))
            if len(keys) > _LONGEST:
                labels = (block.type, *block.labels)
                known = found.setdefault(block.document, {}).get(labels, [])
                found[block.document][labels] = list(dict.fromkeys((*known, *keys)))
    return found


def _keys(resolver: Resolver, collection: Expression, scope: Scope) -> list[str]:
    """Return the keys of a map that has a name; a set, or an expression, is not split."""
    if not isinstance(collection, Attribute):
        return []
    reached = resolver.reach(collection, scope, ())
    if not isinstance(reached, Reached) or not isinstance(reached.expression, Object | For):
        return []
    rows = resolver.elements(collection, scope)
    if isinstance(rows, Refusal):
        return []
    return [key for key, _row in rows if isinstance(key, str)]


def chunked(document: Document, long: dict[Labels, list[str]]) -> bytes:
    """Write the blocks with a long `for_each` once per part of it."""
    data = document.data
    added = []
    for block in reversed(hcl.parse(document).body.blocks):
        keys = long.get((block.type, *block.labels))
        collection = block.value("for_each")
        if keys is None or collection is None:
            continue
        head = document.data[block.start : collection.start]
        tail = document.data[collection.end : block.end]
        parts = [_part(collection, keys[at : at + _CHUNK]) for at in range(0, len(keys), _CHUNK)]
        data = data[: collection.start] + parts[0] + data[collection.end :]
        added += [head + part + tail for part in parts[1:]]
    return b"\n".join([data, *added, b""])


def _part(collection: Expression, keys: list[str]) -> bytes:
    rows = (f"{quote_hcl(key)} = {collection.text}[{quote_hcl(key)}]" for key in keys)
    return f"{{ {', '.join(rows)} }}".encode()
