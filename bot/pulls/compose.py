"""Composing: a proposal as a title, a body, and a commit."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from bot.domain.connection import Connection, Cron
from bot.domain.edit import Edit
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import ScheduleChange
from bot.domain.verdict import Allow, ApprovalLevel, Deny, NeedsApproval
from bot.pulls.forge import Draft

_NOT_A_SLUG: Final = re.compile(r"[^a-z0-9]+")
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]<>()+.!|~-])")
_REFERENCE: Final = re.compile(r"([@#])")


def compose(connection: Connection, change: ProposedChange, files: Mapping[str, bytes]) -> Draft:
    """Write the pull request for one change of one connection."""
    before, after = change.edit.site.value, change.edit.after
    what = _describe(change)
    body = _template().render(
        connection=connection,
        recommendation=change.recommendation,
        edit=change.edit,
        before=before,
        after=after,
        approval=_approval(change),
        citations=change.verdict.citations,
    )
    message = (
        f"perf(airbyte): {_plain(connection.name)}: {what}\n\n"
        f"{change.recommendation.reason}\n\n"
        f"Trimtab-Connection: {connection.id}\n"
        f"Trimtab-Setting: {change.recommendation.change.setting}\n"
    )
    return Draft(
        branch=branch_name(connection, change.recommendation.change.setting),
        title=f"{_plain(connection.name)}: {what}",
        body=body,
        message=message,
        files=files,
    )


def branch_name(connection: Connection, setting: str) -> str:
    """Return the branch of a connection's setting; it never depends on the proposed value."""
    slug = _NOT_A_SLUG.sub("-", connection.name.lower()).strip("-")[:40] or "connection"
    short = _NOT_A_SLUG.sub("", connection.id.lower())[:8]
    return f"trimtab/{slug}-{short}/{_NOT_A_SLUG.sub('-', setting.lower()).strip('-')}"


def splice(content: bytes, edit: Edit) -> bytes:
    """Replace the one literal of an edit in the content of its file."""
    site = edit.site
    return content[: site.start] + edit.after_literal.encode() + content[site.end :]


def _describe(change: ProposedChange) -> str:
    proposed = change.recommendation.change
    if isinstance(proposed, ScheduleChange) and isinstance(proposed.before, Cron):
        return f"start at {proposed.after.expression} instead of {proposed.before.expression}"
    return f"{change.edit.path} {change.edit.site.value} → {change.edit.after}"


def _approval(change: ProposedChange) -> str:
    match change.verdict:
        case Allow():
            return "No approval is asked for by policy."
        case NeedsApproval(level):
            who = "two persons" if level is ApprovalLevel.TWO_PERSON else f"the {level.label}"
            return f"Needs the approval of **{who}**."
        case Deny():
            raise ValueError("a denied recommendation is never composed")


def _plain(name: str) -> str:
    """Keep a name on one line; control characters have no business in a title."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:80]


def _escape(text: object) -> str:
    """Make a name harmless in Markdown: it shows as it is written, and mentions nobody."""
    shown = _MARKDOWN.sub(r"\\\1", _plain(str(text)))
    # Forges look for @names and #numbers after Markdown is rendered, so a backslash does not
    # help; a zero-width space does.
    return _REFERENCE.sub("\\1\u200b", shown)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("bot.pulls"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  the output is Markdown: `md` escapes for that
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _escape
    return environment.get_template("body.md.j2")
