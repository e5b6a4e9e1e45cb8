"""Summaries that several tests of reports look at."""

from bot.domain.forecast import Quantiles
from bot.domain.money import Money
from bot.report.summary import Entry, Fate, Summary


def dollars(*amounts: int) -> Quantiles[Money]:
    p05, p50, p80, p95 = (Money.of(amount) for amount in amounts)
    return Quantiles(p05, p50, p80, p95)


OPENED = Entry(
    Fate.OPEN,
    "orders → bigquery: start at 02:20",
    "trimtab/a",
    "main.tf:3",
    "team approves (p.yaml:9)",
    saving=dollars(10, 20, 25, 40),
)
KEPT = Entry(Fate.KEEP, "events: every 6 h", "trimtab/b", "b.tf:8", "no approval asked for",
             saving=dollars(-5, 30, 40, 60))  # fmt: skip
UNPRICED = Entry(Fate.OPEN, "crm: 8 workers", "trimtab/c", "c.tf:1", "owner approves (p.yaml:2)")
HELD = Entry(Fate.HELD, "ads: 4 workers", "trimtab/d", "d.tf:1", "", "limit: 5 are open",
             saving=dollars(1, 2, 3, 4))  # fmt: skip
FULL = Summary(
    new_syncs=1200,
    changed_syncs=3,
    connections=18,
    unread=(),
    entries=(OPENED, KEPT, UNPRICED, HELD),
    withheld=(("billing", "gold-tier denies it (policies/00.yaml:12): frozen until 2 January"),),
    quiet=(("a", "alone in its minute"), ("b", "alone in its minute"), ("c", "no schedule")),
)
EMPTY = Summary(0, 0, 0, (), (), (), ())
UNREAD = Summary(0, 0, 1, ("workspace w: forbidden",), (), (), ())
