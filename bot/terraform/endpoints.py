"""Endpoints: which block declares the source or the destination of a connection."""

from typing import Literal

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform.address import parse_address
from bot.terraform.identity import imported
from bot.terraform.index import Index
from bot.terraform.scope import Identity, Missing, Reached, refuse
from bot.terraform.syntax import Literal as Written

Role = Literal["source", "destination"]


def endpoint_address(index: Index, connection: str, role: Role) -> str | Refusal:
    """Return the address of one end of a connection, or why the root does not tell it.

    Args:
        index: the root.
        connection: the address of the connection.
        role: which end.
    """
    address = parse_address(connection)
    place = index.place(address)
    value = None if place is None else place.block.value(f"{role}_id")
    if place is None or value is None:
        return Refusal(RefusalReason.NOT_FOUND, f"{connection} does not set {role}_id")
    found = index.resolver.reach(
        value, index.configuration.scope(place.block, place.instance, address.key), ()
    )
    if isinstance(found, Refusal):
        return found
    if isinstance(found, Missing):
        return refuse(RefusalReason.ABSENT, f"{connection} does not set {role}_id", found.where)
    return _of(index, found, role)


def _of(index: Index, found: Reached, role: Role) -> str | Refusal:
    match found.expression:
        case Identity(address=address):
            return address
        case Written(value=str(written)):
            for identity, address in imported(index):
                if identity == written and parse_address(address).type.startswith(
                    f"airbyte_{role}"
                ):
                    return address
            detail = f"no import block says which {role} {written} is"
            return refuse(RefusalReason.NOT_FOUND, detail, found.expression)
    detail = f"{role}_id is neither a reference to a block nor an id: {found.expression.text}"
    return refuse(RefusalReason.COMPUTED, detail, found.expression)
