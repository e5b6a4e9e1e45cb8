from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.connection import ConnectionId, Stream
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import BillingClass, PriceBook, VolumePrice
from bot.forecast.cost import cost_lines
from bot.forecast.refresh import NOT_TOLD, Split, parts, split
from bot.history.workload import StreamTotal
from tests.forecast.test_cost import amounts
from tests.forecast.test_outlook import connection

WHOLE, CHANGES = Stream("all", "full_refresh_overwrite"), Stream("new", "incremental_append")
MIXED = replace(connection("c"), streams=(WHOLE, CHANGES))


def total(name: str, rows: float, size: float) -> StreamTotal:
    return StreamTotal(ConnectionId("c"), name, None, 10, rows, size)


MOVED = (total("all", 900, 1000), total("new", 300, 3000), total("dropped since", 999, 999))


def test_rows_bytes_and_cost_are_divided_by_what_the_streams_moved() -> None:
    found = split(MIXED, MOVED)
    assert found == Split(1, 1, Decimal("0.75"), Decimal("0.25"), 10)
    assert isinstance(found, Split)
    book = PriceBook(volume=VolumePrice(Money.of("2.50")))
    lines = cost_lines(book, "stripe", amounts())
    full, incremental = parts(found, amounts(), lines)
    assert isinstance(full.rows, Quantiles)
    assert full.rows.p50 == 1_500_000
    assert isinstance(full.cost, Quantiles)
    assert isinstance(incremental.cost, Quantiles)
    assert (full.cost.p50, incremental.cost.p50) == (Money.of("22.50"), Money.of("7.50"))
    assert full.formula == "75 % of what is moved: read again by each sync"


def test_where_bytes_are_paid_bytes_divide_the_cost() -> None:
    found = split(MIXED, MOVED)
    assert isinstance(found, Split)
    book = PriceBook(
        volume=VolumePrice(Money.of("2.50")), billing={"postgres": BillingClass.DATABASE}
    )
    full, _ = parts(found, amounts(), cost_lines(book, "postgres", amounts()))
    assert isinstance(full.cost, Quantiles)
    assert full.cost.p50 == Money.of(5)


@pytest.mark.parametrize(("stream", "share"), [(WHOLE, 1), (CHANGES, 0)])
def test_streams_of_one_kind_need_no_totals(stream: Stream, share: int) -> None:
    found = split(replace(MIXED, streams=(stream,)), ())
    assert isinstance(found, Split)
    assert (int(found.rows), found.n) == (share, 0)


def test_what_was_not_mined_is_not_divided() -> None:
    assert split(MIXED, ()) == NOT_TOLD
    odd = replace(MIXED, streams=(Stream("x", "some new mode"),))
    assert isinstance(split(odd, MOVED), Unknown)
    found = split(MIXED, MOVED)
    assert isinstance(found, Split)
    assert isinstance(parts(found, amounts(), ())[0].cost, Unknown)
