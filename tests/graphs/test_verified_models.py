"""A model of which one byte has changed is found by `run-graph --verify`, at the edge that it made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from stand_ins import write_stand_ins

from midistems_graph.cli.run_graph import main
from midistems_graph.models.library import ENVIRONMENT


def test_one_changed_byte_of_a_model_is_found_at_its_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    write_stand_ins(tmp_path / "models")
    noise = 0.1 * np.random.default_rng(3).standard_normal((44100, 2))
    soundfile.write("song.wav", noise, 44100, subtype="FLOAT")
    nodes = {
        "load": {"type": "io.load"},
        "net": {"type": "separate.network", "knobs": {"model": "kim-vocal-1"}},
        "exact": {"type": "consistency.mixture"},
        "save": {"type": "io.save"},
    }
    edges = [("load.out", "net.mixture"), ("net.out", "exact.stems"), ("load.out", "exact.mixture"),
             ("exact.out", "save.stems")]  # fmt: skip
    graph = {
        "format": "midistems-graph",
        "version": 1,
        "nodes": nodes,
        "edges": [{"from": a, "to": b} for a, b in edges],
    }
    Path("g.json").write_text(json.dumps(graph))
    assert main(["g.json", "song.wav", "-o", "out", "--quiet"]) == 0
    assert main(["--verify", "out", "song.wav", "--quiet"]) == 0
    (weights,) = Path("models", "kim-vocal-1").glob("*.onnx")
    raw = bytearray(weights.read_bytes())
    at = raw.index(np.float32(0.5).tobytes())
    raw[at + 2] ^= 0x10  # 0.5 becomes 0.5625
    weights.write_bytes(raw)
    capsys.readouterr()
    assert main(["--verify", "out", "song.wav", "--json"]) == 7
    (found,) = json.loads(capsys.readouterr().out)["departures"]
    assert found["edge"] == "net.out" and found["type"] == "separate.network"
    assert found["difference"] == pytest.approx(20 * np.log10(0.0625 / 0.5), abs=0.1)
    assert found["why"] == ["what its knob model names has another content"]
