"""What Airbyte says about each way in which a simulated sync fails."""

from dataclasses import dataclass
from typing import Final

from bot.lab import physics


@dataclass(frozen=True, slots=True)
class Reason:
    """A failure in the words of the Configuration API."""

    origin: str
    kind: str
    external: str
    internal: str
    retryable: bool = True


_REASONS: Final = {
    physics.SOURCE_HICCUP: Reason(
        "source",
        "transient_error",
        "The source closed the connection.",
        "java.io.IOException: Connection reset by peer",
    ),
    physics.OUT_OF_MEMORY: Reason(
        "source",
        "system_error",
        "The source ran out of memory.",
        "Source process exited with exit code 137 (OOMKilled)",
    ),
    physics.SOURCE_DOWN: Reason(
        "source",
        "transient_error",
        "The source is not available.",
        "HTTP 503 or connection refused after 5 retries",
    ),
    physics.CREDENTIALS: Reason(
        "source",
        "config_error",
        "The credentials have expired or were revoked.",
        "HTTP 401 / authentication failed",
        retryable=False,
    ),
    physics.DESTINATION: Reason(
        "destination",
        "system_error",
        "The destination did not accept a batch.",
        "Destination process message delivery failed",
    ),
    physics.BY_PERSON: Reason(
        "airbyte_platform",
        "manual_cancellation",
        "The sync was cancelled.",
        "Setting attempt to FAILED because the job was cancelled",
        retryable=False,
    ),
    physics.REPLACED: Reason(
        "airbyte_platform",
        "manual_cancellation",
        "The queued sync was replaced by the next one.",
        "Cancelled while waiting for capacity",
        retryable=False,
    ),
}
_RATE_LIMIT: Final = Reason(
    "source",
    "transient_error",
    "Rate limit exceeded by the source's API.",
    "HTTP 429 after 5 retries",
)
_TOO_BUSY: Final = Reason(
    "source",
    "transient_error",
    "The database did not answer in time.",
    "canceling statement due to statement timeout",
)


def reason_of(failure: int, family: str) -> Reason | None:
    """Return what Airbyte says of a failure code, or None for `NO_FAILURE`."""
    if failure == physics.OVERLOADED:
        return _RATE_LIMIT if family == "api" else _TOO_BUSY
    return _REASONS.get(failure)
