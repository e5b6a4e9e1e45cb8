"""Reviewers: what people do with the proposals of one night, by a fixed script."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.lab.demo.scene import Scene
from bot.pulls.git import Git
from bot.pulls.snapshot import Pull, PullState

_CRON: Final = re.compile(r'"(\d+) (\d+) (\S+ \S+ \S+ \S+) UTC"')
_MOVED_BY: Final = 2


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The pull requests that people merged, closed, and changed by hand, by number."""

    merged: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    edited: tuple[int, ...] = ()


def review(scene: Scene, *, first: bool) -> Reviewed:
    """Approve and merge what is open; the first time one is turned down, and one changed by hand."""
    ada = scene.person("ada")
    waiting = _open(scene)
    closed: list[int] = []
    edited: list[int] = []
    if first and len(waiting) > 1:
        # The last of the list: what matters least is the first that people argue about.
        *waiting, last = waiting
        ada.close(last.number)
        closed.append(last.number)
    if first and len(waiting) > 1:
        *rest, changed = waiting
        if _edit(scene, changed):
            edited.append(changed.number)
            waiting = rest
    for pull in waiting:
        ada.approve(pull.number)
        ada.merge(pull.number)
    return Reviewed(tuple(pull.number for pull in waiting), tuple(closed), tuple(edited))


def merge_edited(scene: Scene, numbers: Sequence[int]) -> None:
    """Merge what people have changed by hand, as they left it."""
    for number in numbers:
        scene.person("ada").merge(number)


def _open(scene: Scene) -> list[Pull]:
    pulls = scene.person("ada").forge.snapshot().pulls
    waiting = [pull for pull in pulls if pull.state is PullState.OPEN]
    return sorted(waiting, key=lambda pull: pull.number)


def _edit(scene: Scene, pull: Pull) -> bool:
    """Push a commit of a person's to the branch: the same cron, some minutes later."""
    git = Git(scene.folder)
    head = git.text("rev-parse", pull.branch)
    (name,) = git.text("diff", "--name-only", f"main...{pull.branch}").splitlines()[:1] or [""]
    diff = git.text("diff", "--unified=0", f"main...{pull.branch}")
    added = next((line for line in diff.splitlines() if line.startswith("+ ")), "")
    found = _CRON.search(added)
    if found is None:
        return False
    minute = (int(found[2]) + _MOVED_BY) % 60
    content = git.run("show", f"{pull.branch}:{name}").decode()
    line = added[1:].replace(found[0], f'"{found[1]} {minute} {found[3]} UTC"')
    tree = git.write_tree(head, {name: content.replace(added[1:], line, 1).encode()})
    when = f"{int(scene.lab.now.timestamp())} +0000"
    by = {"GIT_AUTHOR_NAME": "ada", "GIT_AUTHOR_EMAIL": "ada@example.com"}
    by |= {"GIT_COMMITTER_NAME": "ada", "GIT_COMMITTER_EMAIL": "ada@example.com"}
    by |= {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    message = f"Start {_MOVED_BY} minutes later: the export is not ready before"
    made = git.run("commit-tree", tree, "-p", head, "-m", message, env=by).decode().strip()
    git.move_ref(f"refs/heads/{pull.branch}", head, made)
    return True
