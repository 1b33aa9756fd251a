"""Open files that several threads read: whatever the order, the same samples, and no file is decoded twice for it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.audio.files import open_sound
from midistems_graph.engine.binding import PASSED, BoundFile, InputProblem, SharedReader

RATE, TILE = 8000, 8000


@pytest.fixture
def song(tmp_path: Path) -> Path:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (8 * TILE, 2)).astype(np.float32)
    soundfile.write(tmp_path / "song.ogg", noise, RATE, format="OGG")
    return tmp_path / "song.ogg"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 3, 2), (2, 1, 0, 3), (1, 3, 0, 2), (3, 0, 2, 1)])
def test_a_file_that_cannot_go_back_is_read_once_whichever_thread_is_faster(song: Path, order: tuple[int, ...]) -> None:
    shared = SharedReader(song, 0)
    went: list[int] = []
    go_to = shared._reader._go_to
    shared._reader._go_to = lambda frame: (went.append(frame), go_to(frame))  # type: ignore[method-assign,assignment]
    read = {tile: shared.read(tile * TILE, (tile + 1) * TILE) for tile in order}
    assert went == sorted(went) and len(shared._passed) <= PASSED
    with open_sound(song) as alone:
        for tile in range(4):
            np.testing.assert_array_equal(read[tile], alone.read(tile * TILE, (tile + 1) * TILE))
    np.testing.assert_array_equal(shared.read(0, TILE), read[0])  # going back is possible all the same
    shared.end()


def test_a_folder_that_may_not_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputProblem, match=rf"{tmp_path} cannot be read: Permission denied"):
        BoundFile.open(tmp_path)
