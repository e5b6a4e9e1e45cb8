"""`trimtab load`: run native pipelines that find their own write batch size."""

import json
import sys
from pathlib import Path
from typing import TextIO

import click

from bot.domain.errors import ConfigError, InputError

CONFIG = click.argument("config", type=click.Path(path_type=Path, dir_okay=False))


@click.group("load", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Run native pipelines that find their own write batch size."""


@command.command()
def schema() -> None:
    """Print the JSON Schema of a pipeline file, for editors."""
    from bot.loader.pipeline import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@command.command()
@CONFIG
@click.option(
    "--trace",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
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
    from bot.loader.trace import replay as replay_trace

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
        observations = read_trace(file, str(trace))
        first = next(observations, None)
        if first is None:
            raise InputError(f"{trace}: there are no observations in it")
        controller = build_controller(sizing, first.page_rows)
        click.echo(step_line(controller.observe(first)))
        for step in replay_trace(observations, controller):
            click.echo(step_line(step))


def _open_trace(path: Path) -> TextIO:
    if str(path) == "-":
        return sys.stdin
    try:
        return path.open(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
