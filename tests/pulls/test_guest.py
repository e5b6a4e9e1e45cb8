"""A perfect guest: whatever people and mishaps do, in any order, the rules of the house hold.

A state machine plays people (who push, amend, close, reopen, merge, delete, edit, tick), the fleet
(values that come, change, and go, with evidence or without), the base branch, the clock, and runs that
are partial, refused by the forge, or killed between any two writes.
"""

import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.errors import ForgeError
from bot.domain.manners import Manners
from bot.pulls.change import Target
from bot.pulls.closing import Obsolete
from bot.pulls.dashboard import Findings, Health, dashboard
from bot.pulls.draft import Draft
from bot.pulls.execution import Done, carry_out, execute
from bot.pulls.held import HeldReason
from bot.pulls.metadata import CloseReason
from bot.pulls.operations import ClosePull, EditBody, FinishUpdate, OpenPull, UpdateBranch
from bot.pulls.ownership import worked_on
from bot.pulls.reconcile import Circumstances, Reconciled, reconcile, remember
from bot.pulls.snapshot import Pull, PullState, Snapshot
from tests.pulls.memory import MemoryWorld
from tests.pulls.worlds import FILE, FailingForge, Killed, LocalWorld, World, content, draft, values

NAMES = ("ant", "bee", "cat", "dog")
BASE = dict.fromkeys(NAMES, 1)
MANNERS = Manners(open_limit=3, new_per_run=2)
NOTE = "\n\nPlease wait for Monday."

names = st.sampled_from(NAMES)
sizes = st.sampled_from((11, 12, 25, 40))
picks = st.integers(0, 20)
mishaps = st.tuples(
    st.integers(1, 12), st.booleans(), st.sampled_from([Killed(), ForgeError("it is down")])
)


class Guest(RuleBasedStateMachine):
    """What the house remembers, to hold the guest to it."""

    world: World

    def make_world(self) -> World:
        return MemoryWorld({FILE: content(BASE)})

    @initialize(wanted=st.dictionaries(names, sizes), asks_first=st.booleans())
    def begin(self, wanted: dict[str, int], asks_first: bool) -> None:
        self.asks_first = asks_first
        self.world = self.make_world()
        self.filler = 0
        self.wanted = dict(wanted)
        self.obsolete: dict[Target, Obsolete] = {}
        self.evidence = 0
        self.pushes = 0
        self.theirs: dict[str, str] = {}
        self.bodies: dict[int, str] = {}
        self.notes: set[int] = set()
        self.touched: set[int] = set()
        self.titles: dict[int, str] = {}
        self.reopened: set[int] = set()
        self.closed_by_people: set[int] = set()
        self.snoozed: dict[str, datetime] = {}

    # The fleet, the base and the clock.

    @rule(name=names, size=sizes)
    def recommend(self, name: str, size: int) -> None:
        self.wanted[name] = size
        self.obsolete.pop(Target(name, "size"), None)

    @rule(name=names)
    def fall_silent(self, name: str) -> None:
        self.wanted.pop(name, None)

    @rule(name=names, reason=st.sampled_from(CloseReason))
    def disprove(self, name: str, reason: CloseReason) -> None:
        self.wanted.pop(name, None)
        self.obsolete[Target(name, "size")] = Obsolete(reason, f"{name} needs nothing any more")

    @rule()
    def drift(self) -> None:
        self.evidence += 1

    @rule(hours=st.sampled_from((1, 24, 24 * 9, 24 * 31)))
    def wait(self, hours: int) -> None:
        self.world.now += timedelta(hours=hours)

    @rule(name=names, size=sizes)
    def change_the_base_where_it_hurts(self, name: str, size: int) -> None:
        base = self.world.content("main")[FILE]
        before = values(base)[name]
        line = f"{name} = {size + 100}\n".encode()
        self.world.edit_base({FILE: base.replace(f"{name} = {before}\n".encode(), line)})

    @rule()
    def change_the_base_elsewhere(self) -> None:
        self.filler += 1
        base = self.world.content("main")[FILE]
        start = base.rindex(b"# ")
        self.world.edit_base({FILE: base[:start] + b"# %d\n" % self.filler})

    # People.

    @rule(pick=picks, amend=st.booleans())
    def push(self, pick: int, amend: bool) -> None:
        branches = self.world.forge.snapshot().branches
        if branches:
            branch = sorted(branches)[pick % len(branches)]
            self.pushes += 1
            lines = self.world.content(branch)[FILE].splitlines()
            lines[3] = b"# by a person %d" % self.pushes
            theirs = b"\n".join([*lines, b""])
            (self.world.amend if amend else self.world.push)(branch, {FILE: theirs})
            self.theirs[branch] = self.world.forge.snapshot().branches[branch].sha

    @rule(pick=picks)
    def close(self, pick: int) -> None:
        if pull := self.pick(pick, PullState.OPEN):
            self.world.close(pull.number)
            self.remember_closing(pull)

    @rule(pick=picks)
    def reopen(self, pick: int) -> None:
        pull = self.pick(pick, PullState.CLOSED)
        if pull and self.world.reopen(pull.number):
            self.reopened.add(pull.number)
            self.touched.add(pull.number)
            self.closed_by_people.discard(pull.number)
            self.forget_snooze(pull)

    @rule(pick=picks)
    def merge(self, pick: int) -> None:
        if pull := self.pick(pick, PullState.OPEN):
            self.world.merge(pull.number)

    @rule(pick=picks)
    def delete_branch(self, pick: int) -> None:
        if pull := self.pick(pick, PullState.OPEN):
            if pull.branch not in self.world.forge.snapshot().branches:
                return
            self.world.delete_branch(pull.branch)
            self.theirs.pop(pull.branch, None)
            self.touched.add(pull.number)
            if self.find(pull.number).state is PullState.CLOSED:
                self.remember_closing(pull)

    @rule(pick=picks, wholly=st.booleans())
    def edit_the_description(self, pick: int, wholly: bool) -> None:
        if pull := self.pick(pick, PullState.OPEN):
            body = "I know better." if wholly else pull.body.replace("Because", "Although", 1)
            if body != pull.body:
                self.world.rewrite(pull.number, body)
                self.bodies[pull.number] = body
                self.touched.add(pull.number)
                self.notes.discard(pull.number)

    @rule(pick=picks)
    def add_a_note(self, pick: int) -> None:
        pull = self.pick(pick, PullState.OPEN)
        if pull and pull.number not in self.bodies:
            self.world.rewrite(pull.number, f"{pull.body}{NOTE}")
            self.notes.add(pull.number)

    @rule(pick=picks)
    def retitle(self, pick: int) -> None:
        if pull := self.pick(pick, PullState.OPEN):
            self.world.retitle(pull.number, f"My title {pick}")
            self.titles[pull.number] = f"My title {pick}"

    @rule(pick=picks)
    def tick(self, pick: int) -> None:
        pulls = self.world.forge.snapshot().pulls
        if pulls:
            pull = pulls[pick % len(pulls)]
            if self.world.tick(pull.number):
                self.forget_snooze(pull)

    # Runs.

    @rule()
    def run(self) -> None:
        snapshot, planned = self.plan()
        done = carry_out(self.world.forge, planned.operations, snapshot.base)
        assert done.failures == ()
        self.write_dashboard()
        self.look_at_branches(planned)
        opened_all = not any(each.reason is HeldReason.NEW_LIMIT for each in planned.held)
        again_snapshot, again = self.plan()
        if opened_all:
            assert again.operations == ()
            assert self.drafted_dashboard(again_snapshot, again) is None

    @rule(name=names, size=sizes)
    def recommend_and_run(self, name: str, size: int) -> None:
        self.recommend(name, size)
        self.run()

    @rule(pick=picks, reason=st.sampled_from(CloseReason))
    def disprove_and_run(self, pick: int, reason: CloseReason) -> None:
        pull = self.pick(pick, PullState.OPEN)
        for target in pull.metadata.targets if pull and pull.metadata else ():
            self.disprove(target.connection, reason)
        self.run()

    @rule()
    def run_a_day_later(self) -> None:
        self.wait(24)
        self.run()

    @rule(mishap=mishaps, name=names, size=sizes)
    def recommend_and_die(self, mishap: tuple[int, bool, Exception], name: str, size: int) -> None:
        self.recommend(name, size)
        self.run_with_a_mishap(mishap)

    @rule(pick=picks, size=sizes, write=st.integers(1, 4), after=st.booleans())
    def turn_and_die(self, pick: int, size: int, write: int, after: bool) -> None:
        pull = self.pick(pick, PullState.OPEN)
        if pull and pull.metadata:
            self.wanted = {}
            self.recommend(pull.metadata.changes[0].connection, size)
            self.run_with_a_mishap((write, after, Killed()))

    @rule(mishap=mishaps)
    def run_with_a_mishap(self, mishap: tuple[int, bool, Exception]) -> None:
        countdown, after, error = mishap
        snapshot, planned = self.plan()
        failing = FailingForge(self.world.forge, error, countdown, after)
        try:
            done = carry_out(failing, planned.operations, snapshot.base)
        except Killed:
            done = Done(())
        assert len(done.failures) <= 1
        for operation in planned.operations:
            if isinstance(operation, OpenPull):
                self.snoozed.pop(operation.draft.changes[0].fingerprint, None)

    @rule()
    def run_without_having_read_everything(self) -> None:
        snapshot = self.world.forge.snapshot()
        circumstances = Circumstances(self.world.now, complete=False, obsolete=self.obsolete)
        assert reconcile(snapshot, self.drafts(), MANNERS, circumstances).operations == ()

    # The rules of the house.

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def nothing_of_people_is_lost(self) -> None:
        snapshot = self.world.forge.snapshot()
        for branch, head in self.theirs.items():
            assert snapshot.branches[branch].sha == head
        for pull in snapshot.pulls:
            assert pull.body == self.bodies.get(pull.number, pull.body)
            assert pull.title == self.titles.get(pull.number, pull.title)
            assert pull.number not in self.notes or pull.body.endswith(NOTE)

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def what_only_trimtab_has_touched_stays_its_own(self) -> None:
        snapshot = self.world.forge.snapshot()
        for pull in snapshot.pulls:
            if pull.state is PullState.OPEN and pull.number not in self.touched:
                assert pull.branch in self.theirs or worked_on(snapshot, pull) is None

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def there_is_never_a_second(self) -> None:
        opened = [
            target
            for pull in self.world.forge.snapshot().pulls
            if pull.state is PullState.OPEN and pull.metadata
            if pull.number not in self.reopened
            for target in pull.metadata.targets
        ]
        assert max(Counter(opened).values(), default=0) <= 1

    def look_at_plan(self, snapshot: Snapshot, planned: Reconciled) -> None:
        pulls = {pull.number: pull for pull in snapshot.pulls}
        still_open = {n for n, pull in pulls.items() if pull.state is PullState.OPEN}
        before = len(still_open)
        new = 0
        for operation in planned.operations:
            match operation:
                case ClosePull(number):
                    self.look_at_closing(snapshot, pulls[number], planned)
                    still_open.discard(number)
                case UpdateBranch(number, branch, head, wanted):
                    noted = pulls[number].metadata
                    assert noted is not None
                    assert self.theirs.get(branch) != head
                    turned = noted.promise != wanted.promise
                    assert turned or pulls[number].conflicts
                case FinishUpdate(number, branch, head, to):
                    noted = pulls[number].metadata
                    assert noted is not None
                    assert self.theirs.get(branch) != head
                    assert (noted.replaces, noted.head) == (head, to)
                case EditBody(number):
                    assert number not in self.bodies
                case OpenPull(wanted):
                    new += 1
                    self.look_at_opening(wanted, [pulls[number] for number in still_open])
                case _:
                    pass
        assert new <= MANNERS.new_per_run
        assert len(still_open) + new <= max(before, MANNERS.open_limit)
        for held in planned.held:
            if held.reason is HeldReason.SNOOZED:
                assert held.pull in self.closed_by_people

    def look_at_closing(self, snapshot: Snapshot, pull: Pull, planned: Reconciled) -> None:
        assert worked_on(snapshot, pull) is None
        assert pull.metadata is not None
        drafted = {target for each in self.drafts() for target in each.targets}
        for target in pull.metadata.targets:
            assert target in self.obsolete or target in drafted

    def look_at_opening(self, wanted: Draft, opened: list[Pull]) -> None:
        assert not any(pull.branch == wanted.branch for pull in opened)
        for pull in opened:
            assert pull.metadata is None or pull.metadata.targets.isdisjoint(wanted.targets)
        for change in wanted.changes:
            closed_at = self.snoozed.get(change.fingerprint)
            assert closed_at is None or self.world.now - closed_at >= MANNERS.snooze

    def look_at_branches(self, planned: Reconciled) -> None:
        """Every branch that is trimtab's changes exactly the literals that it promises."""
        snapshot = self.world.forge.snapshot()
        waiting = {held.pull for held in planned.held}
        drafted = {each.identity for each in self.drafts()}
        for pull in snapshot.pulls:
            if pull.state is not PullState.OPEN or worked_on(snapshot, pull) is not None:
                continue
            noted = pull.metadata
            assert noted is not None
            if noted.identity in drafted and pull.number not in waiting:
                assert not pull.conflicts
            before = self.world.content(noted.base)[FILE].splitlines()
            after = self.world.content(pull.branch)[FILE].splitlines()
            changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
            assert changed == [
                (f"{c.connection} = {c.before}".encode(), f"{c.connection} = {c.after}".encode())
                for c in noted.changes
            ]

    # How the house keeps its books.

    def drafts(self) -> list[Draft]:
        base = self.world.content("main")[FILE]
        drafts = [
            draft(base, name, size, evidence=self.evidence)
            for name, size in sorted(self.wanted.items())
            if values(base)[name] != size
        ]
        if not self.asks_first:
            return drafts
        # As grouping does: what may not be proposed does not become a draft at all.
        recalled = remember(self.world.forge.snapshot(), MANNERS, self.world.now)
        return [each for each in drafts if recalled.objection(each.changes[0], "") is None]

    def plan(self) -> tuple[Snapshot, Reconciled]:
        snapshot = self.world.forge.snapshot()
        circumstances = Circumstances(self.world.now, complete=True, obsolete=self.obsolete)
        planned = reconcile(snapshot, self.drafts(), MANNERS, circumstances)
        self.look_at_plan(snapshot, planned)
        return snapshot, planned

    def drafted_dashboard(self, snapshot: Snapshot, planned: Reconciled) -> object:
        health = Health(self.world.now, True, len(NAMES), self.evidence, 0)
        return dashboard(snapshot, planned.held, MANNERS, Findings(health, {}, ()))

    def write_dashboard(self) -> None:
        snapshot, planned = self.plan()
        health = Health(self.world.now, True, len(NAMES), self.evidence, 0)
        board = dashboard(snapshot, planned.held, MANNERS, Findings(health, {}, ()))
        if board is not None:
            execute(self.world.forge, board, snapshot.base)

    def pick(self, pick: int, state: PullState) -> Pull | None:
        """Choose a pull request to act on; no two acts of people are at the same moment."""
        self.world.now += timedelta(minutes=1)
        pulls = [pull for pull in self.world.forge.snapshot().pulls if pull.state is state]
        return pulls[pick % len(pulls)] if pulls else None

    def find(self, number: int) -> Pull:
        return next(p for p in self.world.forge.snapshot().pulls if p.number == number)

    def remember_closing(self, pull: Pull) -> None:
        self.closed_by_people.add(pull.number)
        for change in pull.metadata.changes if pull.metadata else ():
            self.snoozed[change.fingerprint] = self.world.now

    def forget_snooze(self, pull: Pull) -> None:
        for change in pull.metadata.changes if pull.metadata else ():
            self.snoozed.pop(change.fingerprint, None)


class LocalGuest(Guest):
    """The same, on real git objects."""

    def make_world(self) -> World:
        self.folder = tempfile.TemporaryDirectory(prefix="trimtab-guest-")
        return LocalWorld.make(Path(self.folder.name), {FILE: content(BASE)})

    def teardown(self) -> None:
        if hasattr(self, "world"):
            assert isinstance(self.world, LocalWorld)
            self.world.git.run("fsck", "--strict", "--no-dangling")
            self.folder.cleanup()


_quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
TestGuestInMemory = Guest.TestCase
TestGuestInMemory.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=_quiet
)
TestGuestInARepository = LocalGuest.TestCase
TestGuestInARepository.settings = settings(
    max_examples=4, stateful_step_count=25, deadline=None, suppress_health_check=_quiet
)
