"""A commit's files from GitHub, without a clone."""

import io
import tarfile
from pathlib import Path, PurePosixPath

from bot.domain.errors import ForgeError
from bot.pulls.git import inside
from bot.pulls.github_api import ATTEMPTS, Api

_TIMEOUT_SECONDS = 300


def unpack(api: Api, commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder; nothing lands outside of it.

    Raises:
        ForgeError: they cannot be downloaded.
    """
    with tarfile.open(fileobj=io.BytesIO(_download(api, commit))) as tar:
        members = _below_the_first_folder(tar)
        tar.extractall(folder, members, filter=inside)  # noqa: S202  it asks `data_filter`


def _below_the_first_folder(tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Return the members by their names in the repository; links keep their targets."""
    members = []
    for member in tar.getmembers():
        parts = PurePosixPath(member.name).parts[1:]
        if parts:
            member.name = str(PurePosixPath(*parts))
            members.append(member)
    return members


def _download(api: Api, commit: str) -> bytes:
    """Download the files of a commit as one gzipped tar; its names start with a folder.

    GitHub answers with the address of another host, which must not see the token: httpx leaves it
    out there.

    Raises:
        ForgeError: it cannot be downloaded.
    """
    import httpx

    requester = api.requester
    auth = requester.auth
    headers = {"authorization": f"{auth.token_type} {auth.token}"} if auth else {}
    url = f"{requester.base_url.rstrip('/')}/repos/{api.repository}/tarball/{commit}"
    why = ""
    for attempt in range(ATTEMPTS):
        try:
            with httpx.Client(follow_redirects=True, timeout=_TIMEOUT_SECONDS) as client:
                answer = client.get(url, headers=headers)
        except httpx.HTTPError as error:
            why = type(error).__name__
        else:
            if answer.is_success:
                return answer.content
            why = str(answer.status_code)
            if not answer.is_server_error:
                break
        api.pause(2**attempt)
    raise ForgeError(
        f"{api.repository}: the files of {commit[:12]} cannot be downloaded ({why})",
        "The token needs contents to read: see docs/security.md.",
    )
