"""A graph as plain data, what the files of both encodings hold, and back.

Defaults are left out, so that files stay short. Reading checks everything that does not need the node
types: names, kinds of values, limits, and that edges, links and groups name nodes that exist. Whether
ports exist and fit is for the rules. Fields that nobody knows are kept on the graph, groups, nodes and
views; elsewhere they are refused.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypedDict, get_args

from midistems_graph.document.graph import (
    DIGEST,
    GAIN_DB,
    Address,
    Body,
    Channel,
    DocumentError,
    Edge,
    Frame,
    Graph,
    Group,
    InputSlot,
    KnobValue,
    Lock,
    Node,
    Note,
    State,
    View,
)
from midistems_graph.document.migrations import FORMAT, VERSION, migrate
from midistems_graph.document.plain import MAX_EDGES, Part, plain, problem

_STATES: tuple[State, ...] = get_args(State)
_NODE = frozenset({"type", "version", "knobs", "state", "label", "lock"})
_VIEW = frozenset({"nodes", "frames", "notes", "routes", "mixers"})
_BODY = frozenset({"nodes", "edges", "links", "knobs", "view"})
_GROUP = _BODY | {"inputs", "outputs", "carry", "repeat", "description"}
_ABOUT = ("title", "author", "license", "description")
_GRAPH = _BODY | {"format", "version", "inputs", "groups", "systems", "previews", *_ABOUT}
_DEFAULT_INPUTS = {"song": InputSlot()}


def to_data(graph: Graph) -> dict[str, Any]:
    """The graph as plain data that shares nothing with it; edges and links are sorted."""
    about = {name: getattr(graph, name) for name in _ABOUT}
    return {
        "format": FORMAT,
        "version": VERSION,
        **_present(about),
        **_present({"systems": list(graph.systems)}),
        **_body_data(graph, _GRAPH),
        **_present({"groups": {name: _group_data(group) for name, group in graph.groups.items()}}),
        **({} if graph.inputs == _DEFAULT_INPUTS else {"inputs": _inputs_data(graph.inputs)}),
    }


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", [], {})}


def _extra_data(extra: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    if clash := known & extra.keys():
        raise DocumentError(f"extra: {min(clash)!r} is a field of its own and cannot be set as an unknown one")
    return copy.deepcopy(dict(extra))


def _body_data(body: Body, known: frozenset[str]) -> dict[str, Any]:
    fields = {
        "nodes": {node_id: _node_data(node) for node_id, node in body.nodes.items()},
        "edges": [{"from": str(e.source), "to": str(e.target)} for e in sorted(body.edges, key=edge_order)],
        "links": sorted([str(a) for a in link] for link in body.links),
        "knobs": {name: [str(a) for a in ends] for name, ends in body.knobs.items()},
        "view": _view_data(body.view),
    }
    return {**_extra_data(body.extra, known), **_present(fields)}


def edge_order(edge: Edge) -> tuple[tuple[str, str, int], tuple[str, str, int]]:
    """The order in which edges are listed: by source, then target, places by number."""
    return _address_order(edge.source), _address_order(edge.target)


def _address_order(address: Address) -> tuple[str, str, int]:
    return address.node, address.port, -1 if address.index is None else address.index


def _node_data(node: Node) -> dict[str, Any]:
    knobs = {name: list(value) if isinstance(value, tuple) else value for name, value in node.knobs.items()}
    state = "" if node.state == "on" else node.state
    lock = {"song": node.lock.song, "outputs": dict(node.lock.outputs)} if node.lock else {}
    fields = {"version": node.version, "knobs": knobs, "state": state, "label": node.label, "lock": lock}
    return {**_extra_data(node.extra, _NODE), "type": node.type, **_present(fields)}


def _view_data(view: View) -> dict[str, Any]:
    fields = {
        "nodes": {node_id: [_short(x), _short(y)] for node_id, (x, y) in view.nodes.items()},
        "frames": [_frame_data(frame) for frame in view.frames],
        "notes": [{"text": note.text, "x": _short(note.x), "y": _short(note.y)} for note in view.notes],
        "routes": {str(end): [[_short(x), _short(y)] for x, y in points] for end, points in view.routes.items()},
        "mixers": {str(end): _mixer_data(channels) for end, channels in view.mixers.items()},
    }
    return {**_extra_data(view.extra, _VIEW), **_present(fields)}


def _mixer_data(channels: Mapping[str, Channel]) -> dict[str, Any]:
    return {stem: {k: v for k, v in asdict(channel).items() if v} for stem, channel in channels.items()}


def _frame_data(frame: Frame) -> dict[str, Any]:
    place = {name: _short(getattr(frame, name)) for name in ("x", "y", "width", "height")}
    return {"title": frame.title, **place, **_present({"color": frame.color})}


def _short(number: float) -> float | int:
    """A coordinate as a whole number where it is one: shorter to read, equal when read back."""
    return int(number) if math.isfinite(number) and number == int(number) and abs(number) < 2**53 else number


def _group_data(group: Group) -> dict[str, Any]:
    fields = {
        "inputs": {name: [str(a) for a in ends] for name, ends in group.inputs.items()},
        "outputs": {name: str(end) for name, end in group.outputs.items()},
        "carry": dict(group.carry),
        "description": group.description,
    }
    repeat = {} if group.repeat == 1 else {"repeat": group.repeat}
    return {**_body_data(group, _GROUP), **_present(fields), **repeat}


def _inputs_data(inputs: Mapping[str, InputSlot]) -> dict[str, Any]:
    return {
        name: {**_present({"description": slot.description}), **({"optional": True} if slot.optional else {})}
        for name, slot in inputs.items()
    }


def from_data(data: object) -> Graph:
    """The graph that plain data of any known version describes.

    Raises DocumentError: one sentence that begins with the place (`nodes.hpss.knobs.margin`) and names
    the value and the remedy.
    """
    whole = Part(migrate(Part(plain(data)).fields()))
    return Graph(
        title=whole.field("title", "").text(),
        author=whole.field("author", "").text(),
        license=whole.field("license", "").text(),
        description=whole.field("description", "").text(),
        systems=tuple(whole.field("systems", []).items(Part.text)),
        inputs=whole.field("inputs").named(_input) if "inputs" in whole.fields() else _DEFAULT_INPUTS,
        groups=whole.field("groups", {}).named(_group),
        **_body(whole, _GRAPH),
    )


class _Body(TypedDict):
    nodes: dict[str, Node]
    edges: frozenset[Edge]
    links: tuple[tuple[Address, ...], ...]
    knobs: dict[str, tuple[Address, ...]]
    view: View
    extra: dict[str, Any]


def _body(part: Part, known: frozenset[str]) -> _Body:
    nodes = part.field("nodes", {}).named(_node)
    edges = part.field("edges", [])
    links = part.field("links", [])
    read = edges.items(_edge, MAX_EDGES)
    first: dict[Edge, str] = {}
    for i, edge in enumerate(read):
        place = f"{edges.place}[{i}]"
        _need((edge.source, edge.target), nodes, place)
        if edge in first:
            raise problem(place, f"the edge {edge} is already there as {first[edge]}; remove one of them")
        first[edge] = place
    joined = links.items(_link)
    for i, link in enumerate(joined):
        _need(link, nodes, f"{links.place}[{i}]")
    knobs = part.field("knobs", {})
    published = knobs.named(Part.addresses)
    for name, inner in published.items():
        _need(inner, nodes, knobs.field(name).place)
    return {
        "nodes": nodes,
        "edges": frozenset(read),
        "links": tuple(sorted(joined, key=lambda link: [str(a) for a in link])),
        "knobs": published,
        "view": _view(part.field("view", {})),
        "extra": part.others(known),
    }


def _need(addresses: Iterable[Address], nodes: Mapping[str, Node], place: str) -> None:
    for address in addresses:
        if address.node not in nodes:
            raise problem(
                place, f"{address} needs the node {address.node!r}, which does not exist; add it or remove this"
            )


def _node(part: Part) -> Node:
    if not part.field("type", "").text():
        raise part.problem('the node has no type; write one such as "type": "phase.misi"')
    state = part.field("state", "on")
    if state.value not in _STATES:
        raise state.problem(f"{state.shown} is not a state of a node; write {', '.join(_STATES)}")
    return Node(
        part.field("type").text(),
        part.field("version", "").text(),
        part.field("knobs", {}).named(_knob),
        state.value,
        part.field("label", "").text(),
        _lock(part.field("lock")) if "lock" in part.fields() else None,
        part.others(_NODE),
    )


def _lock(part: Part) -> Lock:
    part.only(("song", "outputs"))
    outputs = part.field("outputs").named(_digest)
    if not outputs:
        raise part.problem("a lock names one output or more; name one or remove the lock")
    return Lock(_digest(part.field("song")), outputs)


def _digest(part: Part) -> str:
    if not DIGEST.match(part.text()):
        raise part.problem(f"{part.shown} is not a digest; a lock is made by the editor")
    return part.text()


def _knob(part: Part) -> KnobValue:
    match part.value:
        case bool() | int() | float() | str():
            return part.value
        case list(several) if all(isinstance(item, str) for item in several):
            return tuple(several)
        case list(several) if all(isinstance(item, int | float) and not isinstance(item, bool) for item in several):
            return tuple(several)
    raise part.problem(
        f"{part.shown} cannot be a knob; write a number, a text, true, false, or a list of numbers or texts"
    )


def _edge(part: Part) -> Edge:
    ends = part.only(("from", "to"))
    return Edge(ends.field("from").address(), ends.field("to").address())


def _link(part: Part) -> tuple[Address, ...]:
    link = part.addresses()
    if len(link) < 2:
        raise part.problem("a link joins two knobs or more; name another one or remove the link")
    return link


def _input(part: Part) -> InputSlot:
    part.only((), ("description", "optional"))
    return InputSlot(part.field("description", "").text(), part.field("optional", False).flag())


def _group(part: Part) -> Group:
    body = _body(part, _GROUP)
    group = Group(
        inputs=part.field("inputs", {}).named(Part.addresses),
        outputs=part.field("outputs", {}).named(Part.address),
        carry=part.field("carry", {}).named(Part.name),
        repeat=part.field("repeat", 1).count(),
        description=part.field("description", "").text(),
        **body,
    )
    for name, inner in group.inputs.items():
        _need(inner, group.nodes, part.field("inputs").field(name).place)
    for name, end in group.outputs.items():
        _need((end,), group.nodes, part.field("outputs").field(name).place)
    for target, source in group.carry.items():
        if target not in group.inputs or source not in group.outputs:
            raise (
                part.field("carry")
                .field(target)
                .problem(f"the output {source!r} is carried to the input {target!r}, but both must exist in the group")
            )
    return group


def _view(part: Part) -> View:
    return View(
        part.field("nodes", {}).named(_position),
        tuple(part.field("frames", []).items(_frame)),
        tuple(part.field("notes", []).items(_note)),
        part.field("routes", {}).addressed(_route),
        part.field("mixers", {}).addressed(_mixer),
        part.others(_VIEW),
    )


def _position(part: Part) -> tuple[float, float]:
    pair = part.items(Part.number)
    if len(pair) != 2:
        raise part.problem(f"{part.shown} is no position; write [x, y]")
    return pair[0], pair[1]


def _route(part: Part) -> tuple[tuple[float, float], ...]:
    return tuple(part.items(_position))


def _mixer(part: Part) -> dict[str, Channel]:
    return part.texts(_channel)


def _channel(part: Part) -> Channel:
    part.only((), ("gain_db", "solo", "mute"))
    gain = part.field("gain_db", 0.0)
    if not GAIN_DB[0] <= gain.number() <= GAIN_DB[1]:
        raise gain.problem(f"{gain.shown} is no gain of a stem; write {GAIN_DB[0]:g} to {GAIN_DB[1]:g} (dB)")
    return Channel(gain.number(), part.field("solo", False).flag(), part.field("mute", False).flag())


def _frame(part: Part) -> Frame:
    sides = ("x", "y", "width", "height")
    part.only(("title", *sides), ("color",))
    x, y, width, height = (part.field(side).number() for side in sides)
    return Frame(part.field("title").text(), x, y, width, height, part.field("color", "").text())


def _note(part: Part) -> Note:
    part.only(("text", "x", "y"))
    return Note(part.field("text").text(), part.field("x").number(), part.field("y").number())
