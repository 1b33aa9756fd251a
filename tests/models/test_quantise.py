"""Smaller versions of a model are smaller, nearly the same, and models of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from spleeter_reference import made_up_weights

from midistems_graph.models import quantise as module
from midistems_graph.models.library import Model, ModelLibrary
from midistems_graph.models.manifest import Manifest, ModelFile
from midistems_graph.models.quantise import KINDS, CannotQuantise, quantise
from midistems_graph.models.spleeter import network


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    return ModelLibrary(tmp_path / "models")


@pytest.fixture
def full(library: ModelLibrary, tmp_path: Path) -> Model:
    """A narrow network of Spleeter's shape."""
    weights = made_up_weights(1, (8, 16, 16, 32, 32, 32))
    (tmp_path / "vocals.onnx").write_bytes(network(weights).SerializeToString())
    file = ModelFile("vocals.onnx", stems=("vocals",))
    manifest = Manifest("voice", "spleeter", ("vocals",), (file,), licence="MIT")
    return library.add(manifest, {"vocals.onnx": tmp_path / "vocals.onnx"}, link=True)


@pytest.mark.parametrize(("kind", "size", "off"), [("int8", 0.75, 0.05), ("fp16", 0.55, 0.002)])
def test_a_smaller_version_is_smaller_and_nearly_the_same(
    library: ModelLibrary, full: Model, kind: str, size: float, off: float
) -> None:
    small = quantise(full, kind, library)
    assert small.nbytes < size * full.nbytes
    x = np.random.default_rng(0).exponential(1, (2, 1, 512, 1024)).astype(np.float32)
    found, wanted = (
        onnxruntime.InferenceSession(model.files[0], providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        for model in (small, full)
    )
    assert 0 < np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2)) < off
    assert list(library) == ["voice", f"voice-{kind}"]
    assert (small.manifest.contract, small.manifest.licence) == ("spleeter", "MIT")
    assert "Made of voice" in small.manifest.notes
    assert library.damage(small.name) == [] == library.damage("voice")


@pytest.mark.parametrize("kind", KINDS)
def test_behind_an_operator_of_onnx_runtimes_own_weights_are_quantised_too(
    library: ModelLibrary, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """As fused attention of an exported HTDemucs is: no tool knows the type of what comes out."""
    weight = numpy_helper.from_array(np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32), "w")
    nodes = [
        helper.make_node("MultiHeadAttention", ["x", "x", "x"], ["y"], domain="com.microsoft", num_heads=2),
        helper.make_node("Reshape", ["y", "flat"], ["rows"]),
        helper.make_node("Gemm", ["rows", "w", "b"], ["z"]),
    ]
    shapes = {"x": ["b", "n", 64], "z": ["m", 64]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    fixed = {"flat": np.array([-1, 64]), "b": np.zeros(64, np.float32)}
    constants = [weight, *(numpy_helper.from_array(array, name) for name, array in fixed.items())]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    unknown = [helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)]
    graph = helper.make_graph(nodes, "attentive", ends[:1], ends[1:], constants, value_info=unknown)
    save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "a.onnx")
    manifest = Manifest("a", "waveform", ("vocals",), (ModelFile("a.onnx"),))
    small = quantise(library.add(manifest, {"a.onnx": tmp_path / "a.onnx"}, link=True), kind, library)
    session = onnxruntime.InferenceSession(small.files[0], providers=["CPUExecutionProvider"])
    assert np.isfinite(session.run(None, {"x": np.ones((1, 2, 64), np.float32)})[0]).all()
    assert capsys.readouterr().out == ""


def test_what_the_tools_cannot_convert_is_said(library: ModelLibrary, full: Model) -> None:
    full.files[0].resolve().write_bytes(b"no network")
    with pytest.raises(CannotQuantise, match=r"vocals\.onnx cannot be made int8"):
        quantise(full, "int8", library)
    assert list(library) == ["voice"]


def test_without_the_package_onnx_the_remedy_is_said(
    library: ModelLibrary, full: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(CannotQuantise, match=r"midistems-graph\[models\]"):
        quantise(full, "int8", library)
