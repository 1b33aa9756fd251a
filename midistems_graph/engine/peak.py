"""The most memory that a program takes which runs a plan: an estimate, made before anything runs.

It is the program with the libraries and networks that are loaded, what is remembered of what was made, and the units
that are at work together; the largest ones, since some time or other they are, the longer the song the sooner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from midistems_graph.engine.memo import MEMO_BYTES
from midistems_graph.engine.plan import Plan, PlanNode, Unit
from midistems_graph.engine.sizes import edge_sizes, resident_bytes, span_bytes, working_bytes, working_sizes
from midistems_graph.engine.wiring import Source
from midistems_graph.models.recent import RECENT_BYTES

PROGRAM_BYTES = 60 << 20
"""What Python and this program take before any work, as measured."""

LIBRARY_BYTES = {"scipy": 45 << 20, "onnxruntime": 25 << 20}
"""What libraries take that are loaded with the first node that needs them, as measured."""


def peak_bytes(plan: Plan, units: Collection[Unit], workers: int) -> int:
    """The most that a program takes which runs these units of a plan, so many at a time; 0 if there are none."""
    if not units:
        return 0
    runs = {unit.node for unit in units}
    nodes = [node for node in plan.nodes.values() if node.address in runs or node.mode == "derived"]
    libraries = {name for node in nodes for name in node.type.libraries}
    program = PROGRAM_BYTES + sum(LIBRARY_BYTES.get(name, 0) for name in libraries)
    return program + _networks(nodes) + _remembered(plan, nodes) + _at_work(plan, units, workers)


def _networks(nodes: Iterable[PlanNode]) -> int:
    """Those that are loaded; what several nodes run is loaded once."""
    loaded = {(tuple(node.files.values()), nbytes) for node in nodes for nbytes in resident_bytes(node)}
    return sum(nbytes for _, nbytes in loaded)


def _remembered(plan: Plan, nodes: Iterable[PlanNode]) -> int:
    """What is kept for other readers: of derived nodes and of networks."""
    edges, derived, made = edge_sizes(plan), 0.0, 0.0
    for node in nodes:
        times = sum(edges[Source(node.address, port.name)] for port in node.outputs)
        nbytes = span_bytes(plan, node, plan.window) * times
        derived += nbytes if node.mode == "derived" else 0.0
        made += nbytes if node.runs_networks else 0.0
    return int(min(derived, MEMO_BYTES) + min(made, RECENT_BYTES))


def _at_work(plan: Plan, units: Iterable[Unit], workers: int) -> int:
    """The largest unit, and beside it the largest of those that neither wait for it nor it for them. One with a
    network runs alone."""
    sizes = working_sizes(plan)
    needs = {unit: working_bytes(plan, unit, sizes, networks=False) for unit in units}
    alone = max((needs[unit] for unit in needs if plan.nodes[unit.node].runs_networks), default=0)
    left = [unit for unit in needs if not plan.nodes[unit.node].runs_networks]
    readers = _readers(plan)
    together = 0
    for _ in range(workers):
        if left:
            largest = max(left, key=needs.__getitem__)
            together += needs[largest]
            waits = _reached(largest, plan.units) | _reached(largest, readers)
            left = [unit for unit in left if unit not in waits]
    return max(alone, together)


def _readers(plan: Plan) -> dict[Unit, list[Unit]]:
    readers: dict[Unit, list[Unit]] = {unit: [] for unit in plan.units}
    for unit, reads in plan.units.items():
        for read in reads:
            readers[read].append(unit)
    return readers


def _reached(start: Unit, ways: Mapping[Unit, Iterable[Unit]]) -> set[Unit]:
    """A unit and all that lie on the ways from it."""
    found, todo = {start}, [start]
    while todo:
        more = [unit for unit in ways[todo.pop()] if unit not in found]
        found.update(more)
        todo += more
    return found
