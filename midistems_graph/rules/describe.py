"""What flows on every edge as far as it can be said without running: rate, channels, stems, STFT settings.

Outputs take after the first timed input of their node unless the node type says otherwise. What is
not known is None (or no names), and never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace

from midistems_graph.audio.values import StftSettings
from midistems_graph.document.graph import Edge, Node
from midistems_graph.node.contract import LOCAL, InputName
from midistems_graph.node.definition import TIMED, NodeType, Port
from midistems_graph.node.knob import KnobError
from midistems_graph.rules.kinds import in_order
from midistems_graph.rules.site import Site

BINS = frozenset({"spectrogram", "magnitude", "phase", "mask"})


@dataclass(frozen=True, slots=True)
class Format:
    """What is known of a value before it exists: samples per second, channels, names of stems, STFT settings.

    `complete` says that the stems cover the whole parent; `stems` is empty for what is no set, or an unknown one.
    """

    kind: str
    rate: int | None = None
    channels: int | None = None
    stems: tuple[str, ...] = ()
    complete: bool = False
    stft: StftSettings | None = None


Formats = Mapping[tuple[str, str], Format]
"""(node address, output port) -> format."""


def describe(site: Site, inputs: Mapping[str, Format] | None = None) -> dict[tuple[str, str], Format]:
    """The format on every output whose kind is known, from those of the graph's inputs by name."""
    found: dict[tuple[str, str], Format] = {}
    song = (inputs or {}).get("song")
    for address in in_order(site.flat):
        node, node_type = site.flat.nodes[address], site.type_of(address)
        if node_type is None:
            continue
        arriving = arriving_formats(site, address, found)
        knobs = _settings(node_type, node)
        bound = _bound_input(node_type, knobs, inputs or {})
        for port in node_type.outputs:
            kind = site.kinds.get((address, port.name))
            if kind is None:
                continue
            if node.state == "bypassed":
                passed = next((f for _, f in arriving if f.kind == kind), Format(kind))
                found[address, port.name] = passed
            else:
                formats = [f for _, f in arriving]
                found[address, port.name] = _made(node_type, port, kind, knobs, formats, bound, song)
    return found


def arriving_formats(site: Site, address: str, formats: Formats) -> list[tuple[Edge, Format]]:
    """The formats that a node receives on its input ports, in the order of ports and places."""
    node_type = site.type_of(address)
    order = {port.name: place for place, port in enumerate(node_type.inputs)} if node_type else {}
    edges = [edge for edge in site.into.get(address, ()) if edge.target.port in order]
    edges.sort(key=lambda edge: order[edge.target.port])
    known = ((edge, formats.get((edge.source.node, edge.source.port))) for edge in edges)
    return [(edge, format) for edge, format in known if format is not None]


def _made(
    node_type: NodeType,
    port: Port,
    kind: str,
    knobs: SimpleNamespace,
    arriving: list[Format],
    bound: Format | None,
    song: Format | None,
) -> Format:
    """The format of one output by the rules of its node type; a rule about the rate starts from the song's."""
    if kind not in TIMED:
        return Format(kind)
    first = next((f for f in arriving if f.kind in TIMED), None)
    like = first or bound or Format(kind)
    ruled = first or song or Format(kind) if node_type.rate is not None else like
    rate = _rate(node_type, knobs, ruled.rate)
    made = Format(kind, rate, like.channels)
    if kind == "stems":
        own = _stems(node_type, knobs)
        like_set = next((f for f in arriving if f.kind == "stems"), bound if bound and bound.kind == "stems" else None)
        complete = _complete(node_type, knobs)
        said = getattr(knobs, "complete", False) is True  # a knob of that name, as of stems.gather
        if own or complete or like_set is None:
            return replace(made, stems=own, complete=complete or said)
        return replace(made, stems=like_set.stems, complete=like_set.complete or said)
    if kind in BINS:
        like_bins = next((f.stft for f in arriving if f.kind in BINS), None)
        return replace(made, stft=like_bins or _stft(knobs))
    return made


def _settings(node_type: NodeType, node: Node) -> SimpleNamespace:
    """The knobs as a rule reads them; defaults where the node's own are refused."""
    try:
        settings = node_type.settings(node.knobs)
    except KnobError:
        settings = node_type.settings({})
    contexts = {port.name: LOCAL for port in node_type.inputs if "separator" in port.kinds}
    return SimpleNamespace(**{**settings, **contexts})


def _bound_input(node_type: NodeType, knobs: SimpleNamespace, inputs: Mapping[str, Format]) -> Format | None:
    """The format of the graph input that a node reads."""
    names = (getattr(knobs, knob.name) for knob in node_type.knobs if isinstance(knob.file, InputName))
    return next((inputs[name] for name in names if name in inputs), None)


def _rate(node_type: NodeType, knobs: SimpleNamespace, rate: int | None) -> int | None:
    """The output rate; of an unknown input rate only where the rule does not depend on it."""
    if node_type.rate is None:
        return rate
    try:
        rates = {node_type.rate(knobs, given) for given in ((44100, 48000) if rate is None else (rate,))}
    except Exception:  # the rule belongs to a pack; its own failure shows when it runs
        return None
    return rates.pop() if len(rates) == 1 else None


def _stems(node_type: NodeType, knobs: SimpleNamespace) -> tuple[str, ...]:
    if not callable(node_type.stems):
        return node_type.stems
    try:
        return node_type.stems(knobs)
    except Exception:  # as above
        return ()


def _complete(node_type: NodeType, knobs: SimpleNamespace) -> bool:
    if not callable(node_type.complete):
        return node_type.complete
    try:
        return node_type.complete(knobs)
    except Exception:  # as above
        return False


def _stft(knobs: SimpleNamespace) -> StftSettings | None:
    """The settings that knobs of the usual names give."""
    n_fft, hop = getattr(knobs, "n_fft", None), getattr(knobs, "hop", None)
    if not isinstance(n_fft, int) or not isinstance(hop, int):
        return None
    return StftSettings(n_fft, hop, str(getattr(knobs, "window", "hann")))
