"""A finding in words: one connection of an endpoint carries it, the others say which one does."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from math import exp
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.knobs_contrast import seen
from bot.advise.knobs_dials import Panel
from bot.advise.knobs_finding import Finding, Move
from bot.advise.knobs_surface import Gain
from bot.advise.priority import priority_of
from bot.advise.situation_money import NOTHING, month, price
from bot.advise.situation_peers import Peers
from bot.domain.connection import ConnectionId
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import PriceBook
from bot.domain.recommendation import (
    Advice,
    Confidence,
    Effect,
    Keep,
    KnobChange,
    NotKnown,
    Recommendation,
)
from bot.domain.subject import Subject
from bot.forecast.runs import DAY_SECONDS, epoch, moment

_NORMAL: Final = (-1.6449, 0.0, 0.8416, 1.6449)
_HIGH: Final = 0.9
_DAYS: Final = 28


def answers(
    situation: Situation, panel: Panel, finding: Finding, peers: Peers, advisor: str
) -> Iterator[Advice]:
    """Yield what a finding means for each connection of a panel."""
    carrier = _carrier(situation, panel)
    for subject in panel.subjects:
        key = subject.connection.id
        if finding.move is Move.UNKNOWN:
            yield NotKnown(key, advisor, finding.reason, finding.best)
        elif finding.move is Move.KEEP:
            yield Keep(key, advisor, finding.reason, finding.best)
        elif subject is carrier:
            yield _recommend(situation, panel, finding, carrier, peers.of(carrier), advisor)
        else:
            reason = f"{panel.endpoint.name} is tuned through {carrier.connection.name}"
            yield Keep(key, advisor, reason, finding.best)


def _recommend(
    situation: Situation,
    panel: Panel,
    finding: Finding,
    carrier: Subject,
    donors: tuple[ConnectionId, ...],
    advisor: str,
) -> Recommendation:
    knob, value, gain = finding.knob, finding.value, finding.gain
    assert knob is not None
    assert value is not None
    assert gain is not None
    priority = priority_of(situation, carrier)
    return Recommendation(
        connection_id=carrier.connection.id,
        advisor=advisor,
        change=KnobChange(
            panel.endpoint.id, knob, panel.endpoint.knobs.get(knob.path), knob.spell(value)
        ),
        reason=finding.reason,
        against=(*finding.against, *_shared(panel)),
        evidence=_evidence(situation, panel),
        effect=Effect(
            saving=_saving(situation, panel, gain),
            duration=_duration(situation, carrier, gain),
            deadlines=Unknown("how many deadlines it spares is not worked out"),
        ),
        confidence=_confidence(finding),
        donors=donors,
        figures={
            **finding.best,
            "step": finding.move.value,
            "priority_score": f"{priority.score} ({priority.reason})",
        },
    )


def _carrier(situation: Situation, panel: Panel) -> Subject:
    """Return the connection that spends the most time at work; the first of equals."""

    def work(subject: Subject) -> float:
        runs = situation.runs
        place = None if runs is None else runs.find(subject.connection.id)
        if runs is None or place is None:
            return 0.0
        return float(np.nansum(runs.seconds[runs.place(place)], dtype=np.float64))

    return max(panel.subjects, key=work)


def _evidence(situation: Situation, panel: Panel) -> Evidence:
    """Return the syncs seen at any values of the panel."""
    runs = situation.runs
    start, end, count = situation.now, situation.now, 0
    for subject in panel.subjects:
        place = None if runs is None else runs.find(subject.connection.id)
        if runs is None or place is None:
            continue
        mine = runs.place(place)
        inside = runs.succeeded[mine] & (seen(runs, mine, panel) >= 0)
        created = runs.created[mine][inside]
        if len(created):
            count += len(created)
            start = min(start, moment(float(created[0])))
    return Evidence(start, end, count)


def _duration(situation: Situation, carrier: Subject, gain: Gain) -> Quantiles[timedelta] | Unknown:
    runs = situation.runs
    place = None if runs is None else runs.find(carrier.connection.id)
    if runs is None or place is None:
        return Unknown("it has not run yet")
    mine = runs.place(place)
    recent = runs.created[mine] >= epoch(situation.now) - _DAYS * DAY_SECONDS
    seconds = runs.seconds[mine][recent & runs.succeeded[mine]]
    if not np.isfinite(seconds).any():
        return Unknown("none of its syncs succeeded lately")
    usual = float(np.nanmedian(seconds))
    return Quantiles(*(timedelta(seconds=round(usual * share)) for share in _shares(gain)))


def _saving(situation: Situation, panel: Panel, gain: Gain) -> Quantiles[Money] | Unknown:
    """Price the time saved by all the panel's connections; rows stay what they are."""
    runs = situation.runs
    worked: dict[str, float] = {}
    for subject in panel.subjects:
        place = None if runs is None else runs.find(subject.connection.id)
        if runs is None or place is None or subject.source is None:
            continue
        mine = runs.place(place)
        recent = runs.created[mine] >= epoch(situation.now) - _DAYS * DAY_SECONDS
        seconds = np.nan_to_num(runs.seconds[mine][recent]).astype(np.float64)
        usual = month(runs.created[mine][recent], seconds, _DAYS)[1]
        connector = subject.source.connector
        worked[connector] = worked.get(connector, 0.0) + usual
    if not worked:
        return Unknown("none of its connections has run yet")
    # What takes longest saves least: the quantiles are those of the other end.
    saved = [1 - exp(-gain.mean - z * gain.deviation) for z in _NORMAL]
    return _priced(situation.prices, worked, saved)


def _priced(
    prices: PriceBook, worked: Mapping[str, float], saved: Sequence[float]
) -> Quantiles[Money] | Unknown:
    """Price shares of the time that the syncs of each connector take: it may be saved or lost."""
    amounts = []
    for share in saved:
        total = Money.zero(prices.currency)
        for connector, usual in worked.items():
            seconds = usual * share
            size = abs(seconds)
            cost = price(prices, connector, NOTHING, NOTHING, (size, size, size, size))
            if isinstance(cost, Unknown):
                return cost
            total += cost.p50 if seconds >= 0 else -cost.p50
        amounts.append(total)
    return Quantiles(*amounts)


def _shares(gain: Gain) -> list[float]:
    """Return the change of run time as a share of it, at four quantiles; negative is faster."""
    return [exp(-gain.mean + z * gain.deviation) - 1 for z in _NORMAL]


def _shared(panel: Panel) -> tuple[str, ...]:
    others = len(panel.subjects) - 1
    if not others:
        return ()
    also = "another connection feels" if others == 1 else f"{others} other connections feel"
    return (f"{panel.endpoint.name} is shared: {also} it too.",)


def _confidence(finding: Finding) -> Confidence:
    if finding.move is Move.TRY or finding.gain is None:
        return Confidence.LOW
    if finding.move is Move.BACK_OFF or finding.gain.chance >= _HIGH:
        return Confidence.HIGH
    return Confidence.MEDIUM
