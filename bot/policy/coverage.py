"""Coverage: which clauses of a team's policies none of its tests decides."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.policy.fixtures import Result
from bot.policy.rules import Rules


def uncovered(rules: Rules, folder: Path, results: Sequence[Result]) -> list[str]:
    """Name the clauses written in a folder that no test's verdict cites, as `file:line: key`.

    What can never object is not counted: `any`, `pause: true`, the phases that let everything
    in, and what only advisors are told (priorities, staleness, capacities).
    """
    cited = {
        (citation.file, citation.line)
        for result in results
        for citation in result.ruling.verdict.citations
    }
    missing = []
    for rule in rules.all():
        if not rule.file.startswith(f"{folder.name}/"):
            continue
        for path in _objecting(rule.clauses.model_dump(exclude_unset=True)):
            if (rule.file, rule.line(*path)) not in cited:
                key = ".".join(map(str, path))
                missing.append(f"{rule.where(*path)}: {rule.name}: {key}")
    return missing


_LIMITS: Final = frozenset(
    {
        "schedule_shift",
        "frequency_ratio",
        "batch_size_ratio",
        "parallelism_ratio",
        "knob_ratio",
        "cost_cap",
        "max_cost_increase",
        "change_budget",
        "hysteresis",
    }
)


def _objecting(said: Mapping[str, object]) -> Iterator[tuple[str | int, ...]]:
    """Yield the clauses that can be cited by a verdict."""
    if said.get("phase") in {"monitor", "dry-run"}:
        yield ("phase",)
    if said.get("approval") is not None:
        yield ("approval",)
    triggers = said.get("triggers")
    if isinstance(triggers, tuple | list):
        yield from (("triggers", number) for number in range(len(triggers)))
    guarantee = said.get("guarantee")
    if isinstance(guarantee, dict):
        for key in ("finish_by", "min_success_rate"):
            if guarantee.get(key) is not None:
                yield "guarantee", key
        for key in ("blackout", "freeze"):
            yield from (("guarantee", key, number) for number in range(len(guarantee.get(key, ()))))
    limits = said.get("limits")
    if isinstance(limits, dict):
        yield from (("limits", key) for key in limits if key in _LIMITS and limits[key] != "any")
        if limits.get("pause") is False:
            yield "limits", "pause"
        yield from (("limits", "knobs", path) for path in limits.get("knobs") or ())
