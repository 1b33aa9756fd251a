import numpy as np
import pytest
from songs import FOLDERS, on_songs, si_sdr, true_stems

from midistems_graph.audio.stft import Stft, stft
from midistems_graph.node import Audio, Mask, NodeError, Span, Stems, StftSettings
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.artefact.bleed import bleed, leakage
from midistems_nodes.artefact.gate import gate, noise_floor
from midistems_nodes.artefact.high_band import high_band
from midistems_nodes.artefact.musical_noise import musical_noise
from midistems_nodes.artefact.observe import observe
from midistems_nodes.artefact.template import artefact_spectrum, template
from midistems_nodes.artefact.transients import transients
from midistems_nodes.mask.smooth import smooth

RATE = 16000
TIME = np.arange(2 * RATE) / RATE
SIZES = {"n_fft": 512, "hop": 128}
INNER = np.s_[:, 2000:-2000]


def audio(samples):
    return Audio.of(samples, RATE)


def noise(seed, level=0.1, channels=1):
    return audio(level * np.random.default_rng(seed).standard_normal((channels, len(TIME))))


def tone(frequency, level=0.3):
    return audio(level * np.sin(2 * np.pi * frequency * TIME))


def energy(samples):
    return float(np.sum(samples.astype(float) ** 2))


def test_observation_adding_is_the_sum_and_keeps_pauses():
    turns = audio(tone(440).samples * (TIME < 1))
    mixture = audio(turns.samples + noise(1, 0.05).samples)
    made = observe(turns, mixture, amount=-20.0, gate=-20.0, run=FakeRun())
    there, pause = np.s_[:, 1000 : RATE - 2000], np.s_[:, RATE + 2000 :]
    assert np.abs(made.samples - turns.samples - 0.1 * mixture.samples)[there].max() < 1e-6
    assert not made.samples[pause].any()


def test_observation_adding_fills_a_band_only():
    mixture = audio(tone(100).samples + tone(1000).samples + tone(5000).samples)
    made = observe(tone(440), mixture, amount=-20.0, low=300.0, high=3000.0, gate=-80.0, run=FakeRun())
    assert np.abs(made.samples - tone(440).samples - 0.1 * tone(1000).samples)[INNER].max() < 1e-4
    with pytest.raises(NodeError, match="must lie above low"):
        observe(tone(440), tone(440), low=500.0, high=400.0, run=FakeRun())


@on_songs
def test_artefacts_fall_steadily_as_the_mixture_is_added():
    """SAR over all sources rises with every dB, as theory has it, on a torn stem of a real song."""
    mixture, truth = true_stems(next(folder for folder in FOLDERS if folder.name == "wun_so_easy"))
    torn = _hard_masked(mixture, truth)
    figures = []
    for amount in (-60.0, -30.0, -20.0, -14.0, -8.0):
        made = observe(torn, mixture, amount=amount, gate=-80.0, run=FakeRun())
        sources = np.stack([stem.samples.reshape(-1) for stem in truth.audio.values()]).astype(float)
        guess = made.samples.reshape(-1).astype(float)
        explained = np.linalg.solve(sources @ sources.T, sources @ guess) @ sources
        figures.append(10 * np.log10(energy(explained) / energy(guess - explained)))
    assert figures == sorted(figures) and figures[-1] > figures[0] + 1


def test_a_whistle_is_subtracted_and_the_rest_stays():
    voice, whistle = audio(0.3 * np.sin(2 * np.pi * (500 + 200 * np.sin(3 * TIME)) * TIME)), tone(3000, 0.05)
    dirty = audio(voice.samples + whistle.samples)
    knobs = {"n_fft": 1024, "hop": 256}
    model = artefact_spectrum(Tiles(dirty, 5000), Tiles(whistle, 5000), **knobs, run=FakeRun())
    made = template(dirty, whistle, model, amount=1.5, floor=-60.0, **knobs, run=FakeRun())
    assert si_sdr(audio(made.samples[INNER]), audio(voice.samples[INNER])) > si_sdr(dirty, voice) + 20
    kept = template(voice, whistle, artefact_spectrum(Tiles(voice), Tiles(audio(0 * TIME)), **knobs, run=FakeRun()),
                    **knobs, run=FakeRun())  # fmt: skip
    assert np.abs(kept.samples - voice.samples).max() < 1e-5


def test_a_gate_lowers_pauses_by_what_it_says():
    burst = tone(1000).samples * (TIME % 0.5 < 0.25)
    hiss = noise(2, 0.001).samples
    knobs = {**SIZES}
    model = noise_floor(Tiles(audio(burst + hiss), 3001), **knobs, run=FakeRun())
    made = gate(audio(burst + hiss), model, threshold=20.0, reduction=30.0, **knobs, run=FakeRun()).samples
    place = TIME[None] % 0.5
    pause, sound = (place > 0.35) & (place < 0.45), (place > 0.08) & (place < 0.2)
    assert 10 * np.log10(energy(made[pause]) / energy(hiss[pause])) == pytest.approx(-30, abs=1)
    assert np.abs(made[sound] - burst[sound]).max() < 0.01


def test_a_floor_is_as_loud_as_the_sound_is():
    loud, soft = (noise_floor(Tiles(noise(2, level)), **SIZES, run=FakeRun()).arrays["floor"] for level in (0.8, 0.1))
    assert np.allclose(loud, 8 * soft, rtol=1e-3)


def test_specks_and_holes_of_a_mask_go_and_its_edges_stay():
    settings = StftSettings(512, 128)
    span = Span.whole(len(TIME), RATE)
    factors = np.zeros((1, len(span.stft_frames(128)), 257), np.float32)
    factors[:, 100:] = 1
    clean = factors.copy()
    factors[0, 50, 10] = 1
    factors[0, 180, 10] = 0
    made = smooth(Mask(factors, span, settings), time=0.04, run=FakeRun())
    assert np.array_equal(made.bins, clean)


def test_musical_noise_is_smoothed_towards_the_truth():
    voice = audio(0.3 * np.sin(2 * np.pi * (500 + 100 * np.sin(3 * TIME)) * TIME))
    mixture = audio(voice.samples + noise(3, 0.05).samples)
    transform = Stft(StftSettings(**SIZES), mixture.span)
    bins, own = transform.forward(mixture.samples), np.abs(transform.forward(voice.samples))
    mask = (own > 0.3 * np.abs(bins)).astype(np.float32)
    mask = np.abs(mask - (np.random.default_rng(0).random(mask.shape) < 0.1))  # a tenth of the bins flicker
    torn = audio(transform.inverse(bins * mask.astype(np.float32)))
    made = musical_noise(torn, mixture, frames=5, **SIZES, run=FakeRun())
    assert si_sdr(made, voice) > si_sdr(torn, voice) + 3


def test_treble_comes_back_with_the_stems_share():
    mixture = noise(4)
    half = audio(0.5 * mixture.samples)
    transform = Stft(StftSettings(**SIZES), mixture.span)
    bins = transform.forward(half.samples)
    bins[:, :, 128:] = 0  # nothing above 4 kHz
    dull = audio(transform.inverse(bins))
    made = high_band(dull, mixture, cutoff=4000.0, judged=2000.0, **SIZES, run=FakeRun())
    assert si_sdr(dull, half) < 5
    assert si_sdr(made, half) > 25
    assert high_band(half, mixture, cutoff=9000.0, **SIZES, run=FakeRun()) is half


def test_attacks_come_from_the_sharp_one():
    hits = np.zeros((1, len(TIME)), np.float32)
    for place in (8000, 20000):
        hits[0, place : place + 400] = np.random.default_rng(place).standard_normal(400) * np.linspace(1, 0, 400)
    smooth_, sharp = audio(0 * TIME), audio(np.ones((1, len(TIME))))
    mixture = audio(hits + noise(5, 0.01).samples)
    made = transients(smooth_, sharp, mixture, rise=6.0, hold=0.05, run=FakeRun()).samples[0]
    assert made[8040] > 0.9 and made[20040] > 0.9
    assert not made[:7500].any() and not made[9500:19500].any() and not made[21500:].any()
    assert np.all(np.diff(made[8200:9000]) <= 1e-6)


def test_bleed_goes_back_to_where_it_came_from():
    """Two sources that take turns, each heard in the other's stem at a tenth."""
    turn = np.sin(2 * np.pi * 1.5 * TIME) > 0
    a, b = noise(6).samples * turn, noise(7).samples * ~turn
    stems = Stems({"a": audio(a + 0.1 * b), "b": audio(0.9 * b)}, complete=True)
    model = leakage(Tiles(stems, 3001), **SIZES, run=FakeRun())
    assert np.median(model.arrays["leakage"][0, 1]) == pytest.approx(0.1 / 0.9, rel=0.1)
    made = bleed(stems, model, amount=1.2, floor=-40.0, **SIZES, run=FakeRun())
    assert si_sdr(made["a"], audio(a)) > si_sdr(stems["a"], audio(a)) + 8
    assert si_sdr(made["b"], audio(b)) > 25
    whole = [sum(one.samples for one in some.audio.values()) for some in (stems, made)]
    assert np.abs(whole[0] - whole[1]).max() < 1e-5


@on_songs
@pytest.mark.parametrize("name", ["synth_60srock", "synth_poprock"])
def test_bleed_of_a_song_is_reduced(name):
    mixture, truth = true_stems(next(folder for folder in FOLDERS if folder.name == name))
    dirty = {n: a.with_samples(0.9 * a.samples + 0.1 * mixture.samples) for n, a in truth.audio.items()}
    stems = truth.map(dirty)
    made = bleed(stems, leakage(Tiles(stems), run=FakeRun()), run=FakeRun())
    gains = [si_sdr(made[n], truth[n]) - si_sdr(stems[n], truth[n]) for n in truth]
    assert np.mean(gains) > 0.3


def _hard_masked(mixture, truth):
    transform = Stft(StftSettings(2048, 512), mixture.span)
    bins = transform.forward(mixture.samples)
    voice, rest = (np.abs(stft(a, StftSettings(2048, 512)).bins) for a in (truth["vocals"], truth["accompaniment"]))
    return mixture.with_samples(transform.inverse(bins * (voice > rest)))
