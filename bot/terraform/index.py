"""The index: every block of a root that trimtab knows, in one pass."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from bot.domain.errors import InputError
from bot.terraform.address import Address, Steps, parse_address
from bot.terraform.aliases import Aliases
from bot.terraform.configuration import Configuration
from bot.terraform.evaluation import Evaluation, evaluate
from bot.terraform.hcl import Block
from bot.terraform.lifecycle import ignored_changes
from bot.terraform.provider import Provider, provider_of
from bot.terraform.references import CONFIGURATION_DATA
from bot.terraform.resolver import Resolver
from bot.terraform.root import Root
from bot.terraform.scope import Instance


@dataclass(frozen=True, slots=True)
class Resource:
    """One instance of a block that trimtab knows; `values` are evaluated, secrets included."""

    address: Address
    file: str
    line: int
    provider: Provider
    ignore_changes: tuple[Steps, ...]
    values: Any


@dataclass(frozen=True, slots=True)
class Place:
    """A block, and the instance of the module that it is in."""

    block: Block
    instance: Instance


class Index:
    """A root, read and evaluated at most once."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.configuration = Configuration(root)
        self.resolver = Resolver(self.configuration)

    @cached_property
    def evaluation(self) -> Evaluation:
        """Return what every block comes to.

        Raises:
            TerraformError: when the root cannot be evaluated.
        """
        for _module in self.configuration.modules():
            pass
        return evaluate(self.configuration)

    def evaluated(self) -> None:
        """Make sure that all of the root can be read and evaluated, whatever is asked for later.

        Raises:
            TerraformError: see `evaluate`.
        """
        _ = self.evaluation

    @cached_property
    def aliases(self) -> Aliases:
        """Return what else leads to the files of the root."""
        return Aliases(self.configuration)

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Return every instance of every block that trimtab knows, in the order of addresses."""
        return tuple(self._resources())

    def place(self, address: Address) -> Place | None:
        """Find the block behind an address, or None."""
        instance = self.instance(address)
        if instance is None:
            return None
        block = instance.module.resources.get((address.mode, address.type, address.name))
        return None if block is None else Place(block, instance)

    def instance(self, address: Address) -> Instance | None:
        """Find the instance of the module that an address is in, or None."""
        instance = self.configuration.top
        for step in address.modules:
            child = self.configuration.child(instance, step)
            if child is None:
                return None
            instance = child
        return instance

    def instances(self, address: Address) -> list[str]:
        """List the evaluated instances of the block that an address is in."""
        block = address.block
        return [
            other
            for other in self.evaluation.blocks
            if other == block or other.startswith(f"{block}[")
        ]

    def users_of_data(self, address: str) -> list[str]:
        """List the instances whose arguments name a data source; none for other addresses."""
        data = parse_address(address)
        place = self.place(data)
        if place is None or data.mode != "data":
            return []
        name = re.compile(rf"\bdata\.{data.type}\.{re.escape(data.name)}\b")
        users: list[str] = []
        for (mode, kind, label), block in place.instance.module.resources.items():
            if block is not place.block and name.search(block.text):
                users += self.instances(Address(data.modules, mode, kind, label))
        return users

    def _resources(self) -> Iterator[Resource]:
        top = self.configuration.top.module
        for text, values in sorted(self.evaluation.blocks.items()):
            address = address_of(text)
            if address is None or not is_known_type(address.mode, address.type):
                continue
            place = self.place(address)
            if place is not None:
                yield Resource(
                    address,
                    place.block.document.name,
                    place.block.line,
                    provider_of(place.instance, top, place.block),
                    ignored_changes(place.block),
                    values,
                )


def index(root: Root) -> Index:
    """Read a root.

    Raises:
        TerraformError: when a file cannot be read.
    """
    return Index(root)


def is_known_type(mode: str, kind: str) -> bool:
    """Tell whether trimtab knows what to do with a type of block."""
    if mode == "data":
        return kind == CONFIGURATION_DATA
    return kind == "snowflake_warehouse" or kind.startswith(
        ("airbyte_connection", "airbyte_source", "airbyte_destination")
    )


@cache
def address_of(text: str) -> Address | None:
    """Read the address of an evaluated block; None for those that are not resources."""
    try:
        return parse_address(text)
    except InputError:
        return None
