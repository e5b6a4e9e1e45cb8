"""A proposal on a GitHub with a real Terraform root, and the check of its approval."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.domain.subject import Subject
from bot.domain.verdict import ApprovalLevel
from bot.pulls.approval import Conclusion
from bot.pulls.approval_check import Rules, check, is_ours, not_ours
from bot.pulls.approval_diff import Base, Root, read_base
from bot.pulls.change import SettingChange
from bot.pulls.draft import Draft
from bot.pulls.execution import execute
from bot.pulls.github import GitHubForge
from bot.pulls.github_access import Access, connect
from bot.pulls.github_api import Api
from bot.pulls.github_archive import unpack
from bot.pulls.github_review import Teams, read_diff, read_pull
from bot.pulls.labels import LABEL
from bot.pulls.metadata import Metadata, join, split
from bot.pulls.operations import OpenPull
from tests.servers.github import WHEN, GitHub

FILE = "terraform/main.tf"
BRANCH = "trimtab/orders-c1/schedule"
BEFORE, AFTER = "0 0 6 * * ? UTC", "0 7 6 * * ? UTC"
ROOT = f"""\
resource "airbyte_connection" "orders" {{
  name = "orders"
  schedule = {{
    schedule_type   = "cron"
    cron_expression = "{BEFORE}"
  }}
}}

resource "airbyte_connection" "payroll" {{
  name = "payroll"
  schedule = {{
    schedule_type   = "cron"
    cron_expression = "0 0 5 * * ? UTC"
  }}
}}
"""
CHANGE = SettingChange(
    connection="c-1",
    setting="schedule",
    before=BEFORE,
    after=AFTER,
    file=FILE,
    address="airbyte_connection.orders",
    path="schedule.cron_expression",
    fingerprint="sha256:1",
)


@dataclass(frozen=True)
class Named:
    """An authority that names the same people for every connection but payroll's."""

    names: frozenset[str] = frozenset({"@acme/data"})
    others: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {"payroll": frozenset({"@acme/finance"})}
    )
    levels: Mapping[str, ApprovalLevel] = field(default_factory=dict)

    def approvers(self, level: ApprovalLevel, subject: Subject) -> frozenset[str]:
        return self.others.get(subject.connection.name, self.names)

    def level(self, subject: Subject) -> ApprovalLevel:
        return self.levels.get(subject.connection.name, ApprovalLevel.AUTO)

    def named(self, level: ApprovalLevel) -> frozenset[str]:
        return self.names.union(*self.others.values())


RULES = Rules(Named(), "main", must_be_signed=True)


def set_up(hub: GitHub) -> None:
    """Put the root on `main`, and people into teams."""
    hub.push("main", {FILE: ROOT.encode()})
    hub.teams = {"acme/data": {"ada", "grace"}, "acme/finance": {"joan"}}


def forge(hub: GitHub) -> GitHubForge:
    access = Access(hub.repository, hub.url, hub.token)
    api = connect(access, seconds_between_writes=0, pause=lambda _seconds: None)
    return GitHubForge(api, "main", WHEN)


def draft(change: SettingChange = CHANGE, approval: str = "team", text: str | None = None) -> Draft:
    content = text or ROOT.replace(change.before, change.after)
    return Draft(
        identity=f"connection/{change.connection}/{change.setting}",
        branch=BRANCH,
        title="orders: start 7 min later",
        body="The text for people.",
        message="perf(airbyte): orders: start 7 min later",
        files={change.file: content.encode()},
        changes=(change,),
        risk="low",
        confidence="high",
        approval=approval,
        evidence="sha256:1",
        policies="sha256:2",
        labels=frozenset({LABEL}),
    )


def propose(hub: GitHub, given: Draft | None = None) -> int:
    opened = forge(hub)
    number = execute(opened, OpenPull(given or draft()), opened.snapshot().base)
    assert number is not None
    return number


def conclude(hub: GitHub, number: int, rules: Rules = RULES) -> Conclusion:
    """Return what is concluded, where anything is."""
    found = conclude_or_not(hub, number, rules)
    assert found is not None
    return found


def conclude_or_not(hub: GitHub, number: int, rules: Rules = RULES) -> Conclusion | None:
    api = forge(hub).api
    pull = read_pull(api, number)
    if not is_ours(pull):
        return not_ours(pull)
    fork, diff = read_diff(api, pull)
    return check(
        pull,
        rules,
        _base(api, fork, hub.git.text("rev-parse", f"{fork}^{{tree}}")),
        diff,
        Teams(api),
    )


_READ: dict[str, Base] = {}


def _base(api: Api, commit: str, tree: str) -> Base:
    """Read a base once for all tests: a tree holds the same files wherever it is met."""
    if tree not in _READ:
        folder = Path(tempfile.mkdtemp(prefix="trimtab-base-"))
        atexit.register(shutil.rmtree, folder)
        unpack(api, commit, folder)
        _READ[tree] = read_base(folder, [Root("terraform")])
    return _READ[tree]


def rewrite_record(hub: GitHub, number: int, **changes: object) -> None:
    """Edit the metadata block in a body, as anybody with write access can."""
    pull = hub.pulls[number]
    text = split(pull.body)
    assert text.metadata is not None
    metadata: Metadata = replace(text.metadata, **changes)  # type: ignore[arg-type]
    pull.body = join(text.ours, metadata, text.above, text.below)
