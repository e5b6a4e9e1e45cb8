"""Files to start from: what they show of a setting is what it is when it is left out."""

import re
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from ruamel.yaml import YAML

from bot.loader import registry
from bot.loader.starter import starter

SETTING = re.compile(r"^      # (\w+): (.*?)(?:  # .*)?$", re.MULTILINE)
CONNECTORS = [
    *(("sources", name) for name in registry.names("sources")),
    *(("sinks", name) for name in registry.names("sinks")),
]


@pytest.mark.parametrize(("kind", "name"), CONNECTORS)
def test_a_setting_is_shown_with_its_default(kind: Any, name: str) -> None:
    model: type[BaseModel]
    if kind == "sources":
        text, _, _ = starter(name, "stdout", "x").partition("  sink:")
        model = registry.find_source(name).config_model
    else:
        _, _, text = starter("jsonl", name, "x").partition("  sink:")
        model = registry.find_sink(name).config_model
    shown = {key: YAML(typ="safe").load(value) for key, value in SETTING.findall(text)}
    for key, field in model.model_fields.items():
        if key in shown:
            default = field.get_default(call_default_factory=True, validated_data={})
            annotation: Any = field.annotation
            found = TypeAdapter(annotation).validate_python(shown[key])
            assert found == default, key
