"""Files go to the window that runs, and to nobody else."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from midistems_graph.editor import handover
from midistems_graph.editor.handover import Receiver, hand_over, socket_path

pytestmark = pytest.mark.skipif(not handover.HAS_SOCKETS, reason="this system has no local sockets")


@pytest.fixture(autouse=True)
def private(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with a short name: a socket's path has little room. Nobody is given up on a slow machine."""
    monkeypatch.setattr(handover, "PATIENCE", 60.0)
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(handover, "user_runtime_path", lambda name: Path(folder) / name)
        yield


@pytest.fixture
def taken() -> Iterator[Queue[list[Path]]]:
    got: Queue[list[Path]] = Queue()
    receiver = Receiver(got.put)
    assert receiver.open()
    yield got
    receiver.close()


def test_files_reach_the_window_that_runs(taken: Queue[list[Path]], tmp_path: Path) -> None:
    song = tmp_path / "夜に\n駆ける.wav"
    assert hand_over([song])
    assert taken.get(timeout=60) == [song]


def test_without_a_window_nobody_takes_them(tmp_path: Path) -> None:
    assert not hand_over([tmp_path])
    receiver = Receiver(lambda paths: None)
    assert receiver.open()
    receiver.close()
    assert not hand_over([tmp_path]) and not socket_path().exists()


def test_a_second_window_leaves_the_socket_to_the_first(taken: Queue[list[Path]]) -> None:
    assert not Receiver(lambda paths: None).open()
    assert hand_over([Path("/a.wav")])
    assert taken.get(timeout=60) == [Path("/a.wav")]


def test_a_socket_that_a_killed_window_left_is_taken_over() -> None:
    socket_path().parent.mkdir(mode=0o700, parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path()))
    receiver = Receiver(lambda paths: None)
    assert receiver.open()
    receiver.close()


def test_a_folder_that_others_may_enter_is_not_used(tmp_path: Path) -> None:
    socket_path().parent.mkdir(mode=0o700, parents=True)
    socket_path().parent.chmod(0o755)
    assert not Receiver(lambda paths: None).open()
    assert not hand_over([tmp_path])


def test_another_user_is_neither_answered_nor_told(
    taken: Queue[list[Path]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(handover, "_is_own", lambda line: False)
    assert not hand_over([tmp_path])
    assert taken.empty()


@pytest.mark.parametrize("message", [b"{}\n", b"[1]\n", b'{"files": [3]}\n', b'{"files": ["\\u0000"]}\n', b"x" * 10])
def test_nonsense_is_not_answered(taken: Queue[list[Path]], message: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(socket_path()))
        line.sendall(message)
        line.shutdown(socket.SHUT_WR)
        assert line.recv(16) == b""
    assert taken.empty()
