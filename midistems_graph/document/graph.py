"""The document: a graph of nodes and edges as frozen data, without any knowledge of what nodes do.

Addresses are text: `hpss.mixture` is a port (or a knob) of a node, `mix.audio[2]` one place of a
variadic port. A node of type `group:refine` is an instance of the group `refine`. What is computed
(nodes, edges, links, groups, inputs) is kept apart from what is only shown (`View`), so that moving
a box never re-runs anything. Every edit returns a new graph: undo is a list of graphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

if TYPE_CHECKING:
    from midistems_graph.document.previews import EdgePreview

K = TypeVar("K")
V = TypeVar("V")
KnobValue = bool | int | float | str | tuple[float, ...] | tuple[str, ...]
State = Literal["on", "bypassed", "muted"]

GROUP_PREFIX = "group:"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
"""What ids of nodes, ports, knobs, inputs and groups look like."""

GAIN_DB = (-60.0, 12.0)
"""The range of a channel's gain."""

DIGEST = re.compile(r"[0-9a-f]{64}\Z")

_ADDRESS = re.compile(r"(?P<node>[^.\[\]]+)\.(?P<port>[^.\[\]]+)(?:\[(?P<index>[0-9]{1,4})\])?\Z")


class DocumentError(ValueError):
    """A graph file or an edit is not a graph: the message names the place, the value and the remedy."""


def _frozen_map(mapping: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(dict(mapping))


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A port or knob of a node; `index` is the place in a variadic port."""

    node: str
    port: str
    index: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `node.port` or `node.port[index]`; raises DocumentError with the text otherwise."""
        match = _ADDRESS.match(text)
        if not match:
            raise DocumentError(f"{text!r} is not an address; write node.port or node.port[0]")
        index = match["index"]
        return cls(match["node"], match["port"], None if index is None else int(index))

    def __str__(self) -> str:
        return f"{self.node}.{self.port}" + ("" if self.index is None else f"[{self.index}]")


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A wire from an output port to an input port or a knob."""

    source: Address
    target: Address

    @classmethod
    def parse(cls, source: str, target: str) -> Self:
        return cls(Address.parse(source), Address.parse(target))

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


@dataclass(frozen=True, slots=True)
class Lock:
    """What a node gave for one song, kept as it was: digests of the song's content and of the values by output.

    The values themselves lie in the folder `locked` beside the graph file, each named by its digest.
    """

    song: str
    outputs: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "outputs", _frozen_map(self.outputs))


@dataclass(frozen=True, slots=True)
class Node:
    """One box: a node type, the version it was written for, its knobs by name, and whether it takes part.

    A bypassed node passes its first input of the same type through; a muted one gives silence. A locked one gives what
    it once gave, whatever is done to it and above it.
    `label` is shown instead of the id and changes nothing else. Here as in the view, a group and the
    graph, `extra` keeps the fields of a file that this version does not know, so that saving loses nothing.
    """

    type: str
    version: str = ""
    knobs: Mapping[str, KnobValue] = field(default_factory=dict)
    state: State = "on"
    label: str = ""
    lock: Lock | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "knobs", _frozen_map(self.knobs))
        object.__setattr__(self, "extra", _frozen_map(self.extra))

    @property
    def is_locked(self) -> bool:
        """Whether it gives what it is locked to: a bypassed node does not."""
        return self.lock is not None and self.state != "bypassed"

    @property
    def group(self) -> str | None:
        """The name of the group this node is an instance of."""
        return self.type[len(GROUP_PREFIX) :] if self.type.startswith(GROUP_PREFIX) else None


@dataclass(frozen=True, slots=True)
class Frame:
    """A titled rectangle behind nodes."""

    title: str
    x: float
    y: float
    width: float
    height: float
    color: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A piece of text on the canvas."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Channel:
    """One stem in a mixer to listen through: a gain within `GAIN_DB`, alone or not at all."""

    gain_db: float = 0.0
    solo: bool = False
    mute: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What is shown or heard and never computed: positions of nodes by id, frames, notes.

    `routes` are the points that edges are led through, from the source on, by the port where the edge ends;
    `mixers` are channels by the output that they are heard on, then by stem.
    """

    nodes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    frames: tuple[Frame, ...] = ()
    notes: tuple[Note, ...] = ()
    routes: Mapping[Address, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    mixers: Mapping[Address, Mapping[str, Channel]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", _frozen_map(self.nodes))
        object.__setattr__(self, "routes", _frozen_map(self.routes))
        object.__setattr__(self, "mixers", _frozen_map({a: _frozen_map(m) for a, m in self.mixers.items()}))
        object.__setattr__(self, "extra", _frozen_map(self.extra))


@dataclass(frozen=True, slots=True)
class InputSlot:
    """A named input that a run binds to a file; `optional` ones may stay unbound."""

    description: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a graph and a group have in common: nodes by id, edges, links, published knobs and their view.

    A link is a set of knob addresses that share one value: that of its first knob. `knobs` are inner knobs that are
    published under a name, in their author's order: of a group for its instances, of a graph for those who do not look
    inside.
    """

    nodes: Mapping[str, Node] = field(default_factory=dict)
    edges: frozenset[Edge] = frozenset()
    links: tuple[tuple[Address, ...], ...] = ()
    knobs: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    view: View = field(default_factory=View)
    extra: Mapping[str, Any] = field(default_factory=dict)
    published: tuple[str, ...] = field(init=False)
    """The names of `knobs` in their order, so that bodies in another order are not equal."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "published", tuple(self.knobs))
        object.__setattr__(self, "nodes", _frozen_map(self.nodes))
        object.__setattr__(self, "edges", frozenset(self.edges))
        object.__setattr__(self, "knobs", _frozen_map(self.knobs))
        object.__setattr__(self, "extra", _frozen_map(self.extra))

    def edges_into(self, node: str) -> list[Edge]:
        """Edges that end at a node, sorted by port and index."""
        return sorted((e for e in self.edges if e.target.node == node), key=_target_order)

    def edges_from(self, node: str) -> list[Edge]:
        """Edges that begin at a node, sorted."""
        return sorted((e for e in self.edges if e.source.node == node), key=str)

    def with_node(self, node_id: str, node: Node, at: tuple[float, float] | None = None) -> Self:
        """The same with a node added or replaced, at a place of the canvas if one is given."""
        if not NAME.match(node_id):
            raise DocumentError(
                f"{node_id!r} cannot name a node; use letters, digits, _ and -, beginning with a letter (64 at most)"
            )
        view = self.view if at is None else replace(self.view, nodes={**self.view.nodes, node_id: at})
        return replace(self, nodes={**self.nodes, node_id: node}, view=view)

    def without_nodes(self, ids: Iterable[str]) -> Self:
        """The same without some nodes, their edges, links, published knobs and positions."""
        gone = set(ids)
        links = (tuple(a for a in link if a.node not in gone) for link in self.links)
        knobs = {name: tuple(a for a in ends if a.node not in gone) for name, ends in self.knobs.items()}
        return replace(
            self,
            nodes={i: n for i, n in self.nodes.items() if i not in gone},
            edges=frozenset(e for e in self.edges if e.source.node not in gone and e.target.node not in gone),
            links=tuple(link for link in links if len(link) > 1),
            knobs={name: ends for name, ends in knobs.items() if ends or not self.knobs[name]},
            view=replace(
                self.view,
                nodes={i: p for i, p in self.view.nodes.items() if i not in gone},
                mixers={end: mixer for end, mixer in self.view.mixers.items() if end.node not in gone},
            ),
        )

    def with_edge(self, source: str | Address, target: str | Address) -> Self:
        """The same with an edge; an edge that already ends at this place gives way."""
        src = Address.parse(source) if isinstance(source, str) else source
        dst = Address.parse(target) if isinstance(target, str) else target
        for end in (src, dst):
            if end.node not in self.nodes:
                raise DocumentError(f"the edge {src} -> {dst} needs the node {end.node!r}, which does not exist")
        kept = (e for e in self.edges if e.target != dst)
        return replace(self, edges=frozenset((*kept, Edge(src, dst))))

    def without_edge(self, edge: Edge) -> Self:
        return replace(self, edges=self.edges - {edge})

    def with_knob(self, node_id: str, knob: str, value: KnobValue) -> Self:
        """The same with one knob set."""
        if node_id not in self.nodes:
            raise DocumentError(
                f"there is no node {node_id!r}; the graph has {', '.join(sorted(self.nodes)) or 'none'}"
            )
        node = self.nodes[node_id]
        return replace(self, nodes={**self.nodes, node_id: replace(node, knobs={**node.knobs, knob: value})})


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Body):
    """A definition that instances (`group:name`) share.

    `inputs` name the inner ports that a group's input feeds, `outputs` the inner port that an output
    shows. An instance sets published knobs only. `carry` makes it a repeat group: input name -> output
    name; iteration i + 1 receives on that input what iteration i gave on that output. `repeat` is the
    count that an instance may override with its knob `repeat`.
    """

    inputs: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    outputs: Mapping[str, Address] = field(default_factory=dict)
    carry: Mapping[str, str] = field(default_factory=dict)
    repeat: int = 1
    description: str = ""

    def __post_init__(self) -> None:
        Body.__post_init__(self)
        for name in ("inputs", "outputs", "carry"):
            object.__setattr__(self, name, _frozen_map(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph(Body):
    """The document: a body with its groups, named inputs and what people say about it.

    `systems` names the rows of the systems page that a preset covers; `previews` is sound that a `.mgraph` carries.
    """

    groups: Mapping[str, Group] = field(default_factory=dict)
    inputs: Mapping[str, InputSlot] = field(default_factory=lambda: {"song": InputSlot()})
    title: str = ""
    author: str = ""
    license: str = ""
    description: str = ""
    systems: tuple[str, ...] = ()
    previews: tuple[EdgePreview, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        Body.__post_init__(self)
        for name in ("groups", "inputs"):
            object.__setattr__(self, name, _frozen_map(getattr(self, name)))


def _target_order(edge: Edge) -> tuple[str, int, str]:
    return (edge.target.port, -1 if edge.target.index is None else edge.target.index, str(edge.source))
