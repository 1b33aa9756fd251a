import numpy as np
import pytest
from songs import FOLDERS, on_songs, ratio_masked, sdr, sizes, true_stems
from test_phase import HOP, N_FFT, RATE, SIZES, si_sdr, signal_of, song, spectra, stems_of, unit

from midistems_graph.audio.stft import stft
from midistems_graph.node import Audio, NodeError, Span, Stems, StftSettings
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.phase.convergence import convergence
from midistems_nodes.phase.misi import misi
from midistems_nodes.phase.partial import follow_peaks, partial, peaks
from midistems_nodes.phase.recover import recover
from midistems_nodes.phase.transfer import transfer

METHODS = ["mix_incons_hard_mag", "mix_incons", "mag_incons_hard_mix"]


def plain(mixture, truth, method, weight, rounds):
    """The formulas of the paper on plain spectra."""
    whole = spectra(mixture)
    wanted = [np.abs(spectra(stem)) for stem in truth]
    total = sum(wanted) + 1e-18
    bins = [magnitude * unit(whole) for magnitude in wanted]
    for _ in range(rounds):
        consistent = [spectra(signal_of(one, len(mixture))) for one in bins]
        lack = whole - sum(bins)
        shares = [magnitude / total for magnitude in wanted]
        if method == "mag_incons_hard_mix":
            now = [(a * unit(z) + weight * g) / (1 + weight) for a, z, g in zip(wanted, bins, consistent, strict=True)]
            rest = whole - sum(now)
            bins = [one + rest / len(now) for one in now]
        else:
            three = zip(bins, consistent, shares, strict=True)
            bins = [(z + w * lack + weight * w * g) / (1 + weight * w) for z, g, w in three]
            if method == "mix_incons_hard_mag":
                bins = [a * unit(one) for a, one in zip(wanted, bins, strict=True)]
    made = [signal_of(one, len(mixture)) for one in bins]
    rest = mixture - sum(made)
    return [one + rest / len(made) for one in made]


@pytest.mark.parametrize("method", METHODS)
def test_recovery_has_the_samples_of_the_papers_formulas(method):
    truth = [song(1, 1, seed)[0, : 150 * HOP].astype(float) for seed in (1, 2, 3)]
    mixture = sum(truth)
    made = recover(
        Audio.of(mixture, RATE), stems_of(*truth), method=method, consistency=3.0, iterations=4, magnitudes="stems",
        **SIZES, run=FakeRun(),
    )  # fmt: skip
    for stem, expected in zip(made.audio.values(), plain(mixture, truth, method, 3.0, 4), strict=True):
        assert si_sdr(stem.samples, expected) > 80


@pytest.mark.parametrize("method", METHODS)
def test_stems_add_up_and_keep_their_names(method):
    stems = stems_of(song(0.5, 2, 1), song(0.5, 2, 2))
    mixture = Audio.of(song(0.5, 2, 3), RATE)
    made = recover(mixture, stems, method=method, **SIZES, run=FakeRun())
    rest = mixture.samples - sum(stem.samples for stem in made.audio.values())
    assert list(made) == list(stems) and made.complete
    assert np.abs(rest).max() <= 1e-6 * np.abs(mixture.samples).max()


def test_shares_are_the_mixtures_magnitude_divided():
    """With no weight on consistency and phases of the mixture, nothing moves: a plain ratio mask is left."""
    truth = stems_of(song(1, 1, 1), song(1, 1, 2))
    mixture = Audio.of(truth["stem 0"].samples + truth["stem 1"].samples, RATE)
    made = recover(mixture, truth, consistency=0.0, iterations=1, power=1.0, **SIZES, run=FakeRun())
    bins, one, other = (
        stft(a, StftSettings(N_FFT, HOP)).bins for a in (mixture, truth["stem 0"], truth["stem 1"])
    )  # fmt: skip
    mask = np.abs(one) / (np.abs(one) + np.abs(other) + 1e-12)
    expected = signal_of(bins[0] * mask[0], mixture.span.frames)
    assert si_sdr(made["stem 0"].samples, expected) > 60


def test_a_set_that_may_lack_a_stem_is_said():
    audio = Audio.of(song(0.2), RATE)
    for node in (recover, partial):
        run = FakeRun(audio.span)
        node(audio, Stems({"one": audio}), **SIZES, run=run)
        assert "whole mixture" in run.warnings[0]


@on_songs
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_five_rounds_gain_on_ratio_masks_of_every_song(folder):
    mixture, truth = true_stems(folder)
    masked = ratio_masked(mixture, truth)
    least = 0.5 if len(truth) == 2 else 0.3
    for node in (recover, partial):
        made = node(mixture, truth, iterations=5, power=1.0, **sizes(mixture.rate), run=FakeRun())
        for name in truth:
            assert sdr(made[name], truth[name]) > sdr(masked[name], truth[name]) + least, (node, name)


@on_songs
@pytest.mark.parametrize("name", ["fof_metal_madness", "mir1k_Ani_1_04", "mir1k_amy_10_04"])
def test_true_magnitudes_give_the_stems_back_by_misi_and_nearly_so_by_its_kin(name):
    mixture, truth = true_stems(next(folder for folder in FOLDERS if folder.name == name), seconds=4)
    knobs = {"iterations": 50, **sizes(mixture.rate), "run": FakeRun()}
    exact = misi(mixture, truth, start="mixture", **knobs)
    near = recover(mixture, truth, magnitudes="stems", consistency=1.0, **knobs)
    assert min(sdr(exact[stem], truth[stem]) for stem in truth) > 35
    assert min(sdr(near[stem], truth[stem]) for stem in truth) > 25


def test_a_locked_tone_has_the_phases_of_a_tone():
    """Phases around the peak of a steady tone come out as they were, though they were lost."""
    tone = np.cos(2 * np.pi * 440.3 * np.arange(RATE // 2) / RATE + 0.7)
    bins = spectra(tone)[4:20].astype(np.complex64)
    magnitude = np.abs(bins)
    found = peaks(magnitude, 1e-2)
    assert found.sum() == len(bins)  # one tone, one peak a frame
    lost = np.where(found, bins, magnitude).astype(np.complex64)
    follow_peaks(lost, magnitude, found)
    beside = found[:, :-2] | found[:, 2:]
    assert np.abs(lost - bins)[:, 1:-1][beside].max() < 0.02 * magnitude.max()
    assert np.abs(magnitude - bins)[:, 1:-1][beside].max() > 0.5 * magnitude.max()


def test_more_rounds_come_closer():
    truth = stems_of(song(1, 2, 1), song(1, 2, 2))
    mixture = Audio.of(sum(stem.samples for stem in truth.audio.values()), RATE)
    figures = [
        si_sdr(partial(mixture, truth, iterations=n, magnitudes="stems", **SIZES, run=FakeRun())["stem 0"].samples,
               truth["stem 0"].samples) for n in (1, 10)
    ]  # fmt: skip
    assert figures[0] + 3 < figures[1]


def test_tiles_have_the_samples_of_the_whole_song():
    audio, stems = Audio.of(song(4), RATE), stems_of(song(4, 2, 1), song(4, 2, 2))
    inner = Span(30_000, 70_000, audio.span.total, RATE)
    for node, reach in ((recover, 7 * N_FFT), (partial, 12 * N_FFT)):
        wide = Span(30_000 - reach, 70_000 + reach, audio.span.total, RATE)
        part = node(audio.crop(wide), stems.crop(wide), **SIZES, run=FakeRun())
        whole = node(audio, stems, **SIZES, run=FakeRun())
        assert np.abs(part.crop(inner)["stem 0"].samples - whole.crop(inner)["stem 0"].samples).max() < 1e-5


def test_convergence_is_the_curve_of_the_node_itself():
    truth = stems_of(song(1, 2, 1), song(1, 2, 2))
    mixture = Audio.of(sum(stem.samples for stem in truth.audio.values()), RATE)
    found = convergence(
        Tiles(mixture, 10_001), Tiles(truth, 10_001), Tiles(truth, 10_001), iterations=3, magnitudes="stems", **SIZES,
        run=FakeRun(),
    )  # fmt: skip
    curve = [row["sdr"] for row in found.curve.rows.values()]
    made = recover(mixture, truth, iterations=3, magnitudes="stems", **SIZES, run=FakeRun())
    assert curve[3] == pytest.approx(np.mean([sdr(made[name], truth[name]) for name in truth]), abs=1e-3)
    assert curve == sorted(curve) and found.best.value == 3
    assert found.curve.rows["3"]["magnitude_error"] < found.curve.rows["0"]["magnitude_error"] - 3


def test_convergence_says_where_the_score_turns():
    """Magnitudes that are those of other stems than the true ones cannot gain for long."""
    stems, others = stems_of(song(1, 1, 1), song(1, 1, 2)), stems_of(song(1, 1, 5), song(1, 1, 6))
    mixture = Audio.of(song(1, 1, 1) + song(1, 1, 2), RATE)
    found = convergence(Tiles(mixture), Tiles(others), Tiles(stems), iterations=6, magnitudes="stems", **SIZES,
                        run=FakeRun())  # fmt: skip
    curve = [row["si_sdr"] for row in found.curve.rows.values()]
    best = int(found.best.value)
    assert best == 6 or curve[best + 1] <= curve[best]


def test_phases_go_over_from_low_to_high():
    audio, donor = (Audio.of(song(1, 1, seed), RATE) for seed in (1, 2))
    made = transfer(audio, donor, low=500.0, high=500.0, **SIZES, run=FakeRun())
    settings = StftSettings(N_FFT, HOP)
    bins, own, other = (stft(a, settings).bins[0, 5:-5] for a in (made, audio, donor))
    border = int(500 * N_FFT / RATE)
    assert np.abs(bins - own)[:, : border - 3].max() < 1e-2 * np.abs(own).max()
    assert _agreement(bins[:, border + 3 :], other[:, border + 3 :]) > 0.85
    assert _agreement(own[:, border + 3 :], other[:, border + 3 :]) < 0.3


def test_its_own_phases_or_no_amount_change_nothing():
    audio, donor = (Audio.of(song(0.3, 2, seed), RATE) for seed in (1, 2))
    silent = audio.with_samples(0 * audio.samples)
    for made in (
        transfer(audio, audio, **SIZES, run=FakeRun()),
        transfer(audio, donor, amount=0.0, **SIZES, run=FakeRun()),
        transfer(audio, silent, **SIZES, run=FakeRun()),
    ):
        assert np.abs(made.samples - audio.samples).max() < 1e-5
    with pytest.raises(NodeError, match="high"):
        transfer(audio, donor, low=2000.0, high=100.0, **SIZES, run=FakeRun())


def _agreement(a, b):
    """The mean cosine of phase differences, weighted by magnitude."""
    return np.sum(np.abs(a) * np.cos(np.angle(a) - np.angle(b))) / np.sum(np.abs(a))
