"""Network files that cannot be used are one sentence; those that can are loaded once and let go."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import tiny
from onnx import TensorProto, helper, save

from midistems_graph.models import providers
from midistems_graph.models.providers import available, chosen, facts, runtimes
from midistems_graph.models.sessions import NetworkError, Session, Sessions

SHAPE = ["b", 2, 100]


def stored(path: Path, network) -> Path:
    save(network, path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(NetworkError) as caught:
        Session(path)
    said = str(caught.value)
    assert path.name in said and "\n" not in said and "onnxruntime_src" not in said
    return said


def test_a_network_runs_and_tells_its_shapes(tmp_path):
    session = Session(stored(tmp_path / "a.onnx", tiny.times(SHAPE, 2.0)))
    assert str(session.inputs[0]) == "in [b, 2, 100]" and session.provider == "cpu"
    sound = np.ones((3, 2, 100), np.float32)
    np.testing.assert_array_equal(session.run([sound], lambda: None)[0], 2 * sound)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty or no ONNX file"), (b"hello " * 99, "no ONNX file"), (None, "damaged"), (b"\x00" * 999, "ONNX file")],
)
def test_what_is_no_network_is_said(tmp_path, content, said):
    whole = stored(tmp_path / "whole.onnx", tiny.times(SHAPE, np.ones(SHAPE[1:]))).read_bytes()
    path = tmp_path / "broken.onnx"
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert said in refusal(path)


def test_a_missing_file_is_said(tmp_path):
    assert "not there" in refusal(tmp_path / "none.onnx")


def _with_weights_in(location: str):
    weights = TensorProto(name="f", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        weights.external_data.add(key=key, value=value)
    network = tiny.times(SHAPE, 1.0)
    network.graph.initializer[0].CopyFrom(weights)
    return network


def test_weights_outside_the_folder_are_refused_and_those_inside_are_read(tmp_path):
    inside = tmp_path / "model"
    inside.mkdir()
    for folder in (inside, tmp_path):
        (folder / "w.bin").write_bytes(np.float32(3).tobytes())
    (inside / "link.bin").symlink_to(tmp_path / "w.bin")
    for location in ("../w.bin", str(tmp_path / "w.bin"), "link.bin"):
        path = inside / "a.onnx"
        path.write_bytes(_with_weights_in(location).SerializeToString())
        assert "outside its own folder" in refusal(path)
    path.write_bytes(_with_weights_in("w.bin").SerializeToString())
    assert Session(path).run([np.ones((1, 2, 100), np.float32)], lambda: None)[0][0, 0, 0] == 3


def test_parts_that_onnx_runtime_does_not_know_are_named(tmp_path):
    unknown = tiny.network({"in": SHAPE}, {"out": SHAPE}, [helper.make_node("Mystery", ["in"], ["out"])])
    assert "Mystery" in refusal(stored(tmp_path / "a.onnx", unknown))
    newer = tiny.times(SHAPE, 1.0)
    newer.opset_import[0].version = 99
    assert "update onnxruntime" in refusal(stored(tmp_path / "b.onnx", newer))


def test_a_tensor_of_a_hundred_gigabytes_is_refused_before_it_is_allocated(tmp_path):
    path = stored(tmp_path / "huge.onnx", tiny.times([1, 4, 100_000, 100_000], 1.0))
    with pytest.raises(NetworkError, match=r"100000, 100000\], more than 4 GB"):
        Session(path)


def test_inputs_of_another_shape_are_refused_in_our_words(tmp_path):
    session = Session(stored(tmp_path / "a.onnx", tiny.times([1, 2, 100], 1.0)))
    with pytest.raises(NetworkError, match=r"takes in \[1, 2, 100\] where the model's contract gives \[1, 2, 99\]"):
        session.run([np.zeros((1, 2, 99), np.float32)], lambda: None)
    with pytest.raises(NetworkError, match="takes 1 inputs"):
        session.run([np.zeros((1, 2, 100), np.float32)] * 2, lambda: None)


def test_a_network_that_fails_while_it_runs_is_said(tmp_path):
    nodes = [helper.make_node("Reshape", ["in", "shape"], ["out"])]
    network = tiny.network({"in": SHAPE}, {"out": ["n"]}, nodes, {"shape": np.array([7])})
    session = Session(stored(tmp_path / "a.onnx", network))
    with pytest.raises(NetworkError, match="could not be run"):
        session.run([np.zeros((1, 2, 100), np.float32)], lambda: None)


def test_sessions_are_shared_bounded_and_let_go(tmp_path):
    paths = [stored(tmp_path / f"{i}.onnx", tiny.times(SHAPE, np.full((2, 100), float(i)))) for i in range(3)]
    size = paths[0].stat().st_size
    pool = Sessions(limit=2 * size + size // 2)
    first = pool.get(paths[0], "a")
    assert pool.get(paths[0], "a") is first and len(pool) == 1
    assert pool.get(paths[0], "b") is not first  # other content
    pool.get(paths[1], "c")
    gone = weakref.ref(first)
    del first
    pool.get(paths[2], "d")
    gc.collect()
    assert len(pool) == 2 and gone() is None
    pool.release()
    assert len(pool) == 0


def test_a_network_that_takes_half_precision_or_doubles_gets_them(tmp_path):
    for kind, name in ((TensorProto.FLOAT16, "h.onnx"), (TensorProto.DOUBLE, "d.onnx")):
        info = [helper.make_tensor_value_info(n, kind, SHAPE) for n in ("in", "out")]
        graph = helper.make_graph([helper.make_node("Neg", ["in"], ["out"])], "g", info[:1], info[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        out = Session(stored(tmp_path / name, model)).run([np.ones((1, 2, 100), np.float32)], lambda: None)[0]
        assert out.dtype == np.float32 and (out == -1).all()


def test_a_provider_that_is_not_there_comes_to_the_processor():
    assert "cpu" in available() and chosen("cpu") == "cpu"
    assert all(chosen(name) in available() for name in ("auto", "cuda", "tensorrt", "coreml", "directml", "openvino"))


def test_another_build_of_onnx_runtime_counts_in_keys_and_is_looked_at_for_what_it_offers(monkeypatch):
    versions = {"onnxruntime-openvino": "1.24.1"}

    def version(package: str) -> str:
        if package not in versions:
            raise providers.PackageNotFoundError(package)
        return versions[package]

    monkeypatch.setattr(providers, "version", version)
    runtimes.cache_clear()
    monkeypatch.setattr(
        "onnxruntime.get_available_providers", lambda: ["OpenVINOExecutionProvider", "CPUExecutionProvider"]
    )
    try:
        assert available() == ("openvino", "cpu") and chosen("openvino") == "openvino" and chosen("auto") == "cpu"
        assert facts("openvino") == {"provider": "openvino", "onnxruntime-openvino": "1.24.1"}
    finally:
        runtimes.cache_clear()
    monkeypatch.undo()
    assert facts("cpu") == {"provider": "cpu"} or runtimes()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not bound the memory of a process")
def test_a_network_that_asks_for_a_hundred_gigabytes_inside_is_refused_and_ends_nothing(tmp_path):
    """In a process of its own that may have no more than 8 GB, whatever the machine has."""
    nodes = [
        helper.make_node("ConstantOfShape", ["big"], ["z"]),
        helper.make_node("ReduceSum", ["z"], ["s"], keepdims=0),
        helper.make_node("Add", ["in", "s"], ["out"]),
    ]
    path = stored(
        tmp_path / "a.onnx", tiny.network({"in": SHAPE}, {"out": SHAPE}, nodes, {"big": np.array([25 * 10**9])})
    )
    code = (
        "import resource, numpy as np; resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))\n"
        "from pathlib import Path; from midistems_graph.models.sessions import Session\n"
        f"session = Session(Path({str(path)!r}), threads=1)\n"
        "try: session.run([np.ones((1, 2, 100), np.float32)], lambda: None)\n"
        "except MemoryError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
