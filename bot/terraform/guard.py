"""The guard: a real plan held against what the pull request promises.

Only the promised addresses, only the promised attributes, only the promised values, and only
updates. What the plan of the target branch shows as well is noise that the pull request is not
blamed for. A plan holds secrets in clear text, so findings name paths and never quote a value of it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.errors import TerraformError
from bot.terraform import planconfig
from bot.terraform.consumers import resolve
from bot.terraform.plandiff import Leaf, Missing, dotted, leaves, output_leaves
from bot.terraform.planfile import Plan, PlannedChange
from bot.terraform.promise import Promise, agree

_PROVIDER = "/airbytehq/airbyte"
# Attributes that nobody sets and that an update may leave open until it is applied.
_COMPUTED = {
    "created_at",
    "status_reason",
    "schedule.basic_timing",
    "source_type",
    "destination_type",
}


class Rule(StrEnum):
    """What a finding breaks."""

    ADDRESS = "address"
    ATTRIBUTE = "attribute"
    VALUE = "value"
    ACTION = "action"
    MISSING = "missing"
    OUTPUT = "output"
    CONFIGURATION = "configuration"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which the plan is not what was promised."""

    rule: Rule
    address: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the guard found; the plan may be applied when there is no finding."""

    kept: tuple[Promise, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Tell whether the plan does what was promised and nothing else."""
        return not self.findings


def check(plan: Plan, promises: Iterable[Promise], base: Plan | None = None) -> Report:
    """Hold a plan against promises.

    Args:
        plan: of the pull request's branch.
        promises: what the pull request says it changes.
        base: the plan of the target branch against the same state; what it shows is not blamed,
            and the two configurations may differ in promised literals only.

    Raises:
        TerraformError: the plan is nested too deep to compare.
    """
    try:
        return _Check(plan, tuple(promises), base).report()
    except RecursionError as error:
        raise TerraformError("the plan holds values that are nested too deep to compare") from error


class _Check:
    """One run of the guard."""

    def __init__(self, plan: Plan, promises: tuple[Promise, ...], base: Plan | None) -> None:
        self._plan = plan
        self._base = base
        self._noise = {} if base is None else {_key(one): one for one in base.changes}
        self._findings: list[Finding] = []
        self._notes: list[str] = []
        self._kept: list[Promise] = []
        self._promises = promises
        self._due: dict[str, dict[tuple[str, ...], Promise]] = {}

    def report(self) -> Report:
        self._find_what_is_due()
        seen = Counter(_key(change) for change in self._plan.changes)
        for change in self._plan.changes:
            if seen[_key(change)] > 1:
                self._find(Rule.ACTION, change.address, "", "is listed twice in the plan")
            self._judge(change)
        self._missing()
        self._outputs()
        self._unfinished()
        self._configuration()
        self._drift()
        return Report(tuple(self._kept), tuple(self._findings), tuple(self._notes))

    def _find_what_is_due(self) -> None:
        for promise in self._promises:
            address, problem = resolve(promise.address, self._plan)
            if problem is not None:
                self._find(Rule.MISSING, promise.address, promise.path, problem)
            elif promise.parts in self._due.setdefault(address, {}):
                self._find(Rule.VALUE, address, promise.path, "is promised twice")
            else:
                self._due[address][promise.parts] = promise

    def _judge(self, change: PlannedChange) -> None:
        due = dict(self._due.get(change.address, {})) if change.deposed is None else {}
        twin = self._noise.get(_key(change))
        if not due and twin is not None and _is_same(change, twin):
            self._note(
                f"{change.address}: pending on the target branch as well, not blamed on this"
            )
            return
        for problem in _odd(change):
            self._find(Rule.ACTION, change.address, "", problem)
        if change.actions != ("update",):
            return
        if not change.provider.endswith(_PROVIDER) and change.type.startswith("airbyte_"):
            self._find(Rule.ADDRESS, change.address, "", f"is served by {change.provider}")
        pending = {} if twin is None else {leaf.path: leaf for leaf in leaves(twin)}
        known = {leaf.identity() for leaf in pending.values()}
        found = leaves(change)
        for leaf in found:
            promise = due.get(leaf.path)
            if promise is not None:
                self._hold(change, leaf, promise, pending.get(leaf.path))
            elif leaf.identity() in known:
                self._note(f"{change.address}: {dotted(leaf.path)} is pending on the target branch")
            elif leaf.after is Missing.UNKNOWN and dotted(leaf.path) in _COMPUTED:
                self._note(f"{change.address}: {dotted(leaf.path)} is filled in by Airbyte")
            else:
                self._stray(change, leaf, is_promised=bool(due))
        if not found:
            self._find(
                Rule.ATTRIBUTE, change.address, "", "would be updated without a visible change"
            )

    def _hold(
        self, change: PlannedChange, leaf: Leaf, promise: Promise, pending: Leaf | None
    ) -> None:
        """Compare one promised change with what the plan does there."""
        problem = None
        starts = [leaf.before] if pending is None else [leaf.before, pending.after]
        if leaf.remark:
            problem = leaf.remark
        elif leaf.after is Missing.UNKNOWN:
            problem = "is known only after apply, so nobody can tell what it becomes"
        elif not agree(promise.after, leaf.after):
            problem = f"would become another value than the promised {promise.after!r}"
        elif not any(agree(promise.before, start, path=promise.path) for start in starts):
            problem = f"is not {promise.before!r} today, which the promise starts from"
        elif leaf.changes_type:
            problem = "would change its type as well"
        self._due[change.address].pop(leaf.path, None)
        if problem is None:
            self._kept.append(promise)
        else:
            self._find(Rule.VALUE, change.address, promise.path, problem)

    def _stray(self, change: PlannedChange, leaf: Leaf, *, is_promised: bool) -> None:
        open_end = "would be known only after apply" if leaf.after is Missing.UNKNOWN else None
        said = leaf.remark or open_end or "would change"
        if is_promised:
            problem = f"{said}, and the pull request promises other attributes only"
            self._find(Rule.ATTRIBUTE, change.address, dotted(leaf.path), problem)
        else:
            problem = f"{said}, and the pull request does not promise this address"
            self._find(Rule.ADDRESS, change.address, dotted(leaf.path), problem)

    def _missing(self) -> None:
        for address, due in self._due.items():
            for promise in due.values():
                problem = (
                    f"is promised to become {promise.after!r}, and the plan leaves it as it is"
                )
                self._find(Rule.MISSING, address, promise.path, problem)

    def _outputs(self) -> None:
        """Let an output follow a promised value; anything else about outputs is a stray change."""
        base = {} if self._base is None else self._base.outputs
        for name, change in self._plan.outputs.items():
            address = f"output.{name}"
            if base.get(name) == change:
                continue
            if change.actions != ("update",):
                self._find(Rule.OUTPUT, address, "", f"would be {_in_words(change.actions)}")
                continue
            if change.is_revealed:
                self._find(Rule.OUTPUT, address, "", "would no longer be a secret")
            for leaf in output_leaves(change):
                if not self._follows(leaf):
                    self._find(Rule.OUTPUT, address, dotted(leaf.path), "would change, unpromised")

    def _follows(self, leaf: Leaf) -> bool:
        return any(
            agree(promise.before, leaf.before, path=promise.path)
            and agree(promise.after, leaf.after)
            for promise in self._promises
        )

    def _unfinished(self) -> None:
        base = Plan() if self._base is None else self._base
        for address in set(self._plan.deferred) - set(base.deferred):
            self._find(Rule.INCOMPLETE, address, "", "is deferred, so the plan does not show it")
        for address in set(self._plan.invoked) - set(base.invoked):
            self._find(Rule.ACTION, address, "", "would be invoked")

    def _configuration(self) -> None:
        """Compare the two configurations: what no plan shows (a provider's address, a provisioner)."""
        if self._base is None:
            self._note("no plan of the target branch: provider settings were not compared")
            return
        for leaf in planconfig.strays(self._base.configuration, self._plan.configuration):
            if not self._follows(leaf) or not planconfig.is_literal(leaf):
                problem = "differs from the target branch in more than the promised literals"
                self._find(Rule.CONFIGURATION, "configuration", dotted(leaf.path), problem)

    def _drift(self) -> None:
        for change in self._plan.drifted:
            paths = sorted({dotted(leaf.path) for leaf in leaves(change)})
            what = ", ".join(paths) or _in_words(change.actions)
            self._note(f"{change.address}: changed outside Terraform ({what})")

    def _find(self, rule: Rule, address: str, path: str, message: str) -> None:
        self._findings.append(Finding(rule, address, path, message))

    def _note(self, text: str) -> None:
        self._notes.append(text)


def _key(change: PlannedChange) -> tuple[str, str | None]:
    return change.address, change.deposed


def _is_same(change: PlannedChange, twin: PlannedChange) -> bool:
    """Tell whether two plans do the same to one object."""
    if (change.actions, change.moved_from, change.imported) != (
        twin.actions,
        twin.moved_from,
        twin.imported,
    ):
        return False
    one, other = (
        {leaf.identity() for leaf in leaves(change)},
        {leaf.identity() for leaf in leaves(twin)},
    )
    return one == other


def _odd(change: PlannedChange) -> Iterator[str]:
    if change.deposed is not None:
        yield "has a deposed object that would be destroyed"
    elif change.actions not in {("update",), ("no-op",), ("read",)}:
        yield f"would be {_in_words(change.actions)}; only updates are promised"
    if change.moved_from is not None:
        yield f"would be moved here from {change.moved_from}"
    if change.imported:
        yield "would be imported"


_WORDS: Mapping[tuple[str, ...], str] = {
    ("create",): "created",
    ("delete",): "destroyed",
    ("update",): "updated",
    ("delete", "create"): "replaced (destroyed, then created)",
    ("create", "delete"): "replaced (created, then destroyed)",
    ("forget",): "forgotten",
}


def _in_words(actions: tuple[str, ...]) -> str:
    return _WORDS.get(actions, " and ".join(actions) or "changed")
