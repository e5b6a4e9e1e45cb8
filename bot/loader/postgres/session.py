"""Connections, and what a failure of one means to the loader."""

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from pydantic import SecretStr

from bot.loader.protocol import Check, RetryClass

CONNECT_TIMEOUT_S = 15
LIMIT_CODES = ("54", "53200")
_CREDENTIALS = re.compile(r"(://[^:/@\s]+:)[^@\s]+@|(password=)\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, in the words of the server's primary message.

    Detail and context lines are left out: they quote values of other rows.
    """

    kind: str
    message: str
    retry: RetryClass | None
    too_large: bool = False


def connect(url: SecretStr, purpose: str) -> psycopg.Connection[Any]:
    """Open a connection that commits each statement by itself.

    Raises:
        psycopg.Error: it cannot be opened; `explain` says why in safe words.
    """
    address = url.get_secret_value()
    theirs = psycopg.conninfo.conninfo_to_dict(address).get("options") or ""
    return psycopg.connect(
        address,
        autocommit=True,
        application_name=f"trimtab {purpose}",
        connect_timeout=CONNECT_TIMEOUT_S,
        client_encoding="utf8",
        options=f"{theirs} -c timezone=UTC -c datestyle=ISO -c extra_float_digits=1",
    )


def explain(error: psycopg.Error) -> Failure:
    """Translate an error of the driver or of the server."""
    code = error.sqlstate or ""
    primary = error.diag.message_primary if code else None
    message = _CREDENTIALS.sub(r"\1\2***@", primary or str(error).strip().splitlines()[0])
    return failure_of(code, message)


def failure_of(code: str, message: str) -> Failure:
    """Classify an SQLSTATE; an empty one is a connection that failed before the server spoke."""
    if code.startswith(LIMIT_CODES):
        return Failure("TooLarge", message, None, too_large=True)
    kinds = {"22": "Conversion", "23": "Constraint", "28": "Auth", "42": "Definition"}
    kind = kinds.get(code[:2], "Postgres")
    if code in {"57014", "55P03", "40001", "40P01"}:
        return Failure(kind, message, RetryClass.TIMEOUT)
    if code == "53300":
        return Failure("TooManyConnections", message, RetryClass.RATE_LIMITED)
    if not code or code[:2] in {"08", "57"}:
        lasting = "authentication failed" in message or "does not exist" in message
        return Failure("Connection", message, None if lasting else RetryClass.CONNECTION)
    return Failure(kind, message, None)


def check_connection(url: SecretStr, purpose: str) -> Check:
    """Connect once and report the server's version."""
    try:
        with connect(url, purpose) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        hint = "look at connection_url, and whether the server listens there"
        return Check("connect", passed=False, detail=explain(error).message, hint=hint)
    return Check("connect", passed=True, detail=f"PostgreSQL {version // 10000}.{version % 10000}")
