"""Where the history lives: a file opened in place, or an object pulled first and pushed back."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from bot.domain.errors import HistoryError
from bot.history.damage import refuse_unusable
from bot.history.remote import Remote
from bot.history.store import History


@contextmanager
def opened(url: str, *, read_only: bool = False, must_exist: bool = False) -> Iterator[History]:
    """Open the history at `url` and, where it is remote, push it back when it has changed.

    Args:
        url: a path, opened in place; or a URL that fsspec knows (`s3://`, `gs://`, `abfs://`,
            `sftp://`, `file://`), which is copied to this machine first. What was committed is
            pushed back even when the block ends with an error, so that the next run goes on
            from there.
        read_only: never change it, and fail when there is none.
        must_exist: fail when there is none, instead of making one.

    Raises:
        HistoryError: it cannot be opened, read or written, or another run has replaced the
            remote copy meanwhile; the remote copy is then as it was.
        ConfigError: the URL cannot be used.
    """
    if "://" not in url:
        if read_only or must_exist:
            refuse_unusable(Path(url), url, read_only=True)
        else:
            _make_folder(Path(url).parent)
        with History.open(Path(url), read_only=read_only) as history:
            yield history
        return
    scratch = Path(tempfile.mkdtemp(prefix="trimtab-history-"))
    keep = False
    try:
        remote, local = Remote(url), scratch / "history.duckdb"
        remote.pull(local, must_exist=read_only or must_exist)
        with _pushed_back(remote, local, read_only=read_only) as history:
            yield history
    except HistoryError as error:
        keep = str(scratch) in error.hint
        raise
    finally:
        if not keep:
            rmtree(scratch, ignore_errors=True)


@contextmanager
def _pushed_back(remote: Remote, local: Path, *, read_only: bool) -> Iterator[History]:
    before = _state(local)
    try:
        with History.open(local, read_only=read_only, name=remote.shown) as history:
            yield history
    except HistoryError:
        raise
    except BaseException:
        # What was committed is whole; a mine that was interrupted goes on from there. When the
        # push fails too, that is what has to be said: it names the copy that is kept.
        _push_if_changed(remote, local, before)
        raise
    _push_if_changed(remote, local, before)


def _push_if_changed(remote: Remote, local: Path, before: tuple[int, int] | None) -> None:
    if _state(local) != before:
        remote.push(local)


def _state(local: Path) -> tuple[int, int] | None:
    if not local.exists():
        return None
    status = local.stat()
    return status.st_size, status.st_mtime_ns


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HistoryError(
            f"The folder {folder} of the history cannot be made: {error.strerror}.",
            "Point `history.url` at a place that can be written.",
        ) from error
