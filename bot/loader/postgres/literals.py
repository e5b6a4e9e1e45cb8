"""Put values into SQL text where the protocol has no place for them: COPY takes no parameters."""

import re
from collections.abc import Sequence

from psycopg import sql

from bot.loader.protocol import SourceError

Value = str | int | float | bool | None

_TOKENS = re.compile(
    r"""
      '(?:[^']|'')*'                          # string; E'…' is met at its letter below
    | \b[eE]'(?:[^'\\]|\\.|'')*'
    | "(?:[^"]|"")*"                          # identifier
    | --[^\n]*
    | /\*.*?\*/
    | \$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?P=tag)?\$
    | (?<![\w$])\$(?P<number>\d+)
    """,
    re.VERBOSE | re.DOTALL,
)


def literal(value: Value) -> str:
    """Quote a value. Text is left untyped, so that the server reads it as what it is compared with."""
    return sql.Literal(value).as_string(None)


def identifier(*parts: str) -> str:
    """Quote a name, for instance `"public"."orders"`."""
    return sql.Identifier(*parts).as_string(None)


def bind(query: str, parameters: Sequence[Value]) -> str:
    """Replace `$1`, `$2`, … by quoted literals, outside strings, names and comments.

    Raises:
        SourceError: a placeholder has no value, or a value no placeholder.
    """
    used: set[int] = set()

    def put(match: re.Match[str]) -> str:
        number = match["number"]
        if number is None:
            return match[0]
        position = int(number)
        if not 1 <= position <= len(parameters):
            raise SourceError(
                f"the query uses ${number}, but params has {len(parameters)} value(s)",
                "count from $1 and give one value in params for each",
            )
        used.add(position)
        return literal(parameters[position - 1])

    bound = _TOKENS.sub(put, query)
    unused = sorted(set(range(1, len(parameters) + 1)) - used)
    if unused:
        raise SourceError(f"the query never uses ${unused[0]}", "remove the value from params")
    return bound.strip().rstrip(";").rstrip()
