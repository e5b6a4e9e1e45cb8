"""Execution: operations as writes, in the order that lets the next run heal a crash after any.

A branch moves after the body has noted where to: a run that dies in between leaves a branch at the
head that the body says is being replaced. A pull request is closed in the write that notes why, and
loses its branch afterwards: a branch that is left over is recognised by the commit it stands at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.errors import ForgeError
from bot.pulls.draft import Draft
from bot.pulls.forge import Forge
from bot.pulls.metadata import Metadata, describe, join
from bot.pulls.operations import (
    ClosePull,
    DeleteBranch,
    EditBody,
    FinishUpdate,
    OpenPull,
    Operation,
    SetAutoMerge,
    SetLabels,
    UpdateBranch,
    WriteDashboard,
)
from bot.pulls.trailers import sign

_WAITS: Final = "{}: it is not opened before the pull request is closed that it may replace"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a list of operations: the pull requests they touched, and what failed.

    `left` are those that there was no time for.
    """

    pulls: tuple[int, ...]
    failures: tuple[tuple[Operation, ForgeError], ...] = ()
    left: tuple[Operation, ...] = ()


def carry_out(
    forge: Forge,
    operations: Sequence[Operation],
    base: str,
    is_over: Callable[[], bool] = lambda: False,
) -> Done:
    """Carry operations out in order; one that fails does not keep the others from their turn.

    Only opening waits for the next run when a pull request could not be closed: the new one may
    be there to take the old one's place, and there is never to be a second. Once `is_over` says so,
    the rest is left to the next run: each operation is whole in itself.
    """
    pulls: list[int] = []
    failures: list[tuple[Operation, ForgeError]] = []
    for position, operation in enumerate(operations):
        if is_over():
            return Done(tuple(dict.fromkeys(pulls)), tuple(failures), tuple(operations[position:]))
        if isinstance(operation, OpenPull) and any(isinstance(o, ClosePull) for o, _ in failures):
            failures.append((operation, ForgeError(_WAITS.format(operation.draft.title))))
            continue
        try:
            number = execute(forge, operation, base)
        except ForgeError as error:
            failures.append((operation, error))
        else:
            pulls += [] if number is None else [number]
    return Done(tuple(dict.fromkeys(pulls)), tuple(failures))


def execute(forge: Forge, operation: Operation, base: str) -> int | None:
    """Carry one operation out against the base it was planned on; return its pull's number.

    Raises:
        BranchMovedError: somebody pushed in the meantime; the next run sees what they did.
        ForgeError: the forge refused; what was done until then stands, and the next run heals it.
    """
    number: int | None = None
    match operation:
        case OpenPull():
            number = _open(forge, operation, base)
        case UpdateBranch():
            number = _update(forge, operation, base)
        case FinishUpdate(number, branch, head, to):
            forge.move_branch(branch, head, to)
        case EditBody(number, title, body):
            forge.edit_pull(number, title=title, body=body)
        case SetLabels(number, labels):
            forge.mark_pull(number, labels)
        case SetAutoMerge(number, on):
            forge.auto_merge(number, on=on)
        case ClosePull():
            number = _close(forge, operation)
        case DeleteBranch(branch, head):
            forge.move_branch(branch, head, None)
        case WriteDashboard(issue, title, body):
            forge.write_dashboard(issue, title, body)
    return number


def _open(forge: Forge, operation: OpenPull, base: str) -> int:
    draft = operation.draft
    metadata = _commit(forge, draft, base, replace(describe(draft), flips=operation.flips))
    forge.move_branch(draft.branch, operation.replaces, metadata.head)
    number = forge.open_pull(draft.branch, draft.title, join(draft.body, metadata))
    if draft.labels or draft.assignees:
        forge.mark_pull(number, draft.labels, draft.assignees)
    if draft.auto_merge:
        forge.auto_merge(number, on=True)
    return number


def _update(forge: Forge, operation: UpdateBranch, base: str) -> int:
    draft = operation.draft
    noted = replace(operation.metadata, replaces=operation.head)
    metadata = _commit(forge, draft, base, noted)
    body = join(draft.body, metadata, operation.above, operation.below)
    forge.edit_pull(operation.number, title=operation.title, body=body)
    forge.move_branch(operation.branch, operation.head, metadata.head)
    return operation.number


def _close(forge: Forge, operation: ClosePull) -> int:
    forge.edit_pull(operation.number, body=operation.body, close=True)
    forge.comment(operation.number, operation.comment)
    if operation.head is not None:
        forge.move_branch(operation.branch, operation.head, None)
    return operation.number


def _commit(forge: Forge, draft: Draft, base: str, metadata: Metadata) -> Metadata:
    """Store the commit of a draft, and note it."""
    tree = forge.write_tree(base, draft.files)
    head = forge.write_commit(tree, base, sign(draft, tree))
    return replace(metadata, head=head, tree=tree, base=base)
