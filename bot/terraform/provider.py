"""Providers: which block belongs to the real Airbyte (or Snowflake) provider."""

from dataclasses import dataclass

from bot.terraform.hcl import Block
from bot.terraform.module import Module
from bot.terraform.scope import Instance
from bot.terraform.syntax import Attribute, Expression, Literal, Name, Object, Template

_KNOWN = {
    "airbyte": {"airbytehq/airbyte"},
    "snowflake": {"snowflakedb/snowflake", "snowflake-labs/snowflake"},
}
# Arguments that only the look-alike providers have on their `airbyte_connection`.
_FOREIGN_ARGUMENTS = ("schedule_data", "schedule_type", "cron_schedule")
_FOREIGN_SCHEDULE = ("units", "time_unit")


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a block's provider comes from; `source` is None when nothing says it."""

    source: str | None
    is_known: bool


def provider_of(instance: Instance, top: Module, block: Block) -> Provider:
    """Tell whose block it is: by `provider =`, `required_providers`, or the type's own prefix."""
    prefix = block.labels[0].partition("_")[0]
    local = _local_name(block.value("provider")) or prefix
    source = instance.module.providers.get(local) or top.providers.get(local)
    known = _KNOWN.get(prefix, set())
    if source is None:
        # Terraform would look for hashicorp/<name>; a block that is written for the look-alikes
        # is theirs even when the root does not say so.
        return Provider(None, local == prefix and not _is_look_alike(block))
    return Provider(source, _short(source) in known)


def _short(source: str) -> str:
    return "/".join(source.lower().split("/")[-2:])


def _local_name(value: Expression | None) -> str | None:
    if isinstance(value, Template) and len(value.parts) == 1:
        only = value.parts[0]
        value = only if isinstance(only, Expression) else None
    if isinstance(value, Attribute):
        value = value.base
    if isinstance(value, Name):
        return value.name
    if isinstance(value, Literal) and isinstance(value.value, str):
        return value.value.partition(".")[0]
    return None


def _is_look_alike(block: Block) -> bool:
    if block.labels[0] != "airbyte_connection":
        return False
    if any(name in block.arguments for name in _FOREIGN_ARGUMENTS):
        return True
    schedule = block.value("schedule")
    return isinstance(schedule, Object) and any(k in schedule.known for k in _FOREIGN_SCHEDULE)
