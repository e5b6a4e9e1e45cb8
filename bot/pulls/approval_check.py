"""The approval check: from a pull request on GitHub to the sentence of its status.

Nothing of the pull request is run or evaluated, and what its body says counts for nothing until the
tree, or a commit that GitHub signed for trimtab, says the same.
"""

from dataclasses import dataclass

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    DestinationId,
    Manual,
    SourceId,
    WorkspaceId,
)
from bot.domain.subject import Subject
from bot.domain.verdict import ApprovalLevel
from bot.pulls.approval import (
    OWNER,
    Asked,
    Authority,
    Conclusion,
    Directory,
    State,
    conclude,
    standing,
)
from bot.pulls.approval_diff import Base, Diff, check_promise, connection_name
from bot.pulls.change import SettingChange
from bot.pulls.digest import digest
from bot.pulls.github_review import Reviewed
from bot.pulls.github_snapshot import ACTIONS_LOGIN
from bot.pulls.metadata import Metadata, split
from bot.pulls.snapshot import PREFIX
from bot.pulls.trailers import APPROVAL, APPROVERS, PROMISE, TREE, read, read_approvers

_BY_LABEL = {level.label: level for level in ApprovalLevel}


@dataclass(frozen=True, slots=True)
class Rules:
    """What the base branch says: its policies, the branch that is applied, who trimtab is there.

    `must_be_signed` is set where the settings name trimtab's App: no commit is taken for one of its
    then that GitHub has not signed.
    """

    authority: Authority
    base: str
    must_be_signed: bool


def is_ours(pull: Reviewed) -> bool:
    """Tell whether a pull request is one of trimtab's: a branch under `trimtab/`, and no fork's."""
    return pull.branch.startswith(PREFIX) and not pull.is_fork


def not_ours(pull: Reviewed) -> Conclusion | None:
    """Say that there is nothing to check; None where nothing may be said.

    A status belongs to a commit, and every pull request with that head shows it: for a commit of
    trimtab's under another name, only trimtab's own pull request decides.
    """
    if PROMISE in read(pull.commit.message):
        return None
    return Conclusion(State.SUCCESS, "This is no pull request of trimtab's: nothing to check.")


def check(pull: Reviewed, rules: Rules, base: Base, diff: Diff, directory: Directory) -> Conclusion:
    """Conclude on one of trimtab's pull requests; whatever is missing or doubtful fails it."""
    metadata = split(pull.body).metadata
    if metadata is None:
        return _fail(
            "Its description has lost trimtab's record: bring it back from the description's "
            "history, or close this."
        )
    wrong = _misplaced(pull, rules) or _unvouched(pull, metadata, rules)
    wrong = wrong or check_promise(base, metadata.changes, diff)
    if wrong is not None:
        return _fail(wrong)
    level = _level(pull, metadata, rules, base)
    asked = [Asked(level, names) for names in _approvers(pull, metadata, rules, base, level)]
    found = standing(pull.reviews, pull.head, {pull.author, pull.commit.author})
    return conclude(asked, found, directory)


def _misplaced(pull: Reviewed, rules: Rules) -> str | None:
    if pull.commit.sha != pull.head:
        return "GitHub has not caught up with the last push: run this again."
    if pull.base != rules.base:
        return f"It goes into {pull.base}; trimtab's go into {rules.base}."
    return None


def _unvouched(pull: Reviewed, metadata: Metadata, rules: Rules) -> str | None:
    """Say what the head commit does not confirm of the record in the body."""
    commit, trailers = pull.commit, read(pull.commit.message)
    if pull.is_by_bot and commit.author != pull.author:
        return f"Its head is a commit of {commit.author or 'nobody known'}, not of {pull.author}."
    if rules.must_be_signed and not _is_signed(pull):
        return "Its head is no commit that GitHub has signed for trimtab's App."
    if trailers.get(TREE) != commit.tree:
        return "Its head is not the tree that trimtab wrote."
    promise = digest(*sorted(change.promise for change in metadata.changes))
    if not metadata.changes or trailers.get(PROMISE) != promise:
        return "Its description names other changes than its commit."
    if trailers.get(APPROVAL) != metadata.approval or metadata.approval not in _BY_LABEL:
        return "Its description names another approval than its commit."
    return None


def _is_signed(pull: Reviewed) -> bool:
    """Tell whether GitHub has signed the head for the App that opened the pull request.

    Every workflow may sign as `github-actions`, so that such a signature vouches for nobody.
    """
    is_of_app = pull.is_by_bot and pull.author != ACTIONS_LOGIN
    return is_of_app and pull.commit.is_signed and pull.commit.author == pull.author


def _level(pull: Reviewed, metadata: Metadata, rules: Rules, base: Base) -> ApprovalLevel:
    """Return the level that counts.

    A signed commit says what policy asked with all that was known; of what it asks by now, only a
    block is sure to be about this connection. Without a signature anybody can have written the level
    down, so that it counts for no less than the tree's connections need, and the team's.
    """
    level = _BY_LABEL[metadata.approval]
    now = [rules.authority.level(_subject(base, each)) for each in metadata.changes]
    if _is_signed(pull) and ApprovalLevel.BLOCKED not in now:
        return level
    return max(level, ApprovalLevel.TEAM, *now)


def _approvers(
    pull: Reviewed, metadata: Metadata, rules: Rules, base: Base, level: ApprovalLevel
) -> list[frozenset[str]]:
    """Return the sets of people of each of which somebody has to agree.

    A signed commit says whom policy named when the proposal was made, by all that was known of the
    connections then; whom the base's policies no longer name has no say any more. Without a
    signature there is only what the tree tells of the connections.
    """
    noted = read_approvers(read(pull.commit.message).get(APPROVERS, ""))
    if _is_signed(pull) and noted:
        named = rules.authority.named(level)
        return noted if OWNER in named else [names & named for names in noted]
    return [rules.authority.approvers(level, _subject(base, each)) for each in metadata.changes]


def _subject(base: Base, change: SettingChange) -> Subject:
    """Return what policies match, as far as the base's Terraform tells."""
    unknown = "unknown"
    connection = Connection(
        id=ConnectionId(change.connection),
        name=connection_name(base, change.address) or "",
        source_id=SourceId(unknown),
        destination_id=DestinationId(unknown),
        workspace_id=WorkspaceId(unknown),
        status=ConnectionStatus.ACTIVE,
        schedule=Manual(),
    )
    return Subject(connection)


def _fail(sentence: str) -> Conclusion:
    return Conclusion(State.FAILURE, sentence)
