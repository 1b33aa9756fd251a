"""The programs called in this process, small songs and small graphs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile


@dataclass(frozen=True)
class Ended:
    """What a program did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.out)
        return data

    @property
    def sentences(self) -> list[str]:
        """What went wrong, as told on stderr."""
        return [line for line in self.err.splitlines() if line.startswith(("run-graph: ", "midistems-graph: "))]


Program = Callable[..., Ended]


def program(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]) -> Program:
    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Ended(code, said.out, said.err)

    return run


def write_song(path: Path, *, seconds: float = 1.0, rate: int = 44100, channels: int = 2, seed: int = 0) -> Path:
    """Noise and a tone."""
    frames = round(seconds * rate)
    noise = np.random.default_rng(seed).normal(0, 0.05, (frames, channels))
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(frames) / rate)[:, None]
    soundfile.write(path, (noise + tone).astype(np.float32), rate, subtype="FLOAT", format="WAV")
    return path


def graph_data(nodes: dict[str, Any], *edges: str, **fields: Any) -> dict[str, Any]:
    """A graph file's data; nodes are a type, or a type with knobs; edges are written `load.out -> hpss.mixture`."""
    written = {
        name: {"type": node} if isinstance(node, str) else {"type": node[0], "knobs": node[1]}
        for name, node in nodes.items()
    }
    pairs = [edge.split(" -> ") for edge in edges]
    return {
        "format": "midistems-graph",
        "version": 1,
        "nodes": written,
        "edges": [{"from": source, "to": target} for source, target in pairs],
        **fields,
    }


def write_graph(path: Path, nodes: dict[str, Any], *edges: str, **fields: Any) -> Path:
    path.write_text(json.dumps(graph_data(nodes, *edges, **fields)))
    return path


SPLIT: dict[str, Any] = {
    "load": "io.load",
    "hpss": ("separate.hpss", {"n_fft": 1024, "hop": 256}),
    "save": "io.save",
    "null": "measure.null_depth",
}
SPLIT_EDGES = (
    "load.out -> hpss.mixture",
    "hpss.out -> save.stems",
    "load.out -> null.mixture",
    "hpss.out -> null.stems",
)
