"""`trimtab check-approval`: post whether a pull request has the approvals that policy asks for."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.workflow import event, pull_of
from bot.domain.errors import ConfigError, ExitCode, InputError

if TYPE_CHECKING:
    from bot.pulls.approval import Conclusion
    from bot.pulls.github_api import Api
    from bot.pulls.github_review import Reviewed


@click.command("check-approval")
@click.option("--pull", type=int, help="Its number.  [default: that of the workflow's event]")
@click.option("--repository", envvar="GITHUB_REPOSITORY", help="owner/name  [$GITHUB_REPOSITORY]")
@click.option(
    "--config",
    default="trimtab.yaml",
    show_default=True,
    help="Settings file, as the base branch of the repository has it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be posted, and post nothing.")
def command(pull: int | None, repository: str | None, config: str, dry_run: bool) -> int:
    """Post the status trimtab/policy on a pull request: may it be merged as far as policy goes.

    Everything is read through GitHub's API: settings, policies and Terraform from the base branch,
    the change from the head. Nothing of the pull request is checked out, run or evaluated. The token
    is taken from GITHUB_TOKEN; it needs statuses to write, contents and pull requests to read.

    Exit code 0: allowed, or waiting for approvals. Exit code 1: it may not be merged.
    """
    from bot.pulls.approval import State
    from bot.pulls.github_review import post_status, read_pull
    from bot.report.terminal import one_line

    number = pull if pull is not None else pull_of(event())
    if number is None:
        raise InputError(
            "no pull request is named",
            "Run it on pull_request_target and pull_request_review, or name --pull NUMBER.",
        )
    api = _connect(repository, os.environ)
    found = read_pull(api, number)
    conclusion = _conclude(api, found, config)
    if conclusion is None:
        click.echo("Its head is a commit of trimtab's, whose own pull request decides: no status.")
        return ExitCode.OK
    if not dry_run:
        post_status(api, found, conclusion)
    click.echo(one_line(f"{conclusion.state.value}: {conclusion.sentence}"))
    is_refused = conclusion.state is State.FAILURE
    return ExitCode.EXPECTED_ERROR if is_refused else ExitCode.OK


def _connect(repository: str | None, env: Mapping[str, str]) -> "Api":
    from bot.pulls.github_access import PUBLIC_URL, Access, connect

    if not repository or "/" not in repository:
        raise InputError("no repository is named", "Name it with --repository owner/name.")
    token = env.get("GITHUB_TOKEN")
    if not token:
        raise ConfigError(
            "the environment variable GITHUB_TOKEN is not set",
            "In a workflow: `env: {GITHUB_TOKEN: ${{ github.token }}}`.",
        )
    url = env.get("GITHUB_API_URL") or PUBLIC_URL
    return connect(Access(repository, url, token), seconds_between_writes=0)  # one write is made


def _conclude(api: "Api", pull: "Reviewed", config: str) -> "Conclusion | None":
    from bot.policy.approvers import read_approvers
    from bot.pulls.approval_check import Rules, check, is_ours, not_ours
    from bot.pulls.approval_diff import Root, read_base
    from bot.pulls.github_archive import unpack
    from bot.pulls.github_review import Teams, read_diff
    from bot.settings.base import read_base_settings

    if not is_ours(pull):
        return not_ours(pull)
    fork, diff = read_diff(api, pull)
    with tempfile.TemporaryDirectory(prefix="trimtab-") as folder:
        tip, stands_on = Path(folder, "tip"), Path(folder, "base")
        unpack(api, pull.base_tip, tip)
        unpack(api, fork, stands_on)
        settings = read_base_settings(tip / config)
        place = Path(config).parent
        rules = Rules(
            authority=read_approvers(tip / place / settings.policies),
            base=settings.forge.base,
            must_be_signed=settings.forge.app is not None,
        )
        roots = [
            Root((place / root.path).as_posix(), root.var_files)
            for root in settings.terraform.roots
        ]
        return check(pull, rules, read_base(stands_on, roots), diff, Teams(api))
