"""Presets of networks do with stand-ins what their systems are said to do, in numpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from preset_runs import run_preset
from scipy import signal
from stand_ins import DEMUCS

from midistems_graph.models.library import ModelLibrary
from midistems_graph.models.runner import Level, Recent, Runner, Settings
from midistems_graph.node import Audio
from midistems_graph.node.testing import FakeRun

RATE = 44100


@pytest.fixture(scope="module")
def song(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of the demo."""
    sound, rate = soundfile.read(demo / "mixture.wav", dtype="float32")
    path = tmp_path_factory.mktemp("short") / "song.wav"
    soundfile.write(path, sound[5 * rate : 11 * rate], rate, subtype="FLOAT")
    return path


def separator(name: str, overlap: float = 0.0) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """A model of the library, run by itself on sound [samples, channels]."""

    def separate(sound: np.ndarray) -> dict[str, np.ndarray]:
        audio = Audio.of(np.ascontiguousarray(sound.T), RATE)
        mono = sound.mean(axis=1, dtype=np.float64)
        level = Level(float(mono.mean()), float(mono.std(ddof=1)) + 1e-8)
        runner = Runner(ModelLibrary.default().find(name), Settings(overlap=overlap), recent=Recent())
        stems = runner.separate(audio, run=FakeRun(audio.span), level=level if runner.needs_level else None)
        return {stem: made.samples.T for stem, made in stems.audio.items()}

    return separate


def both_ways(separate: Callable[[np.ndarray], dict[str, np.ndarray]], x: np.ndarray) -> dict[str, np.ndarray]:
    """0.5 D(x) - 0.5 D(-x)."""
    upright, turned = separate(x), separate(-x)
    return {stem: 0.5 * upright[stem] - 0.5 * turned[stem] for stem in upright}


def test_mvsep_mdx23_is_its_published_arithmetic(song: Path, tmp_path: Path) -> None:
    x = soundfile.read(song, dtype="float32")[0]
    v1 = separator("kim-vocal-1")(x)["vocals"]
    v2 = x + separator("kim-inst")(-x)["instrumental"]
    vd = both_ways(separator("htdemucs-ft", 2.5), x)["vocals"]
    vocals = (12 * v1 + 8 * v2 + 3 * vd) / 23
    rest = x - vocals
    sets = [
        both_ways(separator(name, overlap), rest)
        for name, overlap in (("htdemucs-ft", 2.0), ("htdemucs", 2.5), ("htdemucs-6s", 2.5), ("hdemucs-mmi", 2.5))
    ]
    sets[2]["other"] = sets[2]["other"] + sets[2]["guitar"] + sets[2]["piano"]
    weights = {"drums": (18, 2, 4, 9), "bass": (19, 4, 5, 8), "other": (14, 2, 5, 10)}
    d, b, o = (
        sum(weight * stems[name] for weight, stems in zip(given, sets, strict=True)) / sum(given)
        for name, given in weights.items()
    )
    other = (2 * (x - vocals - d - b) + o) / 3
    drums = ((x - vocals - b - o) + 2 * d) / 3
    bass = ((x - vocals - d - o) + 2 * b) / 3
    expected = {
        "vocals": vocals,
        "other": x - vocals - bass - drums,
        "drums": x - vocals - bass - other,
        "bass": x - vocals - drums - other,
    }
    made = run_preset("mvsep_mdx23", song, tmp_path)
    for stem, samples in expected.items():
        np.testing.assert_allclose(made.stems["save", stem], samples, atol=3e-6, err_msg=stem)


def test_an_mdx_ensemble_is_the_mean_of_three_voices(song: Path, tmp_path: Path) -> None:
    x = soundfile.read(song, dtype="float32")[0]
    voices = [separator(name)(x)["vocals"] for name in ("uvr-mdx-voc-ft", "kim-vocal-2", "uvr-mdx-inst-hq-3")]
    made = run_preset("mdx_ensemble", song, tmp_path)
    np.testing.assert_allclose(made.stems["save", "vocals"], sum(voices) / 3, atol=1e-6)


def test_wiener_filtering_shares_the_song_by_power(song: Path, tmp_path: Path) -> None:
    x = soundfile.read(song, dtype="float32")[0]
    powers = {stem: gain**2 for stem, gain in DEMUCS["htdemucs"].items()}
    made = run_preset("unmix_wiener", song, tmp_path)
    for stem, power in powers.items():
        expected = power / sum(powers.values()) * x
        assert np.linalg.norm(made.stems["save", stem] - expected) < 0.03 * np.linalg.norm(expected)


def test_a_complex_mask_turns_phases(song: Path, tmp_path: Path) -> None:
    """The stand-in's mask is 0.6 + 0.2 i in every bin: vocals = 0.6 x + 0.2 H(x), H turning phases by 90 degrees."""
    x = soundfile.read(song, dtype="float32")[0]
    made = run_preset("roformer_vocals", song, tmp_path).stems["save", "vocals"]
    spectrum = np.fft.rfft(x, axis=0)
    ratio = np.vdot(spectrum, np.fft.rfft(made, axis=0)) / np.vdot(spectrum, spectrum)
    assert ratio == pytest.approx(0.6 + 0.2j, abs=5e-3)


def test_a_consistent_flow_comes_near_its_goal_and_adds_up(song: Path, tmp_path: Path) -> None:
    """Four steps of Heun's with the pull 4: of the way and the noise the share (1 - 1 + 1 / 2)^4 is left."""
    x = soundfile.read(song, dtype="float32")[0]
    run = run_preset("flow_consistent", song, tmp_path)
    made = run.stems
    np.testing.assert_allclose(made["save", "vocals"] + made["save", "instrumental"], x, atol=1e-6)
    left = 0.5**4
    noise = made["save", "vocals"] - (0.25 + 0.25 * left) * x
    assert noise.std() == pytest.approx(left * 0.1 * np.sqrt(0.5), rel=0.05)
    curve = {score.row: score.value for score in run.result.scores if score.name == "rest"}
    assert list(curve) == ["0", "1", "2", "3", "4"] and max(curve.values()) < -120


def test_refining_by_diffusion_changes_the_voice_below_seven_kilohertz_alone(song: Path, tmp_path: Path) -> None:
    x = soundfile.read(song, dtype="float32")[0]
    first = separator("spleeter-2stems")(x)["vocals"]
    made = run_preset("diffusion_refine", song, tmp_path).stems["save", "vocals"]
    hertz, change = signal.welch((made - first)[:, 0], RATE, nperseg=4096)
    voice = signal.welch(first[:, 0], RATE, nperseg=4096)[1]
    low, high = (hertz > 200) & (hertz < 6000), hertz > 8500
    assert change[low].sum() > 0.01 * voice[low].sum()
    assert change[high].sum() < 1e-4 * voice[high].sum()


def parts_of(name: str, song: Path, folder: Path) -> tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]:
    """The song, and what a preset makes of it."""
    return soundfile.read(song, dtype="float32")[0], dict(run_preset(name, song, folder).stems)


@pytest.mark.parametrize("name", ["shared_encoder", "two_flows", "bridge"])
def test_a_quarter_and_the_rest_come_out_of_a_chain_as_they_should(name: str, song: Path, tmp_path: Path) -> None:
    """The encoder doubles; one decoder gives an eighth of that and the other a quarter, what they leave is shared by
    power; of two flows the first comes to the song, and the second, which is told that, gives half of it to the vocals
    and what this leaves of the latents to the rest; a bridge ends where it is told."""
    x, made = parts_of(name, song, tmp_path)
    vocals = 0.25 + 0.25 * 0.25**2 / (0.25**2 + 0.5**2) if name == "shared_encoder" else 0.25
    np.testing.assert_allclose(made["save", "vocals"], vocals * x, atol=2e-4)
    np.testing.assert_allclose(made["save", "vocals"] + made["save", "instrumental"], x, atol=1e-6)


def test_a_network_of_phases_turns_the_voice_at_whatever_rate_the_song_has(song: Path, tmp_path: Path) -> None:
    """The stand-in says a quarter turn: the voice is that of Spleeter's mask at 44.1 kHz, turned by 90 degrees."""
    x = soundfile.read(song, dtype="float32")[0]
    soundfile.write(tmp_path / "other.wav", soxr.resample(x, RATE, 48000), 48000, subtype="FLOAT")
    _, made = parts_of("phase_classes", tmp_path / "other.wav", tmp_path)
    first = np.fft.rfft(soxr.resample(separator("spleeter-2stems")(x)["vocals"], RATE, 48000), axis=0)
    ratio = np.vdot(first, np.fft.rfft(made["save", "vocals"], axis=0)) / np.vdot(first, first)
    assert ratio == pytest.approx(1j, abs=0.05)


def test_all_levels_of_a_tree_come_out_of_one_pass(song: Path, tmp_path: Path) -> None:
    x, made = parts_of("instrument_tree", song, tmp_path)
    below = [made["save", f"other/{name}"] for name in ("guitar", "piano", "keys")]
    np.testing.assert_allclose(sum(below), made["save", "other"], atol=1e-6)
    guitar, piano = below[:2]
    assert np.vdot(guitar, x) > 2 * np.vdot(piano, x) > 0  # 0.15 and 0.05 of the song, and what is shared


def test_the_waveform_network_hears_the_voice_of_the_first_one(song: Path, tmp_path: Path) -> None:
    x, made = parts_of("coarse_to_fine", song, tmp_path)
    fine = separator("htdemucs")(separator("spleeter-2stems")(x)["vocals"])["vocals"]
    np.testing.assert_allclose(made["save", "vocals"], fine, atol=1e-5)


def test_each_network_of_a_chain_hears_what_the_one_before_found(song: Path, tmp_path: Path) -> None:
    x, made = parts_of("vocal_chain_networks", song, tmp_path)
    voices = separator("kim-vocal-2")(x)["vocals"]
    lead = separator("uvr-mdx-karaoke")(voices)["lead_vocals"]
    near = lead - separator("reverb-hq-foxjoy")(lead)["reverb"]
    found = {name: made["save", f"vocals/{name}"] for name in ("lead_vocals", "backing_vocals")}
    np.testing.assert_allclose(found["lead_vocals"], lead, atol=1e-5)
    np.testing.assert_allclose(found["backing_vocals"], voices - lead, atol=1e-5)
    dry, reverb = (made["save", f"vocals/lead_vocals/{name}"] for name in ("dry", "reverb"))
    np.testing.assert_allclose(dry + reverb, lead, atol=1e-5)
    assert np.vdot(dry, near) > 0.9 * np.linalg.norm(dry) * np.linalg.norm(near)  # the demo's loops pass for an echo


def test_a_network_for_the_kit_parts_the_drums(song: Path, tmp_path: Path) -> None:
    """By the shares of the stand-in; what they lack of the drums makes the strong ones stronger still."""
    _, made = parts_of("drum_kit_networks", song, tmp_path)
    parts, drums = {name: made["save", f"drums/{name}"] for name in DEMUCS["drum-kit"]}, made["save", "drums"]
    np.testing.assert_allclose(sum(parts.values()), drums, atol=1e-6)
    shares = DEMUCS["drum-kit"]
    found = {name: float(np.vdot(part, drums) / np.vdot(drums, drums)) for name, part in parts.items()}
    assert sorted(found, key=found.__getitem__) == sorted(shares, key=shares.__getitem__)
    assert found["kick"] > 0.2 and found["hats"] > 0.05
