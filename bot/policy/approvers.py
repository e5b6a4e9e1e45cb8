"""Approvers: who may approve at which level, as the policy files of the base branch name them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bot.domain.subject import Subject
from bot.domain.verdict import ApprovalLevel
from bot.policy.rules import Rules, read_rules
from bot.policy.standing import Standing

OWNER: Final = "{owner}"
"""Stands for whoever owns the connection, where that is an account or a team."""

_LEVELS: Final[dict[ApprovalLevel, Literal["owner", "team", "two-person"]]] = {
    ApprovalLevel.OWNER: "owner",
    ApprovalLevel.TEAM: "team",
    ApprovalLevel.TWO_PERSON: "two-person",
}


@dataclass(frozen=True, slots=True)
class Approvers:
    """What policies say of who approves."""

    rules: Rules

    def approvers(self, level: ApprovalLevel, subject: Subject) -> frozenset[str]:
        """Name who may approve at a level: `@login` and `@org/team`.

        The tightest of several policies counts: only those whom all of them name. Where two-person
        names nobody, those of the team may; where owner names nobody, the owner may.
        """
        name = _LEVELS.get(level)
        if name is None:
            return frozenset()
        standing = Standing.of(self.rules, subject)
        found = standing.said(lambda each: each.approvers.get(name), "approvers", name)
        if not found and level is ApprovalLevel.TWO_PERSON:
            return self.approvers(ApprovalLevel.TEAM, subject)
        if not found and level is ApprovalLevel.OWNER:
            return _named((OWNER,), subject)
        sets = [_named(each.value, subject) for each in found]
        return frozenset.intersection(*sets) if sets else frozenset()

    def level(self, subject: Subject) -> ApprovalLevel:
        """Return the level that policies ask for whatever is proposed; triggers may ask for more."""
        standing = Standing.of(self.rules, subject)
        asked = standing.said(lambda each: each.approval, "approval")
        levels = [ApprovalLevel[each.value.upper().replace("-", "_")] for each in asked]
        return max(levels, default=ApprovalLevel.TEAM)

    def named(self, level: ApprovalLevel) -> frozenset[str]:
        """Name all whom policies name for a level, whichever connections they speak of.

        `OWNER` is among them where an owner may approve, whoever that is.
        """
        name = _LEVELS.get(level)
        if name is None:
            return frozenset()
        found = {word for each in self.rules.all() for word in each.clauses.approvers.get(name, ())}
        if level is ApprovalLevel.OWNER and not found:
            found = {OWNER}
        if level is ApprovalLevel.TWO_PERSON:
            found |= self.named(ApprovalLevel.TEAM)
        return frozenset(found)


def read_approvers(folder: Path) -> Approvers:
    """Read who approves from a folder of policies.

    Raises:
        PolicyError: see `read_rules`.
        ConfigError: a file is wrong.
    """
    return Approvers(read_rules(folder))


def _named(words: tuple[str, ...], subject: Subject) -> frozenset[str]:
    names = (subject.owner or "" if word == OWNER else word for word in words)
    return frozenset(name for name in names if name.startswith("@"))
