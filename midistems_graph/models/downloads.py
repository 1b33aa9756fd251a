"""Downloads that go on where they broke off and are never taken for whole before their bytes are proved.

A file arrives under a temporary name beside its final one (`NAME.part`), is compared with the published length and
SHA-256, and only then renamed. What broke off stays and is continued by the next try, in this run or a later one.
Proxies are those of the environment (`https_proxy`, `no_proxy`); with MIDISTEMS_OFFLINE set nothing is fetched.
"""

from __future__ import annotations

import errno
import http.client
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from midistems_graph.models.sha256 import file_sha256

OFFLINE = "MIDISTEMS_OFFLINE"
TRIES = 4
TIMEOUT = 30.0
PIECE = 1 << 18
LARGEST = 16 << 30
"""What is downloaded at most where nobody published a length."""

Progress = Callable[[int, int | None], None]
"""Told how many bytes are there, of how many if that is known."""


class DownloadFailed(Exception):
    """The file is not there; the sentence says why and what to do."""


class _BrokeOff(Exception):
    """The connection ended before the file did."""


def download(
    address: str,
    target: Path,
    *,
    sha256: str = "",
    size: int | None = None,
    progress: Progress = lambda done, of: None,
) -> None:
    """Fetch a file over HTTP; afterwards `target` is there, whole and proved.

    Parameters
    ----------
    address
        http or https.
    target
        Where it goes; its folder is there. A file of that name is replaced.
    sha256
        Of the whole file, 64 hex digits; empty if nobody published one.
    size
        Its length in bytes, if that was published.
    progress
        Is told how far it is, several times a second at most speed.

    Raises
    ------
    DownloadFailed
        When it cannot be had, or is not what was published. A part that can be continued stays beside the target.
    """
    if os.environ.get(OFFLINE):
        raise DownloadFailed(
            f"{target.name} would be downloaded, and {OFFLINE} is set: unset it, or give the file yourself"
        )
    if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
        raise DownloadFailed(f"{address} is no address of the web (http or https)")
    part = target.with_name(f"{target.name}.part")
    try:
        _refuse_if_full(part, size)
        _fetched(address, part, size, progress)
        found = file_sha256(part)
        if sha256 and found != sha256:
            part.unlink()
            raise DownloadFailed(
                f"{address} gave other bytes than were published (SHA-256 {found[:12]}... where {sha256[:12]}... was "
                "promised); the file was thrown away. Try later, or get it from somewhere else"
            )
        part.replace(target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadFailed(
                f"the disk of {part.parent} is full; free some space, then the download goes on"
            ) from None
        raise DownloadFailed(f"{part} cannot be written: {error.strerror or error}") from None


def _refuse_if_full(part: Path, size: int | None) -> None:
    missing = (size or 0) - (part.stat().st_size if part.exists() else 0)
    if missing > shutil.disk_usage(part.parent).free:
        raise OSError(errno.ENOSPC, "no space")


def _fetched(address: str, part: Path, size: int | None, progress: Progress) -> None:
    """Bring the part to its full length; tries again as long as something arrives."""
    for last in (False,) * (TRIES - 1) + (True,):
        before = _length(part)
        if size is not None and before == size:
            return
        try:
            _continued(address, part, before, size, progress)
            return
        except _BrokeOff as broken:
            if last or _length(part) == before:
                of = f" of {size:,}" if size is not None else ""
                raise DownloadFailed(
                    f"the download of {address} broke off after {_length(part):,}{of} bytes{broken}; "
                    "the same command goes on from there"
                ) from None


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _continued(address: str, part: Path, before: int, size: int | None, progress: Progress) -> None:
    """One connection: from where the part ends, or from the start if the server cannot do that. Raises _BrokeOff."""
    headers = {"User-Agent": "midistems-graph", "Accept-Encoding": "identity"}
    if before:
        headers["Range"] = f"bytes={before}-"
    try:
        opener = urllib.request.build_opener()  # a new one, as it reads the proxies of the environment once
        answer = opener.open(urllib.request.Request(address, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # longer than what the server has: not a part of it
            raise _BrokeOff("") from None
        raise DownloadFailed(f"{address} answers with {error.code} ({error.reason}); the file may have moved") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        if before:
            raise _BrokeOff(f" ({reason})") from None
        raise DownloadFailed(
            f"{address} cannot be reached ({reason}); check the network, and https_proxy if you go through a proxy"
        ) from None
    with answer:
        start = before if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        total = _total(answer, start)
        if size is not None and total is not None and total != size:
            raise DownloadFailed(
                f"{address} offers {total:,} bytes where {size:,} were published; nothing was kept of it"
            )
        if (total or 0) > LARGEST:
            raise DownloadFailed(f"{address} offers {total:,} bytes, and at most {LARGEST:,} are taken")
        _received(answer, part, start, size if size is not None else total, progress)


def _total(answer: http.client.HTTPResponse, start: int) -> int | None:
    """How long the server says that the whole file is."""
    length = answer.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _received(answer: http.client.HTTPResponse, part: Path, start: int, size: int | None, progress: Progress) -> None:
    done = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        while True:
            try:
                piece = answer.read(PIECE)
            except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
                raise _BrokeOff(f" ({error})" if isinstance(error, TimeoutError) else "") from None
            if not piece:
                break
            done += len(piece)
            if done > (LARGEST if size is None else size):
                raise DownloadFailed(f"the server sends more than the {size or LARGEST:,} bytes that were published")
            file.write(piece)
            progress(done, size)
    if size is not None and done < size:
        raise _BrokeOff("")
