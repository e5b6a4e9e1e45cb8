"""Surveying: the situation that `advise` and `explain` ask advisors about, from the history alone."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.cli.connect import SETTINGS_FILE, history_url, price_book
from bot.domain.errors import HistoryError, InputError

if TYPE_CHECKING:
    from bot.advise.advisor import Advisor, Situation
    from bot.domain.connection import ConnectionId
    from bot.domain.prices import PriceBook
    from bot.domain.promises import Terms
    from bot.domain.recommendation import Advice, Recommendation
    from bot.domain.subject import Subject
    from bot.domain.verdict import Verdict
    from bot.history.store import History
    from bot.policy.judging import Judge

UNLIMITED: Final = (
    "no policies: nothing but the catalogue limits what is advised, and nothing is proposed"
)


@dataclass(frozen=True, slots=True)
class Survey:
    """A situation, and what policy says of it; `limits` says in words where limits come from."""

    situation: "Situation"
    limits: str
    judge: "Judge | None" = None

    def advice(self, advisors: "Iterable[Advisor]") -> "dict[ConnectionId, list[Advice]]":
        """Ask advisors; the answers by connection, recommendations first, the best of them first."""
        from bot.advise.agenda import agenda

        found: dict[ConnectionId, list[Advice]] = {key: [] for key in self.subjects}
        answers = (each for advisor in advisors for each in advisor.advise(self.situation))
        for each in agenda(answers):
            found[each.connection_id].append(each)
        for of_one in found.values():
            of_one.sort(key=_order)
        return found

    def verdict(self, recommendation: "Recommendation") -> "Verdict | None":
        """Return what policy says of a recommendation; None where there are no policies."""
        if self.judge is None:
            return None
        from bot.cases import cases

        (case,) = cases(self.situation, [recommendation])
        return self.judge.judge(case).verdict

    @property
    def subjects(self) -> "Mapping[ConnectionId, Subject]":
        """Return the subjects by the id of their connection."""
        return {subject.connection.id: subject for subject in self.situation.subjects}

    def find(self, wanted: str) -> "Subject":
        """Return the connection of an id, or of a name that only one has.

        Raises:
            InputError: there is none, or more than one.
        """
        found = [
            subject
            for subject in self.situation.subjects
            if wanted in {subject.connection.id, subject.connection.name}
        ]
        if not found:
            raise InputError(
                f"The history knows no connection {wanted!r}",
                "`trimtab advise` lists them all.",
            )
        if len(found) > 1:
            ids = ", ".join(each.connection.id for each in found)
            raise InputError(
                f"{len(found)} connections are named {wanted!r}", f"Give the id instead: {ids}."
            )
        return found[0]


def survey(config: Path | None, history: str | None) -> Survey:
    """Read the situation from the history, under the policies that the settings name.

    Raises:
        HistoryError: the history cannot be read, or knows no connections.
        ConfigError: the settings cannot be used.
        PolicyError: the policies cannot be used.
    """
    from bot.history.location import opened

    judge, limits = _policies(config)
    with opened(history_url(config, history), read_only=True) as store:
        situation = look(store, judge, price_book(config), datetime.now(UTC))
    return Survey(situation, limits, judge)


def look(
    store: "History", judge: "Judge | None", prices: "PriceBook", now: datetime
) -> "Situation":
    """Read the situation from a history, under the policies of a judge.

    Raises:
        HistoryError: the history cannot be read, or knows no connections.
    """
    from bot.advise.situation import Beside, read_situation
    from bot.history.fleet import destinations

    beside = Beside(prices=prices, terms=unlimited)
    if judge is not None:
        beside = replace(
            beside,
            prices=judge.prices(prices),
            warehouses=judge.warehouses(destinations(store)),
            terms=judge.terms,
            fleet_terms=judge.fleet_terms,
        )
    situation = read_situation(store, now, beside)
    if not situation.subjects:
        raise HistoryError(
            f"The history {store.name} knows no connections", "Run `trimtab mine` first."
        )
    return situation


def unlimited(_: "Subject") -> "Terms":
    """Return the terms of a connection where there are no policies: any change may be thought of."""
    from bot.domain.knob import KnobKind
    from bot.domain.promises import Phase, StepLimit, Terms

    settings = ("schedule", "frequency", "status", *(kind.value for kind in KnobKind))
    return Terms(Phase.LIVE, steps={each: StepLimit(each) for each in settings})


def _policies(config: Path | None) -> "tuple[Judge | None, str]":
    from bot.policy.judging import Judge
    from bot.policy.rules import read_rules
    from bot.settings.reading import read_settings

    if config is None and not SETTINGS_FILE.exists():
        return None, UNLIMITED
    read = read_settings(config or SETTINGS_FILE, os.environ)
    folder = read.folder / read.settings.policies
    if not folder.is_dir():
        return None, UNLIMITED
    return Judge(read_rules(folder)), f"limited by the policies in {read.settings.policies}/"


def _order(advice: "Advice") -> tuple[int, int, str]:
    from bot.domain.recommendation import NotKnown, Recommendation

    if isinstance(advice, Recommendation):
        return 0, advice.rank, advice.advisor
    return (1 if isinstance(advice, NotKnown) else 2), 0, advice.advisor
