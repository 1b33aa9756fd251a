"""Keys: what a unit's result depends on, and nothing else.

key(unit) = H("midistems/unit/1", node type, version, knobs (name, type tag, value) sorted by name,
inputs (port, digests) sorted by port, content digests of files, versions of libraries and of the node types
that it calls, stretch of the song and the song's length).

A derived stretch has no bytes to hash; its digest is its own key and the output port.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace

import blake3
import msgpack

from midistems_graph.audio.codec import pack
from midistems_graph.audio.fft import fft_backend
from midistems_graph.document.graph import KnobValue
from midistems_graph.engine.plan import Interval, Plan, PlanNode, Unit
from midistems_graph.engine.store import Store
from midistems_graph.engine.wiring import Source

TAGS = {bool: "b", int: "i", float: "f", str: "s", tuple: "t"}

Digests = tuple[str, ...]

Inputs = list[tuple[str, int, Digests]]
"""Digests of all that a node reads for a stretch, by port (or knob) and place, in their own order."""


class KeyChain:
    """The keys of a plan, each of which follows from the digests of what is above it.

    `digests` holds those of finished units, by port; whoever finds or computes a unit enters them. Of those in `gone`
    a look at the store found the digests and not the values.
    """

    def __init__(self, plan: Plan) -> None:
        self.digests: dict[Unit, Mapping[str, str]] = {}
        self.gone: set[Unit] = set()
        self._plan = plan
        self._nodes = {address: node_key(node, plan.total) for address, node in plan.nodes.items()}
        self._derived: dict[tuple[str, str, Interval], str] = {}

    def inputs(self, node: PlanNode, interval: Interval) -> Inputs:
        """What a node reads for a stretch. Raises KeyError if a unit above it is not known yet."""
        wider = self._plan.needed(node, interval)
        named = [(name, i, s) for name in sorted(node.inputs) for i, s in enumerate(node.inputs[name])]
        named += [(name, 0, node.wired[name]) for name in sorted(node.wired)]
        return [(name, i, self._source(source, wider)) for name, i, source in named]

    def key(self, node: PlanNode, interval: Interval, inputs: Inputs) -> str:
        """The key of a node's result on a stretch, with what it reads there."""
        return unit_key(self._nodes[node.address], interval, inputs)

    def look_up(self, store: Store) -> None:
        """Enter the units whose results a store knows, as far as that can be told without running."""
        for unit in self._plan.units:  # in an order that can be run
            node, interval = self._plan.nodes[unit.node], self._plan.interval(unit)
            if node.type.writes:
                continue
            try:
                key = self.key(node, interval, self.inputs(node, interval))
            except KeyError:  # below one that has to run
                continue
            if record := store.find(key):
                self.digests[unit] = record.outputs
            elif known := store.known(key):
                self.digests[unit] = known
                self.gone.add(unit)

    def contents(self) -> dict[str, Digests]:
        """Digests of what every output port holds, in the order of time, as far as they are known by now.

        A derived node has what it is set to in their place, and what it reads; a muted one a mark as well.
        """
        found: dict[str, list[str]] = {}
        for unit in sorted(self.digests):
            for port, digest in self.digests[unit].items():
                found.setdefault(f"{unit.node}.{port}", []).append(digest)
        for address, node in self._plan.nodes.items():
            for name in (f"{address}.{output.name}" for output in node.outputs):
                if node.mode == "derived":
                    found[name] = [blake3.blake3(self._nodes[address] + str(node.sources).encode()).hexdigest()]
                if node.muted and name in found:
                    found[name].append("muted")
        return {name: tuple(digests) for name, digests in sorted(found.items())}

    def _source(self, source: Source, interval: Interval) -> Digests:
        node = self._plan.nodes[source.node]
        muted = ("muted",) if node.muted else ()
        if node.mode == "derived":
            return (*muted, self._derived_digest(node, source.port, interval))
        return (*muted, *(self.digests[unit][source.port] for unit in self._plan.covering(node, interval)))

    def _derived_digest(self, node: PlanNode, port: str, interval: Interval) -> str:
        known = self._derived.get((node.address, port, interval))
        if known is None:
            key = self.key(node, interval, self.inputs(node, interval))
            known = self._derived[node.address, port, interval] = f"{key}.{port}"
        return known


def node_key(node: PlanNode, total: Fraction) -> bytes:
    """The part of the key that all units of a node share, in a song of so many seconds."""
    knobs = sorted((name, TAGS[type(value)], value) for name, value in node.knobs.items())
    functions = sorted((port, [pack(one)[0] for one in many]) for port, many in node.functions.items())
    parts = ["midistems/unit/1", node.type.id, node.type.version, knobs, functions, sorted(node.files.items())]
    called = sorted({(node_type.id, node_type.version) for node_type, _ in node.called})
    return blake3.blake3(msgpack.packb([*parts, libraries(node), called, node.rate, str(total)])).digest()


def lineage(plan: Plan, source: Source) -> str:
    """What an output of a plan is computed from, as one digest that is known before anything runs.

    Equal lineages have equal content; content may be equal where lineages are not.
    """
    known: dict[str, bytes] = {}
    for address, node in plan.nodes.items():  # in topological order
        named = [(name, sources) for name, sources in sorted(node.inputs.items())]
        named += [(name, (source,)) for name, source in sorted(node.wired.items())]
        above = [(name, [(known[s.node], s.port) for s in sources]) for name, sources in named]
        known[address] = blake3.blake3(msgpack.packb([node_key(node, plan.total), node.muted, above])).digest()
    return blake3.blake3(known[source.node] + source.port.encode()).hexdigest()


def unit_key(shared: bytes, interval: Interval, inputs: Inputs) -> str:
    """The key of a node's result on a stretch."""
    return blake3.blake3(msgpack.packb([shared, *map(str, interval), inputs])).hexdigest()


def facts(node: PlanNode, interval: Interval, inputs: Inputs) -> dict[str, str]:
    """The ingredients of a key in words, for "why did this run again"."""
    found = {"node type": f"{node.type.id} {node.type.version}", "stretch": _stretch(interval)}
    found |= {f"knob {name}": _text(value) for name, value in node.knobs.items()}
    found |= {f"file {name}": digest[:12] for name, digest in node.files.items()}
    found |= {f"library {name}": v for name, v in libraries(node)}
    found |= {f"called {node_type.id}": node_type.version for node_type, _ in node.called}
    for name, place, digests in inputs:
        joint = blake3.blake3(" ".join(digests).encode()).hexdigest()[:12]
        found[f"input {name}" + (f"[{place}]" if place else "")] = joint
    return found


def libraries(node: PlanNode) -> tuple[tuple[str, str], ...]:
    """Versions of the libraries that can change a node's samples, and what else of this machine can."""
    found = {"fft": fft_backend()}
    for node_type, knobs in ((node.type, node.knobs), *node.called):
        found |= {name: library_version(name) for name in ("numpy", *node_type.libraries)}
        found |= node_type.facts(SimpleNamespace(**knobs)) if node_type.facts else {}
    return tuple(sorted(found.items()))


@cache
def library_version(package: str) -> str:
    """The version of an installed package, or `none`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _text(value: KnobValue) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _stretch(interval: Interval) -> str:
    return f"{float(interval[0]):g} to {float(interval[1]):g} s"
