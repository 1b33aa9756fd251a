"""What changed from one graph to another, in the words of the graph rather than of its file.

Inside a group, places begin with the group's name: `refine/hpss.margin`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from midistems_graph.document.data import edge_order
from midistems_graph.document.edits import rename_nodes
from midistems_graph.document.graph import Address, Body, Graph, Group, InputSlot, Node

_LONGEST = 80
_OF = ("type", "version", "state", "view")
"""Subjects that belong to their place: `state of hpss`; the others are it: `knob hpss.margin`."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, for example of the subject `knob` at the place `hpss.margin`.

    `before` and `after` are values as text, complete; the sentence cuts long ones.
    """

    kind: Literal["added", "removed", "renamed", "changed"]
    subject: str
    place: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        joint = " of " if self.subject in _OF else " "
        name = f"{self.subject}{joint}{self.place}" if self.place else self.subject
        before, after = map(_cut, (self.before, self.after))
        match self.kind:
            case "added" | "removed":
                value = after or before
                return f"{name} {self.kind}" + (f": {value}" if value else "")
            case "renamed":
                return f"{name} renamed to {after}"
            case "changed":
                return f"{name}: {before} -> {after}" if before else f"{name}: {after}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def diff(before: Graph, after: Graph) -> list[Change]:
    """The changes that lead from one graph to the other; none if they are saved as the same file."""
    changes = [
        *_mappings("field", "", _about(before), _about(after)),
        *_mappings("input", "", _inputs(before.inputs), _inputs(after.inputs)),
        *_bodies("", before, after),
    ]
    for name in sorted(before.groups.keys() | after.groups.keys()):
        old, new = before.groups.get(name), after.groups.get(name)
        if old and new:
            changes += _groups(f"{name}/", old, new)
        else:
            changes.append(Change("added" if new else "removed", "group", name))
    return changes


def _about(graph: Graph) -> dict[str, str]:
    fields = {name: _shown(getattr(graph, name)) for name in ("title", "author", "license", "description")}
    return {**fields, "systems": _shown(graph.systems), **_extra(graph.extra)}


def _extra(extra: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value, sort_keys=True, ensure_ascii=False) for name, value in extra.items()}


def _inputs(slots: Mapping[str, InputSlot]) -> dict[str, str]:
    return {name: f"{'optional' if slot.optional else 'needed'} {slot.description!r}" for name, slot in slots.items()}


def _shown(value: object) -> str:
    """A value as Python writes it, which keeps 1, 1.0, True and '1' apart; lists in brackets."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value + 0.0) if isinstance(value, float) else repr(value)


def _mappings(subject: str, where: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            yield Change("added", subject, where + name, after=new or "")
        elif new is None:
            yield Change("removed", subject, where + name, old)
        elif old != new:
            yield Change("changed", subject, where + name, old, new)


def _groups(where: str, before: Group, after: Group) -> Iterator[Change]:
    renamed = _renamed(before, after)
    yield from _bodies(where, before, after)
    before = rename_nodes(before, renamed)
    for subject, ports in (("group input", "inputs"), ("group output", "outputs")):
        old, new = ({k: _listed(v) for k, v in getattr(group, ports).items()} for group in (before, after))
        yield from _mappings(subject, where, old, new)
    yield from _mappings("carry", where, before.carry, after.carry)
    old, new = (
        {"description": _shown(g.description), "repeat": _shown(g.repeat), **_extra(g.extra)} for g in (before, after)
    )
    yield from _mappings("field", where, old, new)


def _listed(ends: Address | tuple[Address, ...]) -> str:
    return str(ends) if isinstance(ends, Address) else ", ".join(map(str, ends))


def _bodies(where: str, before: Body, after: Body) -> Iterator[Change]:
    renamed = _renamed(before, after)
    for old_id, new_id in renamed.items():
        yield Change("renamed", "node", where + old_id, after=new_id)
    before = rename_nodes(before, renamed)
    types = ({node_id: node.type for node_id, node in body.nodes.items()} for body in (before, after))
    yield from (change for change in _mappings("node", where, *types) if change.kind != "changed")
    for node_id in sorted(before.nodes.keys() & after.nodes.keys()):
        yield from _nodes(where + node_id, before.nodes[node_id], after.nodes[node_id])
    for edge in sorted(before.edges - after.edges, key=edge_order):
        yield Change("removed", "edge", f"{where}{edge}")
    for edge in sorted(after.edges - before.edges, key=edge_order):
        yield Change("added", "edge", f"{where}{edge}")
    old_links, new_links = ({_listed(link): "" for link in body.links} for body in (before, after))
    yield from _mappings("link", where, old_links, new_links)
    old_knobs, new_knobs = ({name: _listed(ends) for name, ends in body.knobs.items()} for body in (before, after))
    yield from _mappings("published knob", where, old_knobs, new_knobs)
    if view := _view(before, after):
        yield Change("changed", "view", where.rstrip("/"), after=view)


def _nodes(place: str, before: Node, after: Node) -> Iterator[Change]:
    for field in ("type", "version", "state"):
        if getattr(before, field) != getattr(after, field):
            yield Change("changed", field, place, _shown(getattr(before, field)), _shown(getattr(after, field)))
    if before.lock != after.lock:
        yield Change("changed", "lock", place, *("locked" if node.lock else "free" for node in (before, after)))
    old, new = ({name: _shown(value) for name, value in node.knobs.items()} for node in (before, after))
    yield from _mappings("knob", f"{place}.", old, new)
    yield from _mappings("field", f"{place}.", _extra(before.extra), _extra(after.extra))


def _renamed(before: Body, after: Body) -> dict[str, str]:
    """Nodes that are gone, paired with new ones of the same type, knobs and edges."""
    gone, come = before.nodes.keys() - after.nodes.keys(), after.nodes.keys() - before.nodes.keys()
    if not gone or not come:
        return {}
    candidates = defaultdict(list)
    for node_id in sorted(come, reverse=True):
        candidates[_likeness(after, node_id, come)].append(node_id)
    pairs = {}
    for node_id in sorted(gone):
        if alike := candidates[_likeness(before, node_id, gone)]:
            pairs[node_id] = alike.pop()
    return pairs


def _likeness(body: Body, node_id: str, changing: set[str]) -> tuple[object, ...]:
    """A node's content and edges, with the types of neighbours that may have been renamed, too, for their names."""

    def end(address: Address) -> tuple[str, str, int]:
        own, name = address.node == node_id, address.node
        neighbour = "" if own else body.nodes[name].type if name in changing else name
        return neighbour, address.port, -1 if address.index is None else address.index

    node = body.nodes[node_id]
    knobs = tuple(sorted((name, _shown(value)) for name, value in node.knobs.items()))
    edges = tuple(
        sorted((end(e.source), end(e.target)) for e in body.edges if node_id in (e.source.node, e.target.node))
    )
    return node.type, node.version, node.state, node.lock is not None, knobs, edges


def _view(before: Body, after: Body) -> str:
    """What is shown differently, in one line; positions of nodes that came or went do not count."""
    old, new = before.view, after.view
    both = before.nodes.keys() & after.nodes.keys()
    placed = (old.nodes.keys() | new.nodes.keys()) - (before.nodes.keys() ^ after.nodes.keys())
    moved = sum(old.nodes.get(node_id) != new.nodes.get(node_id) for node_id in placed)
    labels = sum(before.nodes[node_id].label != after.nodes[node_id].label for node_id in both)
    parts = [f"{count} {what}" for count, what in ((moved, "nodes moved"), (labels, "labels changed")) if count]
    parts += [name for name in ("frames", "notes", "routes", "mixers") if getattr(old, name) != getattr(new, name)]
    if _extra(old.extra) != _extra(new.extra):
        parts.append("other fields")
    return ", ".join(parts)
