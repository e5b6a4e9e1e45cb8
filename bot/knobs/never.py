"""What trimtab never touches, whoever lists it: options that decide which data arrives."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    reason: str


def _rule(pattern: str, reason: str) -> _Rule:
    return _Rule(re.compile(pattern), reason)


# Matched against the whole dotted path in lower case. They hold for the built-in catalogue, for
# a team's own rows and for scanned specifications alike.
_RULES = (
    _rule(r"look_?back", "a lookback window decides which late rows are read again"),
    _rule(
        r"attribution|conversion_(window|report)|(click|view|engagement)_window",
        "an attribution window changes the figures that are reported",
    ),
    _rule(
        r"(^|\.)processing\.|(^|[._])chunk(_size|_overlap|ing)?($|[._])",
        "chunking decides what the records contain",
    ),
    _rule(
        r"max_(records|rows|items|messages)(_process|_to_\w+|_per_sync)?$"
        r"|max_pages|pages_to_\w+|(row|record)_cap|(^|[._])sampl(e|ing)",
        "a cap decides which rows arrive",
    ),
    _rule(
        r"(^|[._])(start|end|since|until|begin)_?(date|time|datetime|timestamp)?$|cutoff",
        "a date bound decides which rows arrive",
    ),
    _rule(
        r"passw|secret|token|credential|api_?key|private_key|access_key",
        "it may be a secret",
    ),
    _rule(r"\[\]|\*", "it sits inside a list, so no dotted path names one element"),
    _rule(
        r"(^|\.)streams?($|\.)", "streams decide which data arrives, and a change can reset them"
    ),
)


def reason(path: str) -> str | None:
    """Say why the option at `path` is never touched, or None when no rule names it."""
    lowered = path.lower()
    return next((rule.reason for rule in _RULES if rule.pattern.search(lowered)), None)
