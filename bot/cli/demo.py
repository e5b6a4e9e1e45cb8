"""`trimtab demo`: the whole job on a simulated fleet."""

from pathlib import Path

import click


@click.command("demo")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where to make the git repository; an earlier demo there is replaced.",
)
def command(folder: Path) -> int:
    """Show the whole job on a simulated fleet: no account, no network."""
    from bot.lab.demo.play import play

    return play(folder.resolve(), click.echo)
