"""The surroundings of a run: its id and its log, and the lock that keeps a second one away."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.cli.connect import SETTINGS_FILE
from bot.domain.errors import TrimtabError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

_FOLDER: Final = ".trimtab"


@contextmanager
def alone(config: Path | None) -> "Iterator[FilteringBoundLogger]":
    """Give a run its log, and keep other runs on this machine away while it lasts.

    Lines are JSON where CI is set, and for people elsewhere. The lock is beside the settings, so
    that it guards the pull requests too, wherever the history is.

    Raises:
        HistoryError: another run is under way.
        ConfigError: the settings cannot be read.
    """
    from bot.history.run_lock import Holder, held
    from bot.report.log import new_run_id, open_log
    from bot.settings.reading import read_settings

    read = read_settings(config or SETTINGS_FILE, os.environ)
    now = datetime.now(UTC)
    run_id = new_run_id(now)
    log = open_log(sys.stderr, run_id, read.redact, as_json=bool(os.environ.get("CI")))
    lock = read.folder / _FOLDER / "run.lock"
    with held(lock, Holder.this_process(run_id, now)) as left_behind:
        log.info("run started")
        if left_behind is not None:
            log.warning("an earlier run was killed; this one goes on from there",
                        earlier=str(left_behind))  # fmt: skip
        try:
            yield log
        except TrimtabError as error:
            log.error("run failed", why=error.message)  # noqa: TRY400  no traceback of ours
            raise
