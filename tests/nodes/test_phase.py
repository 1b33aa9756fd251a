import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.audio.stft import stft
from midistems_graph.node import Audio, Cancelled, Magnitude, NodeError, Phase, Span, Stems, StftSettings
from midistems_graph.node.testing import FakeRun
from midistems_nodes.phase.griffin_lim import griffin_lim
from midistems_nodes.phase.misi import misi

RATE = 44100
N_FFT, HOP = 1024, 256
SIZES = {"n_fft": N_FFT, "hop": HOP}


def song(seconds, channels=2, seed=0):
    """A few gliding tones with hits."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * (f + 30 * np.sin(5 * time)) * time) for f in rng.uniform(200, 3000, 4))
    hits = np.exp(-30 * (time % 0.3)) * rng.standard_normal((channels, len(time)))
    return (0.05 * tones + 0.1 * hits).astype(np.float32)


def magnitude_of(audio, chosen=StftSettings(N_FFT, HOP)):  # noqa: B008 - frozen
    bins = stft(audio, chosen)
    return Magnitude(np.abs(bins.bins), audio.span, chosen)


def rebuild(magnitude, phase=None, *, threads=1, **knobs):
    return griffin_lim(magnitude, phase, **{"n_fft": N_FFT, **knobs}, run=FakeRun(magnitude.span, threads=threads))


def refine(mixture, stems, *, threads=1, **knobs):
    return misi(mixture, stems, **{**SIZES, **knobs}, run=FakeRun(mixture.span, threads=threads))


def convergence(audio, magnitude):
    """How far the audio's magnitudes are from the wanted ones, in dB."""
    have = np.abs(stft(audio, magnitude.stft).bins)
    return 20 * np.log10(np.linalg.norm(have - magnitude.bins) / np.linalg.norm(magnitude.bins))


def spectra(signal):
    """Plain STFT of [samples]: complex [frames, bins]."""
    padded = np.pad(signal, N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    return np.fft.rfft(frames * window(), axis=1)


def signal_of(bins, length):
    """The least-squares inverse of `spectra`."""
    total, weight = np.zeros((2, length + N_FFT + HOP))
    for number, frame in enumerate(np.fft.irfft(bins, axis=1) * window()):
        total[number * HOP : number * HOP + N_FFT] += frame
        weight[number * HOP : number * HOP + N_FFT] += window() ** 2
    return (total / np.maximum(weight, 1e-8))[N_FFT // 2 : N_FFT // 2 + length]


def window():
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)


def unit(bins):
    return bins / np.maximum(np.abs(bins), 1e-16)


def stems_of(*signals):
    return Stems({f"stem {number}": Audio.of(signal, RATE) for number, signal in enumerate(signals)}, complete=True)


def si_sdr(estimate, truth):
    estimate, truth = estimate.astype(float).ravel(), truth.astype(float).ravel()
    target = truth * (estimate @ truth) / (truth @ truth)
    return 10 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2))


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_griffin_lim_converges_like_the_plain_algorithm(momentum):
    audio = Audio.of(song(2, 1)[:, : 300 * HOP], RATE)
    wanted = magnitude_of(audio)
    ours = rebuild(wanted, iterations=32, start="zero", momentum=momentum)
    phases, before = np.ones(wanted.bins.shape[1:]), 0
    for _ in range(32):
        now = spectra(signal_of(wanted.bins[0] * phases, audio.span.frames))
        phases, before = unit(now - momentum / (1 + momentum) * before), now
    plain = Audio.of(signal_of(wanted.bins[0] * phases, audio.span.frames), RATE)
    assert convergence(ours, wanted) == pytest.approx(convergence(plain, wanted), abs=0.1)


def test_momentum_gets_closer():
    wanted = magnitude_of(Audio.of(song(1, 1), RATE))
    plain, fast = (convergence(rebuild(wanted, momentum=momentum), wanted) for momentum in (0.0, 0.99))
    assert fast < plain - 1 < convergence(rebuild(wanted, iterations=0), wanted) - 5


def test_given_phases_are_begun_with_and_true_ones_give_the_sound_back():
    audio = Audio.of(song(1), RATE)
    bins = stft(audio, StftSettings(N_FFT, HOP))
    back = rebuild(magnitude_of(audio), Phase(np.angle(bins.bins), audio.span, bins.stft), iterations=0)
    assert np.abs(back.samples - audio.samples).max() < 1e-5


def test_random_phases_are_repeatable_and_change_with_the_seed():
    wanted = magnitude_of(Audio.of(song(0.5, 1), RATE))
    first, again, other = (rebuild(wanted, iterations=2, seed=seed).samples for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_equal_channels_stay_equal():
    left = song(0.5, 1)
    rebuilt = rebuild(magnitude_of(Audio.of(np.concatenate([left, left]), RATE)), iterations=3)
    assert np.array_equal(rebuilt.samples[0], rebuilt.samples[1])


def test_larger_magnitudes_than_the_context_allows_are_refused_in_words():
    wanted = magnitude_of(Audio.of(song(0.5, 1), RATE), StftSettings(4096, 1024))
    with pytest.raises(NodeError, match="set n_fft to 4096 or more"):
        rebuild(wanted)


def test_phases_of_other_sound_are_refused_in_words():
    long, short = Audio.of(song(0.5, 1), RATE), Audio.of(song(0.4, 1), RATE)
    with pytest.raises(NodeError, match="different stretches"):
        rebuild(magnitude_of(long), Phase(magnitude_of(short).bins, short.span, StftSettings(N_FFT, HOP)))


@pytest.mark.parametrize("iterations", [1, 5])
def test_misi_has_the_samples_of_the_plain_algorithm(iterations):
    truth = [song(1, 1, seed)[0, : 150 * HOP].astype(float) for seed in (1, 2, 3)]
    mixture = sum(truth)
    wanted = [np.abs(spectra(stem)) for stem in truth]
    plain = [signal_of(magnitude * unit(spectra(mixture)), len(mixture)) for magnitude in wanted]
    for _ in range(iterations):
        share = (mixture - sum(plain)) / 3
        plain = [
            signal_of(magnitude * unit(spectra(stem + share)), len(mixture))
            for magnitude, stem in zip(wanted, plain, strict=True)
        ]
    share = (mixture - sum(plain)) / 3
    made = refine(Audio.of(mixture, RATE), stems_of(*truth), start="mixture", iterations=iterations)
    for stem, expected in zip(made.audio.values(), plain, strict=True):
        assert si_sdr(stem.samples, expected + share) > 90


def test_misi_gets_closer_to_the_truth_with_every_few_rounds():
    truth = stems_of(song(1, 2, 1), song(1, 2, 2))
    mixture = Audio.of(sum(stem.samples for stem in truth.audio.values()), RATE)
    figures = [
        si_sdr(refine(mixture, truth, start="mixture", iterations=count)["stem 0"].samples, truth["stem 0"].samples)
        for count in (1, 5, 20)
    ]
    assert figures[0] + 3 < figures[1] and figures[1] + 3 < figures[2]


def test_misi_leaves_true_stems_alone():
    truth = stems_of(song(1, 2, 1), song(1, 2, 2))
    mixture = Audio.of(sum(stem.samples for stem in truth.audio.values()), RATE)
    assert si_sdr(refine(mixture, truth, iterations=10)["stem 1"].samples, truth["stem 1"].samples) > 100


def test_misi_warns_of_a_set_that_may_lack_a_stem():
    audio = Audio.of(song(0.2), RATE)
    run = FakeRun(audio.span)
    misi(audio, Stems({"one": audio}), **SIZES, run=run)
    assert "whole mixture" in run.warnings[0]


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_misi_stems_add_up_to_the_mixture(channels):
    stems = stems_of(song(0.5, channels, 1), 0.5 * song(0.5, channels, 2))
    mixture = Audio.of(song(0.5, channels, 3), RATE)
    made = refine(mixture, stems)
    rest = mixture.samples - sum(stem.samples for stem in made.audio.values())
    assert np.abs(rest).max() <= 1e-6 * max(np.abs(a.samples).max() for a in (mixture, *made.audio.values()))
    assert made.complete


@settings(max_examples=20)
@given(length=st.integers(1, 2 * N_FFT), channels=st.sampled_from([1, 2]))
def test_short_sounds_keep_their_length(length, channels):
    audio = Audio.of(song(0.1, channels)[:, :length], RATE)
    assert rebuild(magnitude_of(audio), iterations=3).span == audio.span
    made = refine(audio, stems_of(audio.samples, audio.samples))
    assert np.abs(audio.samples - sum(stem.samples for stem in made.audio.values())).max() < 1e-6


def test_silence_stays_silence():
    silent = Audio.of(np.zeros((2, 9000)), RATE)
    assert not rebuild(magnitude_of(silent)).samples.any()
    assert not any(stem.samples.any() for stem in refine(silent, stems_of(silent.samples)).audio.values())


@pytest.mark.parametrize(("start", "stop"), [(0, 20_000), (20_000, 54_321), (54_321, 4 * RATE)])
def test_tiles_have_the_very_samples_of_the_whole_song(start, stop):
    audio, iterations = Audio.of(song(4), RATE), 10
    stems = stems_of(0.7 * audio.samples, song(4, 2, 2))
    inner, reach = Span(start, stop, audio.span.total, RATE), (iterations + 2) * N_FFT
    wide = Span(max(0, start - reach), min(audio.span.stop, stop + reach), audio.span.total, RATE)
    wanted = magnitude_of(audio)
    part = rebuild(wanted.crop(wide), iterations=iterations).crop(inner)
    assert np.array_equal(part.samples, rebuild(wanted, iterations=iterations).crop(inner).samples)
    refined = refine(audio.crop(wide), stems.crop(wide), iterations=iterations).crop(inner)
    whole = refine(audio, stems, iterations=iterations).crop(inner)
    assert all(np.array_equal(refined[name].samples, whole[name].samples) for name in whole)


def test_threads_change_no_sample():
    audio = Audio.of(song(3), RATE)
    stems = stems_of(0.7 * audio.samples, song(3, 2, 2))
    one, three = (rebuild(magnitude_of(audio), iterations=4, threads=threads) for threads in (1, 3))
    assert np.array_equal(one.samples, three.samples)
    alone, many = (refine(audio, stems, threads=threads) for threads in (1, 3))
    assert np.array_equal(alone["stem 1"].samples, many["stem 1"].samples)


def test_both_are_cancelled_part_way():
    audio = Audio.of(song(1), RATE)
    for call in (
        lambda run: griffin_lim(magnitude_of(audio), n_fft=N_FFT, run=run),
        lambda run: misi(audio, stems_of(audio.samples), **SIZES, run=run),
    ):
        run = FakeRun(audio.span, cancel_at=0.4)
        with pytest.raises(Cancelled):
            call(run)
        assert 0.4 <= run.seen[-1] < 0.8
