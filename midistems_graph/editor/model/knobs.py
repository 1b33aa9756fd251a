"""Knobs of the selection: what they are, set, reset, linked and published."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from midistems_graph.document.flatten import REPEAT
from midistems_graph.document.graph import NAME, Address, Body, Graph, Group, InputSlot, Node
from midistems_graph.editor.model.bodies import free_name, with_nodes
from midistems_graph.editor.model.edit import Edit, Refused, edited, named
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.contract import InputName, Range
from midistems_graph.node.definition import Knob, KnobError
from midistems_graph.node.library import NodeLibrary

MOST_REPEATS = 10_000

NEW_INPUT = "another input"
"""What is chosen where a knob names an input, so that the graph gets one more."""


def knobs_of(graph: Graph, node: Node, library: NodeLibrary) -> dict[str, Knob]:
    """The knobs that a node (or an instance: published ones and `repeat`) can be set to, in their order."""
    if node.group is not None:
        group = graph.groups.get(node.group)
        return {} if group is None else _published(graph, group, library)
    node_type = library.get(node.type)
    return {} if node_type is None else {knob.name: knob for knob in node_type.knobs}


def set_knob(state: EditorState, library: NodeLibrary, ids: Collection[str], name: str, value: object) -> Edit:
    """Set a knob of one or more nodes, and of what it is linked with. A drag is one step (`Editor.seal` ends it).

    An input of the graph that does not exist is added where a knob names it.
    """
    body, inputs = _writable(state, ids, name), dict(state.graph.inputs)
    for address in _with_linked(body, [Address(i, name) for i in sorted(ids)]):
        knob = knobs_of(state.graph, body.nodes[address.node], library).get(address.port)
        if knob is None:
            raise Refused(f"{address.node} has no knob {address.port!r}")
        try:
            body = body.with_knob(address.node, address.port, knob.coerce(value))
        except KnobError as error:
            raise Refused(str(error)) from None
        if isinstance(knob.file, InputName) and isinstance(value, str) and NAME.match(value):
            before = inputs.get(str(state.body.nodes[address.node].knobs.get(name, knob.default)), InputSlot())
            inputs.setdefault(value, InputSlot(optional=before.optional))
    edit = edited(state, body, f"set {name} of {named(list(ids))}", key=f"{name} of {' '.join(sorted(ids))}")
    return edit if inputs == state.graph.inputs else replace(edit, graph=replace(edit.graph, inputs=inputs))


def type_knob(state: EditorState, library: NodeLibrary, ids: Collection[str], name: str, text: str) -> Edit:
    """Set a knob to what a person typed."""
    first = state.body.nodes.get(min(ids, default=""))
    knob = knobs_of(state.graph, first, library).get(name) if first else None
    if first is None or knob is None:
        raise Refused(f"there is no knob {name!r}")
    if isinstance(knob.file, InputName) and text == NEW_INPUT:
        text = free_name(str(first.knobs.get(name, knob.default)), state.graph.inputs)
    try:
        return set_knob(state, library, ids, name, knob.parse(text))
    except KnobError as error:
        raise Refused(str(error)) from None


def reset_knob(state: EditorState, ids: Collection[str], name: str) -> Edit:
    """Bring a knob back to its default, which a file does not mention."""
    body = _writable(state, ids, name)
    changed: dict[str, Node] = {}
    for address in _with_linked(body, [Address(i, name) for i in sorted(ids)]):
        node = changed.get(address.node, body.nodes[address.node])
        kept = {knob: value for knob, value in node.knobs.items() if knob != address.port}
        changed[address.node] = replace(node, knobs=kept)
    return edited(state, with_nodes(body, changed), f"reset {name} of {named(list(ids))}")


def link(state: EditorState, library: NodeLibrary, ids: Collection[str], name: str) -> Edit:
    """Let the knob of several nodes share one value from now on: that of the first."""
    if len(ids) < 2:
        raise Refused("select at least two nodes whose knob is to be shared")
    body = _writable(state, ids, name)
    members = _with_linked(body, [Address(i, name) for i in sorted(ids)])
    first = knobs_of(state.graph, body.nodes[members[0].node], library).get(members[0].port)
    if first is None:
        raise Refused(f"{members[0].node} has no knob {name!r}")
    value = body.nodes[members[0].node].knobs.get(members[0].port, first.default)
    for address in members:
        knob = knobs_of(state.graph, body.nodes[address.node], library).get(address.port)
        if knob is None or (knob.kind, knob.choices, knob.range) != (first.kind, first.choices, first.range):
            raise Refused(f"{members[0]} and {address} cannot share a value; they hold different kinds of it")
        body = body.with_knob(address.node, address.port, value)
    kept = [other for other in body.links if not set(other) & set(members)]
    links = sorted((*kept, tuple(members)), key=lambda one: [str(a) for a in one])
    return edited(state, replace(body, links=tuple(links)), f"link {name} of {named(list(ids))}")


def unlink(state: EditorState, ids: Collection[str], name: str) -> Edit:
    """Let a knob have its own value again."""
    body, gone = state.body, {Address(i, name) for i in ids}
    links = [tuple(a for a in other if a not in gone) for other in body.links]
    if links == list(body.links):
        raise Refused(f"{name} is not linked")
    kept = sorted((other for other in links if len(other) > 1), key=lambda one: [str(a) for a in one])
    return edited(state, replace(body, links=tuple(kept)), f"unlink {name} of {named(list(ids))}")


def publish(state: EditorState, library: NodeLibrary, node_id: str, name: str) -> Edit:
    """Let a knob of an inner node be set from outside, or no longer, if it may be already.

    From outside: by the instances of the open group, or, of the graph itself, on the page without a canvas.
    """
    body = state.body
    if node_id not in body.nodes or name not in knobs_of(state.graph, body.nodes[node_id], library):
        raise Refused(f"there is no knob {node_id}.{name} here")
    address = Address(node_id, name)
    if any(address in ends for ends in body.knobs.values()):
        kept = {one: tuple(a for a in ends if a != address) for one, ends in body.knobs.items()}
        return edited(state, replace(body, knobs={n: e for n, e in kept.items() if e}), f"hide {address}")
    shown = free_name(name, _taken(body))
    return edited(state, replace(body, knobs={**body.knobs, shown: (address,)}), f"publish {address}")


def hide(state: EditorState, name: str) -> Edit:
    """Publish a knob no longer under this name."""
    body = state.body
    return edited(state, replace(body, knobs={n: e for n, e in body.knobs.items() if n != name}), f"hide {name}")


def rename_published(state: EditorState, name: str, wanted: str) -> Edit:
    """Give a knob that the graph publishes another name; blanks become underscores."""
    body, shown = state.body, "_".join(wanted.split())
    if isinstance(body, Group):
        raise Refused("the instances of a group know its knobs by name; hide it and publish it anew")
    if not NAME.match(shown):
        raise Refused(f"{wanted!r} cannot name a knob; use letters, digits, _ and -, beginning with a letter")
    if shown in _taken(body) - {name}:
        raise Refused(f"{shown} is the name of another knob; choose another one")
    knobs = {shown if one == name else one: ends for one, ends in body.knobs.items()}
    return edited(state, replace(body, knobs=knobs), f"rename {name} to {shown}")


def move_up(state: EditorState, name: str) -> Edit:
    """Put a published knob before the one above it."""
    order = list(state.body.knobs)
    at = order.index(name) if name in order else 0
    if at == 0:
        raise Refused(f"{name} stands first already")
    order[at - 1 : at + 1] = name, order[at - 1]
    knobs = {one: state.body.knobs[one] for one in order}
    return edited(state, replace(state.body, knobs=knobs), f"move {name} up")


def set_published(
    state: EditorState, library: NodeLibrary, name: str, ends: Collection[Address], value: object
) -> Edit:
    """Set all that a published knob stands for (a text is read as it was typed). A drag is one step."""
    change = type_knob if isinstance(value, str) else set_knob
    graph = state.graph
    for end in ends:
        graph = change(state.with_graph(graph), library, {end.node}, end.port, value).graph  # type: ignore[arg-type]
    return Edit(graph, f"set {name}", key=f"published {name}")


def take_settings(state: EditorState, library: NodeLibrary, settings: Mapping[str, str], label: str) -> Edit:
    """Set several knobs as they are written (`low.cutoff`, or what the graph publishes, -> `200`), in one step."""
    graph = state.graph
    for place, text in settings.items():
        for end in graph.knobs.get(place, ()) or (Address.parse(place),):
            if end.node not in graph.nodes:
                raise Refused(f"this graph has no node {end.node!r}; open the graph that was searched")
            graph = type_knob(EditorState(graph), library, {end.node}, end.port, text).graph
    return Edit(graph, label)


def _taken(body: Body) -> set[str]:
    """Names that a knob cannot be published under."""
    return {*body.knobs, *(body.inputs if isinstance(body, Group) else ()), REPEAT}


def linked_with(body: Body, address: Address) -> tuple[Address, ...]:
    """The knobs that share a value with one, itself not among them."""
    return tuple(a for link in body.links if address in link for a in link if a != address)


def _published(graph: Graph, group: Group, library: NodeLibrary, depth: int = 0) -> dict[str, Knob]:
    found = {}
    for name, ends in group.knobs.items():
        inner = group.nodes.get(ends[0].node) if ends else None
        if inner is None or depth > 10:
            continue
        nested = graph.groups.get(inner.group or "")
        known = _published(graph, nested, library, depth + 1) if nested else knobs_of(graph, inner, library)
        knob = known.get(ends[0].port)
        if knob is not None:
            own = inner.knobs.get(knob.name, knob.default)
            found[name] = replace(knob, name=name, default=own)
    found[REPEAT] = Knob(REPEAT, "int", group.repeat, Range(1, MOST_REPEATS))
    return found


def _with_linked(body: Body, addresses: list[Address]) -> list[Address]:
    members = dict.fromkeys(addresses)
    for address in addresses:
        members.update(dict.fromkeys(linked_with(body, address)))
    first = {a: (i, j) for i, link in enumerate(body.links) for j, a in enumerate(link)}
    return sorted(members, key=lambda a: (first.get(a, (len(body.links), 0)), str(a)))


def _writable(state: EditorState, ids: Collection[str], name: str) -> Body:
    """The body, if all these nodes are there and no edge drives the knob."""
    body = state.body
    if not ids or any(i not in body.nodes for i in ids):
        raise Refused("select a node first")
    driver = next((e for e in sorted(body.edges) if e.target.node in ids and e.target.port == name), None)
    if driver is not None:
        raise Refused(f"{driver.target} is driven by {driver.source}; disconnect the edge to set it by hand")
    return body
