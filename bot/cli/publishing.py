"""Publishing: where the result of a run goes beside the terminal."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from bot.report.summary import Summary

FORMATS: Final = ("table", "markdown", "json")
_file = click.Path(dir_okay=False, path_type=Path)

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Publishing:
    """What the options ask for: a format for stdout, and files or a gateway beside it."""

    output: str
    html: Path | None
    accuracy: Path | None
    metrics: Path | None
    push_metrics: str | None

    def publish(self, summary: "Summary", seconds: Mapping[str, float]) -> None:
        """Print the result, and write whatever else was asked for.

        In GitHub Actions the job summary, the outputs and the annotations are written too.

        Raises:
            InputError: a file cannot be read or written, or the gateway does not answer.
        """
        from bot.domain.errors import InputError
        from bot.report.actions import Actions

        click.echo(_rendered(summary, seconds, self.output))
        try:
            if self.html is not None:
                self.html.write_text(self._page(summary, seconds), encoding="utf-8")
            actions = Actions.of(os.environ)
            notes = actions.publish(summary, seconds) if actions else ()
        except OSError as error:
            raise InputError(f"{error.filename}: cannot be written ({error.strerror})") from None
        for note in notes:
            # Workflow commands are read from stderr too, and stdout may be a document.
            click.echo(note, err=True)
        self._measure(summary, seconds)

    def _page(self, summary: "Summary", seconds: Mapping[str, float]) -> str:
        from importlib.metadata import version

        from bot.report.page import Page, read_accuracy, render_page

        accuracy = () if self.accuracy is None else read_accuracy(self.accuracy)
        page = Page(summary, datetime.now(UTC), version("trimtab"), seconds, accuracy)
        return render_page(page)

    def _measure(self, summary: "Summary", seconds: Mapping[str, float]) -> None:
        if self.metrics is None and self.push_metrics is None:
            return
        from bot.report.metrics import exposition, measures, push, write_textfile

        text = exposition(measures(summary, seconds, datetime.now(UTC)))
        if self.metrics is not None:
            write_textfile(self.metrics, text)
        if self.push_metrics is not None:
            push(self.push_metrics, text)


def publishing_options(command: Command) -> Command:
    """Add the options that `Publishing` is made of."""
    options = [
        click.option("-o", "--output", type=click.Choice(FORMATS), default="table",
                     show_default=True, help="How to print the result."),
        click.option("--html", type=_file, help="Write a report as one HTML page."),
        click.option("--accuracy", type=_file,
                     help="Show a `trimtab backtest -o json` in the HTML report."),
        click.option("--metrics", type=_file,
                     help="Write metrics for Prometheus' textfile collector."),
        click.option("--push-metrics", metavar="URL", envvar="TRIMTAB_PUSHGATEWAY",
                     help="Put metrics to a push gateway: https://host/metrics/job/trimtab"),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _rendered(summary: "Summary", seconds: Mapping[str, float], output: str) -> str:
    if output == "json":
        from bot.report.plan_document import render_json

        return render_json(summary)
    if output == "markdown":
        from bot.report.job_summary import render_markdown

        return render_markdown(summary, seconds).rstrip("\n")
    from bot.report.summary import render

    return render(summary)
