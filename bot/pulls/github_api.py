"""GitHub's API as trimtab uses it: one request at a time, patient where that is safe.

A request that GitHub refuses for its rate has done nothing and is sent again after the wait it asks
for. One that ends in doubt (a 5xx, a broken connection) may have been carried out: reads are sent
again; before a write is, what it was for is read back.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bot.domain.errors import ForgeError

if TYPE_CHECKING:
    from github import GithubException
    from github.Requester import Requester

T = TypeVar("T")
Json = dict[str, Any]
ReadBack = Callable[[], T | None]

ATTEMPTS: Final = 4
LONGEST_WAIT_SECONDS: Final = 120
_SECONDARY_WAIT_SECONDS: Final = 60
_TOO_MANY: Final = 429
_FORBIDDEN: Final = 403
_SERVER_ERROR: Final = 500
_RATE_WORDS: Final = ("rate limit", "retry your request again later", "wait a few minutes")
_HINTS: Final = {
    401: "The token has expired, or is one of another GitHub: see docs/security.md.",
    403: "It needs contents, pull requests and issues to write: see docs/security.md.",
    404: "Check forge.repository, and that the token's owner or App may see the repository.",
}


class RefusedError(ForgeError):
    """GitHub refused a request for good; `status` is HTTP's, 400 for an error of GraphQL."""

    def __init__(self, message: str, hint: str, status: int) -> None:
        super().__init__(message, hint)
        self.status = status


class _AgainError(Exception):
    """Send it once more after a wait; `in_doubt` when it may have been carried out."""

    def __init__(self, why: str, wait_seconds: float, *, in_doubt: bool) -> None:
        super().__init__(why)
        self.wait_seconds = wait_seconds
        self.in_doubt = in_doubt


@dataclass(frozen=True, slots=True)
class Api:
    """Requests to one GitHub on behalf of one repository, `owner/name`."""

    requester: "Requester"
    repository: str
    pause: Callable[[float], None] = field(default=time.sleep)

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Any:
        """Read below the repository, or an absolute path that starts with `/`."""
        given = dict(parameters or {})
        return self._send(f"read {path}", lambda: self._rest("GET", path, given, None), None)

    def write(
        self, verb: str, path: str, body: Mapping[str, Any], read_back: ReadBack[Json] | None = None
    ) -> Json:
        """Write below the repository; `read_back` finds what a write in doubt has made.

        Without `read_back` the write has to be one that may be repeated.
        """
        what = f"{verb} {path}"
        made: Json = self._send(what, lambda: self._rest(verb, path, {}, dict(body)), read_back)
        return made

    def query(self, name: str, variables: Mapping[str, Any]) -> Json:
        """Send one of the documents in `graphql/` that reads."""
        found: Json = self._send(f"read {name}", lambda: self._graphql(name, variables), None)
        return found

    def mutate(self, name: str, variables: Mapping[str, Any], read_back: ReadBack[Json]) -> Json:
        """Send one of the documents in `graphql/` that writes."""
        made: Json = self._send(name, lambda: self._graphql(name, variables), read_back)
        return made

    def _rest(self, verb: str, path: str, parameters: Json, body: Json | None) -> Any:
        url = path if path.startswith("/") else f"/repos/{self.repository}/{path}"
        return self._checked(
            lambda: self.requester.requestJsonAndCheck(verb, url, parameters, input=body)[1]
        )

    def _graphql(self, name: str, variables: Mapping[str, Any]) -> Json:
        document = graphql(name)
        answer = self._checked(lambda: self.requester.graphql_query(document, dict(variables))[1])
        data: Json = answer["data"]
        return data

    def _checked(self, request: Callable[[], T]) -> T:
        from github import GithubException
        from requests.exceptions import RequestException

        try:
            return request()
        except GithubException as error:
            raise self._understood(error) from None
        except RequestException as error:
            # Its text may name a proxy with a password: the kind says enough.
            raise _AgainError(type(error).__name__, 0, in_doubt=True) from None

    def _understood(self, error: "GithubException") -> Exception:
        headers = {key.lower(): value for key, value in (error.headers or {}).items()}
        said = _said(error.data)
        if _is_rate_limit(error.status, said, headers):
            wait = _asked_wait(headers)
            if wait > LONGEST_WAIT_SECONDS:
                return ForgeError(
                    f"GitHub's rate limit is used up for another {wait / 60:.0f} min",
                    "The next run does what is left. A GitHub App has a limit of its own.",
                )
            return _AgainError(said, wait, in_doubt=False)
        if error.status >= _SERVER_ERROR or said.lower().startswith("something went wrong"):
            return _AgainError(f"{error.status} {said}", 0, in_doubt=True)
        message = f"{self.repository}: GitHub refuses ({error.status}): {said}"
        return RefusedError(message, _HINTS.get(error.status, ""), error.status)

    def _send(self, what: str, request: Callable[[], T], read_back: ReadBack[T] | None) -> T:
        why = ""
        for attempt in range(ATTEMPTS):
            try:
                return request()
            except _AgainError as again:
                why = str(again)
                self.pause(max(again.wait_seconds, 2**attempt))
                found = read_back() if again.in_doubt and read_back is not None else None
                if found is not None:
                    return found
        raise ForgeError(
            f"{self.repository}: GitHub did not {what} in {ATTEMPTS} attempts: {why}",
            "See https://www.githubstatus.com; the next run does what is left.",
        )


@cache
def graphql(name: str) -> str:
    """Return a document of `graphql/`."""
    return files("bot.pulls").joinpath("graphql", f"{name}.graphql").read_text(encoding="utf-8")


def _said(data: Any) -> str:
    """Return GitHub's own words, with the details of a 422 and the errors of GraphQL."""
    if not isinstance(data, dict):
        return "no reason given"
    errors = [error for error in data.get("errors") or [] if isinstance(error, dict)]
    details = [str(each.get("message") or each.get("code") or "") for each in errors]
    words = [str(data.get("message") or ""), *details]
    return "; ".join(" ".join(word.split()) for word in words if word)[:500] or "no reason given"


def _is_rate_limit(status: int, said: str, headers: Mapping[str, str]) -> bool:
    if status == _TOO_MANY or (status == _FORBIDDEN and "retry-after" in headers):
        return True
    return status < _SERVER_ERROR and any(word in said.lower() for word in _RATE_WORDS)


def _asked_wait(headers: Mapping[str, str]) -> float:
    """Return how long GitHub asks to wait; a minute where it does not say, as its manual advises."""
    after = headers.get("retry-after", "")
    if after.isdigit():
        return int(after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1.0, int(reset) - time.time() + 1)
    return _SECONDARY_WAIT_SECONDS
