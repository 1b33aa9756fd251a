"""A graph in the making, as the readers of other programs' files draw it: nodes, edges, places, and what is lacking."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from midistems_graph.document.data import from_data
from midistems_graph.document.graph import Graph
from midistems_graph.document.migrations import FORMAT, VERSION

_UVR = {"n_fft": 2048, "hop": 1024}

ALGORITHMS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "avg_wave": ("blend.ensemble", {"method": "average"}),
    "median_wave": ("blend.ensemble", {"method": "median"}),
    "min_wave": ("blend.ensemble", {"method": "min"}),
    "max_wave": ("blend.ensemble", {"method": "max"}),
    "avg_fft": ("blend.ensemble_stft", {"method": "average", **_UVR}),
    "median_fft": ("blend.ensemble_stft", {"method": "median", **_UVR}),
    "min_fft": ("blend.ensemble_stft", {"method": "min", **_UVR}),
    "max_fft": ("blend.ensemble_stft", {"method": "max", **_UVR}),
    "uvr_min_spec": ("blend.ensemble_stft", {"method": "min", **_UVR}),
    "uvr_max_spec": ("blend.ensemble_stft", {"method": "max", **_UVR}),
    "ensemble_wav": ("blend.quietest", {}),
}
"""Ensembles by the names that audio-separator, MSST and pymss give them, with their frames."""

FORMATS = {"wav": "wav", "flac": "flac", "mp3": "mp3", "opus": "opus"}
"""File formats that both sides write."""


@dataclass(frozen=True)
class Imported:
    """A graph that was made of a foreign one, and sentences about what it lacks."""

    graph: Graph
    left_out: tuple[str, ...]


@dataclass
class Draft:
    """A graph in the making: nodes, edges and inputs as a file has them."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: list[dict[str, str]] = field(default_factory=list)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, list[float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, wanted: str, type: str, label: str = "", **knobs: Any) -> str:
        """A node under the wanted id, or that with a number; its id."""
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", wanted).strip("_-")[:56] or "node"
        plain = plain if plain[0].isalpha() or plain[0] == "_" else "n_" + plain
        number, id = 2, plain
        while id in self.nodes:
            number, id = number + 1, f"{plain}_{number}"
        given = {"knobs": knobs} if knobs else {}
        self.nodes[id] = {"type": type, **given, **({"label": label} if label else {})}
        return id

    def wire(self, source: str, target: str) -> None:
        self.edges.append({"from": source, "to": target})

    def lacks(self, sentence: str) -> None:
        """Say once what did not come along."""
        if sentence not in self.left_out:
            self.left_out.append(sentence)

    def network(self, id: str, file: str, **knobs: Any) -> str:
        """A trained network by the file that another program names, perhaps after a category: `[vocals] big.ckpt`."""
        file = re.sub(r"\A\s*\[[^\]]*\]\s*", "", file)
        stem = PurePosixPath(file.replace("\\", "/")).name
        stem = re.sub(r"\.(onnx|ckpt|pth|th|yaml|safetensors)\Z", "", stem, flags=re.IGNORECASE)
        model = re.sub(r"[^a-z0-9.]+", "-", stem.casefold()).strip("-.") or "model"
        self.lacks(
            f"the model {file} has to be in the library as {model}: midistems-graph models add FILE --name {model}"
        )
        return self.add(id, "separate.network", label=stem, model=model, **knobs)

    def weighed(self, algorithm: str, weights: Sequence[float], count: int) -> tuple[str, dict[str, Any]]:
        """The node type and knobs of an ensemble of so many estimates with weights, where they count."""
        if algorithm not in ALGORITHMS:
            self.lacks(f"the algorithm {algorithm} is not known here; the average of waveforms is in its place")
        type, knobs = ALGORITHMS.get(algorithm, ALGORITHMS["avg_wave"])
        if len(set(weights)) < 2:
            return type, dict(knobs)
        if knobs.get("method") != "average":
            self.lacks(f"weights say nothing to the algorithm {algorithm}, and were left out")
        elif len(weights) != count or min(weights) < 0 or not sum(weights):
            self.lacks(f"the weights {', '.join(f'{one:g}' for one in weights)} were left out; all count alike")
        else:
            return type, {**knobs, "weights": list(weights)}
        return type, dict(knobs)

    def done(self, title: str, description: str, origin: str) -> Imported:
        data = {
            "format": FORMAT,
            "version": VERSION,
            "title": title,
            "description": f"{description.strip()} Imported from {origin}.".strip(),
            **({"inputs": self.inputs} if self.inputs else {}),
            "nodes": self.nodes,
            "edges": self.edges,
            "view": {"nodes": {id: place for id, place in self.places.items() if id in self.nodes}},
        }
        return Imported(from_data(data), tuple(self.left_out))
