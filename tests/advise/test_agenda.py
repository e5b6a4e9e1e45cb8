from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bot.advise.agenda import agenda, merit
from bot.domain.connection import ConnectionId, ConnectionStatus, Cron
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.recommendation import (
    Advice,
    Change,
    Confidence,
    Effect,
    Keep,
    NotKnown,
    Recommendation,
    ScheduleChange,
    StatusChange,
)

NOW = datetime(2026, 11, 2, tzinfo=UTC)
MOVE = ScheduleChange(Cron("0 0 0 * * ?"), Cron("0 0 3 * * ?"))
PAUSE = StatusChange(ConnectionStatus.ACTIVE, ConnectionStatus.INACTIVE)


def recommend(
    who: str,
    connection: str,
    *,
    saving: int | None = None,
    spared: int = 0,
    rank: int = 0,
    change: Change = MOVE,
) -> Recommendation:
    return Recommendation(
        ConnectionId(connection),
        who,
        change,
        "because",
        (),
        Evidence(NOW, NOW, 30),
        Effect(
            Unknown("no price") if saving is None else Quantiles.exactly(Money.of(saving)),
            Unknown("not measured"),
            Quantiles.exactly(Decimal(-spared)),
        ),
        Confidence.HIGH,
        rank=rank,
    )


def names(advice: Sequence[Advice]) -> list[tuple[str, str]]:
    return [(each.advisor, each.connection_id) for each in advice]


def test_what_spares_deadlines_comes_before_what_saves_money() -> None:
    ordered = agenda(
        [
            recommend("a", "cheap", saving=500),
            recommend("b", "late", spared=4),
            recommend("c", "later", spared=9, saving=1),
        ]
    )
    assert names(ordered) == [("c", "later"), ("b", "late"), ("a", "cheap")]
    assert [each.rank for each in ordered if isinstance(each, Recommendation)] == [0, 1, 2]


def test_an_advisor_s_own_order_is_kept_even_where_a_later_move_is_worth_more() -> None:
    ordered = agenda(
        [
            recommend("a", "second", saving=100, rank=1),
            recommend("a", "first", saving=1, rank=0),
            recommend("b", "other", saving=50),
        ]
    )
    assert names(ordered) == [("b", "other"), ("a", "first"), ("a", "second")]


def test_of_two_for_the_same_setting_the_better_is_kept_and_the_other_says_why() -> None:
    ordered = agenda([recommend("frequency", "x", saving=5), recommend("schedule", "x", saving=9)])
    assert names(ordered) == [("schedule", "x"), ("frequency", "x")]
    assert ordered[1] == Keep(
        ConnectionId("x"),
        "frequency",
        "the schedule advisor has a better use for its schedule",
        waits=True,
    )


def test_different_settings_of_one_connection_stand_side_by_side() -> None:
    both = agenda([recommend("a", "x", saving=5), recommend("b", "x", change=PAUSE)])
    assert all(isinstance(each, Recommendation) for each in both)


def test_what_is_not_known_counts_as_nothing_and_is_never_lost() -> None:
    silent = NotKnown(ConnectionId("y"), "a", "3 syncs are on record")
    assert merit(recommend("a", "x")) == (Decimal(0), Decimal(0))
    assert agenda([silent, recommend("a", "x")])[-1] == silent


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from("vwxyz"),
            st.none() | st.integers(-50, 50),
            st.integers(0, 3),
            st.integers(0, 9),
        ),
        max_size=12,
        unique_by=lambda each: each[:2],
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_input_does_not_matter(
    given_: list[tuple[str, str, int | None, int, int]], dice: Random
) -> None:
    made = [
        recommend(who, key, saving=saving, spared=spared, rank=rank)
        for who, key, saving, spared, rank in given_
    ]
    shuffled = list(made)
    dice.shuffle(shuffled)
    first, second = agenda(made), agenda(shuffled)
    assert [e for e in first if isinstance(e, Recommendation)] == [
        e for e in second if isinstance(e, Recommendation)
    ]
    assert len(first) == len(made)
    places = [(e.connection_id, e.change.setting) for e in first if isinstance(e, Recommendation)]
    assert len(places) == len(set(places))
