"""Why a node would run now, although something like it may have run before."""

from __future__ import annotations

from midistems_graph.engine.apart import owner
from midistems_graph.engine.keys import KeyChain, facts
from midistems_graph.engine.plan import Plan, PlanNode
from midistems_graph.engine.store import Store


def why(plan: Plan, store: Store, address: str) -> list[str]:
    """The differences to what the store has of a node, one line each; empty if all of it is there.

    Below a node that has to run nothing can be looked up: then that node is named. Computes nothing.
    """
    keys = KeyChain(plan)
    song = plan.bindings.song_digest
    for unit in plan.units:  # in an order that can be run
        node, interval = plan.nodes[unit.node], plan.interval(unit)
        if node.type.writes:
            continue
        try:
            inputs = keys.inputs(node, interval)
        except KeyError:
            if owner(unit.node) == address:
                return [f"{_first_above(plan, node, keys)} has to be computed first"]
            continue
        record = store.find(keys.key(node, interval, inputs))
        if record is not None:
            keys.digests[unit] = record.outputs
        elif owner(unit.node) == address:
            return store.explain(unit.node, node.type.id, song, facts(node, interval, inputs))
    return []


def _first_above(plan: Plan, node: PlanNode, keys: KeyChain) -> str:
    """The nearest stored node above one that is not all there."""
    todo = [source.node for source in node.sources]
    while todo:
        above = plan.nodes[todo.pop(0)]
        units = plan.covering(above, plan.window) if above.mode != "derived" else ()
        if any(unit not in keys.digests for unit in units):
            return owner(above.address)
        if above.mode == "derived":
            todo += [source.node for source in above.sources]
    return "what is above it"
