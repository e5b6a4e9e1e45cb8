"""What the provider plans, and what it finds wrong, from schema and values alone.

Values are as Terraform sends them: dictionaries by attribute name, lists for lists and sets, None for
null, and `Unknown` for what is known only after apply.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tf.types import Unknown

from bot.lab.provider.schemas import Attributes, nested

Values = Mapping[str, Any]


def plan(attributes: Attributes, config: Values, prior: Values | None) -> dict[str, Any]:
    """Return the planned values of an object.

    What the configuration leaves out is, in this order, the schema's default, the value in force
    (the provider suppresses differences of optional and computed attributes), or unknown.

    Args:
        attributes: the schema of the object.
        config: what the configuration says.
        prior: the values in force, None when the object is new.
    """
    return {
        name: _planned(attribute, config.get(name), prior, name)
        for name, attribute in attributes.items()
    }


def _planned(attribute: Mapping[str, Any], said: Any, prior: Values | None, name: str) -> Any:
    before = None if prior is None else prior.get(name)
    if said is Unknown:
        return Unknown
    if said is None:
        return _unsaid(attribute, before, is_new=prior is None)
    inner = nested(attribute)
    if inner is None:
        return said
    mode, children = inner
    if mode == "single":
        return plan(children, said, before if isinstance(before, Mapping) else None)
    twins = before if isinstance(before, list) else []
    return [
        plan(children, element, _twin(element, twins, None if mode == "set" else index))
        for index, element in enumerate(said)
    ]


def _unsaid(attribute: Mapping[str, Any], before: Any, *, is_new: bool) -> Any:
    if not attribute.get("computed"):
        return None
    default = attribute.get("x", {}).get("default")
    if default is not None:
        return default
    return Unknown if is_new else before


def _twin(element: Any, before: list[Any], index: int | None) -> Values | None:
    """Find the element in force: by place in a list, by name and namespace in a set."""
    if index is not None:
        found = before[index] if index < len(before) else None
    else:
        found = next(
            (
                old
                for old in before
                if all(old.get(key) == element.get(key) for key in ("name", "namespace"))
            ),
            None,
        )
    return found if isinstance(found, Mapping) else None


def settle(planned: Any, actual: Any) -> Any:
    """Return `planned` with every unknown replaced by what the API answered, or null.

    Terraform demands that what was planned as known comes back as planned, so `actual` fills
    the unknown places only.
    """
    if planned is Unknown:
        return actual
    if isinstance(planned, Mapping):
        answered = actual if isinstance(actual, Mapping) else {}
        return {name: settle(value, answered.get(name)) for name, value in planned.items()}
    if isinstance(planned, list):
        answers = actual if isinstance(actual, list) and len(actual) == len(planned) else []
        return [
            settle(value, _answer_for(value, answers, index)) for index, value in enumerate(planned)
        ]
    return planned


def _answer_for(value: Any, answers: list[Any], index: int) -> Any:
    if isinstance(value, Mapping) and value.get("name") is not None:
        named = (one for one in answers if isinstance(one, Mapping))
        return next((one for one in named if one.get("name") == value["name"]), None)
    return answers[index] if index < len(answers) else None


def replaced(attributes: Attributes, config: Values, prior: Values) -> list[str]:
    """Name the attributes whose change replaces the object."""
    return [
        name
        for name, attribute in attributes.items()
        if attribute.get("x", {}).get("requires_replace")
        and config.get(name) is not None
        and config[name] != prior.get(name)
    ]


def faults(attributes: Attributes, config: Values) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (path, sentence) for every value that the provider's validators refuse."""
    for name, attribute in attributes.items():
        said = config.get(name)
        rules = attribute.get("x", {})
        if said is None:
            if rules.get("not_null"):
                yield (name,), f"{name} must not be null"
            continue
        if said is Unknown:
            continue
        allowed = rules.get("one_of")
        if allowed is not None and said not in allowed:
            yield (name,), f"{name} must be one of {allowed}, got {said!r}"
        inner = nested(attribute)
        if inner is not None:
            for element in said if isinstance(said, list) else [said]:
                if isinstance(element, Mapping):
                    for path, sentence in faults(inner[1], element):
                        yield (name, *path), sentence
