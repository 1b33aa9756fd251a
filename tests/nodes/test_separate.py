import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from midistems_graph.audio.stft import Stft, stft
from midistems_graph.audio.values import join
from midistems_graph.node import Audio, Cancelled, NodeError, Separator, Span, Stems, StftSettings
from midistems_graph.node.definition import context_of
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.separate.apply import apply
from midistems_nodes.separate.blocks import each
from midistems_nodes.separate.centre import centre
from midistems_nodes.separate.hpss import hpss, running_median
from midistems_nodes.separate.nmf import nmf
from midistems_nodes.separate.repet import repet
from midistems_nodes.separate.repet_sim import repet_sim

RATE = 44100
SEPARATORS = [hpss, centre, repet, repet_sim, nmf]
SMALL = {
    "separate.repet": {"shortest": 0.2},
    "separate.repet_sim": {"search": 1.0, "apart": 0.1},
    "separate.nmf": {"components": 4, "iterations": 20},
}

every = pytest.mark.parametrize("separator", SEPARATORS, ids=lambda t: t.id)


def noise(seconds, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return 0.1 * rng.standard_normal((channels, int(seconds * RATE))).astype(np.float32)


def band(seconds, channels=2):
    """Notes and hits that repeat twice a second, with a little noise."""
    time = np.arange(int(seconds * RATE)) / RATE
    notes = np.sin(2 * np.pi * np.where(time % 0.5 < 0.25, 330, 440) * time)
    hits = np.exp(-40 * (time % 0.5)) * np.random.default_rng(1).standard_normal(len(time))
    return (0.2 * notes + 0.3 * hits + 0.1 * noise(seconds, channels)).astype(np.float32)


def separate(separator, audio, model_of=None, *, threads=1, **knobs):
    knobs = {**SMALL.get(separator.id, {}), **knobs}
    model = [model_of or learn(separator, audio, **knobs)] if separator.reduce else []
    return separator(audio, *model, **knobs, run=FakeRun(audio.span, threads=threads))


def learn(separator, audio, *, tile=RATE, **knobs):
    knobs = {**SMALL.get(separator.id, {}), **knobs}
    return separator.reduce(Tiles(audio, tile), **knobs, run=FakeRun(audio.span))


def db(signal, reference):
    energy = np.sum(np.square(signal, dtype=float)) + 1e-20
    return 10 * np.log10(energy / np.sum(np.square(reference, dtype=float)))


def equal(one, other):
    return all(np.array_equal(one[name].samples, other[name].samples) for name in other) and list(one) == list(other)


@every
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_stems_add_up_to_the_mixture(separator, channels):
    audio = Audio.of(band(2.5, channels), RATE)
    stems = separate(separator, audio)
    rest = audio.samples - sum(stem.samples for stem in stems.audio.values())
    assert np.abs(rest).max() <= 1e-6 * max(np.abs(a.samples).max() for a in (audio, *stems.audio.values()))
    assert stems.complete


@every
@settings(max_examples=15)
@given(length=st.integers(1, 2048), channels=st.sampled_from([1, 2]))
def test_short_sounds_keep_their_length_and_null(separator, length, channels):
    audio = Audio.of(noise(1, channels)[:, :length], RATE)
    stems = separate(separator, audio, n_fft=2048, hop=512)
    assert np.abs(audio.samples - sum(stem.samples for stem in stems.audio.values())).max() <= 1e-6
    assert stems.span == audio.span


@every
def test_silence_stays_silence(separator):
    stems = separate(separator, Audio.of(np.zeros((2, RATE)), RATE))
    assert not any(stem.samples.any() for stem in stems.audio.values())


@every
def test_tiles_have_the_very_samples_of_the_whole_song(separator):
    audio = Audio.of(band(8), RATE)
    model = learn(separator, audio) if separator.reduce else None
    whole = separate(separator, audio, model)
    knobs = separator.settings(SMALL.get(separator.id, {}))
    reach = int(np.ceil(context_of(separator, knobs).reach(RATE) * RATE))
    tiles = []
    for start, stop in ((0, 100_000), (100_000, 212_345), (212_345, audio.span.stop)):
        wide = Span(max(0, start - reach), min(audio.span.stop, stop + reach), audio.span.total, RATE)
        run = FakeRun(Span(start, stop, audio.span.total, RATE))
        tiles.append(separator(audio.crop(wide), *([model] if model else []), **knobs, run=run))
    assert equal(join(tiles), whole)


@every
def test_threads_change_no_sample_of_a_long_song(separator):
    audio = Audio.of(band(15, 1), RATE)
    assert equal(separate(separator, audio, threads=3), separate(separator, audio))


@pytest.mark.parametrize("separator", [repet, nmf], ids=lambda t: t.id)
def test_the_first_pass_finds_the_same_however_the_song_is_cut(separator):
    audio = Audio.of(band(7), RATE)
    models = [learn(separator, audio, tile=tile) for tile in (7 * RATE, 30_011, 1000)]
    for model in models[1:]:
        assert all(np.array_equal(model.arrays[name], models[0].arrays[name]) for name in model.arrays)


@every
def test_a_song_is_cancelled(separator):
    audio = Audio.of(band(10, 1), RATE)
    model = [learn(separator, audio)] if separator.reduce else []
    with pytest.raises(Cancelled):
        separator(audio, *model, **SMALL.get(separator.id, {}), run=FakeRun(audio.span, threads=2, cancel_at=0.3))


def test_cancelling_ends_the_blocks_at_work_and_begins_no_more():
    begun = []

    def work(block, check):
        begun.append(block)
        while block:
            time.sleep(0.001)
            check()

    with pytest.raises(Cancelled):
        each(range(100), work, FakeRun(threads=2, cancel_at=0.001))
    assert len(begun) < 10


def test_settings_without_an_inverse_are_refused_in_words():
    with pytest.raises(NodeError, match=r"hop must be [0-9]+ to 512"):
        separate(hpss, Audio.of(noise(0.1), RATE), n_fft=1024, hop=1000)


@settings(max_examples=40)
@given(rows=st.integers(1, 40), longer=st.integers(0, 90), size=st.integers(3, 60), seed=st.integers(0, 99))
def test_the_running_median_is_scipys_two_dimensional_one_bit_for_bit(rows, longer, size, seed):
    values = np.random.default_rng(seed).random((rows, size + longer), np.float32)
    fast = running_median(values, size, lambda: None)
    assert np.array_equal(fast, ndimage.median_filter(values, (1, size), mode="reflect"))


@given(length=st.integers(1, 30), size=st.integers(3, 60), seed=st.integers(0, 99))
def test_the_running_median_of_short_rows_is_the_median_of_their_mirror_images(length, size, seed):
    values = np.random.default_rng(seed).random((2, length), np.float32)
    mirrored = np.pad(values, ((0, 0), (size // 2, size // 2)), mode="symmetric")
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(mirrored, size, axis=1), axis=2)
    assert np.array_equal(running_median(values, size, lambda: None), windows[:, :length, size // 2])


@pytest.mark.parametrize("masks", ["soft", "hard"])
def test_hpss_tells_a_tone_from_clicks(masks):
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(3 * RATE) / RATE)
    clicks = np.zeros(3 * RATE)
    clicks[RATE // 4 :: RATE // 4] = 1
    stems = separate(hpss, Audio.of(tone + clicks, RATE), masks=masks)
    inside = slice(RATE // 2, -RATE // 2)
    assert db(stems["harmonic"].samples[0, inside] - tone[inside], tone[inside]) < -20
    assert db(stems["percussive"].samples[0, inside] - clicks[inside], clicks[inside]) < -15


def test_hpss_has_the_masks_of_the_papers():
    audio, chosen = Audio.of(band(1, 1), RATE), StftSettings(2048, 512)
    bins = stft(audio, chosen).bins[0]
    harmonic, percussive = (ndimage.median_filter(np.abs(bins), size) for size in ((31, 1), (1, 17)))
    for margin, soft in ((1.0, True), (2.0, True), (2.0, False)):
        stems = separate(
            hpss,
            audio,
            percussive_bins=17,
            harmonic_margin=margin,
            masks="soft" if soft else "hard",
            n_fft=2048,
            hop=512,
        )
        rival = margin * percussive
        mask = harmonic**2 / (harmonic**2 + rival**2) if soft else harmonic > rival
        expected = Stft(chosen, audio.span).inverse((bins * mask)[None].astype(np.complex64))
        assert db(stems["harmonic"].samples - expected, expected) < -100


def test_hpss_leaves_a_residual_only_beyond_margin_one():
    audio = Audio.of(band(2), RATE)
    assert db(separate(hpss, audio)["residual"].samples, audio.samples) < -120
    assert db(separate(hpss, audio, harmonic_margin=3, percussive_margin=3)["residual"].samples, audio.samples) > -20


def test_centre_tells_the_middle_from_the_sides():
    middle, left, right = noise(2, 1, 1)[0], noise(2, 1, 2)[0], noise(2, 1, 3)[0]
    alone = separate(centre, Audio.of(np.stack([middle, middle]), RATE))
    assert db(alone["sides"].samples, alone["centre"].samples) < -100
    one_side = separate(centre, Audio.of(np.stack([left, 0 * left]), RATE))
    assert not one_side["centre"].samples.any()
    flipped = separate(centre, Audio.of(np.stack([right, -right]), RATE))
    assert not flipped["centre"].samples.any()


def test_centre_takes_mono_as_centre_and_leaves_surround_channels_alone():
    mono = Audio.of(noise(1, 1), RATE)
    assert db(separate(centre, mono)["sides"].samples, mono.samples) < -100
    surround = Audio.of(noise(1, 6), RATE)
    sides = separate(centre, surround)["sides"]
    assert np.array_equal(sides.samples[2:], surround.samples[2:])
    assert not np.array_equal(sides.samples[:2], surround.samples[:2])


def test_repet_finds_the_period_and_keeps_what_repeats():
    pattern = np.tile(noise(0.8, 1)[0], 12)
    voice = np.zeros_like(pattern)
    voice[4 * RATE : 5 * RATE] = 0.3 * np.sin(2 * np.pi * 700 * np.arange(RATE) / RATE)
    audio = Audio.of(pattern + voice, RATE)
    model = learn(repet, audio)
    stems = separate(repet, audio, model)
    assert model.notes["period"] == pytest.approx(0.8, abs=0.01)
    assert db(stems["vocals"].samples[0] - voice, voice) < -8
    assert db(stems["accompaniment"].samples[0] - pattern, pattern) < -8


def test_repet_keeps_an_evenly_spread_sample_of_many_repetitions(monkeypatch):
    audio = Audio.of(band(8), RATE)
    all_of_them = learn(repet, audio)
    monkeypatch.setattr("midistems_nodes.separate.repet._SEGMENT_BYTES", 4 * all_of_them.arrays["segment"].nbytes)
    sampled = learn(repet, audio)
    assert sampled.arrays["segment"].shape == all_of_them.arrays["segment"].shape
    assert -40 < db(sampled.arrays["segment"] - all_of_them.arrays["segment"], all_of_them.arrays["segment"]) < -5


@pytest.mark.parametrize("frames", [0, 1, 37, 200])
def test_repet_makes_of_a_stretch_what_it_makes_of_the_same_sound_as_a_song(frames):
    rng = np.random.default_rng(3)
    sound = np.tile(rng.standard_normal(8000), 6).astype(np.float32)
    sound += 0.1 * rng.standard_normal(len(sound)).astype(np.float32)
    start = frames * 512

    def made(span: Span) -> np.ndarray:
        audio, run = Audio(sound[None], span), FakeRun(span)
        knobs = {"shortest": 0.5, "longest": 1.5}
        learned = repet.reduce(Tiles(audio, 10_000), **knobs, run=run)
        return repet(audio, learned, **knobs, run=run)["vocals"].samples

    alone = made(Span.whole(len(sound), 8000))
    within = made(Span(start, start + len(sound), start + len(sound), 8000))
    middle = slice(4096, -4096)  # the frames at its ends reach beyond the sound
    np.testing.assert_allclose(within[:, middle], alone[:, middle], atol=1e-5)


def test_repet_says_when_a_song_is_too_short_to_repeat():
    audio = Audio.of(noise(1), RATE)
    run = FakeRun(audio.span)
    model = repet.reduce(Tiles(audio), run=run)
    assert "too short for three repetitions of 0.5 s" in run.warnings[0]
    assert not repet(audio, model, run=run)["vocals"].samples.any()


def test_repet_sim_keeps_what_comes_back_without_a_period():
    rng = np.random.default_rng(5)
    time = np.arange(RATE // 2) / RATE
    fade = np.minimum(1, 50 * np.minimum(time, time[::-1]))
    chords = [fade * sum(np.sin(2 * np.pi * f * time) for f in pair) for pair in ((300, 500), (400, 900))]
    pattern = 0.1 * np.concatenate([chords[i] for i in rng.integers(0, 2, 20)])
    voice = np.zeros_like(pattern)
    voice[4 * RATE : 5 * RATE] = 0.1 * np.sin(2 * np.pi * 1500 * np.arange(RATE) / RATE)
    stems = separate(repet_sim, Audio.of(pattern + voice, RATE), search=5.0, apart=0.5)
    assert db(stems["vocals"].samples[0] - voice, voice) < -8
    assert db(stems["accompaniment"].samples[0] - pattern, pattern) < -15


def test_nmf_takes_notes_apart_from_low_to_high():
    time = np.arange(RATE) / RATE
    notes = [np.sin(2 * np.pi * f * time) * (np.arange(RATE) // 5000 % 3 == i) for i, f in enumerate((300, 900, 2700))]
    stems = separate(nmf, Audio.of(0.3 * sum(notes), RATE), components=3, iterations=100)
    assert list(stems) == ["component/1", "component/2", "component/3"]
    for stem, note in zip(stems.audio.values(), notes, strict=True):
        assert db(stem.samples[0] - 0.3 * note, 0.3 * note) < -15


def test_nmf_seeds_are_repeatable_and_differ():
    audio = Audio.of(band(2), RATE)
    first, again, other = (learn(nmf, audio, seed=seed).arrays["spectra"] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_matrix_products_do_not_depend_on_the_threads_of_the_blas():
    code = (
        "from test_separate import *\n"
        "import hashlib\n"
        "audio = Audio.of(band(1), RATE)\n"
        "for separator in (nmf, repet_sim):\n"
        "    stems = separate(separator, audio)\n"
        "    print([hashlib.sha256(stem.samples).hexdigest() for stem in stems.audio.values()])\n"
    )
    results = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)},
            capture_output=True,
            check=True,
        ).stdout
        for threads in (1, 3)
    }
    assert len(results) == 1


def test_matrix_products_stay_on_the_thread_that_asks():
    code = (
        "import os\n"
        "import midistems_graph\n"
        "import numpy as np\n"
        "np.ones((600, 600)) @ np.ones((600, 600))\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    plain = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, check=True)
    assert done.stdout == b"1\n"


def test_a_separator_is_called_through_the_run():
    audio = Audio.of(band(1), RATE)

    class Calls(FakeRun):
        def separate(self, separator: Separator, mixture: Audio) -> Stems:
            return hpss(mixture, **dict(separator.knobs), run=self)

    made = apply(Separator("separate.hpss", (("harmonic_frames", 17),)), audio, run=Calls())
    assert equal(made, hpss(audio, harmonic_frames=17, run=FakeRun()))
