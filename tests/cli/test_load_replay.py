"""`trimtab load replay`: the documented rules, seen through the trace format, line by line."""

import json
from pathlib import Path

import pytest

from bot.cli.main import main

CONFIG = """\
version: 1
name: replayed
pipeline:
  source: {type: postgres, config: {connection_url: "${env:NOT_SET_HERE}", table: orders}}
  sink: {type: postgres, config: {connection_url: "${env:NOT_SET_HERE}", table: copies}}
"""


def replayed(
    folder: Path, capsys: pytest.CaptureFixture[str], sizing: str, trace: list[dict[str, float]]
) -> list[dict[str, object]]:
    config, file = folder / "pipeline.yaml", folder / "trace.jsonl"
    block = f"execution: {{adaptive_batch_size: {{enabled: true, {sizing}}}}}\n"
    config.write_text(CONFIG + block)
    file.write_text("".join(json.dumps(line) + "\n" for line in trace))
    assert main(["load", "replay", str(config), "--trace", str(file)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def line(rows: int, errors: int = 0, latency_ms: float = 5.5, page: int = 1000) -> dict[str, float]:
    return {"page_rows": page, "rows": rows, "errors": errors, "latency_ms": latency_ms}


def test_the_documented_trajectory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizing = "min: 500, max: 5000, increase_step: 500, decrease_factor: 0.5, cooldown_batches: 2"
    rows = [(1000, 0), (1500, 0), (2000, 60), (1000, 0), (1000, 0), (1000, 0)]
    steps = replayed(tmp_path, capsys, sizing, [line(*one) for one in rows])
    assert steps == [
        step(1000, "grow", "success", 1500, 0),
        step(1500, "grow", "success", 2000, 0),
        step(2000, "shrink", "error", 1000, 2),
        step(1000, "hold", "cooldown", 1000, 1),
        step(1000, "hold", "cooldown", 1000, 0),
        step(1000, "grow", "success", 1500, 0),
    ]


def step(
    before: int, decision: str, reason: str, after: int, cooldown: int, p50: int | None = None
) -> dict[str, object]:
    return {
        "size_before": before,
        "decision": decision,
        "reason": reason,
        "size_after": after,
        "cooldown": cooldown,
        "p50_latency_ms": p50,
    }


def test_bounds_and_bands_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizing = "min: 800, max: 1200, cooldown_batches: 1, target_latency_ms: 100, latency_window: 1"
    trace = [
        line(1000, latency_ms=10.9),
        line(1200, latency_ms=80),
        line(1200, latency_ms=10),
        line(1200, latency_ms=121.4),
        line(800),
        line(800, latency_ms=500),
        line(800, errors=800),
    ]
    assert replayed(tmp_path, capsys, sizing, trace) == [
        step(1000, "grow", "success", 1200, 0, 10),
        step(1200, "hold", "dead_band", 1200, 0, 80),
        step(1200, "hold", "at_max", 1200, 0, 10),
        step(1200, "shrink", "latency", 800, 1, 121),
        step(800, "hold", "cooldown", 800, 0, 121),
        step(800, "hold", "at_min", 800, 1, 500),
        step(800, "hold", "at_min", 800, 1, 500),
    ]


def test_it_starts_at_the_first_page_within_the_bounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = replayed(tmp_path, capsys, "min: 500, max: 2000", [line(7, page=7)])
    assert steps[0]["size_before"] == 500
    steps = replayed(tmp_path, capsys, "min: 500, max: 2000", [line(9000, page=9000)])
    assert steps[0] == step(2000, "hold", "at_max", 2000, 0)


def test_goodput_answers_in_the_same_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = [line(1000, latency_ms=10, page=50_000) for _ in range(40)]
    steps = replayed(tmp_path, capsys, "controller: goodput, min: 10", trace)
    assert {one["decision"] for one in steps} <= {"grow", "shrink", "hold"}
    assert len(steps) == 40


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no observations"),
        ("nonsense\n", "trace.jsonl:1: not JSON"),
        ('{"page_rows": 5}\n', "trace.jsonl:1: rows, errors, latency_ms: missing"),
        ('{"page_rows": 5, "rows": -1, "errors": 0, "latency_ms": 1}\n', "rows: missing, or"),
        ('{"page_rows": 5, "rows": 1, "errors": 2, "latency_ms": 1}\n', "more errors"),
        ('{"page_rows": true, "rows": 1, "errors": 0, "latency_ms": 1}\n', "page_rows"),
        ("[]\n", "expected an object"),
    ],
)
def test_a_trace_that_is_none_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    config, file = tmp_path / "p.yaml", tmp_path / "trace.jsonl"
    config.write_text(CONFIG + "execution: {adaptive_batch_size: {enabled: true}}\n")
    file.write_text(text)
    assert main(["load", "replay", str(config), "--trace", str(file)]) == 1
    assert said in capsys.readouterr().err


def test_a_pipeline_without_the_block_has_nothing_to_try(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "p.yaml"
    config.write_text(CONFIG)
    assert main(["load", "replay", str(config), "--trace", str(config)]) == 1
    assert "execution.adaptive_batch_size" in capsys.readouterr().err


def test_a_missing_trace_is_said_plainly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "p.yaml"
    config.write_text(CONFIG + "execution: {adaptive_batch_size: {enabled: true}}\n")
    assert main(["load", "replay", str(config), "--trace", str(tmp_path / "no.jsonl")]) == 1
    assert "cannot be read" in capsys.readouterr().err
