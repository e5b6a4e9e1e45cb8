"""Values on the plugin protocol's wire: msgpack, with an extension for what is not known yet."""

import json
from typing import Any

import msgpack
from tf.gen import tfplugin_pb2 as pb
from tf.types import Unknown


def decode(message: Any) -> Any:
    """Return the value of a `DynamicValue`; None for null.

    Terraform refines unknown values ("not null", "starts with …") under another extension code,
    so every extension reads as `Unknown`.
    """
    if message.json:
        return json.loads(message.json)
    if not message.msgpack:
        return None
    return msgpack.unpackb(message.msgpack, ext_hook=lambda _code, _data: Unknown)


def encode(value: Any) -> Any:
    """Return the `DynamicValue` of a value."""
    if value is None:
        return pb.DynamicValue()
    return pb.DynamicValue(msgpack=msgpack.packb(value, default=_unknown))


def _unknown(value: Any) -> Any:
    return msgpack.ExtType(0, b"\x00") if value is Unknown else value
