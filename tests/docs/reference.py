"""`python -m tests.docs.reference`: write what the documentation takes from the code.

That is docs/cli.md, from the commands' own help, and docs/schemas/plan.v1.json.
"""

import html
import json
from collections.abc import Iterator
from pathlib import Path

import click

from bot.cli.main import VERBS, root
from bot.report.plan_document import PlanDocument

DOCS = Path(__file__).parents[2] / "docs"
HEAD = """\
<!-- Written by `make reference` from the commands' own help: change that, not this. -->

# Commands

`trimtab --help` lists them, `trimtab VERB --help` explains one. Every verb ends with the
[same exit codes](architecture.md#exit-codes).

| verb | |
|---|---|
"""


def command_reference() -> str:
    """Return the page of all commands."""
    context = click.Context(root, info_name="trimtab")
    rows = [f"| [`{name}`](#trimtab-{name}) | {verb.summary} |" for name, verb in VERBS.items()]
    sections = [
        section
        for name in VERBS
        if (command := root.get_command(context, name)) is not None
        for section in _sections(command, f"trimtab {name}", "##")
    ]
    return HEAD + "\n".join(rows) + "\n\n" + "\n\n".join(sections) + "\n"


def plan_schema() -> str:
    """Return the schema of the plan document."""
    return json.dumps(PlanDocument.model_json_schema(), indent=2) + "\n"


def _sections(command: click.Command, name: str, level: str) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    blocks = [f"{level} {name}", f"```text\n{name} {usage}\n```", *map(_escaped, paragraphs)]
    options = [
        f"| {_code(record[0])} | {_cell(record[1])} |"
        for parameter in command.params
        if (record := parameter.get_help_record(context)) is not None
    ]
    if options:
        blocks.append("\n".join(["| option | |", "|---|---|", *options]))
    yield "\n\n".join(block for block in blocks if block)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from _sections(found, f"{name} {below}", level + "#")


def _code(text: str) -> str:
    """Return a code span; a bar in backticks would end the cell, or be shown with its escape."""
    return (
        f"<code>{html.escape(text).replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"
    )


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("{", "&#123;")


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")


if __name__ == "__main__":
    (DOCS / "cli.md").write_text(command_reference(), encoding="utf-8")
    (DOCS / "schemas" / "plan.v1.json").write_text(plan_schema(), encoding="utf-8")
