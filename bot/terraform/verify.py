"""Verify: evaluate the whole root before and after, and accept the one difference meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.edit import Edit, Refusal, RefusalReason
from bot.domain.errors import TerraformError
from bot.terraform import agreement, layout, rules, validations
from bot.terraform.address import Steps
from bot.terraform.evaluation import ABSENT, Difference, Evaluation, differences, evaluate
from bot.terraform.hidden import hidden_uses
from bot.terraform.index import Index
from bot.terraform.locate import Location, dotted, find, helped, same
from bot.terraform.neighbours import affected
from bot.terraform.scope import refuse
from bot.terraform.splice import Replacement, encode, spliced, trailing_comment, unified

if TYPE_CHECKING:
    from bot.terraform.document import Document

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Change:
    """A value that somebody wants at an address and path; `by_hand` when a person typed it."""

    address: str
    path: str
    value: str
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An edit that has not been tried yet."""

    change: Change
    location: Location
    text: str

    @property
    def replacement(self) -> Replacement:
        """Return what it does to the document."""
        return Replacement(self.location.literal, self.text)


def set_value(index: Index, change: Change) -> Edit | Refusal:
    """Work out the edit that gives one setting a new value; nothing is written."""
    return set_values(index, [change])[0]


def set_values(index: Index, changes: Sequence[Change]) -> list[Edit | Refusal]:
    """Work out many edits; those that cannot mask each other are tried in one evaluation."""
    outcomes: dict[int, Edit | Refusal] = {}
    drafts: dict[int, Draft] = {}
    for position, change in enumerate(changes):
        found = draft(index, change)
        if isinstance(found, Refusal):
            outcomes[position] = found
        elif found.text == found.location.literal.text:
            outcomes[position] = _edit(found)
        else:
            drafts[position] = found
    for position, refusal in _hidden(index, drafts).items():
        outcomes[position] = refusal
        del drafts[position]
    for group in _disjoint(drafts):
        outcomes |= _try(index, group)
    return [outcomes[position] for position in range(len(changes))]


def draft(index: Index, change: Change) -> Draft | Refusal:
    """Locate a change and check it against every rule that needs no evaluation."""
    location = find(index, change.address, change.path, change.value)
    if isinstance(location, Refusal):
        return location
    literal = location.literal
    text = encode(literal, change.value)
    refusal = None
    if text is None:
        refusal = refuse(
            RefusalReason.BOUNDS,
            f"{change.value!r} cannot be written as the {literal.kind} {literal.text}",
            literal,
        )
    else:
        refusal = rules.check(index, location, change.value, by_hand=change.by_hand) or _shared(
            index, location
        )
    if refusal is None:
        refusal = index.aliases.refusal(literal)
    if refusal is None and not agreement.agrees(literal):
        refusal = refuse(
            RefusalReason.UNVERIFIED, "a second parser does not see this literal here", literal
        )
    if refusal is None and text is not None and layout.loosens(literal, text):
        refusal = refuse(
            RefusalReason.UNVERIFIED,
            "the comments behind it are aligned, `terraform fmt` would want to move them",
            literal,
        )
    if refusal is not None or text is None:
        assert refusal is not None
        # A value that may not be written is no advice either: show the one that is there.
        kept = refusal.reason in {RefusalReason.BOUNDS, RefusalReason.NEVER}
        shown = literal.value if kept else change.value
        return helped(index, location.address, location.path, refusal, shown)
    return Draft(change, location, text)


def _hidden(index: Index, drafts: dict[int, Draft]) -> dict[int, Refusal]:
    """Refuse drafts of which the literal may be read where nothing can be evaluated."""
    if not drafts:
        return {}
    uses = hidden_uses(index, [one.location.literal for one in drafts.values()])
    refused = {}
    for position, one in drafts.items():
        own = {(address, path[0]) for address, path in one.location.places}
        # What a data source is for is to be read: its readers change with it.
        readers = index.users_of_data(one.location.target[0])
        others = sorted(
            f"{use.address}.{use.argument}"
            for use in uses[one.location.literal]
            if (use.address, use.argument) not in own and use.address not in readers
        )
        if others:
            refused[position] = _explain(index, one, others, "")
    return refused


def _disjoint(drafts: dict[int, Draft]) -> list[dict[int, Draft]]:
    """Group drafts so that in a group no two share a literal, a target or a name on the way."""
    groups: list[tuple[dict[int, Draft], set[object]]] = []
    for position, one in drafts.items():
        marks: set[object] = {
            (one.location.literal.document.path, one.location.literal.start),
            one.location.target,
            *(name for name in one.location.trail.names[1:] if not name.startswith("each.")),
        }
        for group, taken in groups:
            if taken.isdisjoint(marks):
                group[position] = one
                taken.update(marks)
                break
        else:
            groups.append(({position: one}, marks))
    return [group for group, _taken in groups]


def _try(index: Index, group: dict[int, Draft]) -> dict[int, Edit | Refusal]:
    """Evaluate with all drafts of a group; when anything is off, halve it until each is alone."""
    drafts = list(group.values())
    contents = _contents(drafts)
    elsewhere: list[str] = []
    try:
        after = evaluate(index.configuration, {d.path: data for d, data in contents.items()})
        found, failure = list(differences(index.evaluation, after)), ""
        if _as_meant(drafts, found, after):
            elsewhere = affected(index.configuration, contents)
            if not elsewhere:
                return {position: _edit(one) for position, one in group.items()}
    except TerraformError as error:
        found, failure = [], error.message
    if len(group) == 1:
        return {
            position: _explain(index, one, [*_beside(one, found), *elsewhere], failure)
            for position, one in group.items()
        }
    half = len(group) // 2
    items = list(group.items())
    return _try(index, dict(items[:half])) | _try(index, dict(items[half:]))


def _contents(drafts: Sequence[Draft]) -> dict["Document", bytes]:
    by_document: dict[Document, list[Replacement]] = {}
    for one in drafts:
        by_document.setdefault(one.location.literal.document, []).append(one.replacement)
    return {document: spliced(document, rows) for document, rows in by_document.items()}


def _as_meant(drafts: list[Draft], found: list[Difference], after: Evaluation) -> bool:
    wanted: dict[tuple[str, tuple[str, ...]], str] = {}
    for one in drafts:
        wanted |= dict.fromkeys(_places(one), one.change.value)
    for difference in found:
        value = wanted.get(_place(difference.address, difference.path))
        if value is None or not _took(difference, value):
            return False
    for one in drafts:
        address, path = one.location.target
        if not same(after.at(address, path), one.change.value):
            return False
    return _lines_kept(drafts)


def _took(difference: Difference, value: str) -> bool:
    if difference.before is ABSENT or difference.after is ABSENT:
        return False
    numbers = (int, float)
    same_type = type(difference.before) is type(difference.after) or (
        isinstance(difference.before, numbers) and isinstance(difference.after, numbers)
    )
    return same_type and same(difference.after, value)


def _lines_kept(drafts: list[Draft]) -> bool:
    return all(one.text.count("\n") == one.location.literal.text.count("\n") for one in drafts)


def _places(one: Draft) -> list[tuple[str, tuple[str, ...]]]:
    return [_place(address, path) for address, path in one.location.places]


def _place(address: str, path: Steps) -> tuple[str, tuple[str, ...]]:
    return address, tuple(str(step) for step in path)


def _beside(one: Draft, found: list[Difference]) -> list[str]:
    """Name what an edit would change beside what it is for."""
    own = set(_places(one))
    others = (d for d in found if _place(d.address, d.path) not in own)
    return sorted({f"{other.address}.{dotted(other.path)}".rstrip(".") for other in others})


def _explain(index: Index, one: Draft, others: list[str], failure: str) -> Refusal:
    location, literal = one.location, one.location.literal
    if failure:
        refusal = refuse(RefusalReason.UNVERIFIED, failure, literal)
    elif check := next((name for name in others if _is_check(name)), None):
        where = check.replace(f"{validations.KIND}.all.", "var.")
        refusal = refuse(
            RefusalReason.UNVERIFIED,
            f"the value fails, or may fail, the validation {where}",
            literal,
        )
    elif others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        detail = f"the literal also decides {', '.join(others[:_SHOWN])}{more}"
        refusal = refuse(RefusalReason.FAN_OUT, detail, literal)
    else:
        refusal = refuse(
            RefusalReason.UNVERIFIED,
            f"{dotted(location.path)} would not become {one.change.value!r}",
            literal,
        )
    return helped(index, location.address, location.path, refusal, one.change.value)


def _is_check(name: str) -> bool:
    return validations.KIND in name or name.endswith(f".{validations.VALIDATION}")


def _shared(index: Index, location: Location) -> Refusal | None:
    """Refuse a data source of which the value goes on to more than one source or destination."""
    if not location.through:
        return None
    address = location.through[-1][0]
    users = index.users_of_data(address)
    others = sorted(set(users) - {str(location.address)})
    if not others:
        return None
    return refuse(
        RefusalReason.FAN_OUT, f"{address} also configures {', '.join(others)}", location.literal
    )


def _edit(one: Draft) -> Edit:
    document = one.location.literal.document
    after = spliced(document, [one.replacement])
    return Edit(
        address=str(one.location.address),
        path=dotted(one.location.path),
        site=one.location.site,
        after_literal=one.text,
        after=one.change.value,
        diff=unified(document, after),
        stale_comment=trailing_comment(one.location.literal) if after != document.data else None,
    )
