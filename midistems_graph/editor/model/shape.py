"""What the box of a node looks like and how large it is: title, rows of ports, knobs, thumbnail, status strip.

All sizes are multiples of the grid, and ports lie on it, so that wires between neighbours run straight.
A variadic port shows the places in use and one free one. A knob has a port where an edge drives it.
Of a node whose type is not known only what edges touch is there. Positions are relative to the box.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from midistems_graph.document.boxes import fit, text_width
from midistems_graph.document.flatten import REPEAT, SEPARATOR
from midistems_graph.document.graph import Address, Graph, Group, Node, State
from midistems_graph.editor.model.bodies import INPUTS, NEW
from midistems_graph.editor.model.plane import GRID, Point, Rect, snapped_up
from midistems_graph.node.definition import Knob, Port
from midistems_graph.node.library import NodeLibrary

Side = Literal["in", "out"]
Role = Literal["node", "group", "placeholder", "terminal"]

TITLE = 30.0
STATUS = 20.0
THUMBNAIL = 80.0
NARROWEST, WIDEST = 160.0, 320.0
PAD = 10.0
ICON = 18.0
"""What the sign of the status takes of the title bar."""

TITLE_SIZE, PORT_SIZE, SMALL_SIZE = 14.0, 12.0, 11.0
"""Sizes of type; small are knobs, the status and the names of stems."""

_SLIM = TITLE_SIZE - 1.0
"""Titles turn out narrower than they are thought to be; so boxes are not wider than they need."""

KNOB, MOST_KNOB_LINES = 14.0, 2


@dataclass(frozen=True, slots=True)
class PortSpot:
    """A dot on a box: an input or output, one place of a variadic port, or a knob that an edge drives.

    `kinds` is empty if nothing is known; `free` marks the place that waits for one more edge.
    """

    name: str
    index: int | None
    side: Side
    at: Point
    shown: str
    kinds: tuple[str, ...] = ()
    knob: bool = False
    optional: bool = False
    free: bool = False

    def address(self, node: str) -> Address:
        return Address(node, self.name, self.index)


@dataclass(frozen=True, slots=True)
class Shape:
    """A box without its place. `thumbnail` is there if an output can be seen and heard; `knobs` are lines."""

    title: str
    subtitle: str
    role: Role
    state: State
    width: float
    height: float
    ports: tuple[PortSpot, ...]
    status: Rect
    thumbnail: Rect | None
    knobs: tuple[str, ...] = ()
    knobs_top: float = 0.0
    locked: bool = False

    def port(self, side: Side, name: str, index: int | None = None) -> PortSpot | None:
        return next((p for p in self.ports if p.side == side and p.name == name and p.index == index), None)


@dataclass(frozen=True, slots=True)
class Sides:
    """The ports and knobs that a node offers."""

    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    knobs: tuple[str, ...] = ()


Wired = tuple[tuple[str, int | None], ...]
"""Ports (name, place) that edges touch, sorted."""


def shape_of(
    node_id: str,
    node: Node,
    sides: Sides | None,
    wired_in: Wired = (),
    wired_out: Wired = (),
    told: tuple[str, ...] = (),
) -> Shape:
    """The shape of a node; None for the sides stands for a type that is not known. `told` are its knobs in words."""
    role: Role = "placeholder" if sides is None else "group" if node.group else "node"
    shape = _shape(node.label or node_id, node.type, role, node.state, sides or Sides(), wired_in, wired_out, told)
    return replace(shape, locked=True) if node.is_locked else shape


def in_order(ports: Iterable[tuple[str, int | None]]) -> Wired:
    """Ports sorted by name, their places by number."""
    return tuple(sorted(ports, key=lambda port: (port[0], -1 if port[1] is None else port[1])))


def terminal_shape(terminal: str, group: Group, sides: Sides) -> Shape:
    """The shape of `<inputs>` or `<outputs>` of a group that was entered, with a free port for a new one."""
    if terminal == INPUTS:
        shown = Sides(outputs=(*sides.inputs, Port(NEW, ())))
    else:
        shown = Sides(inputs=(*(port for port in sides.outputs if port.name in group.outputs), Port(NEW, ())))
    return _shape(terminal.strip("<>"), "of the group", "terminal", "on", shown, (), (), ())


def sides_of(node: Node, graph: Graph, library: NodeLibrary) -> Sides | None:
    """What a node offers, None for a type (or a group) that is not there."""
    if node.group is not None:
        group = graph.groups.get(node.group)
        return None if group is None else sides_of_group(group, graph, library)
    node_type = library.get(node.type)
    return None if node_type is None else Sides(node_type.inputs, node_type.outputs, tuple(_names(node_type.knobs)))


def sides_of_group(group: Group, graph: Graph, library: NodeLibrary, depth: int = 0) -> Sides:
    """What the instances of a group offer, in the order of names."""
    inputs = tuple(
        Port(name, _inner_kinds(ends[0] if ends else None, "in", group, graph, library, depth))
        for name, ends in sorted(group.inputs.items())
    )
    outputs = tuple(
        Port(name, _inner_kinds(end, "out", group, graph, library, depth))
        for name, end in sorted(group.outputs.items())
    )
    callable_ = len(inputs) == len(outputs) == 1 and "audio" in inputs[0].kinds and "stems" in outputs[0].kinds
    if callable_ and SEPARATOR not in group.outputs:
        outputs = (*outputs, Port(SEPARATOR, ("separator",)))
    return Sides(inputs, outputs, (*sorted(group.knobs), REPEAT))


def _names(knobs: Iterable[Knob]) -> Iterator[str]:
    return (knob.name for knob in knobs)


def _inner_kinds(
    end: Address | None, side: Side, group: Group, graph: Graph, library: NodeLibrary, depth: int
) -> tuple[str, ...]:
    """The kinds of a port inside a group; nested groups are followed ten deep."""
    node = group.nodes.get(end.node) if end else None
    if end is None or node is None or depth > 10:
        return ()
    if node.group is not None:
        inner = graph.groups.get(node.group)
        sides = sides_of_group(inner, graph, library, depth + 1) if inner else None
    else:
        sides = sides_of(node, graph, library)
    ports = () if sides is None else sides.inputs if side == "in" else sides.outputs
    return next((port.kinds for port in ports if port.name == end.port), ())


@lru_cache(maxsize=8192)
def _shape(
    title: str,
    subtitle: str,
    role: Role,
    state: State,
    sides: Sides,
    wired_in: Wired,
    wired_out: Wired,
    told: tuple[str, ...],
) -> Shape:
    left = _rows("in", sides.inputs, sides.knobs, wired_in)
    right = _rows("out", sides.outputs, (), wired_out)
    labels = [(a.shown if a else "", b.shown if b else "") for a, b in _paired(left, right)]
    needed = max(
        NARROWEST,
        text_width(title, _SLIM) + 2 * PAD + ICON,
        *(text_width(a + b, PORT_SIZE) + 4 * PAD for a, b in labels),
    )
    width = min(snapped_up(needed), WIDEST)
    rows = max(len(left), len(right), 1)
    ports_end = TITLE + GRID * rows + PAD / 2
    timed = role in ("node", "group") and any(port.timed for port in sides.outputs)
    knobs = _knob_lines(told, width - 2 * PAD)
    top = ports_end + KNOB * len(knobs)
    thumbnail = Rect(PAD, top + 2.0 * bool(knobs), width - PAD, ports_end + THUMBNAIL) if timed else None
    content = (ports_end + THUMBNAIL + PAD / 2 if timed else top) + (0.0 if role == "terminal" else STATUS)
    height = snapped_up(content)
    room = (width - 3 * PAD) / 2 if left and right else width - 2 * PAD
    ports = tuple(_fitted(spot, width, room) for spot in (*left, *right))
    status = Rect(PAD, height - STATUS, width - PAD, height)
    return Shape(
        fit(title, _SLIM, width - 2 * PAD - ICON),
        subtitle,
        role,
        state,
        width,
        height,
        ports,
        status,
        thumbnail,
        knobs,
        ports_end,
    )


def _knob_lines(told: Sequence[str], width: float) -> tuple[str, ...]:
    """Knobs on as few lines as they fit on; what is left over is counted."""
    lines: list[str] = []
    for place, words in enumerate(told):
        longer = f"{lines[-1]} · {words}" if lines else words
        if lines and text_width(longer, SMALL_SIZE) <= width:
            lines[-1] = longer
        elif len(lines) < MOST_KNOB_LINES:
            lines.append(fit(words, SMALL_SIZE, width))
        else:
            rest = f" +{len(told) - place}"
            lines[-1] = fit(lines[-1], SMALL_SIZE, width - text_width(rest, SMALL_SIZE)) + rest
            break
    return tuple(lines)


def _rows(side: Side, ports: tuple[Port, ...], knobs: Collection[str], wired: Wired) -> list[PortSpot]:
    """The dots of one side from top to bottom: ports in their order, wired knobs, then what else edges touch."""
    spots: list[PortSpot] = []
    known = {port.name for port in ports}

    def add(name: str, index: int | None, port: Port | None, *, knob: bool = False, free: bool = False) -> None:
        at = (0.0, TITLE + GRID * len(spots) + GRID / 2)
        shown = name if index is None else f"{name} {index + 1}"
        kinds = ("number", "text") if knob else port.kinds if port else ()
        optional = free or (port is not None and port.optional)
        spots.append(PortSpot(name, index, side, at, shown, kinds, knob, optional, free))

    for port in ports:
        places = [index for name, index in wired if name == port.name]
        if not port.variadic:
            add(port.name, None, port, free=port.name == NEW)
            for index in places:
                if index is not None:
                    add(port.name, index, port)
            continue
        for index in places:
            add(port.name, index, port)
        add(port.name, _first_free(places), port, free=True)
    for name, index in wired:
        if name not in known:
            add(name, index, None, knob=name in knobs and index is None)
    return spots


def _first_free(places: Collection[int | None]) -> int:
    return next(k for k in range(len(places) + 1) if k not in places)


def _paired(left: list[PortSpot], right: list[PortSpot]) -> Iterator[tuple[PortSpot | None, PortSpot | None]]:
    for row in range(max(len(left), len(right))):
        yield (left[row] if row < len(left) else None), (right[row] if row < len(right) else None)


def _fitted(spot: PortSpot, width: float, room: float) -> PortSpot:
    x = 0.0 if spot.side == "in" else width
    shown = fit(spot.shown, PORT_SIZE, room)
    return PortSpot(
        spot.name, spot.index, spot.side, (x, spot.at[1]), shown, spot.kinds, spot.knob, spot.optional, spot.free
    )
