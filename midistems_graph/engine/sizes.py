"""How many bytes units take: at work, and what they leave behind. Estimates, made before anything runs.

Sizes are multiples of the song's own audio (float32, all channels) over the same stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace

from midistems_graph.audio.values import Separator
from midistems_graph.document.graph import KnobValue
from midistems_graph.engine.plan import TILE, Interval, Plan, PlanNode, Unit
from midistems_graph.engine.wiring import PlanError, Source
from midistems_graph.node.definition import NodeType

SIZES = {"audio": 1.0, "stems": 4.0, "spectrogram": 4.0, "magnitude": 2.0, "phase": 2.0, "mask": 2.0, "features": 0.7}
"""Bytes of a kind as multiples of audio: four stems, and STFTs with a hop of a quarter of the frame, by habit. Features
of a network are as dense as sound or a tenth of that, others are few."""

SAMPLE_BYTES = 4
GB = 1 << 30


def edge_sizes(plan: Plan) -> dict[Source, float]:
    """How many times the bytes of the song's own audio each output takes for the same stretch, as far as known."""
    sizes: dict[Source, float] = {}
    for address, node in plan.nodes.items():
        for port in node.outputs:
            arriving = [sizes[s] for a in node.arguments for s in a.sources if set(a.port.kinds) & set(port.kinds)]
            size = max((SIZES.get(kind, 0.0) for kind in port.kinds), default=0.0)
            if port.kinds == ("features",) and not node.runs_networks:
                size = 0.0
            if port.generic and arriving:
                size = max(arriving)
            elif port.kinds == ("stems",):
                size = float(len(_promised_stems(node))) or max(arriving, default=_called_stems(node) or size)
            sizes[Source(address, port.name)] = size
    return sizes


def _promised_stems(node: PlanNode) -> tuple[str, ...]:
    """The names that the node type promises; none if they hang on what arrives."""
    return _stems(node.type, node.knobs)


def _stems(kind: NodeType, knobs: Mapping[str, KnobValue]) -> tuple[str, ...]:
    return kind.stems(SimpleNamespace(**knobs)) if callable(kind.stems) else kind.stems


def _called_stems(node: PlanNode) -> float:
    """How many stems the one separator promises that a node calls; 0 where it calls several or that is not known."""
    separators = [one for called in node.functions.values() for one in called if isinstance(one, Separator)]
    promised = [names for kind, knobs in node.called if (names := _stems(kind, knobs))]
    return float(len(promised[-1])) if promised and len(separators) == 1 else 0.0


def working_sizes(plan: Plan) -> dict[str, float]:
    """How many times the bytes of the song's own audio a node takes at work: what it reads and gives, with scratch.

    Derived nodes are computed on the way, one after the other, before the node itself begins.
    """
    edges = edge_sizes(plan)
    sizes: dict[str, float] = {}
    for address, node in plan.nodes.items():
        read = sum(edges[source] for source in node.sources)
        touched = read + sum(edges[Source(address, port.name)] for port in node.outputs)
        derived = [sizes[source.node] for source in node.sources if plan.nodes[source.node].mode == "derived"]
        sizes[address] = max(touched * (1 + node.type.scratch), read + max(derived, default=0.0))
    return sizes


def working_bytes(plan: Plan, unit: Unit, sizes: Mapping[str, float], *, networks: bool = True) -> int:
    """An estimate of the memory that a unit takes at work, with its networks or without; sizes are those of
    `working_sizes`."""
    node = plan.nodes[unit.node]
    start, stop = plan.needed(node, plan.interval(unit))
    if _streams(node) and not holds_the_song(node):
        stop = min(stop, start + TILE)
    at_work = int(span_bytes(plan, node, (start, stop)) * sizes[unit.node])
    return at_work + (max(resident_bytes(node), default=0) if networks else 0)  # they run one at a time


def span_bytes(plan: Plan, node: PlanNode, interval: Interval) -> float:
    """Bytes of the song's own audio over a stretch, at the rate of a node."""
    return float(interval[1] - interval[0]) * node.rate * _channels(plan) * SAMPLE_BYTES


def resident_bytes(node: PlanNode) -> list[int]:
    """What each network that a node brings or calls takes while it is loaded."""
    brings = ((node.type, node.knobs), *node.called)
    return [kind.resident(SimpleNamespace(**knobs)) for kind, knobs in brings if kind.resident]


def holds_the_song(node: PlanNode) -> bool:
    """Whether what a node takes at work grows with the song."""
    return node.type.holds or (node.whole and not _streams(node))


def refuse_what_does_not_fit(plan: Plan, memory: int | None) -> None:
    """Raise PlanError if a node holds the song and needs more than so many bytes for it (None: not known)."""
    sizes = working_sizes(plan)
    for unit in plan.units if memory else ():
        node = plan.nodes[unit.node]
        needs = working_bytes(plan, unit, sizes) if holds_the_song(node) else 0
        if memory and needs > memory:
            start, stop = plan.needed(node, plan.interval(unit))
            raise PlanError(
                f"{node.address} ({node.type.id}) holds the song in memory: about {needs / GB:.1f} GB for "
                f"{float(stop - start) / 60:.1f} minutes, and this machine has {memory / GB:.1f}; cut the song into "
                "parts and run each, or take that node out"
            )


def _streams(node: PlanNode) -> bool:
    return any(port.stream for port in node.type.inputs)


def output_bytes(plan: Plan, unit: Unit, edges: Mapping[Source, float]) -> int:
    """About how many bytes a unit's outputs take; edges are those of `edge_sizes`."""
    node = plan.nodes[unit.node]
    return int(
        span_bytes(plan, node, plan.interval(unit)) * sum(edges[Source(unit.node, port.name)] for port in node.outputs)
    )


def outputs_are_known(node: PlanNode) -> bool:
    """Whether its outputs are figures, audio, or stems whose names are known, so that their size is exact."""
    exact = {"audio", "number", "text", "separator", "scorer"} | ({"stems"} if node.type.stems else set())
    return all(len(port.kinds) == 1 and port.kinds[0] in exact for port in node.outputs)


def signal_samples(plan: Plan) -> Callable[[Unit], float]:
    """How many samples a unit works on, every channel and stem counted: what its cost is measured by."""
    a_second, edges = plan.bindings.rate * _channels(plan), edge_sizes(plan)
    start, stop = plan.window
    seconds = float(stop - start) or 1.0  # of nothing nothing is worked on

    @cache
    def times(address: str) -> float:
        """How many times the song's own samples a node reads, by stems and by segments of what it is or calls."""
        node = plan.nodes[address]
        read = sum(edges[source] for source in node.sources) or 1.0
        at_work = [(kind.segments, knobs) for kind, knobs in ((node.type, node.knobs), *node.called) if kind.segments]
        return read * max((rule(SimpleNamespace(**knobs), seconds) / seconds for rule, knobs in at_work), default=1.0)

    def samples(unit: Unit) -> float:
        start, stop = plan.interval(unit)
        return float(stop - start) * a_second * times(unit.node)

    return samples


def _channels(plan: Plan) -> int:
    """Those of the bound file that has most."""
    return max((bound.channels for bound in plan.bindings.files.values()), default=2) or 2
