"""Every family on tiny networks whose right answer is known: what comes out is the gain times what went in."""

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.models.contracts import contract_of, contracts
from midistems_graph.models.manifest import Manifest, ManifestError, ModelFile
from midistems_graph.models.runner import Level
from midistems_graph.node import Audio
from midistems_graph.node.testing import FakeRun

RATE = 44100
GAINS = (0.75, 0.25)
STEMS = ("vocals", "rest")

FAMILIES = {
    "mdx": (
        tiny.manifest("mdx", STEMS, files=2, parameters={"n_fft": 4096, "dim_f": 2049, "dim_t": 16, "silent_bins": 0}),
        [tiny.times(["b", 4, 2049, 16], gain) for gain in GAINS],
    ),
    "mdx23c": (
        tiny.manifest("mdx23c", STEMS, parameters={"n_fft": 4096, "dim_f": 2049, "dim_t": 16}),
        [tiny.stacked(["b", 4, 2049, 16], GAINS)],
    ),
    "spleeter": (
        tiny.manifest("spleeter", STEMS, files=2),
        [tiny.times([2, "n", 512, 1024], gain**0.5) for gain in GAINS],
    ),
    "htdemucs-waveform": (
        tiny.manifest("htdemucs-waveform", STEMS, parameters={"samples": 20000}),
        [tiny.stacked([1, 2, 20000], GAINS)],
    ),
    "htdemucs": (
        tiny.manifest("htdemucs", STEMS, parameters={"samples": 20473}),
        [tiny.core(20473, 20, GAINS, 0.0)],
    ),
    "open-unmix": (
        tiny.manifest("open-unmix", STEMS, files=2, parameters={"frames": 41, "wiener": 0}),
        [tiny.times(["b", 2, 2049, 41], gain) for gain in GAINS],
    ),
    "roformer-mask": (
        tiny.manifest("roformer-mask", STEMS, parameters={"frames": 51}),
        [tiny.masks(["b", 2050, 51, 2], GAINS)],
    ),
    "roformer-split": (
        tiny.manifest("roformer-split", STEMS, parameters={"frames": 51}),
        [tiny.split(["b", 2, 1025, 51], GAINS)],
    ),
    "magnitudes": (
        tiny.manifest("magnitudes", STEMS, parameters={"frames": 81}),
        [tiny.masks_of_magnitudes(["b", 2, 513, 81], GAINS)],
    ),
    "waveform": (
        tiny.manifest("waveform", STEMS, parameters={"samples": 22050}),
        [tiny.stacked(["b", 2, 22050], GAINS)],
    ),
}


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    return {name: tiny.stored(folder, manifest, *networks) for name, (manifest, networks) in FAMILIES.items()}


def song(length: int, seed: int = 0) -> Audio:
    """Noise, softer towards the treble: what networks of fewer bins leave out is nothing."""
    return Audio.of(np.random.default_rng(seed).standard_normal((2, length)), RATE)


def test_every_contract_is_tried_here():
    drawn = {name for name, contract in contracts().items() if contract.draws}  # see test_samplers.py
    others = {"latents", "phase-classes"}  # give no stems; see test_latents.py, test_phase_classes.py
    assert set(FAMILIES) == set(contracts()) - drawn - others


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=9)
@given(
    length=st.sampled_from([1, 2, 999, 4097]) | st.integers(1, 40_000),
    overlap=st.sampled_from([0.0, 1.0, 1.5, 4.0]),
    batch=st.sampled_from([1, 3]),
)
def test_known_gains_come_out_at_every_length_overlap_and_batch(models, sessions, family, length, overlap, batch):
    from midistems_graph.models.recent import Recent
    from midistems_graph.models.runner import Runner, Settings

    audio = song(length)
    runner = Runner(models[family], Settings(overlap=overlap, batch=batch), sessions, Recent())
    stems = runner.separate(audio, run=FakeRun(audio.span), level=Level(0.0, 0.31))
    assert tuple(stems) == STEMS
    loudest = np.abs(audio.samples).max()
    for name, gain in zip(STEMS, GAINS, strict=True):
        np.testing.assert_allclose(stems[name].samples, gain * audio.samples, atol=1e-6 * loudest + 1e-12, rtol=0)


def test_a_spectrogram_branch_of_htdemucs_gives_back_what_lies_within_its_frames(tmp_path, runner):
    """The core has no frames beyond 1.5 hops of a segment's ends, nor the highest bin: inside, all comes back."""
    samples = 40 * 1024
    model = tiny.stored(
        tmp_path,
        tiny.manifest("htdemucs", STEMS, parameters={"samples": samples}),
        tiny.core(samples, 40, GAINS, 1.0),
    )
    tone = np.sin(np.arange(samples) * 0.1) * np.array([[0.5], [0.2]])
    audio = Audio.of(tone, RATE)
    stems = runner(model).separate(audio, run=FakeRun(audio.span))
    inner = slice(4096, samples - 4096)
    np.testing.assert_allclose(stems["rest"].samples[:, inner], 0.25 * audio.samples[:, inner], atol=1e-6)


def test_shares_of_spleeter_are_powers_over_their_sum(tmp_path, runner):
    networks = [tiny.times([2, "n", 512, 1024], gain) for gain in (3.0, 1.0)]
    audio = song(30_000)
    for extension, above in (("average", 0.9), ("zeros", 0.0)):
        parameters = {"extension": extension}
        model = tiny.stored(tmp_path, tiny.manifest("spleeter", STEMS, files=2, parameters=parameters), *networks)
        vocals = runner(model).separate(audio, run=FakeRun(audio.span))["vocals"]
        spectrum, of_song = (np.fft.rfft(a.samples[0]) for a in (vocals, audio))
        low, high = slice(0, 7000), slice(8000, 15_000)  # bin 1024 of 4096 is at 7500 of 30,000
        ratio = [np.linalg.norm(spectrum[part]) / np.linalg.norm(of_song[part]) for part in (low, high)]
        np.testing.assert_allclose(ratio, [0.9, above], atol=2e-3)


def test_mdx_is_louder_by_its_compensation_and_the_other_stem_is_the_rest(tmp_path, runner):
    manifest = tiny.manifest(
        "mdx", ["vocals"], residual="instrumental",
        parameters={"n_fft": 4096, "dim_f": 2049, "dim_t": 16, "compensate": 1.5, "silent_bins": 0},
    )  # fmt: skip
    model = tiny.stored(tmp_path, manifest, tiny.times(["b", 4, 2049, 16], 0.5))
    audio = song(50_000)
    stems = runner(model).separate(audio, run=FakeRun(audio.span))
    np.testing.assert_allclose(stems["vocals"].samples, 0.75 * audio.samples, atol=1e-6)
    np.testing.assert_allclose(stems["instrumental"].samples, 0.25 * audio.samples, atol=1e-6)
    assert stems.complete


def test_the_lowest_bins_of_mdx_are_silent(tmp_path, runner):
    manifest = tiny.manifest("mdx", ["bass"], parameters={"n_fft": 4096, "dim_f": 2048, "dim_t": 64})
    model = tiny.stored(tmp_path, manifest, tiny.times(["b", 4, 2048, 64], 1.0))
    offset = Audio.of(np.full((2, 50_000), 0.5), RATE)
    bass = runner(model).separate(offset, run=FakeRun(offset.span))["bass"].samples
    assert np.abs(bass[:, 8192:40_000]).max() < 1e-6


def test_channels_of_mdx_are_left_re_left_im_right_re_right_im(tmp_path, runner):
    factors = np.array([1, 1, 0, 0], np.float32).reshape(1, 4, 1, 1)
    parameters = {"n_fft": 4096, "dim_f": 2049, "dim_t": 16, "silent_bins": 0}
    model = tiny.stored(
        tmp_path, tiny.manifest("mdx", ["a"], parameters=parameters), tiny.times(["b", 4, 2049, 16], factors)
    )
    audio = song(20_000)
    made = runner(model).separate(audio, run=FakeRun(audio.span))["a"].samples
    np.testing.assert_allclose(made[0], audio.samples[0], atol=1e-6)
    assert not made[1].any()


def test_bins_of_a_roformer_alternate_between_the_channels_and_masks_are_complex(tmp_path, runner):
    """A mask of i on the right turns it by 90 degrees: a cosine comes out as a negative sine."""
    mask = np.zeros((1, 2050, 1, 2), np.float32)
    mask[0, 0::2, 0, 0] = 1
    mask[0, 1::2, 0, 1] = 1
    from onnx import helper

    nodes = [helper.make_node("Mul", ["in", "zero"], ["none"]), helper.make_node("Add", ["none", "m"], ["out"])]
    shape = ["b", 2050, 51, 2]
    network = tiny.network({"in": shape}, {"out": shape}, nodes, {"zero": np.float32(0), "m": mask})
    model = tiny.stored(tmp_path, tiny.manifest("roformer-mask", ["a"], parameters={"frames": 51}), network)
    time = np.arange(60_000) / RATE
    audio = Audio.of(np.stack([np.cos(2 * np.pi * 1000 * time)] * 2), RATE)
    made = runner(model).separate(audio, run=FakeRun(audio.span))["a"].samples
    inner = slice(5000, 55_000)
    np.testing.assert_allclose(made[0, inner], audio.samples[0, inner], atol=1e-5)
    np.testing.assert_allclose(made[1, inner], -np.sin(2 * np.pi * 1000 * time)[inner], atol=1e-3)


def test_wiener_filtering_of_open_unmix_shares_the_mixture(tmp_path, runner):
    parameters = {"frames": 41, "wiener": 1}
    networks = [tiny.times(["b", 2, 2049, 41], gain) for gain in (3.0, 1.0)]
    model = tiny.stored(tmp_path, tiny.manifest("open-unmix", STEMS, files=2, parameters=parameters), *networks)
    audio = song(30_000)
    stems = runner(model).separate(audio, run=FakeRun(audio.span))
    np.testing.assert_allclose(sum(a.samples for a in stems.audio.values()), audio.samples, atol=1e-5)
    np.testing.assert_allclose(stems["vocals"].samples, 0.9 * audio.samples, atol=1e-4)  # 9 of 10 parts of the power


def masks_on(folder, masks, **parameters):
    """Three stems of one network on magnitudes: the voice without an axis of stems of its own."""
    manifest = tiny.manifest("magnitudes", ["a", "b", "c"], parameters={"frames": 81, **parameters})
    return tiny.stored(folder, manifest, tiny.masks_of_magnitudes(["b", 2, 513, 81], masks, flat=True))


def test_channels_of_a_spectrogram_network_are_stems_whose_masks_share_the_mixture(tmp_path, runner):
    audio = song(40_000)
    stems = runner(masks_on(tmp_path, (0.9, 0.6, 0.5))).separate(audio, run=FakeRun(audio.span))
    np.testing.assert_allclose(stems["b"].samples, 0.6 * audio.samples, atol=1e-5)
    shared = runner(masks_on(tmp_path, (0.9, 0.6, 0.5), normalised=True)).separate(audio, run=FakeRun(audio.span))
    np.testing.assert_allclose(shared["b"].samples, 0.3 * audio.samples, atol=1e-5)
    np.testing.assert_allclose(sum(a.samples for a in shared.audio.values()), audio.samples, atol=1e-5)
    nothing = runner(masks_on(tmp_path, (0.0, 0.0, 0.0), normalised=True)).separate(audio, run=FakeRun(audio.span))
    np.testing.assert_allclose(nothing["c"].samples, audio.samples / 3, atol=1e-5)
    some = runner(masks_on(tmp_path, (1.0, 3.0, 0.0), normalised=True), stems=("b",))
    np.testing.assert_allclose(
        some.separate(audio, run=FakeRun(audio.span))["b"].samples, 0.75 * audio.samples, atol=1e-5
    )


def test_magnitudes_that_come_out_get_the_phases_of_the_mixture(tmp_path, runner):
    manifest = tiny.manifest("magnitudes", ["a"], parameters={"frames": 81, "gives": "magnitudes"}, residual="rest")
    model = tiny.stored(tmp_path, manifest, tiny.times(["b", 2, 513, 81], 0.75))
    audio = song(40_000)
    stems = runner(model).separate(audio, run=FakeRun(audio.span))
    np.testing.assert_allclose(stems["a"].samples, 0.75 * audio.samples, atol=1e-5)
    np.testing.assert_allclose(stems["rest"].samples, 0.25 * audio.samples, atol=1e-5)


def test_the_last_stem_of_a_difference_network_is_what_the_others_leave(tmp_path, runner):
    """Wave-U-Net: of K stems the network gives K - 1; they add up to the song exactly."""
    manifest = tiny.manifest("waveform", ["bass", "drums"], parameters={"samples": 22050}, residual="other")
    model = tiny.stored(tmp_path, manifest, tiny.stacked(["b", 2, 22050], (0.5, 0.2)))
    audio = song(50_000)
    stems = runner(model).separate(audio, run=FakeRun(audio.span))
    assert tuple(stems) == ("bass", "drums", "other") and stems.complete
    np.testing.assert_allclose(stems["other"].samples, 0.3 * audio.samples, atol=1e-6)
    whole = stems["bass"].samples + stems["drums"].samples + stems["other"].samples
    np.testing.assert_allclose(whole, audio.samples, atol=1e-6)
    alone = runner(model, stems=("other",)).separate(audio, run=FakeRun(audio.span))
    np.testing.assert_array_equal(alone["other"].samples, stems["other"].samples)


@pytest.mark.parametrize(
    ("contract", "parameters", "said"),
    [
        ("mdx", {}, "needs the parameter n_fft"),
        ("mdx", {"n_fft": 6144, "colour": 1}, "no parameter 'colour'"),
        ("mdx", {"n_fft": "big"}, "'big'"),
        ("mdx", {"n_fft": 6144, "dim_t": 100_000}, "allowed: 2 to 8192"),
        ("mdx", {"n_fft": 6144, "hop": 16384}, "do not go together"),
        ("mdx", {"n_fft": 6144, "hop": 3072, "dim_t": 2}, "no longer than n_fft"),
        ("spleeter", {"extension": "guess"}, "allowed: average, zeros"),
        ("waveform", {"samples": 100, "margin": 50}, "leave nothing"),
        ("waveform", {"samples": 60_000_000}, "600 s are the most"),
        ("who-knows", {}, "which is not known; there are .*htdemucs"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(contract, parameters, said):
    manifest = Manifest("m", contract, ("a",), (ModelFile("a.onnx"),), parameters=parameters)
    with pytest.raises(ManifestError, match=said):
        contract_of(manifest)
