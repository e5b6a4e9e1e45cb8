"""`trimtab lab`: a simulated Airbyte over HTTP, to try things on without an account."""

from pathlib import Path

import click

from bot.cli.lab_connectors import connectors


@click.group("lab")
def command() -> None:
    """Serve a simulated Airbyte over HTTP, to try things on without an account.

    A fleet with its history, on this machine. It answers as Airbyte really does, awkward parts
    included, and nothing leaves the machine.
    """


@command.command("serve")
@click.option("--connections", type=click.IntRange(1, 20_000), default=60, show_default=True)
@click.option("--days", type=click.IntRange(1, 730), default=90, show_default=True,
              help="Days of history before now.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True,
              help="0 picks a free one.")  # fmt: skip
@click.option("--fleet", type=click.Path(path_type=Path, dir_okay=False),
              help="Serve the fleet that this JSON file describes, instead of a drawn one.")  # fmt: skip
@click.option("--auth", type=click.Choice(["token", "basic", "none"]), default="token",
              show_default=True)  # fmt: skip
@click.option("--cloud", is_flag=True, help="Behave as Airbyte Cloud: jitter, hourly floor, /v1.")
@click.option("--faults", type=click.FloatRange(0, 0.1), default=0.0, show_default=True,
              help="Chance of each kind of mishap (429, 500, HTML, cut line …) per request.")  # fmt: skip
def serve(
    connections: int,
    days: int,
    seed: int,
    port: int,
    fleet: Path | None,
    auth: str,
    cloud: bool,
    faults: float,
) -> None:
    """Serve until Ctrl-C. Its clock is this machine's; syncs go on while it runs.

    What it prints are the settings to put into the environment. POST /lab/advance with
    {"hours": 24} lets a day pass at once.
    """
    from datetime import UTC, datetime

    from bot.domain.errors import InputError
    from bot.lab import AuthMode, Deployment, Faults, Lab, Setup
    from bot.lab.constants import POOL_HEADROOM
    from bot.lab.description import read_description

    mode = AuthMode.CLOUD if cloud and auth == "token" else AuthMode(auth)
    setup = Setup(
        seed=seed,
        fleet=read_description(fleet) if fleet else connections,
        days=days,
        until=datetime.now(UTC),
        deployment=Deployment(cloud=cloud, headroom=None if fleet else POOL_HEADROOM),
        auth=mode,
        faults=Faults.harsh(seed, faults) if faults else Faults(seed),
        port=port,
    )
    click.echo("simulating the history …", err=True)
    try:
        lab = Lab(setup, follows_the_clock=True)
    except OSError as error:
        raise InputError(
            f"port {port} cannot be used: {error.strerror}", "Try --port 0, which picks a free one."
        ) from error
    with lab:
        for line in _greeting(lab, mode):
            click.echo(line)
        lab.wait()


command.add_command(connectors)


def _greeting(lab: object, mode: str) -> list[str]:
    from bot.lab import Lab

    assert isinstance(lab, Lab)
    given = {
        "none": [],
        "basic": [
            f"AIRBYTE_USERNAME={lab.credentials.username}",
            f"AIRBYTE_PASSWORD={lab.credentials.password}",
        ],
    }.get(
        mode, [f"AIRBYTE_CLIENT_ID={lab.client_id}", f"AIRBYTE_CLIENT_SECRET={lab.client_secret}"]
    )
    size = len(lab.world.fleet.connections)
    return [
        f"# {size} connections, {lab.world.engine.jobs.count:,} jobs; Ctrl-C stops",
        f"AIRBYTE_URL={lab.url}",
        *given,
    ]
