"""Files that workers wrote come into the output folder, each song's for itself, under one receipt."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from midistems_graph.audio.files import file_digest
from midistems_graph.engine.cluster.adoption import Adopter, Song, told_of
from midistems_graph.engine.outputs import CannotWrite, OutputFolder
from midistems_graph.engine.receipt_book import read_receipt

GRAPH = {"format": "midistems-graph", "version": 1, "nodes": {}}


def made_by_a_worker(folder: Path, name: str, content: bytes = b"samples") -> Song:
    """A song's two files in a worker's own folder."""
    outputs = OutputFolder(folder)
    song = outputs.song(name, name * 8)
    writer = song.writer("save", f"key of {name}")
    for stem in ("drums", "voice"):
        with writer.output(stem, "wav") as file:
            file.path.write_bytes(content + stem.encode())
            file.figures["peak"] = -1.0
    writer.done()
    song.finish(graph=GRAPH, graph_hash="g", inputs={"song": name}, scores={}, libraries={"numpy": "2"})
    return Song(folder, told_of(folder, [f"{name} - drums.wav", f"{name} - voice.wav"]), ["save"], "", ())


def test_songs_that_come_at_the_same_time_all_arrive(tmp_path: Path) -> None:
    adopter = Adopter(OutputFolder(tmp_path / "out"))
    songs = [made_by_a_worker(tmp_path / f"worker {i}", f"song {i}") for i in range(6)]
    threads = [threading.Thread(target=adopter.adopted, args=(song,)) for song in songs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    receipt, reason = read_receipt(tmp_path / "out")
    assert not reason and len(receipt.outputs) == 12 and len(receipt.songs) == 6
    for path, entry in receipt.outputs.items():
        assert file_digest(tmp_path / "out" / path) == entry.digest and entry.key == f"key of {entry.song_name}"
        assert entry.graph == "g" and entry.figures == {"peak": -1.0}
    assert not list(tmp_path.glob("worker */*.wav"))


def test_a_song_that_is_not_in_order_leaves_the_others_alone(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "out")
    good = made_by_a_worker(tmp_path / "worker", "good")
    bad = made_by_a_worker(tmp_path / "other", "bad")._replace(told="{}")
    leaving = good.told.replace("good - drums.wav", "../drums.wav")
    with pytest.raises(CannotWrite, match="no receipt"):
        Adopter(folder).adopted(bad)
    with pytest.raises(CannotWrite, match="no receipt"):
        Adopter(folder).adopted(good._replace(told=leaving))
    assert len(Adopter(folder).adopted(good).outputs) == 2
    assert sorted(path.name for path in (tmp_path / "out").glob("*.wav")) == ["good - drums.wav", "good - voice.wav"]


def test_a_file_of_somebody_else_stays_and_the_new_one_is_numbered(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "song - drums.wav").write_bytes(b"mine")
    adopted = Adopter(OutputFolder(tmp_path / "out")).adopted(made_by_a_worker(tmp_path / "worker", "song"))
    became = {path: (output.path.name, output.status) for path, output in adopted.outputs.items()}
    assert became["song - drums.wav"] == ("song - drums (2).wav", "numbered") and len(adopted.problems) == 1
    assert (tmp_path / "out" / "song - drums.wav").read_bytes() == b"mine"
