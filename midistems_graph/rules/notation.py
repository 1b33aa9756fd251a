"""Graphs written as Python: nodes are calls, wires are `>>`.

    from midistems_graph.rules.notation import graph, rooms

    io, separate, consistency = rooms("io", "separate", "consistency")

    song = io.load()
    exact = consistency.mixture(share="bins")
    song >> separate.hpss(n_fft=8192) >> exact.stems >> io.save()
    song >> exact.mixture
    GRAPH = graph(globals(), title="Held and hit")

A node is called after its variable, one without a variable after its type. `a >> b` joins the first output of `a` and
the first input of `b`; `a.stem`, `b.parts[1]` and `b["odd-name"]` name others, and knobs. What `graph` takes besides
are the fields of a graph file. The result is the very document that a file would hold.

`read_script` reads such a file without executing it: see `midistems_graph.rules.script`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from midistems_graph.document.data import from_data
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.document.migrations import FORMAT, VERSION
from midistems_graph.node.library import NodeLibrary, installed

_numbers = count()


class Port:
    """A port or knob of a node, as an end of a wire."""

    __slots__ = ("_index", "_name", "_node")

    def __init__(self, node: Box, name: str | None, index: int | None = None) -> None:
        self._node, self._name, self._index = node, name, index

    def __getitem__(self, index: int) -> Port:
        return Port(self._node, self._name, index)

    def __rshift__(self, target: Box | Port) -> Box:
        end = target if isinstance(target, Port) else Port(target, None)
        for box in {self._node, end._node}:
            box._wires.append((self, end))
        return end._node


class Box:
    """A node that is being wired; what it lacks of a name it gets from `graph`."""

    __slots__ = ("_about", "_id", "_knobs", "_number", "_type", "_wires")

    def __init__(self, type: str, id: str = "", **knobs: Any) -> None:
        self._type, self._id, self._knobs = type, id, knobs
        self._about: dict[str, Any] = {}
        self._wires: list[tuple[Port, Port]] = []
        self._number = next(_numbers)

    def about(self, label: str = "", **fields: Any) -> Box:
        """What else a graph file says of a node: label, version (by default that of the installed type), state."""
        self._about = {**({"label": label} if label else {}), **fields}
        return self

    def __getattr__(self, name: str) -> Port:
        if name.startswith("__"):
            raise AttributeError(name)
        return Port(self, name)

    def __getitem__(self, name: str) -> Port:
        return Port(self, name)

    def __rshift__(self, target: Box | Port) -> Box:
        return Port(self, None) >> target


class Room:
    """A room of the node library: `separate.hpss(...)` is a node of the type `separate.hpss`."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> _Maker:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Maker(f"{self._name}.{name}")


class _Maker:
    def __init__(self, type: str) -> None:
        self._type = type

    def __call__(self, id: str = "", /, **knobs: Any) -> Box:
        return Box(self._type, id, **knobs)


def rooms(*names: str) -> list[Room]:
    """Rooms of the node library by name."""
    return [Room(name) for name in names]


def node(type: str, id: str = "", /, **knobs: Any) -> Box:
    """A node of any type, such as an instance of a group: `node("group:refine", rounds=3)`."""
    return Box(type, id, **knobs)


def graph(
    names: Mapping[str, object],
    /,
    *,
    groups: Mapping[str, Mapping[str, Any]] | None = None,
    library: NodeLibrary | None = None,
    **fields: Any,
) -> Graph:
    """The document that the nodes among some names (`globals()`) make up. Raises DocumentError."""
    known = library or installed()
    bodies = {} if groups is None else {"groups": {name: _resolved(body, known) for name, body in groups.items()}}
    data = {"format": FORMAT, "version": VERSION, **fields, **bodies, **_body(names)}
    return from_data(_resolved(data, known))


def group(names: Mapping[str, object], /, **fields: Any) -> dict[str, Any]:
    """The definition of a group that the nodes among some names (`locals()`) make up."""
    return {**fields, **_body(names)}


def _body(names: Mapping[str, object]) -> dict[str, Any]:
    """Nodes by id, and wires as pairs of ports."""
    boxes: dict[Box, str] = {}
    for name, value in names.items():
        if not isinstance(value, Box):
            continue
        if boxes.setdefault(value, value._id or name) != (value._id or name):
            raise DocumentError(f"one node is called {boxes[value]} and {name}; make it twice, or use one name")
    waiting = deque(boxes)
    nameless: set[Box] = set()
    while waiting:
        for wire in waiting.popleft()._wires:
            for end in wire:
                if end._node not in boxes and end._node not in nameless:
                    nameless.add(end._node)
                    waiting.append(end._node)
    taken = set(boxes.values())
    if len(taken) < len(boxes):
        raise DocumentError("two nodes have the same id; give one another")
    for box in sorted(nameless, key=lambda box: box._number):
        boxes[box] = box._id or _free(box._type, taken)
        taken.add(boxes[box])
    wires = {wire: None for box in boxes for wire in box._wires}
    return {"nodes": {id: box for box, id in boxes.items()}, "edges": [(boxes, wire) for wire in wires]}


def _free(type: str, taken: Iterable[str]) -> str:
    """`separate.hpss` is `hpss`, `hpss2`, ..."""
    name = type.replace(":", ".").rpartition(".")[2]
    return next(one for n in count(1) if (one := name + (str(n) if n > 1 else "")) not in taken)


def _resolved(body: Mapping[str, Any], library: NodeLibrary) -> dict[str, Any]:
    """A body as a graph file has it."""
    nodes = {id: _node(box, library) for id, box in body["nodes"].items()}
    edges = [
        {"from": _address(boxes, source, library, True), "to": _address(boxes, target, library, False)}
        for boxes, (source, target) in body["edges"]
    ]
    return {**body, "nodes": nodes, "edges": edges}


def _node(box: Box, library: NodeLibrary) -> dict[str, Any]:
    knobs = {name: list(value) if isinstance(value, tuple) else value for name, value in box._knobs.items()}
    known = library.get(box._type)
    fields = {**({"version": known.version} if known else {}), **box._about}
    if not fields.get("version"):
        fields.pop("version", None)
    return {"type": box._type, **({"knobs": knobs} if knobs else {}), **fields}


def _address(boxes: Mapping[Box, str], port: Port, library: NodeLibrary, source: bool) -> str:
    name = port._name
    if name is None:
        name = default_port(port._node._type, library, source)
        if name is None:
            side = "output" if source else "input"
            raise DocumentError(
                f"{boxes[port._node]} of the type {port._node._type} has no {side} that is known; name one"
            )
    return f"{boxes[port._node]}.{name}" + ("" if port._index is None else f"[{port._index}]")


def default_port(type: str, library: NodeLibrary, source: bool) -> str | None:
    """The first output, or input, of a node type, if that is known and no place of a variadic port."""
    known = library.get(type)
    ports = () if known is None else known.outputs if source else known.inputs
    return ports[0].name if ports and not ports[0].variadic else None
