"""The configuration part of a plan: what a plan was made from, beside what it would do.

A provider's address or a provisioner can change without any resource change to show for it.
Between two branches only literals may differ.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.terraform.plandiff import Leaf, differences
from bot.terraform.planfile import strict

_LITERALS = {"constant_value", "default"}


def strays(base: Mapping[str, Any], branch: Mapping[str, Any]) -> Iterator[Leaf]:
    """Yield every difference between two configurations; JSON held in a text is compared by key."""
    for leaf in differences(base, branch, (), sensitive=True):
        decoded = _decoded(leaf)
        if decoded is None:
            yield leaf
        else:
            yield from differences(*decoded, leaf.path, sensitive=True)


def _decoded(leaf: Leaf) -> tuple[Any, Any] | None:
    if not isinstance(leaf.before, str) or not isinstance(leaf.after, str):
        return None
    try:
        before, after = strict(leaf.before), strict(leaf.after)
    except (ValueError, RecursionError):
        return None
    both_objects = isinstance(before, Mapping) and isinstance(after, Mapping)
    return (before, after) if both_objects else None


def is_literal(leaf: Leaf) -> bool:
    """Tell whether a difference is in a literal: an expression's constant, or a default."""
    return bool(_LITERALS & set(leaf.path))
