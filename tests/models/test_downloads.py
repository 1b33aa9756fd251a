"""A download is whole and proved or not there at all, whatever the server does."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from faulty_server import Served, serving

from midistems_graph.models import downloads
from midistems_graph.models.downloads import DownloadFailed, download

CONTENT = np.random.default_rng(0).bytes(1_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", downloads.OFFLINE):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "model.onnx"


def left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def fetch(served: Served, target: Path, sha256: str = SHA256, size: int | None = len(CONTENT)) -> None:
    with serving(served) as address:
        download(address, target, sha256=sha256, size=size)


def test_a_sound_server_gives_the_file_and_progress_reaches_the_end(target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with serving(Served(CONTENT)) as address:
        download(address, target, sha256=SHA256, progress=lambda done, of: told.append((done, of)))
    assert target.read_bytes() == CONTENT
    assert left(target) == ["model.onnx"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_breaks_off_is_asked_for_the_rest(target: Path, ranges: bool) -> None:
    served = Served(CONTENT, break_after=[300_000, 250_000], ranges=ranges)
    fetch(served, target)
    assert target.read_bytes() == CONTENT
    assert served.requested[:2] == [None, "bytes=300000-"]


def test_what_broke_off_is_kept_and_continued_by_the_next_command(target: Path) -> None:
    served = Served(CONTENT, break_after=[400_000, 0])
    with pytest.raises(DownloadFailed, match=r"broke off after 400,000 of 1,000,000 bytes.*goes on from there"):
        fetch(served, target)
    assert left(target) == ["model.onnx.part"]
    again = Served(CONTENT)
    fetch(again, target)
    assert again.requested == ["bytes=400000-"]
    assert target.read_bytes() == CONTENT


def test_wrong_bytes_are_thrown_away(target: Path) -> None:
    with pytest.raises(DownloadFailed, match="gave other bytes than were published"):
        fetch(Served(CONTENT[:-1] + b"x"), target)
    assert left(target) == []


def test_a_part_of_another_file_never_gets_through(target: Path) -> None:
    target.with_name("model.onnx.part").write_bytes(b"x" * 1000)
    with pytest.raises(DownloadFailed, match="other bytes"):
        fetch(Served(CONTENT), target)
    assert left(target) == []
    fetch(Served(CONTENT), target)
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_begun_again(target: Path) -> None:
    target.with_name("model.onnx.part").write_bytes(b"x" * (len(CONTENT) + 1))
    fetch(Served(CONTENT), target, size=None)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("length", "size", "said"),
    [
        (len(CONTENT) - 1, len(CONTENT), "offers 999,999 bytes where 1,000,000 were published"),
        (len(CONTENT) + 1, len(CONTENT), "offers 1,000,001 bytes"),
        (len(CONTENT) - 1, None, "gave other bytes"),
        (len(CONTENT) + 1, None, "broke off after 1,000,000"),
    ],
)
def test_a_server_that_lies_about_the_length_is_found_out(
    target: Path, length: int, size: int | None, said: str
) -> None:
    with pytest.raises(DownloadFailed, match=said):
        fetch(Served(CONTENT, length=length), target, size=size)
    assert not target.exists()


@pytest.mark.parametrize("says_length", [True, False])
def test_a_server_that_sends_too_much_is_stopped(
    target: Path, monkeypatch: pytest.MonkeyPatch, says_length: bool
) -> None:
    monkeypatch.setattr(downloads, "LARGEST", 500_000)
    with pytest.raises(DownloadFailed, match=r"offers 1,000,000 bytes|more than the 500,000"):
        fetch(Served(CONTENT, says_length=says_length), target, size=None)
    assert not target.exists()


@pytest.mark.parametrize("status", [404, 500])
def test_what_a_server_refuses_is_said(target: Path, status: int) -> None:
    with pytest.raises(DownloadFailed, match=f"answers with {status}"):
        fetch(Served(CONTENT, status=status), target)
    assert left(target) == []


def test_a_server_that_is_not_there_is_said_with_the_remedy(target: Path) -> None:
    with serving(Served(CONTENT)) as address:
        pass
    with pytest.raises(DownloadFailed, match=r"cannot be reached \(.*check the network, and https_proxy"):
        download(address, target)


def test_proxies_of_the_environment_are_used(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Served(CONTENT)) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        download("http://models.invalid/model.onnx", target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_offline_means_offline(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(downloads.OFFLINE, "1")
    served = Served(CONTENT)
    with pytest.raises(DownloadFailed, match="MIDISTEMS_OFFLINE is set"):
        fetch(served, target)
    assert served.requested == []


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "model.onnx"])
def test_only_the_web_is_asked(target: Path, address: str) -> None:
    with pytest.raises(DownloadFailed, match="no address of the web"):
        download(address, target)


class Disk(NamedTuple):
    total: int = 0
    used: int = 0
    free: int = 1000


def test_a_full_disk_is_said_before_anything_is_asked_for(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full: Callable[[object], Disk] = lambda path: Disk()  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", full)
    served = Served(CONTENT)
    with pytest.raises(DownloadFailed, match=r"the disk of .* is full"):
        fetch(served, target)
    assert served.requested == []
