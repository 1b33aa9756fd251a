"""Load, load stems, save and save picture, through real files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from midistems_graph.audio.values import Audio, Span, Stems
from midistems_graph.document.graph import Graph, InputSlot, Node
from midistems_graph.engine.run import execute, prepare
from midistems_graph.node import NodeError, installed
from midistems_graph.node.contract import OutputFile
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.io.load import load, load_file, load_stems
from midistems_nodes.io.save import save
from midistems_nodes.io.save_picture import save_picture

RATE = 44100


def song(seconds: float = 1.0, channels: int = 2, gain: float = 0.3) -> Audio:
    n = np.arange(int(seconds * RATE))
    tones = [np.sin(2 * np.pi * 1000 * (i + 1) * n / RATE) for i in range(channels)]
    return Audio.of(gain * np.array(tones), RATE)


def write(path: Path, audio: Audio) -> Path:
    soundfile.write(path, audio.samples.T, audio.rate, subtype="FLOAT")
    return path


def write_tracks(path: Path, *tracks: Audio) -> Path:
    """A container with several sound tracks."""
    import av

    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=audio.rate, layout="stereo") for audio in tracks]
        for stream, audio in zip(streams, tracks, strict=True):
            steps = np.rint(audio.samples.T.reshape(1, -1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(steps, format="s16", layout="stereo")
            frame.rate, frame.pts = audio.rate, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def test_load_gives_the_very_samples_of_a_window(tmp_path: Path) -> None:
    audio = song()
    run = FakeRun(Span(1000, 2000, RATE, RATE), files={"input": write(tmp_path / "a.wav", audio)})
    got = load(run=run)
    assert got.span == run.span
    assert np.array_equal(got.samples, audio.samples[:, 1000:2000])


def test_any_track_of_a_film_is_loaded(tmp_path: Path) -> None:
    pytest.importorskip("av")
    film = write_tracks(tmp_path / "film.mkv", song(gain=0.4), song(gain=0.1))
    loud, soft = (load(track=track, run=FakeRun(Span.whole(RATE, RATE), files={"input": film})) for track in (0, 1))
    assert np.isclose(np.abs(loud.samples).max(), 0.4, atol=1e-4)
    assert np.isclose(np.abs(soft.samples).max(), 0.1, atol=1e-4)
    with pytest.raises(NodeError, match="the tracks 0 to 1, not 2"):
        load(track=2, run=FakeRun(Span.whole(RATE, RATE), files={"input": film}))


@pytest.mark.parametrize(("seconds", "says"), [(0.5, "0.50 s shorter"), (1.5, "0.50 s longer")])
def test_a_file_of_another_length_is_laid_on_the_songs_axis_and_said(tmp_path: Path, seconds: float, says: str) -> None:
    run = FakeRun(Span.whole(RATE, RATE), files={"input": write(tmp_path / "a.wav", song(seconds))})
    got = load(run=run)
    assert got.samples.shape == (2, RATE)
    assert says in run.warnings[0]


def test_nan_in_a_file_names_the_time(tmp_path: Path) -> None:
    audio = song()
    bad = audio.samples.copy()
    bad[0, 22050] = np.nan
    run = FakeRun(audio.span, files={"input": write(tmp_path / "a.wav", Audio.of(bad, RATE))})
    with pytest.raises(NodeError, match=r"0\.5"):
        load(run=run)


@pytest.mark.parametrize(("theirs", "ours"), [(48000, 44100), (22050, 44100), (44100, 48000)])
def test_a_file_of_another_rate_is_converted_in_windows_as_in_one_piece(tmp_path: Path, theirs: int, ours: int) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(2 * theirs) / theirs)
    file = write(tmp_path / "a.wav", Audio.of(np.stack([tone, -tone]), theirs))
    run = FakeRun(Span.whole(2 * ours, ours), files={"file": file})
    whole = load_file(run=run).samples
    assert run.warnings == [f"a.wav has {theirs} Hz and is converted to the song's {ours} Hz"]
    inner = slice(ours // 10, -ours // 10)
    true = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(2 * ours) / ours)
    assert np.abs(whole[0] - true)[inner].max() < 1e-5
    for start, stop in ((0, 777), (ours - 1, ours + 5000), (2 * ours - 100, 2 * ours)):
        part = load_file(run=FakeRun(Span(start, stop, 2 * ours, ours), files={"file": file})).samples
        assert np.abs(part - whole[:, start:stop]).max() < 1e-6


def test_stems_of_another_rate_come_at_the_songs_rate_in_a_run(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(12 * 48000) / 48000)
    (tmp_path / "stems").mkdir()
    write(tmp_path / "stems" / "vocals.wav", Audio.of(np.stack([tone, tone]), 48000))
    true = 0.3 * np.sin(2 * np.pi * 440 * np.arange(12 * RATE) / RATE)
    file = write(tmp_path / "song.wav", Audio.of(np.stack([true, true]), RATE))
    graph = Graph(inputs={"song": InputSlot(), "stems": InputSlot()})
    for name, type in (("load", "io.load"), ("stems", "io.load_stems"), ("null", "measure.null_depth")):
        graph = graph.with_node(name, Node(type))
    graph = graph.with_edge("load.out", "null.mixture").with_edge("stems.out", "null.stems")
    library = installed()
    plan, _ = prepare(graph, library, {"song": file, "stems": tmp_path / "stems"})
    result = execute(graph, plan, library, store=None)
    assert not result.failures and result.scores[0].value < -75
    assert result.problems == ("stems: vocals.wav has 48000 Hz and is converted to the song's 44100 Hz",)


def test_finished_stems_are_named_by_what_their_files_say(tmp_path: Path) -> None:
    for name in ("My Song_(Vocals)_model.wav", "My Song - no_vocals.wav", "mixture.wav", "odd thing.wav"):
        write(tmp_path / name, song())
    (tmp_path / "notes.txt").write_text("not a stem")
    stems = load_stems(complete=True, run=FakeRun(song().span, files={"folder": tmp_path}))
    assert sorted(stems) == ["instrumental", "odd thing", "vocals"]
    assert stems.complete


def test_stems_of_different_channel_counts_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "vocals.wav", song())
    soundfile.write(tmp_path / "bass.wav", np.zeros(RATE), RATE)
    with pytest.raises(NodeError, match="must be alike"):
        load_stems(run=FakeRun(song().span, files={"folder": tmp_path}))


SUBTYPES = {"wav": "FLOAT", "wav24": "PCM_24", "wav16": "PCM_16", "flac": "PCM_24", "flac16": "PCM_16",
            "aiff": "PCM_24", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}  # fmt: skip


@pytest.mark.parametrize("format", SUBTYPES)
def test_every_format_comes_back_as_fine_as_it_says(tmp_path: Path, format: str) -> None:
    audio = song()
    save(Tiles(audio, 10_000), format=format, run=FakeRun(audio.span, folder=tmp_path))
    (file,) = tmp_path.iterdir()
    data, rate = soundfile.read(file, dtype="float32", always_2d=True)
    lossy = format in ("ogg", "mp3")
    worst = {"wav": 0, "wav16": 1e-4, "flac16": 1e-4}.get(format, 0.1 if lossy else 2**-23)
    assert (rate, soundfile.info(file).subtype) == (RATE, SUBTYPES[format])
    assert data.shape[0] == RATE or lossy
    assert np.abs(data.T[:, :RATE] - audio.samples).max() <= worst


def test_float_wav_keeps_what_is_beyond_full_scale_and_whole_numbers_warn(tmp_path: Path) -> None:
    loud = song(gain=2.0)
    run = FakeRun(loud.span, folder=tmp_path)
    save(Tiles(loud), run=run)
    assert np.array_equal(soundfile.read(tmp_path / "audio.wav", dtype="float32")[0].T, loud.samples)
    assert run.warnings == []
    save(Tiles(loud), format="flac", run=run)
    assert "6.0 dB beyond full scale" in run.warnings[0]


def test_a_stem_in_two_files_is_said(tmp_path: Path) -> None:
    for name in ("vocals.flac", "vocals.wav", "drums.wav"):
        soundfile.write(tmp_path / name, song().samples.T, RATE)
    run = FakeRun(song().span, files={"folder": tmp_path})
    assert set(load_stems(run=run)) == {"vocals", "drums"}
    assert run.warnings == ["vocals.wav is left out: vocals.flac is the stem vocals already"]


def test_a_shared_gain_is_one_gain_for_all(tmp_path: Path) -> None:
    loud, soft = song(gain=2.0), song(gain=0.5)
    run = FakeRun(loud.span, folder=tmp_path)
    save(Tiles(Stems({"a": loud, "b": soft})), gain="shared", run=run)
    a, b = (soundfile.read(tmp_path / f"{n}.wav", dtype="float32")[0].T for n in "ab")
    factor = 1 / float(np.abs(loud.samples).max())
    assert np.allclose(a, loud.samples * factor, atol=1e-6)
    assert np.allclose(b, soft.samples * factor, atol=1e-6)


def test_figures_are_those_of_the_file(tmp_path: Path) -> None:
    kept: dict[str, OutputFile] = {}

    class Keeping(FakeRun):
        @contextmanager
        def output(self, stem: str, extension: str) -> Iterator[OutputFile]:
            with super().output(stem, extension) as file:
                yield file
                kept[stem] = file

    save(Tiles(song(gain=0.5)), run=Keeping(song().span, folder=tmp_path))
    assert abs(kept["audio"].figures["peak"] + 6.02) < 0.01


def test_a_picture_shows_the_tone_where_it_sounds(tmp_path: Path) -> None:
    audio = song(2.0, channels=1)
    half = audio.samples.copy()
    half[:, RATE:] = 0
    run = FakeRun(audio.span, folder=tmp_path)
    save_picture(Tiles(Audio.of(half, RATE)), height=200, frequencies="linear", run=run)
    picture = np.asarray(Image.open(tmp_path / "spectrogram.png")).astype(int).sum(axis=2)
    assert picture.shape == (200, 80)
    row = 200 - round(1000 / (RATE / 2) * 200)
    assert abs(int(picture[:, 20].argmax()) - row) <= 2
    assert picture[:, 60].max() < 30


def test_a_picture_averages_the_channels_in_power(tmp_path: Path) -> None:
    tone = song(2.0, channels=1).samples[0]
    left, both = np.stack([tone, 0 * tone]), np.stack([tone, tone])
    sound = Audio.of(np.where(np.arange(len(tone)) < RATE, left, both / np.sqrt(2)), RATE)
    run = FakeRun(sound.span, folder=tmp_path)
    save_picture(Tiles(sound), height=200, frequencies="linear", run=run)
    picture = np.asarray(Image.open(tmp_path / "spectrogram.png")).astype(int)
    assert np.abs(picture[:, 20] - picture[:, 60]).max() <= 6


def test_a_picture_that_would_be_too_wide_is_refused_with_the_remedy(tmp_path: Path) -> None:
    long = Span.whole(RATE * 3600, RATE)

    class Hour:
        span = long

        def __iter__(self):  # type: ignore[no-untyped-def]
            return iter(())

    with pytest.raises(NodeError, match=r"lower per_second to 5\.56"):
        save_picture(Hour(), run=FakeRun(long, folder=tmp_path))
