"""Histories for tests, mined from a lab over HTTP as a user's would be."""

from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte
from bot.cli.progress import PlainProgress
from bot.history.mining import MiningPlan, mine
from bot.history.store import History
from bot.lab import Lab


def mine_lab(lab: Lab, history: History) -> None:
    """Read everything that the lab's Airbyte has into a history."""
    access = Access.to(lab.url, Application(lab.client_id, lab.client_secret))
    with Airbyte(access) as airbyte, PlainProgress() as progress:
        mined = mine(history, airbyte, MiningPlan(), progress)
    assert mined.is_complete
