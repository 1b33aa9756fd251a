"""Interference and artefacts, bleed and fullness, silence, masking, and the measures of other packages."""

import importlib.util
import math
import sys
import types

import numpy as np
import pytest
from log_wmse_audio_quality import calculate_log_wmse
from songs import song_of_the_demo

from midistems_graph.node import Audio, NodeError, Stems
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.measure.bands import mel_filters
from midistems_nodes.measure.bleedless import bleedless
from midistems_nodes.measure.everything import everything
from midistems_nodes.measure.libraries import bss_eval, log_wmse, museval_metrics
from midistems_nodes.measure.masking import masking
from midistems_nodes.measure.projections import projections
from midistems_nodes.measure.silence import silence
from midistems_nodes.measure.speech import pesq, stoi

RATE = 16000
TIME = np.arange(2 * RATE) / RATE


def tone(frequency, level=1.0):
    return level * np.sin(2 * np.pi * frequency * TIME)[None].astype(np.float32)


def noise(seed, level=0.1, channels=1):
    return level * np.random.default_rng(seed).standard_normal((channels, len(TIME))).astype(np.float32)


def stems(tile=7001, **arrays):
    return Tiles(Stems({name: Audio.of(samples, RATE) for name, samples in arrays.items()}), tile)


def tiles(samples, tile=7001):
    return Tiles(Audio.of(samples, RATE), tile)


def test_interference_and_artefacts_are_told_apart():
    """Orthogonal tones: 0.1 of the other source is -20 dB of bleed, 0.01 of a stranger -40 dB of artefacts."""
    voice, band, stranger = tone(440), tone(1000), tone(3000)
    guess = 0.5 * (voice + 0.1 * band + 0.01 * stranger)
    row = projections(stems(vocals=guess), stems(voice=voice, band=band), run=FakeRun()).rows["voice"]
    assert row["si_sir"] == pytest.approx(20, abs=0.01)
    assert row["si_sar"] == pytest.approx(40, abs=0.05)
    assert row["si_sdr"] == pytest.approx(-10 * math.log10(0.01 + 0.0001), abs=0.01)


def test_projections_are_those_of_plain_least_squares():
    sources = [noise(seed, channels=2) for seed in (1, 2, 3)]
    guess = 0.8 * sources[0] + 0.2 * sources[1] - 0.1 * sources[2] + noise(4, 0.02, 2)
    true = dict(zip(("vocals", "drums", "bass"), sources, strict=True))
    row = projections(stems(vocals=guess), stems(**true), run=FakeRun()).rows["vocals"]
    basis = np.stack([source.reshape(-1) for source in sources], axis=1).astype(float)
    flat = guess.reshape(-1).astype(float)
    explained = basis @ np.linalg.lstsq(basis, flat, rcond=None)[0]
    target = basis[:, 0] * (flat @ basis[:, 0]) / (basis[:, 0] @ basis[:, 0])
    power = np.sum(target**2)
    assert row["si_sir"] == pytest.approx(10 * np.log10(power / np.sum((explained - target) ** 2)), abs=1e-4)
    assert row["si_sar"] == pytest.approx(10 * np.log10(power / np.sum((flat - explained) ** 2)), abs=1e-4)


def test_what_cannot_be_compared_is_said():
    run = FakeRun()
    table = projections(stems(vocals=tone(440)), stems(vocals=tone(440), bass=0 * tone(1)), run=run)
    assert list(table.rows) == ["vocals"] and "no estimate of bass" in run.warnings[0]
    with pytest.raises(NodeError, match="no estimate is called bass"):
        projections(stems(vocals=tone(440)), stems(bass=tone(100)), run=FakeRun())


def test_mel_filters_are_triangles_of_one_area():
    filters = mel_filters(44100, 4096, 128)
    step = 22050 / 2048
    assert filters.shape == (2049, 128)
    assert np.allclose(filters.sum(axis=0)[40:] * step, 1, atol=0.05)  # wide enough to be sampled well
    assert filters[:, 60].argmax() < filters[:, 61].argmax()


def test_bleed_and_loss_are_counted_apart():
    true = noise(1)
    assert [n.value for n in bleedless(tiles(true), tiles(true), run=FakeRun())] == [100, 100]
    louder = bleedless(tiles(true * 10 ** (6 / 20)), tiles(true), run=FakeRun())
    assert louder.bleedless.value == pytest.approx(100 / 7, abs=0.01) and louder.fullness.value == 100
    softer = bleedless(tiles(true * 10 ** (-3 / 20)), tiles(true), run=FakeRun())
    assert softer.fullness.value == pytest.approx(100 / 4, abs=0.01) and softer.bleedless.value == 100


def test_bleedless_is_the_formula_of_the_common_code():
    """The same with whole spectrograms at once: zeros beyond both ends, 80 dB below each one's maximum."""
    true, guess = noise(1, channels=2), 0.5 * noise(1, channels=2) + 0.3 * noise(2, channels=2)
    spectra = []
    for samples in (guess, true):
        padded = np.pad(samples, ((0, 0), (2048, 2048)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, 4096, axis=1)[:, ::1024]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(4096) / 4096)
        mel = np.abs(np.fft.rfft(frames * window)) @ mel_filters(RATE, 4096, 512)
        db = 20 * np.log10(np.maximum(mel, 1e-10))
        spectra.append(np.maximum(db, db.max() - 80))
    difference = spectra[0] - spectra[1]
    found = bleedless(tiles(guess), tiles(true), run=FakeRun())
    assert found.bleedless.value == pytest.approx(100 / (1 + difference[difference > 0].mean()), abs=1e-3)
    assert found.fullness.value == pytest.approx(100 / (1 - difference[difference < 0].mean()), abs=1e-3)


def test_ghosts_are_measured_where_the_reference_is_silent():
    true = tone(440, 0.5) * (TIME < 1)
    guess = true + 0.001 * np.ones_like(true)
    row = silence(stems(vocals=guess), stems(vocals=true), run=FakeRun()).rows["vocals"]
    assert row["in_silence"] == pytest.approx(-60, abs=0.01)
    assert row["below_music"] == pytest.approx(60 + 10 * math.log10(0.125), abs=0.01)
    assert row["silent"] == pytest.approx(0.5)
    assert math.isnan(silence(stems(vocals=tone(1)), stems(vocals=tone(1)), run=FakeRun()).rows["vocals"]["in_silence"])


def test_error_below_the_mask_is_not_heard():
    """Noise 20 dB down: hidden where it lies under the masker's pitch, heard where the masker has nothing."""
    voice = noise(1)
    same_place = masking(tiles(1.1 * voice), tiles(voice), run=FakeRun())
    assert same_place.nmr.value < -10 and same_place.audible.value < 0.01
    elsewhere = masking(tiles(tone(300) + tone(5000, 0.1)), tiles(tone(300)), run=FakeRun())
    assert elsewhere.nmr.value > 20


@pytest.mark.parametrize("down", [10, 20, 40])
def test_the_ratio_follows_the_error_db_by_db(down):
    voice, error = noise(1), noise(2)
    loud = masking(tiles(voice + error), tiles(voice), run=FakeRun()).nmr.value
    soft = masking(tiles(voice + 10 ** (-down / 20) * error), tiles(voice), run=FakeRun()).nmr.value
    assert loud - soft == pytest.approx(down, abs=0.02)


def test_bss_eval_is_that_of_museval():
    museval = museval_metrics()
    true = {"vocals": noise(1, channels=2), "drums": noise(2, channels=2)}
    guess = {"vocals": true["vocals"] + 0.1 * true["drums"], "drums": 0.9 * true["drums"] + noise(3, 0.01, 2)}
    table = bss_eval(stems(**guess), stems(**true), run=FakeRun())
    arrays = [np.stack([part.T for part in some.values()]) for some in (true, guess)]
    sdr, _, sir, *_ = museval.bss_eval(*arrays, window=RATE, hop=RATE)
    assert table.rows["vocals"]["sdr"] == pytest.approx(np.median(sdr[0]), abs=1e-6)
    assert table.rows["drums"]["sir"] == pytest.approx(np.median(sir[1]), abs=1e-6)
    with pytest.raises(NodeError, match="no estimate of drums"):
        bss_eval(stems(vocals=guess["vocals"]), stems(**true), run=FakeRun())


def test_log_wmse_is_that_of_its_package():
    true, guess, whole = noise(1), noise(1) + noise(2, 0.01), noise(1) + noise(3)
    found = log_wmse(tiles(whole), tiles(guess), tiles(true), run=FakeRun())
    assert found.value == pytest.approx(float(calculate_log_wmse(whole, guess, true, RATE)), abs=1e-5)


def test_a_missing_package_is_said_with_its_remedy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "log_wmse_audio_quality", None)
    with pytest.raises(NodeError, match=r'pip install "midistems-graph\[metrics\]"'):
        log_wmse(tiles(noise(1)), tiles(noise(1)), tiles(noise(1)), run=FakeRun())


def test_words_under_noise_are_understood_less():
    voice = np.concatenate([tone(200 + 50 * k)[:, k * 1600 : (k + 1) * 1600] for k in range(20)], axis=1)
    clean, noisy = tiles(voice), tiles(voice + noise(1, 1.0)[:, : voice.shape[1]])
    figures = [stoi(guess, clean, run=FakeRun()).value for guess in (clean, noisy)]
    assert figures[0] == pytest.approx(1, abs=1e-3) and figures[1] < 0.8
    run = FakeRun()
    assert math.isnan(stoi(clean, tiles(0 * voice), run=run).value) and "silent" in run.warnings[0]


class NoUtterancesError(Exception):
    pass


class FakePesq(types.ModuleType):
    """The package's function, so far as its calls are to be seen: it is compiled while it is installed."""

    PesqError = NoUtterancesError

    def __init__(self):
        super().__init__("pesq")
        self.calls = []

    def pesq(self, rate, true, guess, mode):
        self.calls.append((rate, len(true), len(guess), mode))
        if not true.any():
            raise NoUtterancesError
        return 4.5


@pytest.mark.parametrize(("band", "rate", "mode"), [("wide", 16000, "wb"), ("narrow", 8000, "nb")])
def test_pesq_hears_both_sounds_at_its_own_rate(monkeypatch, band, rate, mode):
    library = FakePesq()
    monkeypatch.setitem(sys.modules, "pesq", library)
    voice = noise(1, channels=2)
    assert pesq(tiles(voice), tiles(voice), band=band, run=FakeRun()).value == 4.5
    length = -(-voice.shape[1] * rate // RATE)
    assert library.calls == [(rate, length, length, mode)]
    run = FakeRun()
    assert math.isnan(pesq(tiles(voice), tiles(0 * voice), band=band, run=run).value) and "silent" in run.warnings[0]


@pytest.mark.skipif(importlib.util.find_spec("pesq") is None, reason="pesq is not installed")
def test_pesq_of_a_voice_under_noise_is_lower():
    voice = song_of_the_demo(4)["vocals"].samples
    hiss = np.random.default_rng(0).normal(scale=0.02, size=voice.shape).astype(np.float32)
    clean, noisy = Tiles(Audio.of(voice, 44100)), Tiles(Audio.of(voice + hiss, 44100))
    figures = [pesq(guess, clean, run=FakeRun()).value for guess in (clean, noisy)]
    assert figures[0] == pytest.approx(4.64, abs=0.01) and 1 <= figures[1] < 3


def test_all_measures_are_those_of_their_own_nodes():
    voice, band = noise(1, channels=2), noise(2, channels=2)
    guess = {"vocals": voice + 0.1 * band, "other": 0.9 * band}
    ours, true = stems(**guess), stems(vocals=voice, other=band)
    rows = everything(tiles(voice + band), ours, true, run=FakeRun()).rows
    apart = projections(ours, true, run=FakeRun()).rows["vocals"]
    bss = bss_eval(ours, true, run=FakeRun()).rows["other"]
    assert rows["vocals"]["si_sir"] == apart["si_sir"] and rows["other"]["bss_sar"] == bss["sar"]
    assert rows["vocals"]["bleedless"] == bleedless(tiles(guess["vocals"]), tiles(voice), run=FakeRun()).bleedless.value
    assert "stoi" in rows["vocals"] and "stoi" not in rows["other"] and "all" not in rows


def test_packages_that_are_missing_leave_their_figures_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    run = FakeRun()
    true = stems(vocals=noise(1))
    row = everything(tiles(noise(1)), true, true, run=run).rows["vocals"]
    assert "BSS eval, log-WMSE, STOI left out" in run.warnings[0]
    assert row["si_sdr"] > 100 and "bss_sdr" not in row and "stoi" not in row
