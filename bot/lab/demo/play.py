"""The play: nights of proposals, mornings of review, and what came of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bot.lab import constants as known
from bot.lab.bills import price_book
from bot.lab.comparison import Stretch, picture, stretch
from bot.lab.demo.reviewers import Reviewed, merge_edited, review
from bot.lab.demo.scene import MARKER, Scene, set_up
from bot.lab.lab import world_of
from bot.lab.truth import Truth

NIGHTS: Final = 5
_DAY: Final = timedelta(days=1)
_AFTERWARDS: Final = timedelta(days=14)
PICTURE: Final = "before-after.svg"

Say = Callable[[str], None]


def play(folder: Path, say: Say) -> int:
    """Show the loop on a fresh scene and say what to look at; return the exit code."""
    with set_up(folder) as scene:
        jobs = scene.lab.world.engine.jobs.count
        links = len(scene.lab.world.fleet.connections)
        say(
            f"A simulated Airbyte answers on {scene.lab.url}: {links} connections, "
            f"{scene.setup.days} days, {jobs:,} jobs.\n"
            f"A real git repository is in {folder}; the real Terraform has taken the fleet over.\n"
        )
        code = _nights(scene, say)
        if code:
            return code
        say(f"\nNothing more is merged, and {_AFTERWARDS.days} days pass …\n")
        since = scene.lab.now
        scene.lab.advance(_AFTERWARDS)
        say(compare(scene, since))
    say(_what_next(folder))
    return 0


def _nights(scene: Scene, say: Say) -> int:
    edited: tuple[int, ...] = ()
    for night in range(1, NIGHTS + 1):
        say(f"── night {night} ──\n$ trimtab run")
        done = scene.trimtab("run")
        say(done.stdout if night == 1 else done.stdout.split("\n", 1)[0])
        if done.returncode:
            return done.returncode
        if night == 1:
            say("A second run at once has nothing to do:\n\n$ trimtab plan --detailed-exitcode")
            again = scene.trimtab("plan", "--detailed-exitcode")
            say(f"{again.stdout.split(chr(10), 1)[0]}\n(exit code {again.returncode})\n")
        merge_edited(scene, edited)
        found = review(scene, first=night == 1)
        say(_told(found, edited))
        edited = found.edited
        applied = scene.terraform.apply()
        say(f"$ terraform apply\n{_changes(applied.stdout)}\n")
        scene.lab.advance(_DAY)
    return 0


def _told(found: Reviewed, edited: tuple[int, ...]) -> str:
    parts = [f"ada approves and merges {len(found.merged) + len(edited)}"]
    if found.closed:
        parts.append(f"turns down #{found.closed[0]}, which is not proposed again for a month")
    if found.edited:
        parts.append(f"changes #{found.edited[0]} by hand, which trimtab leaves alone from then on")
    if edited:
        parts.append(f"her own version of #{edited[0]} among them")
    return "; ".join(parts) + "."


def _changes(printed: str) -> str:
    lines = [line for line in printed.splitlines() if line.startswith(("Apply complete", "No "))]
    return lines[-1] if lines else ""


def compare(scene: Scene, since: datetime) -> str:
    """Measure the fleet from an instant on beside what it would have been, and draw both."""
    prices = price_book(scene.lab.world.fleet)
    until, setup = scene.lab.now, scene.setup
    start = int(setup.until.timestamp())
    twin = world_of(setup, start - start % known.DAY - setup.days * known.DAY)
    twin.advance(int(until.timestamp()))
    before = stretch(Truth(twin), since, until, prices)
    after = stretch(scene.lab.truth, since, until, prices)
    (scene.folder / MARKER / PICTURE).write_text(picture(before, after), encoding="utf-8")
    return _table(before, after)


def _table(before: Stretch, after: Stretch) -> str:
    rows = [
        ("warehouse on time", str(before.bill.warehouse), str(after.bill.warehouse)),
        ("volume", str(before.bill.volume), str(after.bill.volume)),
        ("whole bill", str(before.bill.total), str(after.bill.total)),
        ("deadlines missed", *(f"{s.missed} of {s.promised}" for s in (before, after))),
        ("most syncs at once", str(before.peak), str(after.peak)),
        ("syncs that failed", *(f"{s.failed} of {s.syncs:,}" for s in (before, after))),
    ]
    head = (f"{before.days} days", "as it was", "with what was merged")
    return "\n".join(f"  {name:22}{was:>16}{now:>24}" for name, was, now in (head, *rows))


def _what_next(folder: Path) -> str:
    git = f"git -C {_shown(folder)}"
    return f"""
What to look at, in this order:

  A pull request, as a reviewer reads it:
    {git} show refs/trimtab/pulls/1:body.md

  What was merged, each one literal and nothing else:
    {git} log --first-parent -p -m main -- terraform

  The picture of before and after, in any browser:
    {_shown(folder / MARKER / PICTURE)}

  The same on your own fleet: docs/quickstart.md
"""


def _shown(folder: Path) -> str:
    """Shorten a path that lies below where the reader stands."""
    return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else str(folder)
