"""Trouble: why attempts of syncs fail, as far as it tells what to change."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.sync import Failure


class Cause(StrEnum):
    """What an attempt failed of."""

    OUT_OF_MEMORY = "out of memory"
    RATE_LIMITED = "rate limited"
    TIMED_OUT = "timed out"
    CONFIGURATION = "configuration or credentials"
    CANCELLED = "cancelled"
    OTHER = "other"

    @property
    def is_of_load(self) -> bool:
        """Tell whether asking for less at once could have avoided it."""
        return self in {Cause.OUT_OF_MEMORY, Cause.RATE_LIMITED, Cause.TIMED_OUT}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failed attempt of the sync that was created at `at`; a later attempt may have succeeded."""

    at: datetime
    cause: Cause


_KINDS: Final = {
    "heartbeat_timeout": Cause.TIMED_OUT,
    "destination_timeout": Cause.TIMED_OUT,
    "config_error": Cause.CONFIGURATION,
    "manual_cancellation": Cause.CANCELLED,
}
_WORDS: Final = {
    Cause.OUT_OF_MEMORY: r"out ?of ?memory|oom ?killed|exit code 137|heap space|memory limit"
    r"|cannot allocate memory",
    Cause.RATE_LIMITED: r"\b429\b|rate.?limit|too many requests|quota.{0,20}exceed|throttl",
    Cause.TIMED_OUT: r"timed? ?-?out|deadline exceeded|not (answer|respond) in time",
    Cause.CONFIGURATION: r"\b40[13]\b|unauthori[sz]ed|forbidden|(permission|access) denied"
    r"|credentials?.{0,30}(expired|invalid|revoked)",
}
_PATTERNS: Final = {cause: re.compile(words, re.IGNORECASE) for cause, words in _WORDS.items()}


def cause_of(failure: Failure) -> Cause:
    """Read the cause from Airbyte's words; `OTHER` where they do not tell.

    Words come before Airbyte's own kind: a quota that is spent is a `config_error` to some
    connectors, and a timeout in the message says more than `system_error`.
    """
    for cause, pattern in _PATTERNS.items():
        if pattern.search(failure.message):
            return cause
    return _KINDS.get(failure.kind, Cause.OTHER)
