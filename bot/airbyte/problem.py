"""Problems: every way in which Airbyte, or what stands in front of it, says no, as one sentence."""

import json
import ssl
from typing import Any, Final

import httpx

from bot.domain.errors import AirbyteError

_LONGEST_QUOTE: Final = 300

CREDENTIALS_HINT: Final = (
    "Check the client id and secret: they come from Settings → Applications, or from "
    "`abctl local credentials`."
)
_HINTS: Final = {
    400: "This is trimtab's request being refused; the Airbyte release may be older or newer than known.",
    401: CREDENTIALS_HINT,
    403: "Give the application's user the reader role on that workspace (Workspace Reader is enough).",
    404: "Check the address: it ends in /api/public/v1 on your own installation, and is https://api.airbyte.com/v1 on Cloud.",
    408: "Airbyte itself timed out; try again when it is less busy.",
    429: "Airbyte is limiting this user; try again later, or ask whoever runs it.",
}
_SERVER_HINT: Final = "Airbyte is not well; look at the log of its server, and try again."
_WEB_PAGE_HINT: Final = (
    "This is not an API root: it ends in /api/public/v1 on your own installation. "
    "A login page or proxy in front of Airbyte answers like this too."
)


class Refused(AirbyteError):  # noqa: N818  it reads as what happened
    """Airbyte answered, and the answer was no. `status` is the HTTP status."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


def refusal(response: httpx.Response) -> Refused:
    """Turn an answer that is not a success into one sentence with a next step."""
    asked, status = _asked(response.request), response.status_code
    if response.is_redirect:
        target = response.headers.get("location", "somewhere else")
        return Refused(status, f"{asked} is redirected to {target}", "Use that address directly.")
    if is_web_page(response):
        return Refused(
            status, f"{asked} answered {status} with a web page", _hint(status, web=True)
        )
    said = _said(response.text)
    return Refused(status, f"{asked} answered {status}{f': {said}' if said else ''}", _hint(status))


def unreadable(response: httpx.Response, why: str) -> AirbyteError:
    """Say that a success could not be understood."""
    asked = _asked(response.request)
    if is_web_page(response):
        return AirbyteError(f"{asked} answered with a web page instead of JSON", _WEB_PAGE_HINT)
    return AirbyteError(
        f"{asked} answered with something unexpected: {why}",
        "If this is an Airbyte API root, please report it with the Airbyte release.",
    )


def unreachable(request: httpx.Request, error: httpx.RequestError) -> AirbyteError:
    """Say why no answer came at all."""
    asked = _asked(request)
    if is_tls_failure(error):
        return _tls_failure(asked, error)
    if isinstance(error, httpx.TimeoutException):
        return AirbyteError(
            f"{asked}: no answer in time",
            "Check that this machine may reach the address; a busy Airbyte also answers late.",
        )
    return AirbyteError(
        f"{asked}: cannot be reached ({_innermost(error)})",
        "Check the address, and that this machine may reach it (VPN, firewall, port).",
    )


def _tls_failure(asked: str, error: BaseException) -> AirbyteError:
    innermost = _chain(error)[-1]
    if isinstance(innermost, ssl.SSLCertVerificationError):
        return AirbyteError(
            f"{asked}: the TLS certificate is not trusted ({innermost.verify_message})",
            "If your company signs its own certificates, set SSL_CERT_FILE to its CA bundle.",
        )
    return AirbyteError(
        f"{asked}: no TLS connection ({_innermost(error)})",
        "Check the port; an Airbyte without TLS is reached with http:// instead of https://.",
    )


def is_tls_failure(error: httpx.RequestError) -> bool:
    """Tell whether TLS failed in a way that trying again cannot mend; a cut line is none."""
    return isinstance(error, httpx.ConnectError) and any(
        isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError)
        for cause in _chain(error)
    )


def is_web_page(response: httpx.Response) -> bool:
    """Tell whether HTML came where JSON was asked for."""
    kind = response.headers.get("content-type", "")
    return "html" in kind or response.content.lstrip()[:1] == b"<"


def _asked(request: httpx.Request) -> str:
    return f"{request.method} {request.url.copy_with(query=None)}"


def _hint(status: int, *, web: bool = False) -> str:
    if web and status < httpx.codes.INTERNAL_SERVER_ERROR:
        return _WEB_PAGE_HINT
    server = status >= httpx.codes.INTERNAL_SERVER_ERROR
    return _HINTS.get(status, _SERVER_HINT if server else "")


def _said(text: str) -> str:
    """Find the sentence in one of the error bodies that Airbyte has used."""
    try:
        body = json.loads(text)
    except ValueError:
        return _quote(text)
    if not isinstance(body, dict):
        return _quote(text)
    data = body.get("data")
    inner = data if isinstance(data, dict) else {}
    for found in (body.get("detail"), inner.get("message"), body.get("message")):
        if isinstance(found, str) and found.strip():
            return _quote(found)
    resource = _resource(inner)
    if resource:
        return resource
    if body.get("errorId"):
        return f"an error that Airbyte logged as {_quote(str(body['errorId']))}"
    return _quote(str(body.get("title") or text))


def _resource(data: dict[str, Any]) -> str:
    kind, identity = data.get("resourceType"), data.get("resourceId")
    return _quote(f"no {kind or 'resource'} {identity}") if identity else ""


def _quote(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST_QUOTE else plain[:_LONGEST_QUOTE] + "…"


def _innermost(error: BaseException) -> str:
    last = _chain(error)[-1]
    return _quote(str(last)) or type(last).__name__


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain
