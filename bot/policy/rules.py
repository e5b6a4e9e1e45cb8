"""Rules: policies with the place where they are written, read from a folder."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from bot.documents.document import Document, read_document
from bot.documents.validation import validate
from bot.domain.connection import Connection
from bot.domain.errors import PolicyError
from bot.policy.model import PolicyEntry, PolicyFile


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy, and where each of its lines is."""

    entry: PolicyEntry
    file: str
    document: Document
    index: int

    def line(self, *path: str) -> int:
        """Return the line that holds one of the policy's keys (or the policy itself)."""
        return self.document.position(("policies", self.index, *path)).line

    def matches(self, connection: Connection) -> bool:
        """Tell whether this policy speaks of a connection."""
        match = self.entry.match
        named = match.name is None or fnmatchcase(connection.name, match.name)
        return named and (match.tag is None or match.tag in connection.tags)


def read_rules(folder: Path) -> tuple[Rule, ...]:
    """Read every `*.yaml` of a folder, in the order of the file names.

    Raises:
        PolicyError: the folder is missing, holds no policy, or repeats a policy's name.
        ConfigError: a file is wrong.
    """
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not files:
        raise PolicyError(
            f"{folder}: no policy files (*.yaml) there",
            "Copy the shipped policies/ folder, or set `policies:` in trimtab.yaml.",
        )
    rules: list[Rule] = []
    for path in files:
        document = read_document(path)
        entries = validate(PolicyFile, document).policies
        name = f"{folder.name}/{path.name}"
        rules.extend(Rule(entry, name, document, i) for i, entry in enumerate(entries))
    _refuse_repeated_names(rules)
    return tuple(rules)


def _refuse_repeated_names(rules: list[Rule]) -> None:
    seen: dict[str, Rule] = {}
    for rule in rules:
        first = seen.setdefault(rule.entry.name, rule)
        if first is not rule:
            raise PolicyError(
                f"{rule.file}:{rule.line('name')}: the policy {rule.entry.name!r} is defined twice",
                f"The first one is at {first.file}:{first.line('name')}: rename one of them.",
            )
