"""The remote copy: pulled whole, pushed back whole, and never overwritten when it has changed."""

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bot.domain.errors import ConfigError, HistoryError, TrimtabError

_WHOLE_PUT = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "memory"})
"""Stores where an upload shows only once it is complete; elsewhere it gets a name of its own and
is renamed over the old copy."""
_VERSION_KEYS = (
    ("ETag", "etag"),
    ("generation", "versionId", "version_id"),
    ("content_md5", "md5Hash", "Content-MD5"),
    ("mtime", "LastModified", "last_modified", "Last-Modified", "created"),
)
"""What file systems call the mark that changes with the content, the surest first."""

Version = tuple[object, ...]


class Remote:
    """One remote copy, and the version of it that was pulled.

    Raises:
        ConfigError: no package that knows the URL's scheme is installed.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        self.shown = without_secrets(url)
        scheme = url.partition("://")[0]
        try:
            self._files, self._path = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise ConfigError(
                f"{self.shown} needs a package that is not installed: {error}.",
                "Install it beside trimtab; `pip install 'trimtab[s3]'` for s3://.",
            ) from error
        except ValueError as error:
            raise ConfigError(
                f"No package knows how to reach {self.shown} ({scheme}://).",
                "`history.url` is a path, or a URL such as s3://bucket/trimtab/history.duckdb.",
            ) from error
        self._is_whole_put = scheme in _WHOLE_PUT
        self._pulled: Version | None = None

    def pull(self, local: Path, *, must_exist: bool) -> None:
        """Copy to `local`, which stays absent when there is no remote copy yet.

        Raises:
            HistoryError: it cannot be read, is empty, or is missing although it must exist.
        """
        with self._explained("read"):
            found = self._look()
            if found is not None:
                self._files.get_file(self._path, str(local))
        if found is None:
            if must_exist:
                raise HistoryError(
                    f"There is no history at {self.shown} yet.", "Run `trimtab mine`."
                )
            return
        self._pulled, size = found
        if local.stat().st_size == 0 or size not in {None, local.stat().st_size}:
            raise HistoryError(
                f"The history {self.shown} was cut short: {local.stat().st_size:,} of "
                f"{size or 0:,} bytes came.",
                "Restore the object from a backup or an older version if it is that short.",
            )

    def push(self, local: Path) -> None:
        """Replace the remote copy by `local`, all at once, if it is still the one that was pulled.

        Raises:
            HistoryError: another run has replaced it, or it cannot be written. The remote copy is
                as it was, and `local` is named so that nothing is lost.
        """
        with self._explained("write", local):
            found = self._look()
            if (found and found[0]) != self._pulled:
                raise HistoryError(
                    f"The history {self.shown} was replaced by another run while this one was at "
                    "work; nothing was overwritten.",
                    "Run again: mining goes on from the newer copy. Let only one run at a time "
                    f"write it (`concurrency` in CI). This run's copy is kept at {local}.",
                )
            if self._is_whole_put:
                self._files.put_file(str(local), self._path)
            else:
                self._put_and_rename(local)
            found = self._look()
            size = local.stat().st_size
            if found is None or found[1] not in {None, size}:
                raise HistoryError(
                    f"The history {self.shown} does not have the {size:,} bytes that were written.",
                    f"Look at the store; this run's copy is kept at {local}.",
                )
            self._pulled = found[0]

    def _put_and_rename(self, local: Path) -> None:
        folder, _, name = self._path.rpartition("/")
        self._files.makedirs(folder, exist_ok=True)
        prefix = f"{name}.uploading-"
        for left_over in self._files.ls(folder, detail=False):
            if left_over.rpartition("/")[2].startswith(prefix):
                self._files.rm_file(left_over)
        upload = f"{folder}/{prefix}{uuid.uuid4().hex}"
        try:
            self._files.put_file(str(local), upload)
            self._files.mv(upload, self._path)
        except BaseException:
            with suppress(Exception):
                self._files.rm_file(upload)
            raise

    def _look(self) -> tuple[Version, int | None] | None:
        """Return the version and the size that the store has now, or None when it has nothing."""
        self._files.invalidate_cache()
        try:
            info: Mapping[str, Any] = self._files.info(self._path)
        except FileNotFoundError:
            return None
        marks = (
            next((info[key] for key in keys if info.get(key) is not None), None)
            for keys in _VERSION_KEYS
        )
        size = info.get("size")
        return (size, *marks), size

    @contextmanager
    def _explained(self, verb: str, local: Path | None = None) -> Iterator[None]:
        """Turn what a file system raises, which can be anything, into a `HistoryError`."""
        try:
            yield
        except TrimtabError:
            raise
        except Exception as error:
            reason = without_secrets((str(error).splitlines() or [""])[0]) or type(error).__name__
            kept = f" This run's copy is kept at {local}." if local is not None else ""
            raise HistoryError(
                f"Cannot {verb} the history {self.shown}: {reason}.",
                f"Check the address, the credentials and the network; the remote copy is as it was.{kept}",
            ) from error


def without_secrets(text: str) -> str:
    """Cut user names, passwords and query strings out of the URLs in `text`."""
    text = re.sub(r"(://)[^/@\s]*@", r"\1", text)
    return re.sub(r"(://[^\s?]*)\?\S*", r"\1", text)
