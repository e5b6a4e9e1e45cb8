"""Rendering: the templates of the Markdown that the forge shows."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@cache
def template(name: str) -> Template:
    """Return a template of `bot/pulls/templates` by its file name."""
    environment = Environment(
        loader=PackageLoader("bot.pulls"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  the output is Markdown: every piece comes escaped for that
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
