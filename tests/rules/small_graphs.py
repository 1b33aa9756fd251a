"""Graphs written on one line, and a small library of node types that do nothing, for tests of the rules.

    graph("load=io.load; hpss=separate.hpss(margin=2.0)", "load.out->hpss.mixture")

`hpss=separate.hpss!` is bypassed, `hpss=separate.hpss~` muted.
"""

from __future__ import annotations

import re
from ast import literal_eval
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from midistems_graph.audio.values import Audio, Mask, Number, Separator, Spectrogram, Stems, Text
from midistems_graph.document.graph import Address, Edge, Graph, Group, InputSlot, Node
from midistems_graph.node.contract import FileBelowGraph, InputName, Range, samples
from midistems_graph.node.definition import NodeType, node
from midistems_graph.node.library import NodeLibrary
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import Problem

Signal = TypeVar("Signal", Audio, Stems)


class Halves(NamedTuple):
    harmonic: Audio
    percussive: Audio


def fake(type_id: str, function: Any, **fields: Any) -> NodeType:
    function.__doc__ = "Do nothing."
    return node(type_id, **{"version": "1.2.0", **fields})(function)


def load(*, input: Annotated[str, InputName()] = "song") -> Audio: ...
def file(*, path: Annotated[str, FileBelowGraph()] = "") -> Audio: ...
def hpss(
    mixture: Audio, *, margin: Annotated[float, Range(1, 10)] = 1.0, n_fft: Annotated[int, Range(64, 8192)] = 2048
) -> Stems: ...
def part(mixture: Audio) -> Stems: ...
def halves(mixture: Audio) -> Halves: ...
def gain(signal: Signal, *, gain: Annotated[float, Range(-60, 60, "dB")] = 0.0) -> Signal: ...
def blend(a: Signal, b: Signal, *, kind: Literal["mean", "max"] = "mean", bins: Literal[1, 2] = 1) -> Signal: ...
def mix(audio: tuple[Audio, ...], *, weights: tuple[float, ...] = ()) -> Audio: ...
def loop(mixture: Audio, separator: Separator) -> Audio: ...
def pick(stems: Stems, *, stem: str = "vocals") -> Audio: ...
def stft(
    audio: Audio, *, n_fft: Annotated[int, Range(64, 8192)] = 2048, hop: Annotated[int, Range(16, 4096)] = 512
) -> Spectrogram: ...
def mask(mixture: Spectrogram, part: Spectrogram) -> Mask: ...
def apply(spectrogram: Spectrogram, mask: Mask) -> Spectrogram: ...
def istft(spectrogram: Spectrogram) -> Audio: ...
def resample(audio: Audio, *, rate: Annotated[int, Range(8000, 192000, "Hz")] = 44100) -> Audio: ...
def like(like: Audio, audio: Audio) -> Audio: ...
def residual(mixture: Audio, part: Audio | None = None) -> Audio: ...
def spread(mixture: Audio, stems: Stems) -> Stems: ...
def number(*, value: Annotated[float, Range(-1e6, 1e6)] = 0.0) -> Number: ...
def text(*, value: str = "") -> Text: ...
def save(audio: Audio) -> None: ...
def rms(audio: Audio) -> Number: ...


LIBRARY = NodeLibrary.of(
    [
        fake("io.load", load),
        fake("io.file", file),
        fake("io.save", save, writes=True),
        fake(
            "separate.hpss",
            hpss,
            separator=True,
            context=lambda k: samples(k.n_fft),
            stems=("harmonic", "percussive"),
            complete=True,
        ),
        fake("separate.part", part, separator=True, stems=("vocals",)),
        fake("separate.halves", halves),
        fake("filter.gain", gain),
        fake("blend.blend", blend),
        fake("blend.mix", mix),
        fake("blend.loop", loop, context=lambda k: k.separator),
        fake("stems.pick", pick),
        fake("spectral.stft", stft),
        fake("spectral.mask", mask),
        fake("spectral.apply", apply),
        fake("spectral.istft", istft),
        fake("filter.like", like, rate=lambda _, rate: rate),
        fake("filter.resample", resample, rate=lambda k, rate: k.rate),
        fake("stems.residual", residual),
        fake("consistency.spread", spread),
        fake("control.number", number),
        fake("control.text", text),
        fake("measure.rms", rms),
    ]
)

_NODE = re.compile(
    r"\s*(?P<id>[^=\s]+)\s*=\s*(?P<type>[a-z_.:]+)(?P<state>[!~]?)(?:@(?P<version>[\d.]+))?(?:\((?P<knobs>.*)\))?\s*\Z"
)


def nodes(text: str) -> dict[str, Node]:
    found = {}
    for part_text in filter(str.strip, text.split(";")):
        match = _NODE.match(part_text)
        assert match, part_text
        knobs = dict(pair.split("=", 1) for pair in (match["knobs"] or "").split(",") if pair)
        state = {"!": "bypassed", "~": "muted", "": "on"}[match["state"]]
        values = {name.strip(): literal_eval(value.strip()) for name, value in knobs.items()}
        found[match["id"]] = Node(match["type"], match["version"] or "", values, state)  # type: ignore[arg-type]
    return found


def edges(text: str) -> frozenset[Edge]:
    pairs = (edge.split("->") for edge in text.split(";") if edge.strip())
    return frozenset(Edge.parse(source.strip(), target.strip()) for source, target in pairs)


def graph(node_text: str, edge_text: str = "", **fields: Any) -> Graph:
    """A graph with the input `song` if a node of the text loads it."""
    slots = {"song": InputSlot()} if "io.load" in node_text else {}
    return Graph(nodes=nodes(node_text), edges=edges(edge_text), **{"inputs": slots, **fields})


def one(problem_type: type[Problem], node_text: str, edge_text: str = "", **fields: Any) -> Any:
    """The one problem of a graph."""
    found = check(graph(node_text, edge_text, **fields), LIBRARY)
    assert [type(p) for p in found] == [problem_type], found
    return found[0]


def group(node_text: str, edge_text: str = "", **fields: Any) -> Group:
    """Inputs and knobs as text: `inputs={"audio": "hpss.mixture"}`; several addresses separated by spaces."""
    for name in ("inputs", "knobs"):
        fields[name] = {k: tuple(map(Address.parse, v.split())) for k, v in fields.get(name, {}).items()}
    fields["outputs"] = {k: Address.parse(v) for k, v in fields.get("outputs", {}).items()}
    return Group(nodes=nodes(node_text), edges=edges(edge_text), **fields)


def link(*addresses: str) -> tuple[Address, ...]:
    return tuple(map(Address.parse, addresses))
