"""Sticky comments: one of each kind on a pull request, rewritten in place."""

import re
from typing import Any, Final

from bot.domain.errors import InputError
from bot.pulls.github_api import Api

LONGEST: Final = 65_536
"""Characters that GitHub takes as a comment."""

_KIND: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_CUT: Final = "\n\n*Cut here: GitHub takes no longer comment. The job's log has everything.*\n"
_A_PAGE: Final = 100


def write_comment(api: Api, pull: int, kind: str, body: str) -> str:
    """Write the comment of a kind, or rewrite the one that is there; return its address.

    Only a comment that a bot wrote is rewritten: anybody can type our marker.

    Raises:
        InputError: `kind` is no short name.
        ForgeError: GitHub refuses.
    """
    if not _KIND.fullmatch(kind):
        raise InputError(f"{kind!r} is no kind of comment", "Use letters, digits and hyphens.")
    marker = f"<!-- trimtab:{kind} -->"
    text = f"{marker}\n{body}"
    if len(text) > LONGEST:
        text = text[: LONGEST - len(_CUT)] + _CUT
    there = _find(api, pull, marker)
    if there is None:
        made = api.write(
            "POST", f"issues/{pull}/comments", {"body": text}, lambda: _find(api, pull, marker)
        )
    elif there["body"].replace("\r\n", "\n") == text:
        made = there
    else:
        made = api.write("PATCH", f"issues/comments/{there['id']}", {"body": text})
    return str(made["html_url"])


def _find(api: Api, pull: int, marker: str) -> dict[str, Any] | None:
    page = 1
    while True:
        found: list[dict[str, Any]] = api.get(
            f"issues/{pull}/comments", {"per_page": _A_PAGE, "page": page}
        )
        for comment in found:
            by_a_bot = (comment.get("user") or {}).get("type") == "Bot"
            if by_a_bot and comment["body"].startswith(marker):
                return comment
        if len(found) < _A_PAGE:
            return None
        page += 1
