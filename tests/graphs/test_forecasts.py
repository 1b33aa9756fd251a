"""What is foretold of presets on a machine that never ran anything comes within a factor of 1.5: disk, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from preset_runs import FOLDER, LIBRARY, Made, preset

from midistems_graph.engine.costs import Costs
from midistems_graph.engine.forecast import forecast
from midistems_graph.engine.machine import memory_bytes
from midistems_graph.engine.run import prepare
from midistems_graph.engine.store import MemoryStore

WITHIN = 1.5


def is_near(foretold: float, came: float) -> bool:
    return came / WITHIN <= foretold <= came * WITHIN


def test_disk(whole: tuple[str, Made]) -> None:
    _, made = whole
    came = {name: node.nbytes for name, node in made.result.nodes.items() if node.status in ("ran", "cached")}
    foretold = {node.address: node.nbytes for node in made.foretold.nodes if not node.writes}
    assert is_near(sum(foretold.values()), sum(came[name] for name in foretold if name in came))


@pytest.mark.skipif(memory_bytes() is None, reason="the system does not tell of memory")
@pytest.mark.parametrize("name", ["four_stems", "drum_kit", "htdemucs_4"])
def test_memory(name: str, demo: Path, tmp_path: Path) -> None:
    song = demo / "mixture.wav"
    plan, _ = prepare(preset(name), LIBRARY, {"song": song}, folder=FOLDER)
    foretold = forecast(plan, MemoryStore(), jobs=2, costs=Costs({})).memory
    words = [sys.executable, "-m", "midistems_graph.cli.run_graph", name, str(song), "-o", str(tmp_path / "out")]
    words += ["--jobs=2", f"--cache-dir={tmp_path / 'store'}", "--json", "--quiet"]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    said = json.loads(subprocess.run(words, capture_output=True, check=True, env=environment).stdout)
    assert is_near(foretold, said["peak_memory_bytes"])
