"""Opening a job: from settings to the things that a run works with."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.connect import SETTINGS_FILE, access_in, history_in
from bot.cli.forges import links_of, open_forge, say_notices
from bot.cli.progress import mine_progress

if TYPE_CHECKING:
    from bot.job import Job


@contextmanager
def open_job(config: Path | None) -> Iterator["Job"]:
    """Open Airbyte, the history and the forge that `trimtab.yaml` names, and close them again.

    Raises:
        ConfigError: the settings or the policies are wrong.
        TrimtabError: something that they name cannot be opened.
    """
    from bot.advise.registry import installed
    from bot.advise.situation import Beside
    from bot.airbyte.client import Airbyte
    from bot.domain.connection import WorkspaceId
    from bot.drafts import TerraformRoot
    from bot.history.location import opened
    from bot.history.mining import MiningPlan
    from bot.job import Job
    from bot.policy.judging import Judge
    from bot.policy.rules import read_rules
    from bot.settings.reading import read_settings

    read = read_settings(config or SETTINGS_FILE, os.environ)
    settings = read.settings
    rules = read_rules(read.folder / settings.policies)
    with (
        Airbyte(access_in(settings.airbyte)) as airbyte,
        opened(history_in(read)) as history,
        mine_progress() as watcher,
    ):
        names = {space.id: space.name for space in airbyte.workspaces().items}
        # Syncs are dated by Airbyte's clock, so that is the one that counts.
        now = airbyte.server_time().replace(microsecond=0)
        forge, within = open_forge(read, now, os.environ)
        yield Job(
            airbyte=airbyte,
            history=history,
            beside=Beside(
                prices=settings.prices.book(),
                workspaces=names,
                platform=settings.airbyte.platform,
            ),
            mining=MiningPlan(tuple(WorkspaceId(each) for each in settings.airbyte.workspaces)),
            watcher=watcher,
            judge=Judge(rules),
            advisors=installed(),
            forge=forge,
            roots=[
                TerraformRoot(Path(within, root.path).as_posix(), root.var_files)
                for root in settings.terraform.roots
            ],
            addresses=settings.terraform.connections,
            now=now,
            lookouts=settings.signals,
            folder=read.folder,
            files_url=links_of(settings.forge, os.environ),
        )
        say_notices(forge)
