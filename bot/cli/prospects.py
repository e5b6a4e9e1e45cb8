"""Prospects, written for people and for programs."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.spans import format_span

if TYPE_CHECKING:
    from bot.forecast.prospect import Priced, Prospect

_DAYS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_TITLES: Final = {
    "next_sync": "next sync",
    "next_24_hours": "next 24 h",
    "next_7_days": "next 7 days",
    "month": "this month",
}
_METHODS: Final = {
    "local": "from its own syncs",
    "thin": "low confidence: its own median, with the interval of its like",
    "family": "low confidence: it has hardly run, so others of its source's kind speak for it",
    "fleet": "low confidence: it has hardly run, so the whole fleet speaks for it",
    "none": "nothing to go by",
}
_WORTH_TELLING: Final = 0.05
_GROWTH_WORTH_TELLING: Final = 0.01
_THOUSAND: Final = 1000

Q = TypeVar("Q", int, timedelta, Money)


def line(prospect: "Prospect") -> str:
    """Write a connection in one line."""
    return f"{prospect.connection.name}: {_usual(prospect)}{_month_cost(prospect)}"


def paragraph(prospect: "Prospect") -> str:
    """Write all that is known of a connection."""
    seen = prospect.evidence
    lines = [
        f"{prospect.connection.name} ({prospect.connection.id})",
        f"  {_usual(prospect)}",
    ]
    lines += [text for each in prospect.horizons for text in _horizon(each)]
    if isinstance(prospect.failure, Unknown):
        lines.append(f"  failure: not known: {prospect.failure.reason}")
    else:
        lines.append(f"  failure: {float(100 * prospect.failure):.2g} % for the next sync")
    for deadline in prospect.deadlines:
        chance = (
            f"not known: {deadline.met.reason}"
            if isinstance(deadline.met, Unknown)
            else f"{100 * deadline.met:.1f} % met"
        )
        mark = "  AT RISK" if deadline.is_at_risk else ""
        lines.append(f"  {deadline.due:%a %d %b %H:%M} UTC, {deadline.name}: {chance}{mark}")
        if not isinstance(deadline.met, Unknown):
            lines.append(f"      {deadline.reason}")
    rests = f"{seen.n} successful syncs"
    if seen.n:
        rests += f", {seen.start:%Y-%m-%d} to {seen.end:%Y-%m-%d}"
    lines.append(f"  rests on {rests}; {_METHODS[prospect.method]}")
    return "\n".join(lines)


def as_json(prospect: "Prospect") -> dict[str, Any]:
    """Return the stable form for programs; times in seconds, money as text with its currency."""
    seen = prospect.evidence
    return {
        "connection_id": prospect.connection.id,
        "name": prospect.connection.name,
        "made_at": prospect.made_at.isoformat(),
        "method": prospect.method,
        "evidence": {
            "n": seen.n,
            "start": seen.start.isoformat(),
            "end": seen.end.isoformat(),
        },
        "usual_seconds": prospect.usual and _quantiles_json(prospect.usual, int),
        "growth_per_week": prospect.growth,
        "weekday_factors": list(prospect.weekdays),
        "estimated_duration_and_cost": {
            each.horizon: _horizon_json(each) for each in prospect.horizons
        },
        "failure_probability": (
            {"unknown": prospect.failure.reason}
            if isinstance(prospect.failure, Unknown)
            else float(prospect.failure)
        ),
        "deadlines": [
            {
                "name": each.name,
                "due": each.due.isoformat(),
                "met_probability": (
                    {"unknown": each.met.reason}
                    if isinstance(each.met, Unknown)
                    else float(each.met)
                ),
                "wanted_probability": float(each.wanted),
                "reason": each.reason,
            }
            for each in prospect.deadlines
        ],
    }


def _usual(prospect: "Prospect") -> str:
    """Say the connection's habits: `usual 14 min, Mondays +20 %, growing 3 %/week`."""
    seconds: Quantiles[int] | Unknown | None = prospect.usual
    if seconds is None:
        amounts = prospect.at("next_sync").amounts
        seconds = amounts if isinstance(amounts, Unknown) else amounts.seconds
    if isinstance(seconds, Unknown):
        return f"not known: {seconds.reason}"
    parts = [f"usual {_span(seconds.p50)}"]
    parts += [
        f"{day} {100 * (factor - 1):+.0f} %".replace("-", "−")
        for day, factor in zip(_DAYS, prospect.weekdays, strict=True)
        if abs(factor - 1) >= _WORTH_TELLING
    ]
    if prospect.growth is not None and abs(prospect.growth) >= _GROWTH_WORTH_TELLING:
        verb = "growing" if prospect.growth > 0 else "falling"
        parts.append(f"{verb} {100 * abs(prospect.growth):.0f} %/week")
    parts.append(f"95 % under {_span(seconds.p95)}")
    return ", ".join(parts)


def _month_cost(prospect: "Prospect") -> str:
    cost = prospect.at("month").cost
    if isinstance(cost, Unknown):
        return ""
    return f"; {cost.p50} this month ({cost.p05} to {cost.p95})"


def _horizon(priced: "Priced") -> list[str]:
    title = _TITLES[priced.horizon]
    amounts = priced.amounts
    if isinstance(amounts, Unknown):
        return [f"  {title}: not known: {amounts.reason}"]
    count = amounts.syncs
    if priced.horizon == "next_sync" and amounts.first is not None:
        title += f", {amounts.first:%a %d %b %H:%M} UTC"
    elif priced.horizon == "month":
        title += f", with {count} syncs still to come"
    else:
        title += f", {count} sync{'' if count == 1 else 's'}"
    facts = [
        _shown(amounts.seconds, _span, "time at work"),
        _shown(amounts.rows, _count, "rows"),
        _shown(amounts.bytes, _bytes, "bytes"),
    ]
    if priced.lines:
        facts.append(_shown(priced.cost, str, "cost"))
    lines = [f"  {title}", *(f"    {fact}" for fact in facts)]
    return lines + [f"      {each.plan}: {each.formula}" for each in priced.lines]


def _shown(value: Quantiles[Q] | Unknown, write: Callable[[Q], str], what: str) -> str:
    if isinstance(value, Unknown):
        return f"{what}: not known: {value.reason}"
    return (
        f"{what}: {write(value.p50)} ({write(value.p05)} to {write(value.p95)}; "
        f"80 % under {write(value.p80)})"
    )


def _horizon_json(priced: "Priced") -> dict[str, Any]:
    amounts = priced.amounts
    if isinstance(amounts, Unknown):
        return {"unknown": amounts.reason}
    return {
        "syncs": amounts.syncs,
        "first_start": amounts.first and amounts.first.isoformat(),
        "duration_seconds": _quantiles_json(amounts.seconds, int),
        "rows": _quantiles_json(amounts.rows, int),
        "bytes": _quantiles_json(amounts.bytes, int),
        "cost": _quantiles_json(priced.cost, _money_json),
        "cost_lines": [
            {
                "plan": each.plan,
                "amount": _quantiles_json(each.amount, _money_json),
                "formula": each.formula,
            }
            for each in priced.lines
        ],
    }


def _quantiles_json(value: Quantiles[Q] | Unknown, write: Callable[[Q], Any]) -> dict[str, Any]:
    if isinstance(value, Unknown):
        return {"unknown": value.reason}
    return {name: write(getattr(value, name)) for name in ("p05", "p50", "p80", "p95")}


def _money_json(money: Money) -> dict[str, str]:
    return {"amount": str(money.rounded(6).amount), "currency": money.currency}


def _span(seconds: int) -> str:
    return format_span(timedelta(seconds=seconds))


def _count(number: int) -> str:
    return _scaled(number, ("", " thousand", " million", " billion"))


def _bytes(number: int) -> str:
    return _scaled(number, (" B", " kB", " MB", " GB", " TB", " PB"))


def _scaled(number: int, units: tuple[str, ...]) -> str:
    scaled, place = float(number), 0
    while scaled >= _THOUSAND and place < len(units) - 1:
        scaled, place = scaled / _THOUSAND, place + 1
    return f"{scaled:.3g}{units[place]}" if place else f"{number}{units[0]}"
