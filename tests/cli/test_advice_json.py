import pytest

from bot.cli.advice_json import _figure, spell_schedule
from bot.domain.connection import Basic, Cron, Manual


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("1,500 (page_size; 1,000 to 2,000 are about as good)", 1500),
        ("2.5", 2.5),
        ("yes: num_workers is at 3, below its limit", True),
        ("no: its source is busy", False),
        ("about 7", "about 7"),
        (None, None),
    ],
)
def test_a_figures_first_word_is_its_value(words: str | None, value: object) -> None:
    assert _figure(words) == value


def test_schedules_are_written_as_airbyte_shows_them() -> None:
    assert spell_schedule(Cron("0 0 6 * * ?")) == "0 0 6 * * ? UTC"
    assert spell_schedule(Basic(6, "hours")) == "every 6 hours"
    assert spell_schedule(Manual()) == "by hand"
