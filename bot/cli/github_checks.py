"""Checks of GitHub: the token, what it is, and whether anything enforces approvals."""

from collections.abc import Iterator

from bot.cli.checks import Finding, State
from bot.domain.errors import ForgeError
from bot.pulls.approval import CONTEXT
from bot.pulls.github import GitHubForge
from bot.pulls.snapshot import PullState


def github_findings(forge: GitHubForge) -> Iterator[Finding]:
    """Read what a run reads, and the rules of the base branch; nothing is written."""
    pulls = forge.snapshot().pulls
    opened = sum(pull.state is PullState.OPEN for pull in pulls)
    detail = f"{forge.api.repository} can be read, {opened} of trimtab's pull requests open"
    yield Finding("forge", State.WORKS, detail)
    yield _token(forge)
    yield _enforcement(forge)


def _token(forge: GitHubForge) -> Finding:
    if forge.notices:
        said, _, step = forge.notices[0].rpartition(". ")
        return Finding("token", State.LIMITED, said, step)
    return Finding("token", State.WORKS, f"GitHub knows us as {forge.login}")


def _enforcement(forge: GitHubForge) -> Finding:
    step = f"Require the status {CONTEXT} on {forge.base}: see docs/security.md."
    try:
        required = _required(forge)
    except ForgeError as error:
        return Finding("approvals", State.LIMITED, f"who enforces them: {error.message}", step)
    if CONTEXT in required:
        return Finding("approvals", State.WORKS, f"{forge.base} requires the status {CONTEXT}")
    return Finding("approvals", State.LIMITED, f"nothing on {forge.base} enforces them", step)


def _required(forge: GitHubForge) -> set[str]:
    """Return the statuses that rulesets and the older branch protection ask for."""
    rules = forge.api.get(f"rules/branches/{forge.base}")
    found = {
        each["context"]
        for rule in rules
        if rule["type"] == "required_status_checks"
        for each in rule["parameters"]["required_status_checks"]
    }
    branch = forge.api.get(f"branches/{forge.base}")
    older = (branch.get("protection") or {}).get("required_status_checks") or {}
    return found | set(older.get("contexts") or [])
