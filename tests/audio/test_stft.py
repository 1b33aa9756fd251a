import os
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.audio import stft as module
from midistems_graph.audio.stft import Stft, istft, stft
from midistems_graph.audio.values import Audio, Span, Spectrogram, StftSettings
from midistems_graph.audio.windows import WINDOWS, window

sizes = st.sampled_from((64, 96, 256, 1024, 2048, 4096, 6000, 32768))
windows = st.sampled_from(WINDOWS)


def noise(channels: int, length: int, seed: int = 0) -> np.ndarray:
    return (0.3 * np.random.default_rng(seed).standard_normal((channels, length))).astype(np.float32)


def db(error: np.ndarray, reference: np.ndarray) -> float:
    """Energy of the error over that of the reference, in dB; nothing over nothing is exact."""
    return float(10 * np.log10((np.sum(np.square(error)) + 1e-30) / (np.sum(np.square(reference)) + 1e-10)))


def textbook(samples: np.ndarray, settings: StftSettings) -> np.ndarray:
    """One channel in double precision, frame by frame, as in numpy's own words: [frames, bins]."""
    padded = np.pad(samples.astype(np.float64), settings.n_fft // 2, mode="reflect")
    starts = range(0, len(samples) + 1, settings.hop)
    shape = window(settings.window, settings.n_fft).astype(np.float64)
    return np.stack([np.fft.rfft(padded[s : s + settings.n_fft] * shape) for s in starts])


@given(sizes, windows, st.sampled_from((2, 3, 4, 5, 8)), st.integers(0, 12_000), st.integers(0, 99))
@settings(max_examples=80)
def test_the_round_trip_returns_the_song(n_fft: int, name: str, overlap: int, length: int, seed: int) -> None:
    shape = StftSettings(n_fft, n_fft // overlap, name)
    song = noise(2, length, seed)
    back = istft(stft(Audio.of(song, 44100), shape)).samples
    assert back.shape == song.shape
    # At half overlap, what follows the last frame by more than a quarter of it is heard by one faint edge only.
    last = length // shape.hop * shape.hop
    covered = slice(0, length if overlap > 3 else last + n_fft // 4)
    assert db((back - song)[:, covered], song[:, covered]) < -130
    assert np.max(np.abs(back), initial=0) <= 2 * np.max(np.abs(song), initial=0)


@pytest.mark.parametrize("length", [1, 2, 3, 1023, 1024, 1025, 44100])
@pytest.mark.parametrize("name", WINDOWS)
def test_first_and_last_sample_return(name: str, length: int) -> None:
    song = noise(1, length)
    back = istft(stft(Audio.of(song, 44100), StftSettings(4096, 1024, name))).samples
    assert np.abs(back - song)[0, [0, -1]].max() < 1e-6


@given(st.integers(0, 9000), st.integers(0, 9000), st.sampled_from((2, 4, 7)), windows)
@settings(max_examples=60)
def test_a_stretch_of_a_song_returns_where_its_frames_reach(a: int, b: int, overlap: int, name: str) -> None:
    shape = StftSettings(512, 512 // overlap, name)
    span = Span(min(a, b), max(a, b), 9000, 44100)
    song = noise(1, span.frames)
    spectrogram = stft(Audio(song, span), shape)
    back = istft(spectrogram).samples
    centres = [k * shape.hop - span.start for k in span.stft_frames(shape.hop)]
    if len(centres) > 1:
        inner = slice(centres[0], centres[-1] + 1)
        assert db((back - song)[:, inner], song[:, inner]) < -130
    assert np.max(np.abs(back), initial=0) <= 2 * np.max(np.abs(song), initial=0)
    turns = np.exp(2j * np.arange(spectrogram.bins.size)).reshape(spectrogram.bins.shape)
    garbled = spectrogram.with_bins(spectrogram.bins * turns)
    assert np.max(np.abs(istft(garbled).samples), initial=0) < 100


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize(("n_fft", "hop"), [(64, 16), (2048, 512), (4096, 1024), (6000, 1000)])
def test_frames_are_those_of_the_definition(name: str, n_fft: int, hop: int) -> None:
    song, shape = noise(1, 20_011), StftSettings(n_fft, hop, name)
    expected = textbook(song[0], shape)
    result = stft(Audio.of(song, 44100), shape).bins[0][: len(expected)]
    assert db(np.abs(result - expected), np.abs(expected)) < -130


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=40)
def test_a_window_with_context_has_the_very_frames_of_the_song(a: int, b: int) -> None:
    shape, total = StftSettings(1024, 256, "hann"), 41 * 700
    song = Audio.of(noise(2, total), 44100)
    wanted = Span(min(a, b) * 700, max(a, b) * 700 + 700, total, 44100)
    around = Span(max(0, wanted.start - 1024), min(total, wanted.stop + 1024), total, 44100)
    whole, tile = stft(song, shape), stft(song.crop(around), shape)
    assert np.array_equal(tile.crop(wanted).bins, whole.crop(wanted).bins)
    # Frames of the song that reach the window are all that its samples depend on.
    wide = Span(max(0, wanted.start - 2048), min(total, wanted.stop + 2048), total, 44100)
    assert np.array_equal(istft(whole.crop(wide)).crop(wanted).samples, istft(whole).crop(wanted).samples)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("n_fft", [512, 4096, 32768])
def test_threads_and_block_size_change_no_bit(channels: int, n_fft: int, monkeypatch: pytest.MonkeyPatch) -> None:
    song, shape = Audio.of(noise(channels, 300_001), 44100), StftSettings(n_fft, n_fft // 4)
    spectrogram = stft(song, shape)
    back = istft(spectrogram).samples
    for threads, block in ((2, 1 << 17), (5, 1 << 17), (1, 1 << 19), (3, 1 << 15)):
        monkeypatch.setattr(module, "_BLOCK_SAMPLES", block)
        assert np.array_equal(stft(song, shape, threads=threads).bins, spectrogram.bins)
        assert np.array_equal(istft(spectrogram, threads=threads).samples, back)


def test_one_transform_serves_many_signals_into_the_same_arrays() -> None:
    shape, span = StftSettings(1024, 256), Span.whole(50_000, 44100)
    transform = Stft(shape, span, threads=2)
    bins, samples = transform.forward(noise(2, 50_000)), np.empty((2, 50_000), np.float32)
    for seed in range(3):
        song = noise(2, 50_000, seed)
        assert transform.forward(song, bins) is bins
        assert np.array_equal(bins, stft(Audio.of(song, 44100), shape).bins)
        assert transform.inverse(bins, samples) is samples
        assert np.array_equal(samples, istft(Spectrogram(bins, span, shape)).samples)


@given(st.integers(0, 60_000), st.sampled_from((2, 3, 4, 8)), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=25)
def test_rebuilding_in_blocks_is_analysis_change_and_synthesis(length: int, overlap: int, threads: int, seed: int):
    shape, span = StftSettings(960, 960 // overlap), Span.whole(length, 44100)
    transform, song = Stft(shape, span, threads=threads), noise(2, length, seed)
    mask = np.random.default_rng(seed).random((2, transform.frames, shape.n_bins), np.float32)

    def change(channel: int, first: int, bins: np.ndarray) -> None:
        bins *= mask[channel, first : first + len(bins)]

    expected = transform.inverse(transform.forward(song) * mask)
    out = np.full_like(song, np.nan)
    assert transform.rebuild(song, change, out) is out
    assert np.array_equal(out, expected)


def test_an_error_reaches_the_caller_whichever_thread_met_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def padded(*args: object) -> None:
        raise MemoryError("no memory")

    monkeypatch.setattr(module, "_padded", padded)
    for threads in (1, 2, 4):
        transform = Stft(StftSettings(256, 64), Span.whole(400_000, 44100), threads=threads)
        with pytest.raises(MemoryError, match="no memory"):
            transform.forward(noise(1, 400_000))


def test_zeros_may_lie_beyond_the_ends() -> None:
    shape = StftSettings(256, 64)
    first = stft(Audio.of(np.ones((1, 1000)), 44100), shape, pad="zeros").bins[0, 0]
    expected = scipy.fft.rfft(window("hann", 256) * (np.arange(256) >= 128))
    assert np.allclose(first, expected, atol=1e-4)


def test_silence_stays_silence_and_gain_stays_gain() -> None:
    shape = StftSettings(1024, 256)
    assert not istft(stft(Audio.of(np.zeros((2, 5000)), 44100), shape)).samples.any()
    song = noise(1, 5000)
    twice, once = (stft(Audio.of(gain * song, 44100), shape).bins for gain in (2, 1))
    assert np.array_equal(twice, 2 * once)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (StftSettings(1023, 256), "even number .* not 1023"),
        (StftSettings(1024, 513), "hop must be 4 to 512 .* not 513; try 256"),
        (StftSettings(1024, 0), "hop must be 4 to 512"),
        (StftSettings(65536, 255), "hop must be 256 to 32768 .* not 255"),
        (StftSettings(1024, 256, "han"), "no window 'han'; choose one of .*hann"),
    ],
)
def test_settings_without_an_inverse_are_refused(settings: StftSettings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stft(Audio.of(noise(1, 10), 44100), settings)


def test_arrays_of_another_shape_are_refused() -> None:
    transform = Stft(StftSettings(1024, 256), Span.whole(1000, 44100))
    with pytest.raises(ValueError, match=r"samples must be float32 \(1, 1000\), not float32 \(1, 999\)"):
        transform.forward(noise(1, 999))
    with pytest.raises(ValueError, match=r"out must be complex64"):
        transform.forward(noise(1, 1000), np.empty((1, 1, 513), np.complex64))


@pytest.mark.skipif("MIDISTEMS_TEST_SONGS" not in os.environ, reason="MIDISTEMS_TEST_SONGS names no folder of songs")
def test_real_songs_return() -> None:
    for path in sorted(Path(os.environ["MIDISTEMS_TEST_SONGS"]).rglob("mixture.flac")):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        song = Audio.of(samples.T, rate)
        back = istft(stft(song, StftSettings(), threads=2), threads=2).samples
        assert db(back - song.samples, song.samples) < -130, path
