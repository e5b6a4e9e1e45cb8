"""A pipeline file to start from, made from the connectors' own settings."""

import json
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bot.loader import registry

_HEAD = """\
# {name}: {source} to {sink}. Check it with `trimtab load validate`, run it with `trimtab load run`.
version: 1
name: {name}

pipeline:
"""
_TAIL = """\
  dlq:
    sink:
      type: jsonl
      config:
        path: ./dlq/{name}.jsonl
    on_batch_error: propagate  # or dlq_all, where a batch lands whole or not at all

execution:
  adaptive_batch_size:
    enabled: true
    # controller: goodput  # finds the size with the most rows per second
"""


def starter(source: str, sink: str, name: str) -> str:
    """Return the text of a pipeline file; what must be filled in stands where it belongs.

    Raises:
        ConfigError: there is no such source or sink.
    """
    blocks = [
        _block("source", source, registry.find_source(source).config_model),
        _block("sink", sink, registry.find_sink(sink).config_model),
    ]
    head = _HEAD.format(name=name, source=source, sink=sink)
    return head + "".join(blocks) + _TAIL.format(name=name)


def _block(part: str, kind: str, model: type[BaseModel]) -> str:
    fields = sorted(model.model_fields.items(), key=lambda item: not item[1].is_required())
    lines = "".join(f"      {_line(part, name, field)}\n" for name, field in fields)
    return f"  {part}:\n    type: {kind}\n    config:\n{lines}\n"


def _line(part: str, name: str, field: FieldInfo) -> str:
    about = f"  # {field.description}" if field.description else ""
    if _is_secret(field.annotation):
        return f"{name}: ${{env:{part.upper()}_{name.upper()}}}{about}"
    if field.is_required():
        return f"{name}: <{name}>{about}"
    return f"# {name}: {_default(field)}{about}"


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, default=str)
