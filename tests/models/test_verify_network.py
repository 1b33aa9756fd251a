"""A network with one changed byte departs at its own edge."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_network_in_graphs import RATE, a_model, graph

from midistems_graph.cli.run_graph import main
from midistems_graph.document.data import to_data
from midistems_graph.models.library import ENVIRONMENT


def test_one_changed_byte_of_a_model_is_found_at_its_edge(tmp_path, monkeypatch, capsys):
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    model = a_model(tmp_path / "models")
    sound = 0.1 * np.random.default_rng(3).standard_normal((2 * RATE, 2))
    soundfile.write("song.wav", sound, RATE, subtype="FLOAT")
    Path("g.json").write_text(json.dumps(to_data(graph())))
    assert main(["g.json", "song.wav", "-o", "out", "--quiet"]) == 0
    assert main(["--verify", "out", "song.wav", "--quiet"]) == 0

    file = model.folder / "all.onnx"
    content = bytearray(file.read_bytes())
    content[content.index(np.float32(0.75).tobytes()) + 2] ^= 1  # 0.75 becomes 0.754
    file.write_bytes(content)
    capsys.readouterr()
    assert main(["--verify", "out", "song.wav", "--json"]) == 7
    [found] = json.loads(capsys.readouterr().out)["departures"]
    assert found["edge"] == "net.out" and found["why"] == ["what its knob model names has another content"]
    share = 0.75**2 / (0.75**2 + 0.25**2)
    assert found["difference"] == pytest.approx(10 * np.log10((2**-8 / 0.75) ** 2 * share), abs=0.1)
