"""What tests of nodes use: a run that records, and a value in tiles."""

import numpy as np
import pytest

from midistems_graph.audio.values import Audio, Span, Spectrogram, StftSettings, join
from midistems_graph.node import Cancelled, Run, Separator, Stems, node
from midistems_graph.node import testing as testing_module
from midistems_graph.node.library import NodeLibrary
from midistems_graph.node.testing import FakeRun, Tiles


def test_a_run_records_progress_and_warnings():
    run: Run = FakeRun()
    run.progress(0.25)
    run.check()
    run.warn("clipped")
    assert isinstance(run, FakeRun)
    assert (run.seen, run.warnings, run.span) == ([0.25, 0.25], ["clipped"], Span.whole(44100, 44100))


def test_a_run_cancels_once_enough_is_done():
    run = FakeRun(cancel_at=0.5)
    run.progress(0.4)
    with pytest.raises(Cancelled):
        run.progress(0.5)
    with pytest.raises(Cancelled):
        run.check()


def test_a_run_gives_files_and_places_for_output(tmp_path):
    run = FakeRun(files={"path": tmp_path / "a.wav"}, folder=tmp_path)
    assert run.file("path") == tmp_path / "a.wav"
    with run.output("vocals", ".wav") as output:
        assert output.path == tmp_path / "vocals.wav"


def test_a_run_calls_a_separator_of_a_pack(monkeypatch):
    @node("test.split", separator=True)
    def split(mixture: Audio, *, name: str = "all", run: Run) -> Stems:
        """Give the mixture a name."""
        run.check()
        return Stems({name: mixture})

    monkeypatch.setattr(testing_module, "installed", lambda: NodeLibrary.of([split]))
    mixture = Audio.of(np.ones(10), 44100)
    assert list(FakeRun().separate(Separator("test.split", (("name", "half"),)), mixture)) == ["half"]


@pytest.mark.parametrize("length", [1, 7, 1000, 5000])
def test_tiles_of_audio_make_the_whole(length):
    whole = Audio.of(np.arange(1000.0), 8000)
    tiles = Tiles(whole, length)
    again = [list(tiles), list(tiles)]
    for parts in again:
        assert all(tile.span.frames <= length for tile in parts)
        joined = join(parts)
        assert joined.span == tiles.span == whole.span
        np.testing.assert_array_equal(joined.samples, whole.samples)


@pytest.mark.parametrize("length", [256, 300, 1001])
def test_tiles_of_a_spectrogram_share_and_miss_no_frame(length):
    settings, span = StftSettings(256, 64), Span.whole(1000, 8000)
    bins = np.arange(len(span.stft_frames(64)) * settings.n_bins).reshape(1, -1, settings.n_bins)
    whole = Spectrogram(bins.astype(np.complex64), span, settings)
    joined = join(list(Tiles(whole, length)))
    np.testing.assert_array_equal(joined.bins, whole.bins)
