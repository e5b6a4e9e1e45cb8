from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from bot.lab import Lab
from bot.lab.bills import price_book
from bot.lab.comparison import Stretch, picture, stretch


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=5, connections=12, days=20) as lab:
        yield lab


def last(lab: Lab, days: int) -> Stretch:
    since = lab.now - timedelta(days=days)
    return stretch(lab.truth, since, lab.now, price_book(lab.world.fleet))


def test_the_days_add_up_to_the_volume_of_the_whole(lab: Lab) -> None:
    whole = last(lab, 10)
    assert len(whole.daily) == 10
    # A warehouse that stays on across midnight is started once in all and twice in parts.
    parts = sum((each.amount for each in whole.daily), Decimal())
    assert round(parts, 6) >= round(whole.bill.total.amount, 6)
    assert whole.bill.volume.amount > 0


def test_busy_hours_are_the_time_that_syncs_worked(lab: Lab) -> None:
    found = last(lab, 10)
    table = lab.truth.table(lab.now - timedelta(days=10))
    worked = (table["updated"] - table["started"])[table["started"] > 0].sum()
    assert sum(found.busy) * 10 * 3600 == pytest.approx(worked)
    assert found.peak >= max(found.busy)
    assert found.missed <= found.promised


def test_the_picture_is_sound_and_holds_both(lab: Lab) -> None:
    drawn = ET.fromstring(picture(last(lab, 10), last(lab, 5)))
    bars = [one for one in drawn.iter() if one.tag.endswith("rect")]
    assert len(bars) == 1 + 2 * 24 + 2
    assert len([one for one in drawn.iter() if one.tag.endswith("polyline")]) == 2
