"""Obsolescence: positive evidence that an open pull request's change is not wanted any more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.connection import Connection, ConnectionStatus
from bot.domain.recommendation import Advice, Keep, Recommendation
from bot.pulls.change import SettingChange, Target
from bot.pulls.closing import Obsolete
from bot.pulls.metadata import CloseReason
from bot.pulls.snapshot import PullState, Snapshot


@dataclass(frozen=True, slots=True)
class Signs:
    """What a run found out that may speak against a proposal.

    `connections` are all that Airbyte lists, `advice` is all that was advised. `denied` gives, for
    what policy denies, its words. `written` reads what the base says where a change would be.
    """

    connections: Sequence[Connection]
    advice: Sequence[Advice]
    denied: Mapping[Target, str]
    written: Callable[[SettingChange], str | None]


def find_obsolete(snapshot: Snapshot, signs: Signs) -> Mapping[Target, Obsolete]:
    """Look for evidence against each change of the open pull requests.

    That an advisor says nothing, does not know, or would rather wait is no evidence; that it says to
    keep things as they are is, unless it or another one recommends something for the same setting.
    """
    listed = {str(connection.id): connection for connection in signs.connections}
    recommended: set[Target] = set()
    kept: dict[tuple[str, str], str] = {}
    for each in signs.advice:
        if isinstance(each, Recommendation):
            recommended.add(Target(each.connection_id, each.change.setting))
        elif isinstance(each, Keep) and not each.waits:
            kept.setdefault((each.connection_id, each.advisor), each.reason)
    found: dict[Target, Obsolete] = {}
    for pull in snapshot.pulls:
        changes = pull.metadata.changes if pull.metadata else ()
        for change in changes if pull.state is PullState.OPEN else ():
            evidence = _gone(change, listed) or _applied(change, signs) or _denied(change, signs)
            if evidence is None and change.target not in recommended:
                evidence = _vanished(change, kept)
            if evidence is not None:
                found[change.target] = evidence
    return found


def _gone(change: SettingChange, listed: Mapping[str, Connection]) -> Obsolete | None:
    connection = listed.get(change.connection)
    if connection is not None and connection.status is not ConnectionStatus.DEPRECATED:
        return None
    detail = f"the connection {change.connection} does not exist any more"
    return Obsolete(CloseReason.CONNECTION_DELETED, detail)


def _applied(change: SettingChange, signs: Signs) -> Obsolete | None:
    if signs.written(change) != change.after:
        return None
    detail = f"{change.address} has {change.after} as its {change.path} already"
    return Obsolete(CloseReason.ALREADY_APPLIED, detail)


def _denied(change: SettingChange, signs: Signs) -> Obsolete | None:
    words = signs.denied.get(change.target)
    return Obsolete(CloseReason.POLICY_DENIES, words) if words is not None else None


def _vanished(change: SettingChange, kept: Mapping[tuple[str, str], str]) -> Obsolete | None:
    reason = kept.get((change.connection, change.advisor))
    return Obsolete(CloseReason.EVIDENCE_VANISHED, reason) if reason is not None else None
