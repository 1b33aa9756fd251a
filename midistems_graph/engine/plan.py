"""A plan: a graph compiled for some outputs and a stretch of the song.

document -> flatten -> resolve bypassed nodes -> keep the ancestors of what is wanted -> contexts and
rates -> units. The axis is the song's, in exact rational seconds. A node works in one of three ways:

- *tiled*: one unit per tile of the absolute grid (10 s), its inputs widened by its context;
- *once*: one unit for the whole song (or the window): whole-track nodes, streaming passes, measures, writers;
- *derived*: no unit; computed where a unit needs it, for just the stretch that it needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import chain
from types import SimpleNamespace
from typing import Literal, NamedTuple

from midistems_graph.audio.values import Scorer, Separator, Timed
from midistems_graph.document.flatten import FUNCTIONS, Flat, flatten
from midistems_graph.document.graph import Address, Graph, KnobValue, Lock, Node
from midistems_graph.engine.apart import shown, told_apart
from midistems_graph.engine.binding import Bindings, not_bound
from midistems_graph.engine.functions import (
    called_by,
    function_of,
    separator_context,
    separator_models,
    separators_behind,
)
from midistems_graph.engine.locked import LOCKED, locked_type, locked_values
from midistems_graph.engine.unbound import left_out
from midistems_graph.engine.wiring import PlanError, Source, Wiring
from midistems_graph.models.providers import ON_THE_PROCESSOR
from midistems_graph.node.contract import LOCAL, NO_REACH, Context, InputName
from midistems_graph.node.definition import NodeType, Port, context_of, has_first_pass
from midistems_graph.node.knob import KnobError
from midistems_graph.node.library import NodeLibrary

TILE = Fraction(10)
"""Seconds of one tile."""

TILES_AT_ONCE = 4
"""So many make segments ready for a network on another device, and take up what it gives, to keep it busy."""

MAX_UNITS = 200_000
"""A plan of more units than this is refused."""

MODEL = "#model"
"""What the address of a node's streaming first pass ends with."""

MAX_DERIVED = 24
"""Of more derived nodes in a row one is stored, so that what is computed again, and within itself, stays bounded."""

ONCE = -1
"""The tile of a unit that covers the whole song, or the window."""

Interval = tuple[Fraction, Fraction]


class Unit(NamedTuple):
    """The unit of work and of storage: a node and the number of a tile (or ONCE)."""

    node: str
    tile: int


class Argument(NamedTuple):
    """What one input port of a node receives: the outputs that are wired to it, or functions."""

    port: Port
    sources: tuple[Source, ...]
    functions: tuple[Separator | Scorer, ...]


@dataclass(frozen=True, eq=False)
class PlanNode:
    """One node of the flattened graph, ready to be evaluated.

    `knobs` are coerced, those that an edge drives are in `wired` instead. `rate` is that of the outputs,
    `reach` the context in seconds to either side, `files` the content digests of what its knobs name,
    `depth` the nodes on the longest path that ends here, `derived` the derived ones in a row, `called` the
    node types behind its functions with their settings.
    """

    address: str
    type: NodeType
    knobs: Mapping[str, KnobValue]
    inputs: Mapping[str, tuple[Source, ...]]
    wired: Mapping[str, Source]
    functions: Mapping[str, tuple[Separator | Scorer, ...]]
    rate: int
    reach: Fraction
    whole: bool
    mode: Literal["tiled", "once", "derived"]
    muted: bool
    depth: int
    derived: int
    files: Mapping[str, str]
    called: tuple[tuple[NodeType, Mapping[str, KnobValue]], ...] = ()

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """All that flows in: into ports, then into knobs."""
        return (*chain.from_iterable(self.inputs.values()), *self.wired.values())

    @cached_property
    def runs_networks(self) -> bool:
        """Whether it, or what it calls, brings something that stays in memory and takes turns with others."""
        return bool(self._networks)

    @cached_property
    def _networks(self) -> tuple[str, ...]:
        """What computes each of them."""
        at_work = ((self.type, self.knobs), *self.called)
        told = (each.facts(SimpleNamespace(**knobs)) if each.facts else {} for each, knobs in at_work if each.resident)
        return tuple(facts.get("provider", "cpu") for facts in told)

    def threads(self, cores: int) -> int:
        """How many threads of a run of so many a unit takes: a network on the processor all, so that it runs alone."""
        if not self._networks:
            return 1
        on_the_processor = any(provider in ON_THE_PROCESSOR for provider in self._networks)
        return cores if on_the_processor else max(1, cores // TILES_AT_ONCE)

    @cached_property
    def once(self) -> tuple[Unit]:
        """The one unit of a node that has no tiles."""
        return (Unit(self.address, ONCE),)

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """What each input port receives, in the order of the function's parameters."""
        return tuple(Argument(p, self.inputs.get(p.name, ()), self.functions.get(p.name, ())) for p in self.type.inputs)

    @cached_property
    def outputs(self) -> tuple[Port, ...]:
        """The ports that the function gives values for (those that offer it as a function need none)."""
        return tuple(port for port in self.type.outputs if port.name not in FUNCTIONS)


@dataclass(frozen=True)
class Plan:
    """Nodes in topological order, units with the units that they read, and the stretch that is wanted."""

    nodes: Mapping[str, PlanNode]
    wanted: tuple[str, ...]
    outputs: tuple[Source, ...]
    window: Interval
    bindings: Bindings
    flat: Flat
    units: Mapping[Unit, tuple[Unit, ...]] = field(default_factory=dict)

    @property
    def total(self) -> Fraction:
        """Length of the song in seconds."""
        return self.bindings.total

    @cached_property
    def read(self) -> frozenset[str]:
        """Nodes whose results another node reads."""
        return frozenset(source.node for node in self.nodes.values() for source in node.sources)

    def interval(self, unit: Unit) -> Interval:
        """The stretch of the song that a unit's outputs cover."""
        if unit.tile != ONCE:
            return self._tile(unit.tile)
        node = self.nodes[unit.node]
        return self._song if node.whole or unit.node in self.read else self.window

    @cached_property
    def _song(self) -> Interval:
        return Fraction(0), self.total

    @cached_property
    def _tile(self) -> Callable[[int], Interval]:
        return cache(lambda number: (number * TILE, min((number + 1) * TILE, self.total)))

    def needed(self, node: PlanNode, interval: Interval) -> Interval:
        """The stretch that a node reads to give a stretch of its outputs."""
        if node.whole:
            return self._song
        if node.reach is NO_REACH:
            return interval
        return max(interval[0] - node.reach, Fraction(0)), min(interval[1] + node.reach, self.total)

    def covering(self, node: PlanNode, interval: Interval) -> Sequence[Unit]:
        """The stored units whose outputs cover a stretch of a node's outputs."""
        if node.mode == "once":
            return node.once
        first = int(interval[0] // TILE)
        return [Unit(node.address, tile) for tile in range(first, max(first + 1, math.ceil(interval[1] / TILE)))]

    def reads(self, node: PlanNode, interval: Interval) -> tuple[Unit, ...]:
        """The stored units that evaluating a node on a stretch reads, through derived nodes too."""
        found: dict[Unit, None] = {}
        todo = [(node, interval)]
        seen: set[tuple[str, Interval]] = set()  # derived nodes may branch and meet again many times
        while todo:
            reader, stretch = todo.pop()
            wider = self.needed(reader, stretch)
            for source in reader.sources:
                upstream = self.nodes[source.node]
                if upstream.mode != "derived":
                    found.update(dict.fromkeys(self.covering(upstream, wider)))
                elif (upstream.address, wider) not in seen:
                    seen.add((upstream.address, wider))
                    todo.append((upstream, wider))
        return tuple(found)

    def ranks(self) -> dict[Unit, tuple[int, ...]]:
        """In which order ready units are taken up, lowest first: tile by tile through the graph, the deepest first.

        So what was computed is soon used and freed. What holds up others for the whole song goes before all tiles, what
        nobody reads after them.
        """
        last = 1 + max((unit.tile for unit in self.units), default=0)
        return {
            unit: (unit.tile if unit.tile != ONCE or unit.node in self.read else last, -self.nodes[unit.node].depth)
            for unit in self.units
        }

    def asked(self) -> Iterator[Unit]:
        """The stored units that hold what is wanted, or that it is derived from."""
        for address in self.wanted:
            node = self.nodes[address]
            yield from (self.reads if node.mode == "derived" else self.covering)(node, self.window)


def compile_plan(
    graph: Graph,
    library: NodeLibrary,
    bindings: Bindings,
    *,
    outputs: Collection[Address] | None = None,
    window: Interval | None = None,
) -> Plan:
    """Compile a graph that the rules found sound, for some output ports and a window in seconds.

    Without `outputs`: all writers, and all measures whose figures nothing else reads. An output may be a
    port of a group instance. What an optional input that is not bound leaves out is not planned, wanted or not.
    Raises PlanError when bypassing leaves a hole, nothing of what is wanted is left or the plan has too many units.
    """
    flat = flatten(graph)
    wiring = Wiring.of(flat, library)
    lost = left_out(wiring, graph, bindings.files)
    wiring = wiring.without(lost)
    wanted_ports = tuple(_shown(flat, wiring, address) for address in _left(outputs or (), flat, lost))
    ends = tuple(wiring.ends()) if outputs is None else tuple(dict.fromkeys(s.node for s in wanted_ports))
    keep = wiring.ancestors(ends)
    nodes: dict[str, PlanNode] = {}
    for address in wiring.order:
        if address in keep:
            for node in _plan_nodes(address, wiring, library, bindings, nodes, graph):
                nodes[node.address] = node
    nodes = told_apart(nodes)
    wanted_ports = tuple(shown(source, nodes) for source in wanted_ports)
    if outputs is not None:
        ends = tuple(dict.fromkeys(source.node for source in wanted_ports))
    start, stop = window or (Fraction(0), bindings.total)
    span = (max(start, Fraction(0)), min(stop, bindings.total))
    plan = Plan(nodes, ends, wanted_ports, span, bindings, flat)
    _refuse_unlocked_ports(plan)
    return replace(plan, units=_units(plan))


def _left(outputs: Collection[Address], flat: Flat, lost: Mapping[str, str]) -> list[Address]:
    """The outputs whose nodes are there. Raises PlanError if none is."""
    lacking = [lost.get(flat.aliases.get(str(address), address).node, "") for address in outputs]
    if lacking and all(lacking):
        raise PlanError(not_bound(lacking[0]))
    return [address for address, lacks in zip(outputs, lacking, strict=True) if not lacks]


def _shown(flat: Flat, wiring: Wiring, address: Address) -> Source:
    """The port that an address shows: through group instances and bypassed nodes."""
    inner = flat.aliases.get(str(address), address)
    if inner.node not in flat.nodes:
        raise PlanError(f"there is no node {address.node!r}; the graph has {', '.join(sorted(flat.nodes)) or 'none'}")
    return wiring.past_bypassed(Source(inner.node, inner.port))


def _plan_nodes(
    address: str,
    wiring: Wiring,
    library: NodeLibrary,
    bindings: Bindings,
    done: Mapping[str, PlanNode],
    graph: Graph,
) -> Iterator[PlanNode]:
    """The plan node of one address, after its streaming first pass if it has one."""
    node = wiring.nodes[address]
    if node.lock is not None and node.is_locked:
        yield _locked(address, node, node.lock, library, bindings)
        return
    node_type = library[node.type]
    inputs: dict[str, list[Source]] = {}
    wired: dict[str, Source] = {}
    functions: dict[str, tuple[Separator | Scorer, ...]] = {}
    contexts: dict[str, Context] = {}
    models: dict[str, str] = {}
    called: list[tuple[NodeType, Mapping[str, KnobValue]]] = []
    for target, source in wiring.into[address]:
        if source.port in FUNCTIONS:
            functions[target.port] = (*functions.get(target.port, ()), function_of(source, wiring, graph, library))
            called += called_by(source, wiring, graph, library)
            for function in separators_behind(source, wiring):
                contexts[target.port] = separator_context(function, graph, library, bindings)
                models |= separator_models(target.port, function, graph, library, bindings)
        elif node_type.knob(target.port):
            wired[target.port] = source
        else:
            inputs.setdefault(target.port, []).append(source)
    settings = node_type.settings(node.knobs)
    context = context_of(node_type, {**settings, **contexts})
    files = {**file_digests(node_type, settings, bindings), **models}
    first_timed = next((inputs[port.name][0] for port in node_type.inputs if port.timed and port.name in inputs), None)
    arriving = done[first_timed.node].rate if first_timed else bindings.rate
    rate = _rate(node_type, settings, arriving, bindings)
    above = [done[source.node] for _, source in wiring.into[address] if source.port not in FUNCTIONS]
    depth = 1 + max((node.depth for node in above), default=0)
    derived = 1 + max((node.derived for node in above), default=0) if node_type.derived else 0
    derived = 0 if derived > MAX_DERIVED else derived
    shared = PlanNode(
        address=address,
        type=node_type,
        knobs={name: value for name, value in settings.items() if name not in wired},
        inputs={name: tuple(sources) for name, sources in inputs.items()},
        wired=wired,
        functions=functions,
        rate=rate,
        reach=context.reach(arriving),
        whole=context.whole,
        mode="derived" if derived else _mode(node_type, context),
        muted=node.state == "muted",
        depth=depth,
        derived=derived,
        files=files,
        called=tuple(called),
    )
    if not has_first_pass(node_type, settings):
        yield shared
        return
    first = replace(shared, address=address + MODEL, type=model_type(node_type), mode="once", whole=True, muted=False)
    yield first
    main = replace(node_type, inputs=(*node_type.inputs, Port("learned", ("features",))))
    yield replace(
        shared, type=main, inputs={**shared.inputs, "learned": (Source(first.address, "out"),)}, depth=depth + 1
    )


def _locked(address: str, node: Node, lock: Lock, library: NodeLibrary, bindings: Bindings) -> PlanNode:
    """A node that gives what it is locked to, in the same units as before, so that nothing below it runs again."""
    found = locked_values(address, lock, bindings)
    values = {port: value for port, (_, value) in found.items()}
    timed = [value for value in values.values() if isinstance(value, Timed)]
    own, whole = library.get(node.type), False
    with suppress(AttributeError, KnobError):  # what is set or called is not known here
        whole = own is not None and context_of(own, own.settings(node.knobs)).whole
    return PlanNode(
        address=address,
        type=locked_type(node, values),
        knobs={},
        inputs={},
        wired={},
        functions={},
        rate=timed[0].rate if timed else bindings.rate,
        reach=NO_REACH,
        whole=whole,
        mode="tiled" if len(timed) == len(values) and not whole else "once",
        muted=node.state == "muted",
        depth=1,
        derived=0,
        files={f"locked {port}": digest for port, (digest, _) in found.items()},
    )


def _refuse_unlocked_ports(plan: Plan) -> None:
    """Raise PlanError where an output of a locked node is needed that is not locked with it."""
    read = [source for node in plan.nodes.values() for source in node.sources]
    for source in (*read, *plan.outputs):
        node = plan.nodes[source.node]
        if node.type.id.endswith(LOCKED) and node.type.output(source.port) is None:
            raise PlanError(f"{source.node} is locked without its output {source.port!r}; unlock it and lock it again")


def model_type(node_type: NodeType) -> NodeType:
    """The node type of a streaming first pass: the same knobs, streams for inputs, features for output."""
    assert node_type.reduce is not None
    return replace(
        node_type,
        id=node_type.id + MODEL,
        function=node_type.reduce,
        inputs=tuple(replace(port, stream=True) for port in node_type.inputs),
        outputs=(Port("out", ("features",)),),
        context=LOCAL,
        resident=None,
        segments=None,
        reduce=None,
        apart=None,
        separator=False,
        scorer=False,
        derived=False,
        takes_run=True,
        single_output=True,
    )


def _mode(node_type: NodeType, context: Context) -> Literal["tiled", "once"]:
    timed = any(port.timed for port in node_type.outputs)
    streams = any(port.stream for port in node_type.inputs)
    return "once" if node_type.writes or streams or context.whole or not timed else "tiled"


def _rate(node_type: NodeType, settings: Mapping[str, KnobValue], arriving: int, bindings: Bindings) -> int:
    if node_type.rate is not None:
        return node_type.rate(SimpleNamespace(**settings), arriving)
    for knob in node_type.knobs:
        if isinstance(knob.file, InputName) and settings[knob.name] in bindings.files:
            return bindings.files[str(settings[knob.name])].rate
    return arriving


def file_digests(node_type: NodeType, settings: Mapping[str, KnobValue], bindings: Bindings) -> dict[str, str]:
    """Content digests of the files that a node's knobs name; raises InputProblem."""
    return {
        knob.name: bindings.named(knob.file, str(settings[knob.name])).digest for knob in node_type.knobs if knob.file
    }


def _units(plan: Plan) -> dict[Unit, tuple[Unit, ...]]:
    """All units that the wanted nodes need, with what each reads, in an order that can be run."""
    units: dict[Unit, tuple[Unit, ...]] = {}
    todo = list(plan.asked())
    while todo:
        unit = todo.pop()
        if unit in units:
            continue
        reads = units[unit] = plan.reads(plan.nodes[unit.node], plan.interval(unit))
        todo.extend(reads)
        if len(units) > MAX_UNITS:
            raise PlanError(
                f"the plan has more than {MAX_UNITS:,} units of {float(TILE):g} s; run a shorter --window "
                f"or fewer repeats (the largest part is the node {unit.node!r})"
            )
    order = {address: place for place, address in enumerate(plan.nodes)}
    return dict(sorted(units.items(), key=lambda item: (order[item[0].node], item[0].tile)))
