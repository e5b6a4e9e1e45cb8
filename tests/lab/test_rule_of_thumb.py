"""The baseline of the closed loop: what trimtab may move, a careful person may move too."""

from bot.domain.connection import Basic, Cron
from bot.lab import Lab
from bot.lab.actions import ChangeConnection
from tests.bench.closed_loop import by_thumb


def test_every_daily_sync_with_a_deadline_is_placed_whatever_its_schedule_is() -> None:
    kinds = set()
    for seed in (2001, 2003):
        with Lab.start(seed=seed, connections=20, days=2) as lab:
            placed = {
                each.connection_id: each.schedule
                for each in by_thumb(lab)
                if isinstance(each, ChangeConnection)
            }
            for link in lab.world.fleet.by_index:
                match link.schedule:
                    case Basic(24, "hours"):
                        kind = "interval"
                    case Cron(expression, zone) if expression.split()[2].isdigit():
                        kind = "UTC" if zone == "UTC" else "zone"
                    case _:
                        continue
                if link.deadline is None:
                    continue
                kinds.add(kind)
                found = placed[link.id]
                assert isinstance(found, Cron)
                assert found.zone == "UTC"
                _, minute, hour, *_ = found.expression.split()
                assert int(hour) * 3600 + int(minute) * 60 <= link.deadline
    assert kinds >= {"interval", "UTC"}
