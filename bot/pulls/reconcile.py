"""Reconciling: what has to be done so that a forge holds what it should.

Pure and total: the same snapshot and drafts always give the same list, and what was carried
out gives an empty one.
"""

import hashlib
from collections.abc import Iterable, Mapping

from bot.pulls.forge import (
    Draft,
    EditBody,
    HandsOff,
    OpenPull,
    Operation,
    Pull,
    PullState,
    Snapshot,
    UpdateBranch,
)


def reconcile(snapshot: Snapshot, drafts: Iterable[Draft]) -> list[Operation]:
    """Compare drafts with the newest pull request of the same branch, in the drafts' order.

    A draft that a person closed is left closed. A pull request without a draft stays as it is:
    that nothing recommends it today is no evidence against it.
    """
    newest: dict[str, Pull] = {}
    for pull in sorted(snapshot.pulls, key=lambda pull: pull.number):
        newest[pull.branch] = pull
    operations = [_compare(newest.get(draft.branch), draft) for draft in drafts]
    return [operation for operation in operations if operation is not None]


def _compare(pull: Pull | None, draft: Draft) -> Operation | None:
    if pull is None or pull.state is PullState.MERGED:
        return OpenPull(draft)
    if pull.state is PullState.CLOSED:
        return HandsOff(pull.number, pull.branch, "it was closed by a person")
    if pull.head != pull.recorded_head:
        reason = "its branch is gone" if pull.head is None else "somebody has pushed to its branch"
        return HandsOff(pull.number, pull.branch, reason)
    if dict(pull.blobs) != _blobs(draft.files):
        return UpdateBranch(pull.number, draft)
    if (pull.title, pull.body) != (draft.title, draft.body):
        return EditBody(pull.number, draft)
    return None


def _blobs(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: _blob_id(content) for path, content in files.items()}


def _blob_id(content: bytes) -> str:
    """Return the id that git gives to a file's content (git's manual, "Git Objects")."""
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
