"""What a run hands to GitHub Actions: a job summary, outputs for later steps, annotations."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.report.job_summary import render_markdown
from bot.report.summary import Fate, Summary

_MOST_ANNOTATIONS: Final = 10
"""GitHub shows no more than ten of a kind for one step."""


@dataclass(frozen=True, slots=True)
class Actions:
    """The files that GitHub Actions names in a step's environment; None where it is not there."""

    summary: Path | None
    output: Path | None

    @classmethod
    def of(cls, env: Mapping[str, str] = os.environ) -> "Actions | None":
        """Find them; None outside GitHub Actions."""
        if env.get("GITHUB_ACTIONS") != "true":
            return None
        named = (env.get(name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"))
        summary, output = (Path(name) if name else None for name in named)
        return cls(summary, output)

    def publish(self, summary: Summary, seconds: Mapping[str, float]) -> tuple[str, ...]:
        """Write the job summary and the outputs; return the annotations, to be printed.

        Raises:
            OSError: a file cannot be written.
        """
        if self.summary is not None:
            with self.summary.open("a", encoding="utf-8") as file:
                file.write(render_markdown(summary, seconds))
        if self.output is not None:
            with self.output.open("a", encoding="utf-8") as file:
                file.writelines(f"{name}={value}\n" for name, value in outputs(summary).items())
        return tuple(annotations(summary))


def outputs(summary: Summary) -> dict[str, str]:
    """Return what later steps may use; savings are plain amounts, empty when not known."""
    low, high = summary.saving or (None, None)
    return {
        "proposals": str(len(summary.proposed)),
        "opened": str(sum(entry.fate is Fate.OPEN for entry in summary.entries)),
        "blocked": str(summary.blocked),
        "savings-low": "" if low is None else str(low.rounded().amount),
        "savings-high": "" if high is None else str(high.rounded().amount),
    }


def annotations(summary: Summary) -> Iterator[str]:
    """Yield workflow commands: what could not be read, then what was opened, ten at most."""
    found = [("error", "Not read", sentence) for sentence in summary.unread]
    found += [
        ("notice", f"Pull request: {entry.fate}", f"{entry.title} ({entry.where})")
        for entry in summary.entries
        if entry.fate in {Fate.OPEN, Fate.UPDATE, Fate.CLOSE}
    ]
    shown = found if len(found) <= _MOST_ANNOTATIONS else found[: _MOST_ANNOTATIONS - 1]
    for level, title, message in shown:
        yield f"::{level} title={_property(title)}::{_data(message)}"
    if len(found) > len(shown):
        yield f"::notice title=trimtab::{len(found) - len(shown)} more: see the job summary"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
