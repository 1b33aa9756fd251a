"""Nodes made into a group, and an instance of a group taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from midistems_graph.document.edits import rename_nodes
from midistems_graph.document.flatten import REPEAT
from midistems_graph.document.graph import GROUP_PREFIX, NAME, Address, Body, Edge, Graph, Group, KnobValue, Node, View
from midistems_graph.editor.model.arrange import rects_of
from midistems_graph.editor.model.bodies import all_edges, free_name, with_body
from midistems_graph.editor.model.edit import Edit, Refused, edited, named
from midistems_graph.editor.model.plane import Rect, snapped
from midistems_graph.editor.model.routes import routes_of, shifted
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.library import NodeLibrary


def group_selection(state: EditorState, library: NodeLibrary, name: str = "group") -> Edit:
    """Make the selected nodes a group, with an instance of it in their place.

    What feeds them becomes its inputs, what they feed its outputs; linked knobs that cross are published.
    """
    chosen = state.selection.nodes
    if not chosen:
        raise Refused("select the nodes of the group first")
    if not NAME.match(name):
        raise Refused(f"{name!r} cannot name a group; use letters, digits, _ and -, beginning with a letter")
    name = free_name(name, state.graph.groups)
    body = state.body
    cut = _cut(body, chosen)
    instance = free_name(name, body.nodes.keys() - chosen)
    around = Rect.around(rects_of(state, library, chosen).values())
    assert around is not None
    inner = frozenset(e for e in body.edges if e.source.node in chosen and e.target.node in chosen)
    places = {i: place for i, place in body.view.nodes.items() if i in chosen}
    group = Group(
        nodes={i: node for i, node in body.nodes.items() if i in chosen},
        edges=inner,
        links=tuple(link for link in body.links if all(a.node in chosen for a in link)),
        view=View(
            places,
            routes=routes_of(body, inner),
            mixers={end: mixer for end, mixer in body.view.mixers.items() if end.node in chosen},
        ),
        inputs=cut.inputs,
        outputs=cut.outputs,
        knobs=cut.knobs,
    )
    outer = _with_instance(body, chosen, instance, Node(GROUP_PREFIX + name), cut)
    place = (snapped(around.center[0] - 100), snapped(around.top))
    outer = replace(outer, view=replace(outer.view, nodes={**outer.view.nodes, instance: place}))
    graph = replace(state.graph, groups={**state.graph.groups, name: group})
    if state.path:
        graph = with_body(graph, state.path, outer)
    else:
        assert isinstance(outer, Graph)
        graph = replace(outer, groups=graph.groups)
    return Edit(graph, f"group {named(chosen)}", Selection.of(nodes=[instance]))


def unpack(state: EditorState, instance: str) -> Edit:
    """Put the nodes of a group in place of one of its instances. The definition stays while there are others."""
    body, node = state.body, state.body.nodes.get(instance)
    group = state.graph.groups.get(node.group or "") if node else None
    if node is None or group is None:
        raise Refused("select an instance of a group first")
    _refuse_unpacking(body, instance, node, group)
    names: dict[str, str] = {}
    for inner in group.nodes:
        names[inner] = free_name(inner, {*(body.nodes.keys() - {instance}), *names.values()})
    own = {old: f"unpack-{i}" for i, old in enumerate(names)}
    inside = rename_nodes(rename_nodes(_with_overrides(group, node), own), {own[old]: names[old] for old in names})
    outer = _wired_inside(body, instance, inside)
    x, y = body.view.nodes.get(instance, (0.0, 0.0))
    left = min((place[0] for place in inside.view.nodes.values()), default=0.0)
    top = min((place[1] for place in inside.view.nodes.values()), default=0.0)
    places = {i: (x + px - left, y + py - top) for i, (px, py) in inside.view.nodes.items() if i in inside.nodes}
    kept = {i: place for i, place in outer.view.nodes.items() if i != instance}
    bent = {end: shifted(points, (x - left, y - top)) for end, points in inside.view.routes.items()}
    mixers = {**outer.view.mixers, **inside.view.mixers}
    view = replace(outer.view, nodes={**kept, **places}, routes={**outer.view.routes, **bent}, mixers=mixers)
    outer = replace(outer, view=view)
    return edited(state, outer, f"unpack {instance}", Selection.of(inside.nodes))


@dataclass(frozen=True)
class _Cut:
    """Where the border of a new group runs: its ports, and what stands for inner addresses outside."""

    inputs: dict[str, tuple[Address, ...]]
    outputs: dict[str, Address]
    knobs: dict[str, tuple[Address, ...]]
    fed: dict[Address, str]
    """Inner address that is fed from outside -> name of the input."""
    shown: dict[Address, str]
    linked: dict[Address, str]


def _cut(body: Body, chosen: frozenset[str]) -> _Cut:
    inputs: dict[str, tuple[Address, ...]] = {}
    by_source: dict[Address, str] = {}
    outputs: dict[str, Address] = {}
    knobs: dict[str, tuple[Address, ...]] = {}
    fed, shown, linked = {}, {}, {}
    for edge in sorted(all_edges(body)):
        entering, leaving = edge.target.node in chosen, edge.source.node in chosen
        if entering and not leaving:
            if edge.source not in by_source:
                by_source[edge.source] = free_name(edge.target.port, {*inputs, REPEAT})
            name = by_source[edge.source]
            inputs[name] = (*inputs.get(name, ()), edge.target)
            fed[edge.target] = name
        elif leaving and not entering and edge.source not in shown:
            shown[edge.source] = free_name(edge.source.port, outputs)
            outputs[shown[edge.source]] = edge.source
    crossing = [a for link in body.links for a in link if not all(b.node in chosen for b in link)]
    crossing += [a for ends in body.knobs.values() for a in ends]
    for address in crossing:
        if address.node in chosen and address not in linked:
            linked[address] = free_name(address.port, {*knobs, *inputs, REPEAT})
            knobs[linked[address]] = (address,)
    return _Cut(inputs, outputs, knobs, fed, shown, linked)


def _with_instance(body: Body, chosen: frozenset[str], instance: str, node: Node, cut: _Cut) -> Body:
    """The body with an instance in place of nodes that became a group."""

    def outside(address: Address, names: Mapping[Address, str]) -> Address:
        return Address(instance, names[address]) if address in names else address

    outer = [e for e in body.edges if not (e.source.node in chosen and e.target.node in chosen)]
    edges = frozenset(Edge(outside(e.source, cut.shown), outside(e.target, cut.fed)) for e in outer)
    routes = {outside(end, cut.fed): points for end, points in sorted(routes_of(body, outer).items())}
    places = {i: place for i, place in body.view.nodes.items() if i not in chosen}
    crossing = (link for link in body.links if any(a.node not in chosen for a in link))
    links = [tuple(outside(a, cut.linked) for a in link) for link in crossing]
    changed = replace(
        body,
        nodes={**{i: n for i, n in body.nodes.items() if i not in chosen}, instance: node},
        edges=edges,
        links=tuple(sorted(links, key=lambda link: [str(a) for a in link])),
        knobs={name: tuple(outside(a, cut.linked) for a in ends) for name, ends in body.knobs.items()},
        view=replace(body.view, nodes=places, routes=routes),
    )
    if isinstance(changed, Group):
        changed = replace(
            changed,
            inputs={
                name: tuple(dict.fromkeys(outside(a, cut.fed) for a in ends)) for name, ends in changed.inputs.items()
            },
            outputs={name: outside(end, cut.shown) for name, end in changed.outputs.items()},
        )
    return changed


def _refuse_unpacking(body: Body, instance: str, node: Node, group: Group) -> None:
    if node.state != "on":
        raise Refused(f"{instance} is {node.state}; switch it on before unpacking it")
    count = node.knobs.get(REPEAT, group.repeat)
    if group.carry or count != 1:
        raise Refused(f"{instance} repeats its nodes ({count} times); a repeat cannot be unpacked")
    ends = [e.source for e in body.edges] + (list(body.outputs.values()) if isinstance(body, Group) else [])
    lost = next((a for a in ends if a.node == instance and a.port not in group.outputs), None)
    if lost is not None:
        raise Refused(f"{lost} is used as a function; disconnect it before unpacking {instance}")


def _with_overrides(group: Group, node: Node) -> Group:
    """The group with the knobs that an instance sets."""
    nodes = dict(group.nodes)
    for name, value in node.knobs.items():
        for address in group.knobs.get(name, ()):
            nodes[address.node] = _set(nodes[address.node], address.port, value)
    return replace(group, nodes=nodes)


def _set(node: Node, knob: str, value: KnobValue) -> Node:
    return replace(node, knobs={**node.knobs, knob: value})


def _wired_inside(body: Body, instance: str, inside: Group) -> Body:
    """The body with the nodes of a group in place of an instance, and edges and links led to them."""

    def fed(address: Address) -> tuple[Address, ...]:
        if address.node != instance:
            return (address,)
        return (*inside.inputs.get(address.port, ()), *inside.knobs.get(address.port, ()))

    def shown(address: Address) -> Address:
        return inside.outputs[address.port] if address.node == instance else address

    edges = {Edge(shown(e.source), target) for e in body.edges for target in fed(e.target)}
    links = [tuple(b for a in link for b in fed(a)) for link in body.links] + list(inside.links)
    routes = {target: points for end, points in body.view.routes.items() for target in fed(end)}
    changed = replace(
        body,
        nodes={**{i: n for i, n in body.nodes.items() if i != instance}, **inside.nodes},
        edges=inside.edges | edges,
        view=replace(body.view, routes=routes),
        links=tuple(sorted((link for link in links if len(link) > 1), key=lambda link: [str(a) for a in link])),
        knobs={name: tuple(b for a in ends for b in fed(a)) for name, ends in body.knobs.items()},
    )
    if isinstance(changed, Group):
        changed = replace(
            changed,
            inputs={name: tuple(b for a in ends for b in fed(a)) for name, ends in changed.inputs.items()},
            outputs={name: shown(end) for name, end in changed.outputs.items()},
        )
    return changed
