"""Prospects, written for people and for programs."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.signal import Freshness, Signal
from bot.domain.spans import format_span
from bot.forecast.limits import LimitForecast
from bot.forecast.refresh import Part, parts

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
    "ml": "from its own syncs and what was learned from all",
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
    lines += _refresh(prospect)
    if isinstance(prospect.failure, Unknown):
        lines.append(f"  failure: not known: {prospect.failure.reason}")
    else:
        lines.append(f"  failure: {float(100 * prospect.failure):.2g} % for the next sync")
    lines += _limit(prospect.limit)
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
    lines += [f"  less sure than usual: {reason}" for reason in prospect.doubts]
    return "\n".join(lines)


def unreliable(signals: Iterable[Signal]) -> list[str]:
    """Write a line for each signal that cannot be relied on."""
    return [
        f"{each.freshness} signal: {each.name}: {each.reason}"
        for each in signals
        if each.freshness is not Freshness.FRESH
    ]


def signals_json(signals: Iterable[Signal]) -> list[dict[str, Any]]:
    """Return what was looked at, for programs; readings are counted, not repeated."""
    return [
        {
            "name": each.name,
            "freshness": each.freshness.value,
            "reason": each.reason,
            "age_seconds": each.age and round(each.age.total_seconds()),
            "readings": len(each.readings),
        }
        for each in signals
    ]


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
        "rate_limit": _limit_json(prospect.limit),
        "full_refresh_and_incremental": _refresh_json(prospect),
        "less_sure_because": list(prospect.doubts),
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


def _limit(limit: LimitForecast | Unknown) -> list[str]:
    if isinstance(limit, Unknown):
        return [f"  rate limit: not known: {limit.reason}"]
    told = (
        f"{float(100 * limit.next):.2g} % for the next sync to be turned away; at most "
        f"{float(100 * limit.worst):.2g} % within 24 h, {limit.worst_at:%a %H:%M} UTC, beside "
        f"{limit.beside} others"
    )
    return [f"  rate limit: {told}", f"      {limit.reason}"]


def _limit_json(limit: LimitForecast | Unknown) -> dict[str, Any]:
    if isinstance(limit, Unknown):
        return {"unknown": limit.reason}
    return {
        "next_sync_probability": float(limit.next),
        "worst_probability_within_24_hours": float(limit.worst),
        "worst_at": limit.worst_at.isoformat(),
        "planned_beside": limit.beside,
        "reason": limit.reason,
    }


def _refresh_parts(prospect: "Prospect") -> tuple[Part, Part] | Unknown:
    month = prospect.at("month")
    if isinstance(prospect.refresh, Unknown):
        return prospect.refresh
    if isinstance(month.amounts, Unknown):
        return month.amounts
    return parts(prospect.refresh, month.amounts, month.lines)


def _refresh(prospect: "Prospect") -> list[str]:
    """Say which part of a month is read again with every sync."""
    found, split = _refresh_parts(prospect), prospect.refresh
    if isinstance(found, Unknown) or isinstance(split, Unknown):
        reason = found.reason if isinstance(found, Unknown) else ""
        return [f"  full refresh and incremental: not known: {reason}"]
    streams = (split.full_streams, split.incremental_streams)
    lines = []
    for part, kind, count in zip(found, ("full-refresh", "incremental"), streams, strict=True):
        if not count:
            continue
        cost = "" if isinstance(part.cost, Unknown) else f", {part.cost.p50} by volume"
        rows = "not known" if isinstance(part.rows, Unknown) else _count(part.rows.p50)
        lines.append(
            f"    {count} {kind} stream{'' if count == 1 else 's'}: {rows} rows{cost}; {part.formula}"
        )
    return ["  of the month", *lines]


def _refresh_json(prospect: "Prospect") -> dict[str, Any]:
    found, split = _refresh_parts(prospect), prospect.refresh
    if isinstance(found, Unknown) or isinstance(split, Unknown):
        return {"unknown": found.reason if isinstance(found, Unknown) else ""}
    streams = (split.full_streams, split.incremental_streams)
    return {
        "horizon": "month",
        "syncs_it_rests_on": split.n,
        **{
            kind: {
                "streams": count,
                "rows": _quantiles_json(part.rows, int),
                "bytes": _quantiles_json(part.bytes, int),
                "cost_by_volume": _quantiles_json(part.cost, _money_json),
                "formula": part.formula,
            }
            for part, kind, count in zip(
                found, ("full_refresh", "incremental"), streams, strict=True
            )
        },
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
