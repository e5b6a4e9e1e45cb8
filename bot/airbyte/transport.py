"""Transport: one HTTP request to Airbyte at a time and place, patient and polite.

Every self-managed Airbyte answers all API calls from five threads, so never more than three
requests are in flight; what may pass by itself (429, 408, 5xx, timeouts, broken connections) is
tried again with growing, jittered pauses; 401 mints one new token.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self
from urllib.parse import urlencode

import httpx
import stamina
import stamina.instrumentation
from pydantic import BaseModel, ValidationError

import bot
from bot.airbyte import problem
from bot.airbyte.access import Access, Application, Basic
from bot.airbyte.token import Minted, Tokens
from bot.documents.redaction import Redactor
from bot.domain.errors import AirbyteError

MOST_IN_FLIGHT: Final = 3

_CONNECT_TIMEOUT: Final = timedelta(seconds=10)
_ASSUMED_TOKEN_LIFE: Final = timedelta(minutes=3)
"""What the shortest-lived tokens seen in the field had, for answers that do not say."""

_LONGEST_PAUSE: Final = timedelta(minutes=5)

_ATTEMPTS_AT_UNPROVEN: Final = 3
"""How often an address is tried that has never answered: it is more likely wrong than busy."""

_PASSING: Final = frozenset({408, 425, 429})
_NEVER_PASSING: Final = frozenset({501, 505})


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again."""

    attempts: int = 7
    wait_initial: timedelta = timedelta(seconds=0.5)
    wait_max: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `url` in full, query included, and a JSON body where there is one."""

    method: str
    url: str
    body: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Traffic:
    """What has happened so far: requests sent, those that were repeats, and the clock skew.

    `skew` is how far Airbyte's clock is ahead of ours, to about a second; None before the first
    answer that carries a date.
    """

    requests: int = 0
    repeats: int = 0
    skew: timedelta | None = None


class _Token(BaseModel):
    access_token: str
    expires_in: float | None = None


class _Passing(Exception):  # noqa: N818  a signal to try again, never seen outside
    """A failure that may pass by itself, and the pause that the server asked for."""

    def __init__(self, error: AirbyteError, pause: timedelta | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.pause = pause


class Transport:
    """Send requests to one Airbyte; safe to share between threads, to be closed at the end."""

    def __init__(self, access: Access, patience: Patience | None = None) -> None:
        # Repeats are counted here; stamina by itself would log them to stdout, between our output.
        stamina.instrumentation.set_on_retry_hooks(())
        self.access = access
        self.traffic = Traffic()
        self.redact = Redactor(access.secrets)
        self._patience = patience or Patience()
        self._slots = threading.BoundedSemaphore(MOST_IN_FLIGHT)
        self._tokens = Tokens(self._mint) if isinstance(access.credentials, Application) else None
        self._counting = threading.Lock()
        self._reached = False
        self._client = httpx.Client(
            headers={"user-agent": f"trimtab/{bot.__version__}", "accept": "application/json"},
            timeout=httpx.Timeout(
                access.timeout.total_seconds(), connect=_CONNECT_TIMEOUT.total_seconds()
            ),
            auth=_basic(access),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def server_time(self) -> datetime:
        """Return the time by Airbyte's clock (ours, until Airbyte has told its own)."""
        return datetime.now(UTC) + (self.traffic.skew or timedelta(0))

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> httpx.Response:
        """Read `path` under the public root.

        Raises:
            AirbyteError: no answer, or one that cannot be used; `Refused` has the status.
        """
        query = f"?{urlencode(params)}" if params else ""
        return self.send(Ask("GET", f"{self.access.root}{path}{query}"))

    def send(self, ask: Ask) -> httpx.Response:
        """Send `ask` with credentials and return the successful answer.

        Raises:
            AirbyteError: no answer, or one that cannot be used; `Refused` has the status.
        """
        if self._tokens is None:
            return self._patiently(ask)
        token = self._tokens.current()
        try:
            return self._patiently(ask, token)
        except problem.Refused as refused:
            if refused.status != httpx.codes.UNAUTHORIZED:
                raise
        self._tokens.refuse(token)
        return self._patiently(ask, self._tokens.current())

    def _patiently(self, ask: Ask, token: str | None = None) -> httpx.Response:
        patience = self._patience
        try:
            for attempt in stamina.retry_context(
                on=_pause,
                attempts=patience.attempts,
                timeout=None,
                wait_initial=patience.wait_initial,
                wait_max=patience.wait_max,
                wait_jitter=patience.wait_initial,
            ):
                with attempt:
                    return self._once(ask, token, attempt.num)
        except _Passing as passing:
            raise passing.error from None
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(self, ask: Ask, token: str | None, attempt: int) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else None
        request = self._client.build_request(ask.method, ask.url, json=ask.body, headers=headers)
        with self._slots:
            sent = time.monotonic()
            try:
                response = self._client.send(request)
            except httpx.RequestError as error:
                raise self._failed(request, error, attempt) from None
            finally:
                self._count(repeat=attempt > 1)
            self._note_date(response, time.monotonic() - sent)
        if response.is_success and not problem.is_web_page(response):
            self._reached = True
            return response
        raise self._classified(response, attempt)

    def _failed(self, request: httpx.Request, error: httpx.RequestError, attempt: int) -> Exception:
        failure = self._redacted(problem.unreachable(request, error))
        wrong = isinstance(error, httpx.ConnectError) and self._looks_wrong(attempt)
        return failure if problem.is_tls_failure(error) or wrong else _Passing(failure)

    def _looks_wrong(self, attempt: int) -> bool:
        """Tell whether an address that has never answered is wrong rather than busy."""
        return not self._reached and attempt >= _ATTEMPTS_AT_UNPROVEN

    def _classified(self, response: httpx.Response, attempt: int) -> Exception:
        if response.is_success:
            # A proxy's page in place of an answer passes; that of a web interface does not.
            page = self._redacted(problem.unreadable(response, "a web page"))
            return page if self._looks_wrong(attempt) else _Passing(page)
        error = self._redacted(problem.refusal(response))
        status = response.status_code
        passing = status in _PASSING or (response.is_server_error and status not in _NEVER_PASSING)
        return _Passing(error, _retry_after(response)) if passing else error

    def _redacted(self, error: AirbyteError) -> AirbyteError:
        error.message = self.redact(error.message)
        return error

    def _mint(self) -> Minted:
        credentials = self.access.credentials
        assert isinstance(credentials, Application)
        body = {
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            # The API description asks for one spelling and documents the other.
            "grant_type": "client_credentials",
            "grant-type": "client_credentials",
        }
        *earlier, last = self.access.token_urls
        for url in earlier:
            try:
                return self._minted(self._patiently(Ask("POST", url, body=body)))
            except problem.Refused as refused:
                if refused.status not in {404, 405}:
                    raise _login_failed(refused) from None
        try:
            return self._minted(self._patiently(Ask("POST", last, body=body)))
        except problem.Refused as refused:
            raise _login_failed(refused) from None

    def _minted(self, response: httpx.Response) -> Minted:
        try:
            token = _Token.model_validate_json(response.content)
        except ValidationError:
            raise problem.unreadable(response, "no access_token in it") from None
        self.redact.add([token.access_token])
        life = _ASSUMED_TOKEN_LIFE
        if token.expires_in is not None:
            life = timedelta(seconds=token.expires_in)
        return Minted(token.access_token, life)

    def _count(self, *, repeat: bool) -> None:
        with self._counting:
            self.traffic.requests += 1
            self.traffic.repeats += repeat

    def _note_date(self, response: httpx.Response, took_s: float) -> None:
        try:
            told = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        # The header has whole seconds, and was written somewhere between sending and now.
        middle = datetime.now(UTC) - timedelta(seconds=took_s / 2)
        self.traffic.skew = told.astimezone(UTC) + timedelta(seconds=0.5) - middle


def _pause(error: Exception) -> bool | timedelta:
    """Tell stamina whether to try again, and after how long when Airbyte has said so."""
    if not isinstance(error, _Passing):
        return False
    return error.pause or True


def _retry_after(response: httpx.Response) -> timedelta | None:
    seconds = response.headers.get("retry-after", "")
    return min(timedelta(seconds=int(seconds)), _LONGEST_PAUSE) if seconds.isdigit() else None


def _login_failed(refused: problem.Refused) -> AirbyteError:
    hint = refused.hint
    # The community edition answers 400 to a wrong secret.
    if refused.status in {400, 401, 403}:
        hint = problem.CREDENTIALS_HINT
    return AirbyteError(f"Airbyte refused the login: {refused.message}", hint)


def _basic(access: Access) -> httpx.BasicAuth | None:
    credentials = access.credentials
    if isinstance(credentials, Basic):
        return httpx.BasicAuth(credentials.username, credentials.password)
    return None
