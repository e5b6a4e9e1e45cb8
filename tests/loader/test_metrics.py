"""Metrics: the documented names, both prefixes, and the documented alert against the exposition."""

import re
import urllib.request
from pathlib import Path
from socket import socket

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.aimd import AimdController, AimdSettings
from bot.domain.batch_size import Observation
from bot.loader.config import AdaptiveBatchSize
from bot.loader.events import Sized
from bot.loader.metrics import Metrics
from tests.loader.scripted import Bench, ScriptedSink, ScriptedSource, World

ALERT = 'rate(faucet_pipeline_adaptive_batch_adjustments_total{direction="down"}[5m]) > 0.5'
DOCUMENTED = {
    "faucet_pipeline_adaptive_batch_size": "gauge",
    "faucet_pipeline_adaptive_batch_adjustments": "counter",
    "faucet_pipeline_adaptive_batch_cooldown_active": "gauge",
    "faucet_pipeline_adaptive_batch_p50_latency_ms": "gauge",
}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(metrics: Metrics) -> Samples:
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def turn(metrics: Metrics, controller: AimdController, observations: list[Observation]) -> None:
    for observation in observations:
        step = controller.observe(observation)
        metrics(Sized(step.size_after, step))


def slow(latency_ms: float) -> Observation:
    return Observation(5000, 5000, 0, latency_ms)


def test_the_documented_four_are_there_with_their_labels() -> None:
    metrics = Metrics("orders")
    controller = AimdController(AimdSettings(target_latency_ms=100, latency_window=1), 5000)
    turn(metrics, controller, [slow(500), slow(10), slow(10), slow(10), slow(10), slow(10)])
    turn(metrics, controller, [slow(10), slow(10), slow(10)])
    text = generate_latest(metrics.registry).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name: families[name].type for name in DOCUMENTED} == DOCUMENTED
    for name in DOCUMENTED:
        for sample in families[name].samples:
            assert {"pipeline": "orders", "row": "default"}.items() <= sample.labels.items()
        ours = families[name.replace("faucet_", "trimtab_")].samples
        assert [sample.value for sample in ours] == [s.value for s in families[name].samples]
    counted = families["faucet_pipeline_adaptive_batch_adjustments"].samples
    assert {(s.labels["direction"], s.labels["reason"]): s.value for s in counted} == {
        ("down", "latency"): 1,
        ("up", "success"): 3,
    }


def test_p50_is_absent_until_the_window_fills_and_without_a_target() -> None:
    name = "faucet_pipeline_adaptive_batch_p50_latency_ms"
    metrics = Metrics("orders")
    controller = AimdController(AimdSettings(target_latency_ms=100, latency_window=3), 5000)
    turn(metrics, controller, [slow(80), slow(80)])
    assert name not in {key for key, _ in scrape(metrics)}
    turn(metrics, controller, [slow(90)])
    assert scrape(metrics)[name, frozenset({("pipeline", "orders"), ("row", "default")})] == 80
    without = Metrics("orders")
    turn(without, AimdController(AimdSettings(latency_window=1), 5000), [slow(80)] * 3)
    assert name not in {key for key, _ in scrape(without)}


def test_cooldown_is_one_while_it_lasts() -> None:
    name = "faucet_pipeline_adaptive_batch_cooldown_active"
    key = (name, frozenset({("pipeline", "orders"), ("row", "default")}))
    metrics = Metrics("orders")
    controller = AimdController(AimdSettings(cooldown_batches=1), 5000)
    turn(metrics, controller, [Observation(5000, 5000, 5000, 1.0)])
    assert scrape(metrics)[key] == 1
    turn(metrics, controller, [slow(1)])
    assert scrape(metrics)[key] == 0


def alert_fires(rule: str, before: Samples, after: Samples, seconds: float) -> bool:
    """Evaluate `rate(name{label="value"}[window]) > threshold` between two scrapes."""
    match = re.fullmatch(r'rate\((\w+)\{(\w+)="(\w+)"\}\[\w+\]\) > ([\d.]+)', rule)
    assert match is not None
    name, label, value, threshold = match.groups()
    series = [key for key in after if key[0] == name and (label, value) in key[1]]
    assert series, f"the rule matches no series: {name}"
    return any((after[key] - before.get(key, 0.0)) / seconds > float(threshold) for key in series)


def test_the_documented_alert_fires_on_a_controller_stuck_shrinking_only() -> None:
    metrics = Metrics("orders")
    settings = AimdSettings(max_rows=1_000_000, increase_rows=100_000, cooldown_batches=0)
    controller = AimdController(settings, 1_000_000)
    failing, clean = Observation(10, 10, 10, 1.0), Observation(10, 10, 0, 1.0)
    turn(metrics, controller, [failing])
    before = scrape(metrics)
    turn(metrics, controller, [failing, clean, clean] * 60)
    assert alert_fires(ALERT, before, scrape(metrics), seconds=60)
    before = scrape(metrics)
    turn(metrics, controller, [clean] * 180)
    assert not alert_fires(ALERT, before, scrape(metrics), seconds=60)


def test_the_alert_in_the_documentation_is_the_one_tested() -> None:
    documentation = Path(__file__).parents[2] / "docs" / "loader.md"
    assert ALERT in documentation.read_text()


def test_a_run_is_counted_end_to_end(tmp_path: Path) -> None:
    metrics = Metrics("bench")
    sizing = AdaptiveBatchSize(enabled=True, min=1, max=10)
    sink = ScriptedSink(World(), bad=frozenset({3}))
    bench = Bench(tmp_path, ScriptedSource(20, 10), sink, sizing=sizing)
    bench.run()
    for event in bench.events:
        metrics(event)
    samples = {
        name: value for (name, labels), value in scrape(metrics).items() if "le" not in dict(labels)
    }
    expected = {
        "trimtab_source_records_total": 20,
        "trimtab_source_pages_total": 2,
        "trimtab_sink_records_total": 19,
        "trimtab_sink_dlq_records_total": 1,
        "trimtab_sink_dlq_pages_total": 1,
        "trimtab_pipeline_runs_total": 1,
        "trimtab_pipeline_in_flight": 0,
    }
    assert {name: samples[name] for name in expected} == expected


def test_it_can_be_scraped_and_written(tmp_path: Path) -> None:
    metrics = Metrics("orders")
    metrics(Sized(700))
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/metrics"
    with metrics.served(port), urllib.request.urlopen(url) as answer:
        scraped = answer.read().decode()
    metrics.write(tmp_path / "deep" / "orders.prom")
    line = 'faucet_pipeline_adaptive_batch_size{pipeline="orders",row="default"} 700.0'
    assert line in scraped
    assert line in (tmp_path / "deep" / "orders.prom").read_text()
