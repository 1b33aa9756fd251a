"""Smaller versions of a model are smaller, nearly the same, and models of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from spleeter_reference import made_up_weights

from midistems_graph.models import quantise as module
from midistems_graph.models.library import Model, ModelLibrary
from midistems_graph.models.manifest import Manifest, ModelFile
from midistems_graph.models.quantise import CannotQuantise, quantise
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
