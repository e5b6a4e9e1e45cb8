"""The pipeline file: every field with its default and bound, every wrong key with its place."""

from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from bot.domain.errors import ConfigError
from bot.loader.pipeline import Pipeline, examine, json_schema, load_pipeline

ENV = {"PG": "postgresql://me:s3cr/et?@p@db:5432/app", "OUT": "postgresql://me@db/out"}
TEXT = """\
version: 1
name: orders
pipeline:
  source:
    type: postgres
    config:
      connection_url: ${env:PG}
      table: orders
      batch_size: 5000
  sink:
    type: postgres
    config:
      connection_url: ${env:OUT}
      table: orders_copy
  dlq:
    sink:
      type: postgres
      config: {connection_url: "${env:OUT}", table: dead}
    on_batch_error: dlq_all
execution:
  adaptive_batch_size:
    enabled: true
"""


def write(folder: Path, text: str = TEXT) -> Path:
    path = folder / "orders.yaml"
    path.write_text(text)
    return path


def load(folder: Path, text: str = TEXT, env: Mapping[str, str] = ENV) -> Pipeline:
    return load_pipeline(write(folder, text), env)


def findings(folder: Path, text: str, env: Mapping[str, str] = ENV) -> list[str]:
    path = write(folder, text)
    found = [str(one) for one in examine(path, env).findings]
    assert all(one.startswith(f"{path}:") for one in found)
    return [one.removeprefix(f"{path}:") for one in found]


def sized(block: str) -> str:
    return TEXT + "".join(f"    {line}\n" for line in block.splitlines())


def test_defaults_are_those_of_the_reference(tmp_path: Path) -> None:
    sizing = load(tmp_path).config.execution.adaptive_batch_size
    assert sizing is not None
    assert sizing.model_dump() == {
        "enabled": True,
        "controller": "aimd",
        "min": 100,
        "max": 50_000,
        "increase_step": 250,
        "decrease_factor": 0.5,
        "cooldown_batches": 5,
        "target_latency_ms": None,
        "latency_window": 10,
        "error_threshold": 0.01,
        "respect_source_max": True,
        "log_every": 50,
    }


def test_every_other_part_has_its_default(tmp_path: Path) -> None:
    config = load(tmp_path).config
    dlq = config.pipeline.dlq
    assert dlq is not None
    assert (dlq.max_failures_per_page, dlq.max_failures_total) == (None, None)
    assert dlq.include_original_payload is True
    assert config.execution.retry.attempts == 5
    assert config.pipeline.state.path == Path(".trimtab/state")


@pytest.mark.parametrize(
    "good",
    [
        "min: 1",
        "min: 500\nmax: 500",
        "max: 1000000",
        "increase_step: 1000000",
        "decrease_factor: 0.99",
        "error_threshold: 0",
        "error_threshold: 1.0",
        "latency_window: 1",
        "cooldown_batches: 0",
        "log_every: 0",
        "target_latency_ms: null",
        "target_latency_ms: 1",
        "respect_source_max: true",
        "controller: goodput",
    ],
)
def test_values_at_the_bounds_are_right(tmp_path: Path, good: str) -> None:
    load(tmp_path, sized(good))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("min: 0", "greater than or equal to 1"),
        ("max: 1000001", "less than or equal to 1000000"),
        ("min: 600\nmax: 500", "min (600) is greater than max (500)"),
        ("increase_step: 0", "greater than or equal to 1"),
        ("increase_step: 1000001", "less than or equal to 1000000"),
        ("decrease_factor: 0", "greater than 0"),
        ("decrease_factor: 1", "less than 1"),
        ("decrease_factor: .nan", "than"),
        ("error_threshold: -0.1", "greater than or equal to 0"),
        ("error_threshold: 1.1", "less than or equal to 1"),
        ("latency_window: 0", "greater than or equal to 1"),
        ("target_latency_ms: 0", "greater than or equal to 1"),
        ("cooldown_batches: -1", "greater than or equal to 0"),
        ("respect_source_max: false", "O(batch_size) memory guarantee"),
        ("controller: pid", "'pid' is not supported"),
        ("min: true", "should be a number"),
        ("min: many", "integer"),
    ],
)
def test_values_past_the_bounds_are_found(tmp_path: Path, bad: str, said: str) -> None:
    (found,) = findings(tmp_path, sized(bad))
    assert said in found
    assert "execution.adaptive_batch_size" in found


def test_enabled_has_to_be_said(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, TEXT.replace("enabled: true", "min: 5"))
    assert "execution.adaptive_batch_size.enabled is missing" in found


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("name: orders", "nam: orders", "2:1", "did you mean 'name'"),
        ("  dlq:", "  dlqq:", "15:3", "did you mean 'dlq'"),
        ("      batch_size: 5000", "      batchsize: 5000", "9:7", "did you mean 'batch_size'"),
        ("    on_batch_error: dlq_all", "    on_error: dlq_all", "19:5", "'pipeline.dlq.on_error'"),
        ("    enabled: true", "    enabled: true\n    step: 5", "23:5", "unknown key"),
        ("execution:", "excution:", "20:1", "did you mean 'execution'"),
        ("    type: postgres", "    type: postgress", "5:11", "did you mean 'postgres'"),
        ("dlq_all", "dlq_al", "19:21", "did you mean 'dlq_all'"),
    ],
)
def test_a_wrong_word_is_found_at_its_place(
    tmp_path: Path, old: str, new: str, place: str, said: str
) -> None:
    found = findings(tmp_path, TEXT.replace(old, new, 1))
    assert any(one.startswith(f"{place}:") and said in one for one in found), found


def test_an_unset_variable_is_one_finding_of_its_own(tmp_path: Path) -> None:
    assert findings(tmp_path, TEXT, {"OUT": ENV["OUT"]}) == [
        "7:23: the environment variable PG is not set"
    ]


def test_a_pipeline_with_an_unset_variable_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PG is not set"):
        load(tmp_path, env={"OUT": "x"})


def test_a_value_from_the_environment_cannot_add_structure(tmp_path: Path) -> None:
    text = TEXT.replace("table: orders\n", "table: ${env:T}\n")
    pipeline = load(tmp_path, text, {**ENV, "T": "orders\n      cursor: id\nversion: 2"})
    dumped = pipeline.config.pipeline.source.config.model_dump()
    assert dumped["table"] == "orders\n      cursor: id\nversion: 2"
    assert dumped["cursor"] is None


def test_an_escaped_reference_is_literal(tmp_path: Path) -> None:
    pipeline = load(tmp_path, TEXT.replace("table: orders\n", "table: $${env:PG}\n"))
    assert pipeline.config.pipeline.source.config.model_dump()["table"] == "${env:PG}"


def test_passwords_with_slashes_and_ats_are_hidden_whole_and_alone(tmp_path: Path) -> None:
    redact = load(tmp_path).redact
    assert redact(f"cannot reach {ENV['PG']}") == "cannot reach ***"
    assert redact('login failed for password "s3cr/et?@p"') == 'login failed for password "***"'


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a::b", "x" * 129, "a b"])
def test_names_that_could_leave_the_state_folder_are_refused(tmp_path: Path, name: str) -> None:
    (found,) = findings(tmp_path, TEXT.replace("name: orders", f'name: "{name}"'))
    assert found.startswith("2:7: name")


def test_version_two_is_not_known(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, TEXT.replace("version: 1", "version: 2"))
    assert found.startswith("1:10: version")


def test_payloads_are_always_kept(tmp_path: Path) -> None:
    text = TEXT.replace(
        "on_batch_error: dlq_all", "on_batch_error: dlq_all\n    include_original_payload: false"
    )
    (found,) = findings(tmp_path, text)
    assert "include_original_payload" in found


def test_the_schema_accepts_what_loads_and_refuses_unknown_keys(tmp_path: Path) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    right = {
        "version": 1,
        "name": "orders",
        "pipeline": {
            "source": {"type": "postgres", "config": {"connection_url": "x", "table": "t"}},
            "sink": {"type": "postgres", "config": {"connection_url": "x", "table": "u"}},
        },
        "execution": {"adaptive_batch_size": {"enabled": True, "min": 5}},
    }
    jsonschema.validate(right, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**right, "extra": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**right, "execution": {"adaptive_batch_size": {"min": 5}}}, schema)


def test_a_value_from_the_environment_is_not_shown_when_it_is_wrong(tmp_path: Path) -> None:
    text = TEXT.replace("on_batch_error: dlq_all", "on_batch_error: ${env:OUT}")
    (found,) = findings(tmp_path, text)
    assert ENV["OUT"] not in found
