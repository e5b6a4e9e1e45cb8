"""A page of jobs, and what is told of it."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.airbyte.pages import Columns, SyncPage, Unread, Version


def test_a_page_is_known_while_every_job_is_as_it_was() -> None:
    """Rows and bytes may be corrected after the end, and more is known of the attempts then."""
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    jobs = Columns(
        [7, 8],
        ["a", "a"],
        ["sync"] * 2,
        ["succeeded"] * 2,
        [at] * 2,
        [at] * 2,
        [None] * 2,
        [1, 2],
        [10, 20],
    )
    page = SyncPage(jobs, (), is_last=True)
    ended = int(at.timestamp())
    known = {7: Version(ended, 1, 10), 8: Version(ended, 2, 20)}
    assert page.has_only(known)
    assert not page.has_only({7: known[7]})
    for other in (Version(ended + 1, 2, 20), Version(ended, 3, 20), Version(ended, 2, None)):
        assert not page.has_only({**known, 8: other})
    assert not replace(page, unread=(Unread("a job", "why"),)).has_only(known)
    assert not replace(page, columns=replace(jobs, updated_at=[at, None])).has_only(known)
