from datetime import date, timedelta

import pytest

from bot.documents.validation import Strict
from bot.domain.connection import ConnectionId, SourceId
from bot.domain.errors import ConfigError
from bot.domain.lineage import Downstream, Reader
from bot.domain.prices import HOURS_A_WEEK
from bot.domain.signal import Freshness, SourceLoad
from bot.signals.installed import kinds, settings_of
from bot.signals.looking import look
from bot.signals.lookout import Scene, Sight, merged
from tests.signals.scenes import connection, scene


class Broken(Strict):
    """A plug-in of another package that fails in its own way."""

    type: str = "broken"
    name: str = "broken"
    word: str = "pass-word"

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset({self.word})

    def look(self, scene: Scene) -> Sight:
        raise RuntimeError(f"cannot\nlog in with {self.word}")


def test_a_lookout_that_fails_ends_nothing_and_shows_no_secret() -> None:
    sight = look([Broken(), Broken(name="again")], scene())
    assert [each.name for each in sight.signals] == ["broken", "again"]
    assert {each.freshness for each in sight.signals} == {Freshness.MISSING}
    assert sight.signals[0].reason == "it failed: RuntimeError: cannot log in with ***"


def test_what_two_lookouts_saw_is_put_together() -> None:
    source, who = SourceId("s"), ConnectionId("c")
    gaps: tuple[float | None, ...] = (None, 0.2, 0.9) + (None,) * (HOURS_A_WEEK - 3)
    other: tuple[float | None, ...] = (0.1, 0.5, 0.3) + (None,) * (HOURS_A_WEEK - 3)
    board = Reader("board", "dashboard")
    first = Sight(
        loads={source: SourceLoad(source, gaps)},
        lineage={who: Downstream(("a",), (board,), timedelta(hours=9))},
        holidays={"x": frozenset({date(2026, 1, 1)})},
    )
    second = Sight(
        loads={source: SourceLoad(source, other)},
        lineage={who: Downstream(("b", "a"), (board,), timedelta(hours=3))},
    )
    both = merged([first, second])
    assert both.loads[source].busy[:4] == (0.1, 0.5, 0.9, None)
    assert both.lineage[who] == Downstream(("a", "b"), (board,), timedelta(hours=3))
    assert both.holidays == first.holidays
    assert both.surroundings.loads == both.loads


def test_nothing_to_look_at_is_nothing_seen() -> None:
    assert look([], scene()) == Sight()


def test_an_id_or_a_name_means_a_source_or_a_destination() -> None:
    there = scene(connection("a", source="s1"), connection("b", source="s1", into="d2"))
    assert there.sources_named("source s1") == there.sources_named("s1") == ("s1",)
    assert there.sources_named("nobody") == ()
    assert [each.name for each in there.writing_to("destination d2")] == ["b"]
    assert len(there.writing_to(None)) == 2


def test_the_built_in_lookouts_are_installed_like_any_other() -> None:
    assert kinds() == ["calendar", "dbt", "prices", "prometheus"]
    assert settings_of("dbt").__name__ == "Dbt"
    with pytest.raises(ConfigError, match="did you mean 'prometheus'"):
        settings_of("prometeus")
