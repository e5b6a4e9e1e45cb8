"""Trailers: what a commit says of itself, so that the audit survives squashing and lost bodies."""

import re
from collections.abc import Mapping
from typing import Final

from bot.pulls.draft import Draft

TREE: Final = "Trimtab-Tree"
IDENTITY: Final = "Trimtab-Identity"
APPROVAL: Final = "Trimtab-Approval"
PROMISE: Final = "Trimtab-Promise"
APPROVERS: Final = "Trimtab-Approvers"
_LINE: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")


def sign(draft: Draft, tree: str) -> str:
    """Return a draft's commit message with its trailers; `tree` is what the commit holds."""
    trailers = {
        "Trimtab-Id": draft.id,
        IDENTITY: draft.identity,
        "Trimtab-Fingerprint": draft.fingerprint,
        TREE: tree,
        APPROVAL: draft.approval,
        PROMISE: draft.promise,
        APPROVERS: "; ".join(" ".join(names) for names in draft.approvers) or "-",
        "Evidence-Digest": draft.evidence,
        "Policy-Digest": draft.policies,
    }
    lines = "".join(f"{name}: {' '.join(value.split())}\n" for name, value in trailers.items())
    return f"{draft.message.strip()}\n\n{lines}"


def read_approvers(text: str) -> list[frozenset[str]]:
    """Return the sets of people and teams that a trailer names."""
    sets = (frozenset(name for name in each.split() if name[0] == "@") for each in text.split(";"))
    return [names for names in sets if names]


def read(message: str) -> Mapping[str, str]:
    """Return the trailers of a message: the lines of its last paragraph, if all are of that form."""
    found = [_LINE.fullmatch(line) for line in message.strip().split("\n\n")[-1].splitlines()]
    return {match[1]: match[2] for match in found if match} if all(found) else {}
