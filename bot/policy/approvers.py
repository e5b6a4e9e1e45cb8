"""Approvers: whom the policies of a folder name, and for which connections."""

from dataclasses import dataclass
from pathlib import Path

from bot.domain.subject import Subject
from bot.domain.verdict import ApprovalLevel
from bot.policy.rules import Rule, read_rules


@dataclass(frozen=True, slots=True)
class Approvers:
    """The people and teams in the rules of a folder, as `@login` and `@org/team`."""

    rules: tuple[Rule, ...]

    def approvers(self, level: ApprovalLevel, subject: Subject) -> frozenset[str]:
        """Name who may approve at `level` for one connection.

        Where a matching rule asks for just this level, those whom it names; else those of all
        matching rules.
        """
        matching = [rule for rule in self.rules if rule.matches(subject.connection)]
        exact = [rule for rule in matching if rule.entry.approval == level.label]
        named = _names(exact)
        return named or _names(matching)

    def named(self) -> frozenset[str]:
        """Name everybody who may approve anything."""
        return _names(list(self.rules))


def read_approvers(folder: Path) -> Approvers:
    """Read the rules of a folder.

    Raises:
        PolicyError: the folder is missing, or its policies contradict each other.
        ConfigError: a file is wrong.
    """
    return Approvers(read_rules(folder))


def _names(rules: list[Rule]) -> frozenset[str]:
    return frozenset(name for rule in rules for name in rule.entry.approvers)
