"""Scores over several songs: means, the weakest song, what is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from midistems_graph.document.graph import Graph
from midistems_graph.editor.runs.job import Came, Job, State
from midistems_graph.editor.runs.order import Order, Recipe, called, true_stems
from midistems_graph.editor.runs.score_table import cells_of, score_table
from midistems_graph.engine.run import Score

ONE, TWO, THREE = Path("/one.wav"), Path("/two.wav"), Path("/three.wav")


def came(vocals: float, drums: float) -> Came:
    return Came(
        scores={"save": {"vocals": vocals, "drums": drums}},
        mixture={"vocals": -4.0, "drums": -2.0},
        figures=(Score("null", "", "value", -160.0, "dB"),),
    )


def test_a_song_has_its_mean_what_was_gained_and_the_figures_of_measures() -> None:
    cells = cells_of(came(5.0, 3.0))
    assert cells["save: SI-SDR"].value == 4.0 and cells["save: SI-SDR"].detail == "drums 3.0, vocals 5.0"
    assert cells["save: gained"].value == 7.0
    assert cells["null"].value == -160.0


def test_means_and_the_weakest_song_leave_out_what_is_not_known() -> None:
    graph = Graph()
    jobs = [
        (Job(ONE, graph, "g"), State("done", came=came(5.0, 3.0))),
        (Job(TWO, graph, "g"), State("done", came=came(1.0, 1.0))),
        (Job(THREE, graph, "g"), State("failed", said=("it is gone",))),
    ]
    table = score_table((ONE, TWO, THREE), jobs)
    assert table.columns == ("save: SI-SDR", "save: gained", "null")
    assert table.mean("save: SI-SDR") == pytest.approx(2.5)
    assert table.worst("save: SI-SDR") == TWO
    assert table.worst("null") is None, "what is low there is not what is weak"
    assert (THREE, "null") not in table.cells and table.states[THREE].said == ("it is gone",)


def test_true_stems_lie_beside_a_mixture_or_in_a_folder_that_is_named(tmp_path: Path) -> None:
    album = tmp_path / "album" / "song"
    album.mkdir(parents=True)
    for name in ("mixture.wav", "vocals.wav"):
        (album / name).touch()
    assert true_stems(album / "mixture.wav") == album
    assert true_stems(album / "vocals.wav") is None
    assert true_stems(tmp_path / "song.flac", tmp_path / "album", several=True) == album
    assert true_stems(tmp_path / "other.flac", tmp_path / "album", several=True) is None
    assert true_stems(tmp_path / "other.flac", album) == album


def test_songs_of_one_name_are_told_apart_and_written_apart() -> None:
    one, two, three = (Path(path) for path in ("/a/live/intro.wav", "/a/studio/intro.flac", "/a/live/outro.wav"))
    songs = (one, two, three)
    assert [called(song, songs) for song in songs] == ["live/intro.wav", "studio/intro.flac", "outro.wav"]
    assert called(Path("/a/b/Mixture.wav")) == "b/Mixture.wav"
    jobs = Order(songs, (Recipe("g", Graph()),), output=Path("/out")).jobs()
    assert [job.output for job in jobs] == [Path("/out/live"), Path("/out/studio"), Path("/out")]
