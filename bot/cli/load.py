"""`trimtab load`: run native pipelines that find their own write batch size."""

import json
import sys
from pathlib import Path
from typing import Any, TextIO

import click

from bot.cli.load_dlq import dlq
from bot.domain.errors import ConfigError, ExitCode, InputError

CONFIG = click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.group("load", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Run native pipelines that find their own write batch size."""


command.add_command(dlq)


@command.command()
@click.argument("source")
@click.argument("sink")
@click.option("--name", default="my_pipeline", show_default=True, help="Name of the pipeline.")
def init(source: str, sink: str, name: str) -> None:
    """Print a pipeline file from SOURCE to SINK to start from."""
    from bot.loader.starter import starter

    click.echo(starter(source, sink, name), nl=False)


@command.command()
def schema() -> None:
    """Print the JSON Schema of a pipeline file, for editors."""
    from bot.loader.pipeline import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@command.command()
@CONFIG
@OUTPUT
def validate(config: Path, output: str) -> int:
    """Check CONFIG without connecting to anything, and say what it will do."""
    import os

    from bot.loader.describe import describe
    from bot.loader.pipeline import examine, findings_error

    examined = examine(config, os.environ)
    facts = describe(examined.pipeline) if examined.pipeline is not None else {}
    if output == "json":
        findings = [{"where": one.where, "message": one.message} for one in examined.findings]
        click.echo(json.dumps({"valid": not findings, "findings": findings, **facts}, indent=2))
        return ExitCode.EXPECTED_ERROR if findings else ExitCode.OK
    if examined.findings:
        raise findings_error(examined.findings)
    click.echo(f"{config}: valid")
    for name, value in facts.items():
        click.echo(f"  {name:<9} {value}")
    return ExitCode.OK


@command.command()
@CONFIG
@OUTPUT
def doctor(config: Path, output: str) -> int:
    """Connect to what CONFIG names, change nothing, and report what is not well."""
    from bot.loader.doctor import examine_connections
    from bot.loader.pipeline import load_pipeline

    checks = examine_connections(load_pipeline(config))
    if output == "json":
        fields = ("name", "passed", "detail", "hint")
        click.echo(json.dumps([{name: getattr(c, name) for name in fields} for c in checks]))
    else:
        for check in checks:
            click.echo(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.detail}")
            if check.hint and not check.passed:
                click.echo(f"     {check.hint}")
    passed = all(check.passed for check in checks)
    return ExitCode.OK if passed else ExitCode.EXPECTED_ERROR


@command.command()
@CONFIG
@click.option("-n", "--rows", default=10, show_default=True, type=click.IntRange(1, 10_000))
def preview(config: Path, rows: int) -> None:
    """Print the first rows of the source of CONFIG as JSON lines; nothing is written."""
    from bot.loader.pipeline import load_pipeline
    from bot.loader.preview import first_records

    for record in first_records(load_pipeline(config), rows):
        click.echo(json.dumps(record, ensure_ascii=False))


@command.command()
@CONFIG
@OUTPUT
def status(config: Path, output: str) -> None:
    """Say how far the pipeline of CONFIG has come; connects to nothing."""
    from bot.loader.describe import describe_state
    from bot.loader.pipeline import load_pipeline

    facts = describe_state(load_pipeline(config))
    if output == "json":
        click.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        click.echo(f"{name:<12} {json.dumps(value) if isinstance(value, dict) else value}")


@command.command()
@CONFIG
@OUTPUT
@click.option("--fresh", is_flag=True, help="Forget how far it came: start from the beginning.")
@click.option(
    "--trace",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what the controller sees, for `load replay`.",
)
@click.option(
    "--metrics-port", type=click.IntRange(1, 65_535), help="Serve Prometheus metrics there."
)
@click.option(
    "--metrics-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write Prometheus metrics there, for the node exporter.",
)
@click.option("-q", "--quiet", is_flag=True, help="No live view, no log, no summary.")
def run(config: Path, output: str, fresh: bool, quiet: bool, **telemetry: Any) -> int:
    """Run the pipeline of CONFIG, going on from where the last run came to."""
    from bot.cli.load_run import Telemetry, run_and_report
    from bot.loader.pipeline import load_pipeline

    pipeline = load_pipeline(config)
    live = output == "text" and not quiet and sys.stderr.isatty()
    options = Telemetry(**telemetry, quiet=quiet, live=live)
    summary, error = run_and_report(pipeline, options, fresh=fresh)
    # Where the rows go to stdout, the summary must not.
    beside = pipeline.config.pipeline.sink.type == "stdout"
    if output == "json":
        failure = {"error": str(error)} if error is not None else {}
        click.echo(json.dumps({**summary.as_json(), **failure}), err=beside)
    elif not quiet:
        click.echo(summary.as_text(), err=beside)
    if error is not None:
        raise error
    return ExitCode.OK if summary.status == "completed" else ExitCode.INTERRUPTED


@command.command()
@CONFIG
@click.option(
    "--trace",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Observations of an earlier run, as `load run --trace` writes them; - for stdin.",
)
def replay(config: Path, trace: Path) -> None:
    """Try the batch size settings of CONFIG on the observations of an earlier run.

    Prints a JSON line per observation: size_before, decision, reason, size_after, cooldown,
    p50_latency_ms.
    """
    import os

    from bot.loader.controllers import build_controller
    from bot.loader.pipeline import examine, findings_error
    from bot.loader.trace import read_trace, step_line

    examined = examine(config, os.environ)
    # Secrets that are not set here do not matter: nothing is connected to.
    if examined.pipeline is None:
        raise findings_error(examined.findings)
    sizing = examined.pipeline.config.execution.adaptive_batch_size
    if sizing is None:
        raise ConfigError(
            f"{config}: there is no execution.adaptive_batch_size to try",
            "Add the block with the settings you want to see.",
        )
    with _open_trace(trace) as file:
        controller = None
        for observation in read_trace(file, str(trace)):
            if controller is None:
                controller = build_controller(sizing, observation.page_rows)
            click.echo(step_line(controller.observe(observation)))
    if controller is None:
        raise InputError(f"{trace}: there are no observations in it")


def _open_trace(path: Path) -> TextIO:
    if str(path) == "-":
        return sys.stdin
    try:
        return path.open(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
