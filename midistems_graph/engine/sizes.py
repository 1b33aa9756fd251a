"""How many bytes units take: at work, and what they leave behind. Estimates, made before anything runs.

Sizes are multiples of the song's own audio (float32, all channels) over the same stretch.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from midistems_graph.engine.plan import TILE, Plan, PlanNode, Unit
from midistems_graph.engine.wiring import PlanError, Source

SIZES = {"audio": 1.0, "stems": 4.0, "spectrogram": 4.0, "magnitude": 2.0, "phase": 2.0, "mask": 2.0}
"""Bytes of a kind as multiples of audio: four stems, and STFTs with a hop of a quarter of the frame, by habit."""

SAMPLE_BYTES = 4
GB = 1 << 30


def edge_sizes(plan: Plan) -> dict[Source, float]:
    """How many times the bytes of the song's own audio each output takes for the same stretch, as far as known."""
    sizes: dict[Source, float] = {}
    for address, node in plan.nodes.items():
        for port in node.outputs:
            arriving = [sizes[s] for a in node.arguments for s in a.sources if set(a.port.kinds) & set(port.kinds)]
            size = max((SIZES.get(kind, 0.0) for kind in port.kinds), default=0.0)
            if port.generic and arriving:
                size = max(arriving)
            elif port.kinds == ("stems",):
                size = float(len(_promised_stems(node))) or max(arriving, default=size)
            sizes[Source(address, port.name)] = size
    return sizes


def _promised_stems(node: PlanNode) -> tuple[str, ...]:
    """The names that the node type promises; none if they hang on what arrives."""
    return node.type.stems(SimpleNamespace(**node.knobs)) if callable(node.type.stems) else node.type.stems


def working_sizes(plan: Plan) -> dict[str, float]:
    """How many times the bytes of the song's own audio a node takes at work: what it reads and gives, with scratch.

    Of the derived nodes that are computed on the way the one that takes most counts too.
    """
    edges = edge_sizes(plan)
    sizes: dict[str, float] = {}
    for address, node in plan.nodes.items():
        touched = sum(edges[s] for s in node.sources) + sum(edges[Source(address, p.name)] for p in node.outputs)
        derived = [sizes[s.node] for s in node.sources if plan.nodes[s.node].mode == "derived"]
        sizes[address] = touched * (1 + node.type.scratch) + max(derived, default=0.0)
    return sizes


def working_bytes(plan: Plan, unit: Unit, sizes: Mapping[str, float]) -> int:
    """An estimate of the memory that a unit takes at work; sizes are those of `working_sizes`."""
    node = plan.nodes[unit.node]
    start, stop = plan.needed(node, plan.interval(unit))
    seconds = float(stop - start if holds_the_song(node) or not _streams(node) else min(stop - start, TILE))
    at_work = ((node.type, node.knobs), *node.called)  # networks run one at a time
    resident = max(t.resident(SimpleNamespace(**knobs)) if t.resident else 0 for t, knobs in at_work)
    return resident + int(seconds * node.rate * _channels(plan) * SAMPLE_BYTES * sizes[unit.node])


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


def output_bytes(plan: Plan, unit: Unit) -> int | None:
    """Bytes of a unit's outputs, if they are figures, audio, or stems whose names are known."""
    node = plan.nodes[unit.node]
    start, stop = plan.interval(unit)
    signal = int((stop - start) * node.rate) * _channels(plan) * SAMPLE_BYTES
    total = 0
    for port in node.type.outputs:
        match port.kinds:
            case ("number",) | ("text",) | ("separator",) | ("scorer",):
                continue
            case ("audio",):
                total += signal
            case ("stems",) if node.type.stems:
                total += signal * len(_promised_stems(node))
            case _:
                return None
    return total


def signal_samples(plan: Plan, unit: Unit) -> float:
    """Samples of the song that a unit covers, every channel counted: what its cost is measured by."""
    start, stop = plan.interval(unit)
    return float(stop - start) * plan.bindings.rate * _channels(plan)


def _channels(plan: Plan) -> int:
    """Those of the bound file that has most."""
    return max((bound.channels for bound in plan.bindings.files.values()), default=2) or 2
