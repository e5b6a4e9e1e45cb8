"""What Google's clients raise, as the loader's errors: over HTTP and over gRPC in the same words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from google.api_core.exceptions import (
    Aborted,
    Cancelled,
    DeadlineExceeded,
    GoogleAPIError,
    ServiceUnavailable,
)
from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from bot.loader.protocol import RetryClass, SinkError, SliceTooLargeError

_AUTH_HINT: Final = "look at `auth`, and at the rights of the account"
_TOO_LARGE: Final = re.compile(r"payload size|too large|larger than max", re.IGNORECASE)
_BAD_REQUEST, _PAYLOAD_TOO_LARGE, _TOO_MANY, _SERVER = 400, 413, 429, 500
_FORBIDDEN: Final = frozenset({401, 403})


@contextmanager
def explaining(table: str) -> Iterator[None]:
    """Turn whatever talking to BigQuery raises into a `SinkError`."""
    try:
        yield
    except GoogleAPIError as error:
        raise explained(table, error) from None
    except GoogleAuthError as error:
        message = f"{table}: cannot log in: {error}"
        raise SinkError(message, _AUTH_HINT, kind="Auth") from None
    except RequestException as error:
        message = f"{table}: BigQuery cannot be reached: {type(error).__name__}"
        raise SinkError(message, kind="Connection", retry=RetryClass.CONNECTION) from None


def explained(table: str, error: GoogleAPIError) -> SinkError:
    """Return the error that the loader is told: what kind it is, and whether it may pass."""
    status = int(getattr(error, "code", None) or 0)
    words = " ".join(str(getattr(error, "message", None) or error).split())
    message = f"{table}: {words}"
    if status == _PAYLOAD_TOO_LARGE or _says_too_large(status, words):
        return SliceTooLargeError(message, kind="TooLarge")
    if status == _TOO_MANY or "rateLimitExceeded" in str(error):
        return SinkError(message, kind="RateLimited", retry=RetryClass.RATE_LIMITED)
    if not _over_http(error) and (found := _of_grpc(table, error)):
        return found
    if status >= _SERVER:
        return SinkError(message, kind="HttpStatus", retry=RetryClass.HTTP_5XX)
    hint = _AUTH_HINT if status in _FORBIDDEN else ""
    return SinkError(message, hint, kind="Auth" if hint else "HttpStatus")


def _over_http(error: GoogleAPIError) -> bool:
    return hasattr(getattr(error, "response", None), "status_code")


def _says_too_large(status: int, words: str) -> bool:
    """Tell a refusal for size; gRPC itself refuses large messages as exhausted resources."""
    if status == _TOO_MANY:
        return "larger than max" in words
    return status in {0, _BAD_REQUEST} and _TOO_LARGE.search(words) is not None


def _of_grpc(table: str, error: GoogleAPIError) -> SinkError | None:
    """Return what HTTP has no status for, or another meaning."""
    words = " ".join(str(getattr(error, "message", error)).split())
    message = f"{table}: {words}"
    match error:
        case ServiceUnavailable() if "from plugin failed" in words:
            # The log-in is a part of the call there, and its failure no outage of BigQuery.
            return SinkError(f"{table}: cannot log in", _AUTH_HINT, kind="Auth")
        case ServiceUnavailable() | Cancelled():
            return SinkError(message, kind="Connection", retry=RetryClass.CONNECTION)
        case DeadlineExceeded():
            return SinkError(message, kind="Timeout", retry=RetryClass.TIMEOUT)
        case Aborted():
            return SinkError(message, kind="HttpStatus", retry=RetryClass.HTTP_5XX)
    return None
