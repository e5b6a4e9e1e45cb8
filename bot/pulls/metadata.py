"""Metadata: what a pull request remembers, as JSON in a comment at the end of its body.

A body is `above` (people's), ours, and `below` (people's): everything between the first marker and
the end of the metadata comment is ours, and whatever people add around it is kept. The block is
untrusted: whoever may write to the repository may edit it. It serves to recognise a proposal, and
to tell what trimtab wrote last; nothing that is decided about a connection rests on it.
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Annotated, Final

from pydantic import AwareDatetime, StringConstraints, TypeAdapter, ValidationError

from bot.pulls.change import SettingChange, Target
from bot.pulls.digest import digest
from bot.pulls.draft import Draft

_BEGIN: Final = "<!-- trimtab:begin -->"
_BLOCK: Final = re.compile(r"<!-- trimtab:v1 (\{[^<>]*\}) -->")
_TICKED: Final = re.compile(r"^(\s*[-*] )\[[xX]\]", re.MULTILINE)
# Inside a comment, and inside JSON's strings, nothing may end the comment, mention or link.
_ESCAPES: Final = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>@#&"})


# Object ids are handed to git, so that nothing else may be taken for one.
ObjectId = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$")]


class CloseReason(StrEnum):
    """Why trimtab closes a pull request."""

    SUPERSEDED = "superseded"
    EVIDENCE_VANISHED = "evidence-vanished"
    ALREADY_APPLIED = "already-applied"
    POLICY_DENIES = "policy-denies"
    CONNECTION_DELETED = "connection-deleted"


@dataclass(frozen=True, slots=True)
class Closing:
    """That trimtab closed it, why, and when."""

    reason: CloseReason
    at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is noted in a pull request.

    `head`, `tree` and `base` are the commit that trimtab put on the branch last, its tree, and what
    it stands on; `replaces` is the head before: after a run that died between noting and moving, the
    branch is still there. `promise` is a digest of the literals that the branch changes, `earlier`
    those of what it promised before, newest last. `title` and `text` are digests of what was written
    for people, `labels` what was put on it. `flips` counts how often the proposal has turned
    round. `snooze_until` is set by people's commands and beats the usual span. `closed` is there
    when trimtab closed it, `reopened` when a person opened it again after that.
    """

    id: str
    identity: str
    fingerprint: str
    changes: tuple[SettingChange, ...]
    risk: str
    confidence: str
    approval: str
    evidence: str
    policies: str
    promise: str
    title: str
    text: str
    head: ObjectId = ""
    tree: ObjectId = ""
    base: ObjectId = ""
    replaces: ObjectId = ""
    team: str | None = None
    labels: tuple[str, ...] = ()
    auto_merge: bool = False
    earlier: tuple[str, ...] = ()
    flips: int = 0
    snooze_until: AwareDatetime | None = None
    closed: Closing | None = None
    reopened: bool = False

    @property
    def connections(self) -> tuple[str, ...]:
        """Return the connections that change, each once."""
        return tuple(dict.fromkeys(change.connection for change in self.changes))

    @property
    def targets(self) -> frozenset[Target]:
        """Return the settings that change."""
        return frozenset(change.target for change in self.changes)


@dataclass(frozen=True, slots=True)
class Text:
    """A body in parts; `ours` is empty and `metadata` None where our parts cannot be told apart."""

    above: str
    ours: str
    below: str
    metadata: Metadata | None = field(default=None)

    @property
    def is_edited(self) -> bool:
        """Tell whether somebody has changed our part by hand; ticking a box does not count."""
        return self.metadata is not None and self.metadata.text != text_digest(self.ours)


def describe(draft: Draft) -> Metadata:
    """Return the metadata of a draft that has no commit yet."""
    return Metadata(
        id=draft.id,
        identity=draft.identity,
        fingerprint=draft.fingerprint,
        changes=draft.changes,
        risk=draft.risk,
        confidence=draft.confidence,
        approval=draft.approval,
        evidence=draft.evidence,
        policies=draft.policies,
        promise=draft.promise,
        title=digest(draft.title),
        text=text_digest(draft.body),
        team=draft.team,
        labels=tuple(sorted(draft.labels)),
        auto_merge=draft.auto_merge,
    )


def text_digest(text: str) -> str:
    """Return the digest of our part of a body, whatever a forge's editor does to line ends."""
    plain = _TICKED.sub(r"\1[ ]", text.replace("\r\n", "\n"))
    return digest("\n".join(line.rstrip() for line in plain.strip().split("\n")))


def join(text: str, metadata: Metadata, above: str = "", below: str = "") -> str:
    """Write a whole body; `metadata.text` is worked out anew from `text`."""
    noted = replace(metadata, text=text_digest(text))
    block = _adapter().dump_json(noted, exclude_defaults=True).decode().translate(_ESCAPES)
    return f"{above}{_BEGIN}\n{text.strip()}\n\n<!-- trimtab:v1 {block} -->{below}"


def split(body: str) -> Text:
    """Take a body apart; whatever cannot be read for certain is people's, and has no metadata."""
    plain = body.replace("\r\n", "\n")
    blocks = list(_BLOCK.finditer(plain))
    if plain.count(_BEGIN) != 1 or len(blocks) != 1:
        return Text(plain, "", "")
    (block,) = blocks
    above, _, rest = plain.partition(_BEGIN)
    if block.start() < len(above):
        return Text(plain, "", "")
    metadata = _read(block[1])
    if metadata is None:
        return Text(plain, "", "")
    ours = rest[: block.start() - len(above) - len(_BEGIN)].strip()
    return Text(above, ours, plain[block.end() :], metadata)


def _read(block: str) -> Metadata | None:
    try:
        return _adapter().validate_json(block)
    except (ValidationError, RecursionError):
        return None


@cache
def _adapter() -> TypeAdapter[Metadata]:
    return TypeAdapter(Metadata)
