"""A file is recognised by metadata, a manifest, its hash, its shapes, in this order; nothing is guessed."""

import hashlib

import numpy as np
import pytest
import tiny
from onnx import helper, save

from midistems_graph.models import recognise as recognising
from midistems_graph.models.contracts import contract_of
from midistems_graph.models.manifest import Manifest, ManifestError, ModelFile, read, write
from midistems_graph.models.recognise import draft, model_name, partial_md5, recognise
from midistems_graph.models.sessions import NetworkError

MDX = [1, 4, 3072, 256]


def stored(folder, network, name="Some Network.onnx"):
    folder.mkdir(exist_ok=True)
    save(network, folder / name)
    return folder / name


def test_metadata_come_first_then_a_manifest_then_the_hash_then_shapes(tmp_path, monkeypatch):
    network = tiny.times(MDX, 1.0)
    path = stored(tmp_path, network)
    by_shapes = recognise(path)
    assert by_shapes.manifest.contract == "mdx" and not by_shapes.ready
    assert any("n_fft" in gap for gap in by_shapes.gaps)

    table = {partial_md5(path): {"dim_f": 3072, "dim_t": 256, "n_fft": 7680, "compensate": 1.021, "stem": "vocals"}}
    monkeypatch.setattr(recognising, "_known_files", lambda: table)
    by_hash = recognise(path)
    assert by_hash.ready and by_hash.manifest.parameters["n_fft"] == 7680
    assert by_hash.manifest.all_stems == ("vocals", "instrumental")

    beside = Manifest("mine", "mdx", ("drums",), (ModelFile(path.name),), parameters={"n_fft": 4096, "dim_f": 2049})
    write(beside, path.with_suffix(".toml"))
    assert recognise(path).manifest == beside

    own = Manifest("inside", "mdx", ("bass",), (ModelFile(""),), parameters={"n_fft": 6144})
    network = tiny.network({"in": MDX}, {"out": MDX}, [helper.make_node("Neg", ["in"], ["out"])], manifest=own)
    found = recognise(stored(tmp_path, network))
    assert found.manifest.name == "inside" and found.manifest.files[0].file == path.name and found.ready


def test_the_table_of_published_files_holds_what_contracts_accept():
    table = recognising._known_files()
    assert len(table) == 44 and table["77d07b2667ddf05b9e3175941b4454a0"]["n_fft"] == 7680
    assert table["1d64a6d2c30f709b8c9b4ce1366d96ee"] == {
        "dim_f": 2048, "dim_t": 256, "n_fft": 5120, "compensate": 1.065, "stem": "instrumental", "karaoke": True,
    }  # fmt: skip
    for md5, known in table.items():
        assert len(bytes.fromhex(md5)) == 16 and known["stem"] in recognising.LEFT
        parameters = {name: known[name] for name in ("n_fft", "dim_f", "dim_t", "compensate")}
        contract_of(Manifest("m", "mdx", ("a",), (ModelFile("a.onnx"),), parameters=parameters))


def test_only_the_end_of_a_file_is_hashed(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"head" + bytes(10_240_000))
    assert partial_md5(path) == hashlib.md5(bytes(10_240_000)).hexdigest()
    path.write_bytes(b"short")
    assert partial_md5(path) == hashlib.md5(b"short").hexdigest()


FAMILIES = {
    "mdx": (tiny.times(MDX, 1.0), {"dim_f": 3072, "dim_t": 256}, False),
    "mdx23c": (tiny.stacked([1, 4, 4096, 256], [1, 1]), {"dim_f": 4096, "dim_t": 256}, False),
    "spleeter": (tiny.times([2, "splits", 512, 1024], 1.0), {}, False),
    "htdemucs-waveform": (tiny.stacked([1, 2, 343980], [1, 1, 1, 1]), {}, True),
    "htdemucs": (tiny.core(343980, 336, [1, 1, 1, 1], 0.5), {"samples": 343980}, True),
    "open-unmix": (tiny.times([1, 2, 2049, "frames"], 1.0), {}, False),
    "roformer-mask": (tiny.masks([1, 2050, 801, 2], [1, 1]), {"frames": 801}, False),
    "roformer-split": (tiny.split([1, 2, 1025, 801], [1, 1, 1, 1]), {"frames": 801}, False),
    "waveform": (tiny.stacked([1, 2, 352800], [1, 1]), {"samples": 352800}, False),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_give_the_family(tmp_path, family):
    network, parameters, ready = FAMILIES[family]
    found = recognise(stored(tmp_path, network))
    assert found.manifest.contract == family and dict(found.manifest.parameters) == parameters
    assert found.ready is ready and family in found.why
    if family.startswith("htdemucs"):
        assert found.manifest.stems == ("drums", "bass", "other", "vocals")


def test_a_file_named_for_its_stem_leaves_the_other(tmp_path):
    found = recognise(stored(tmp_path, tiny.times([1, 2, 352800], 1.0), "Vocals.onnx"))
    assert found.ready and found.manifest.all_stems == ("vocals", "instrumental")


def test_what_is_no_known_family_lists_its_shapes_and_drafts_a_manifest(tmp_path):
    path = stored(tmp_path, tiny.times([1, 7, 5, 3, 2, 1], 1.0))
    found = recognise(path)
    assert found.manifest is None and not found.ready
    assert "takes in [1, 7, 5, 3, 2, 1] and gives out [1, 7, 5, 3, 2, 1]" in found.why and "manifest" in found.why
    write(draft(found), tmp_path / "model.toml")
    assert read(tmp_path / "model.toml").files[0].file == path.name


def test_a_manifest_that_makes_no_sense_is_said(tmp_path):
    path = stored(tmp_path, tiny.times(MDX, 1.0))
    write(Manifest("mine", "mdx", ("a",), (ModelFile(path.name),)), tmp_path / "model.toml")
    with pytest.raises(ManifestError, match="n_fft"):
        recognise(path)
    (tmp_path / "broken.onnx").write_bytes(b"none")
    with pytest.raises(NetworkError, match=r"broken\.onnx"):
        recognise(tmp_path / "broken.onnx")


def test_names_in_the_library_are_plain():
    from pathlib import Path

    assert model_name(Path("Kim Vocal 2.onnx")) == "kim-vocal-2" and model_name(Path("…")) == "model"


def test_a_core_with_real_and_imaginary_parts_apart_gives_the_same(tmp_path, runner):
    from midistems_graph.node import Audio
    from midistems_graph.node.testing import FakeRun

    samples, gains = 20 * 1024, np.float32([0.75, 0.25]).reshape(1, 2, 1, 1, 1)
    shapes = {"re": [1, 2, 2048, 20], "im": [1, 2, 2048, 20], "wave": [1, 2, samples]}
    nodes, constants = [], {"axis": np.array([1]), "g": gains, "none": np.zeros((1, 2, 1, 1), np.float32)}
    for name in shapes:
        nodes.append(helper.make_node("Unsqueeze", [name, "axis"], [f"one_{name}"]))
        nodes.append(helper.make_node("Mul", [f"one_{name}", "none" if name == "wave" else "g"], [f"out_{name}"]))
    outputs = {f"out_{name}": [1, 2, *shape[1:]] for name, shape in shapes.items()}
    audio = Audio.of(np.sin(np.arange(samples) * 0.1) * np.array([[0.5], [0.2]]), 44100)
    manifest = tiny.manifest("htdemucs", ["a", "b"], parameters={"samples": samples})
    apart = tiny.stored(tmp_path / "apart", manifest, tiny.network(shapes, outputs, nodes, constants))
    joint = tiny.stored(tmp_path / "joint", manifest, tiny.core(samples, 20, (0.75, 0.25), 1.0))
    one, other = (runner(model).separate(audio, run=FakeRun(audio.span)) for model in (apart, joint))
    np.testing.assert_allclose(one["a"].samples, other["a"].samples, atol=1e-6)
    assert recognise(apart.files[0]).manifest.contract == "htdemucs"
