"""Rules: what a new value has to obey, whoever asks for it."""

from bot.domain.cron import check_airbyte, split_zone
from bot.domain.edit import Refusal, RefusalReason
from bot.domain.knob import Bounds, Knob
from bot.knobs.catalogue import Catalogue, load
from bot.terraform.address import Steps
from bot.terraform.connector import connector_of
from bot.terraform.evaluation import ABSENT
from bot.terraform.index import Index
from bot.terraform.locate import CRON, Location, dotted, same
from bot.terraform.scope import refuse
from bot.terraform.splice import NUMBER

_CHOICES: dict[tuple[str, Steps], frozenset[str]] = {
    ("airbyte_connection", ("status",)): frozenset({"active", "inactive"}),
    ("airbyte_connection", ("schedule", "schedule_type")): frozenset({"manual", "cron"}),
    ("airbyte_connection", ("non_breaking_schema_updates_behavior",)): frozenset(
        {"ignore", "disable_connection", "propagate_columns", "propagate_fully"}
    ),
}
_LEFT_ALONE = {
    "configurations",
    "definition_id",
    "destination_id",
    "namespace_definition",
    "namespace_format",
    "prefix",
    "secret_id",
    "source_id",
    "workspace_id",
}


def check(index: Index, location: Location, value: str, *, by_hand: bool = False) -> Refusal | None:
    """Refuse a value outside of the bounds of its knob, or against the rules of Airbyte's crons.

    A person who types a value answers for it: `by_hand` leaves only what the connector's own
    specification says, not the narrower limits that trimtab sets itself.
    """
    kind, path = location.address.type, location.path
    if kind == "airbyte_connection" and path == CRON:
        return _check_cron(location, value, by_hand=by_hand)
    if kind.startswith("airbyte_") and path[0] in _LEFT_ALONE:
        return refuse(
            RefusalReason.NEVER,
            f"{dotted(path)} decides which data arrives or where: trimtab never changes it",
            location.literal,
        )
    choices = _CHOICES.get((kind, path))
    if choices is not None and value not in choices:
        return _outside(location, f"{value!r} is none of {', '.join(sorted(choices))}")
    if path[0] == "configuration" and len(path) > 1:
        return _check_knob(index, location, value, by_hand=by_hand)
    return None


def _check_cron(location: Location, value: str, *, by_hand: bool) -> Refusal | None:
    refused = [finding.message for finding in check_airbyte(value) if finding.refused]
    if refused:
        return _outside(location, refused[0])
    expression, zone = split_zone(value)
    if by_hand and zone is None and split_zone(str(location.literal.value))[1] is None:
        # The file is written without the zone, and a person asks for it so: no worse than before.
        return None
    if zone != "UTC" or value != f"{expression} UTC":
        return _outside(
            location,
            f"write {expression + ' UTC'!r}: Airbyte gives the expression back in that spelling, "
            "any other shows up as a difference in every plan",
        )
    return None


def _check_knob(index: Index, location: Location, value: str, *, by_hand: bool) -> Refusal | None:
    catalogue = load()
    typed = connector_of(index, location)
    path = dotted(location.path[1:])
    if typed is not None:
        reason = catalogue.why_untouched(typed.name, path)
        knob = _find(catalogue, typed.name, path, is_typed=typed.is_typed)
    else:
        reason, knob = catalogue.why_untouched("", path), None
    if reason is not None:
        return refuse(RefusalReason.NEVER, f"{path} is never touched: {reason}", location.literal)
    if knob is None:
        if _is_number(value) and _is_number(str(location.literal.value)):
            return None
        return refuse(
            RefusalReason.NEVER,
            f"{path} is not a tuning option that trimtab knows",
            location.literal,
        )
    elsewhere = _check_siblings(index, location, knob)
    if elsewhere is not None:
        return elsewhere
    return _check_bounds(location, knob, value, knob.spec if by_hand else knob.bounds)


def _find(catalogue: Catalogue, connector: str, path: str, *, is_typed: bool) -> Knob | None:
    if is_typed:
        return catalogue.find_typed(connector, path)
    return catalogue.find(connector, path)


def _check_siblings(index: Index, location: Location, knob: Knob) -> Refusal | None:
    for sibling, wanted in knob.requires.items():
        address, path = location.target
        steps = (path[0], *sibling.split("."))
        present = index.evaluation.at(address, steps)
        if present not in {None, ABSENT} and not same(present, wanted):
            return _outside(location, f"{knob.path} exists only where {sibling} is {wanted}")
    return None


def _check_bounds(location: Location, knob: Knob, value: str, bounds: Bounds) -> Refusal | None:
    if knob.enum is not None and value not in {str(choice) for choice in knob.enum}:
        return _outside(location, f"{value!r} is none of {', '.join(map(str, knob.enum))}")
    if knob.type in {"integer", "number"}:
        try:
            number = int(value) if knob.type == "integer" else float(value)
        except ValueError:
            return _outside(location, f"{value!r} is not of type {knob.type}")
        if not bounds.admits(number):
            low = "" if bounds.low is None else f"{bounds.low:g} ≤ "
            high = "" if bounds.high is None else f" ≤ {bounds.high:g}"
            return _outside(location, f"{value} is outside of {low}{knob.path}{high}")
    return None


def _outside(location: Location, detail: str) -> Refusal:
    return refuse(RefusalReason.BOUNDS, detail, location.literal)


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
