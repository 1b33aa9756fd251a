"""Hypothesis strategies for graphs, nodes and knobs, and for damaged plain data."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from midistems_graph.document.graph import (
    Address,
    Body,
    Channel,
    Edge,
    Frame,
    Graph,
    Group,
    InputSlot,
    KnobValue,
    Lock,
    Node,
    Note,
    View,
)

some = settings(max_examples=20)
"""For tests that draw whole graphs, which takes milliseconds each."""

names = st.sampled_from(["a", "b", "c", "d", "hpss", "Song", "_x", "mix-2", "n" * 64])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
knobs: st.SearchStrategy[KnobValue] = st.one_of(
    st.booleans(),
    integers,
    floats,
    texts,
    st.lists(st.one_of(integers, floats), max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple),
)
plain_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), integers, floats, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=3,
)
extras = st.dictionaries(st.sampled_from(["x_a", "Ünknown", ""]), plain_values, max_size=1)
"""Fields that no version knows."""

types = st.one_of(st.sampled_from(["phase.misi", "mix", "group:refine"]), texts.filter(bool))
digests = st.sampled_from(["0" * 64, "ab" * 32])
nodes = st.builds(
    Node,
    type=types,
    version=st.sampled_from(["", "1.0.0"]),
    knobs=st.dictionaries(names, knobs, max_size=2),
    state=st.sampled_from(["on", "bypassed", "muted"]),
    label=texts,
    lock=st.one_of(st.none(), st.builds(Lock, digests, st.dictionaries(names, digests, min_size=1, max_size=2))),
    extra=extras,
)
channels = st.builds(Channel, st.floats(-60, 12), st.booleans(), st.booleans())


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of a body, whose edges, links and published knobs name its nodes."""
    parts = draw(st.dictionaries(names, nodes, max_size=4))
    fields: dict[str, Any] = {"nodes": parts, "extra": draw(extras)}
    positions = st.dictionaries(names, st.tuples(floats, floats), max_size=2)
    frames = st.lists(st.builds(Frame, texts, floats, floats, floats, floats, texts), max_size=1).map(tuple)
    notes = st.lists(st.builds(Note, texts, floats, floats), max_size=1).map(tuple)
    points = st.lists(st.tuples(floats, floats), max_size=2).map(tuple)
    routes = st.dictionaries(st.builds(Address, names, names), points, max_size=2)
    mixers = st.dictionaries(st.builds(Address, names, names), st.dictionaries(texts, channels, max_size=2), max_size=1)
    fields["view"] = draw(st.builds(View, positions, frames, notes, routes, mixers, extras))
    if parts:
        addresses = ends(parts)
        fields["edges"] = draw(st.frozensets(st.builds(Edge, addresses, addresses), max_size=6))
        links = draw(st.lists(st.lists(addresses, min_size=2, max_size=3).map(tuple), max_size=2))
        fields["links"] = tuple(sorted(links, key=lambda link: [str(a) for a in link]))
        fields["knobs"] = draw(st.dictionaries(names, st.lists(addresses, max_size=2).map(tuple), max_size=2))
    return fields


def ends(parts: dict[str, Node]) -> st.SearchStrategy[Address]:
    """Addresses of ports of some nodes."""
    return st.builds(Address, st.sampled_from(sorted(parts)), names, st.one_of(st.none(), st.integers(0, 20)))


@st.composite
def groups(draw: st.DrawFn) -> Group:
    fields = draw(bodies())
    if fields["nodes"]:
        inner = ends(fields["nodes"])
        fields["inputs"] = draw(st.dictionaries(names, st.lists(inner, max_size=2).map(tuple), max_size=2))
        fields["outputs"] = draw(st.dictionaries(names, inner, max_size=2))
        if fields["inputs"] and fields["outputs"]:
            ports = st.sampled_from(sorted(fields["inputs"])), st.sampled_from(sorted(fields["outputs"]))
            fields["carry"] = draw(st.dictionaries(*ports, max_size=1))
    return Group(**fields, repeat=draw(st.integers(1, 99)), description=draw(texts))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    slots = st.builds(InputSlot, texts, st.booleans())
    return Graph(
        **draw(bodies()),
        groups=draw(st.dictionaries(names, groups(), max_size=1)),
        inputs=draw(st.one_of(st.just(Graph().inputs), st.dictionaries(names, slots, max_size=2))),
        title=draw(texts),
        author=draw(texts),
        license=draw(texts),
        description=draw(texts),
        systems=tuple(draw(st.lists(texts, max_size=2))),
    )


@st.composite
def damaged(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    """The data with one value, anywhere in it, replaced, removed, or moved to another name."""

    def damage(value: Any) -> Any:
        if isinstance(value, dict) and value and draw(st.integers(0, 4)):
            key = draw(st.sampled_from(sorted(value)))
            match draw(st.sampled_from(["deeper", "deeper", "deeper", "removed", "renamed"])):
                case "deeper":
                    return {**value, key: damage(value[key])}
                case "removed":
                    return {k: v for k, v in value.items() if k != key}
                case _:
                    others = {k: v for k, v in value.items() if k != key}
                    return {**others, draw(texts): value[key]}
        if isinstance(value, list) and value and draw(st.integers(0, 4)):
            i = draw(st.integers(0, len(value) - 1))
            return [*value[:i], damage(value[i]), *value[i + 1 :]]
        return draw(st.one_of(plain_values, names, st.sampled_from(["a.b\n", "a.b[00]", "on", [], {}, 0, 1.0, True])))

    damaged_data: dict[str, Any] = damage(data)
    return damaged_data


def reordered(body: Body) -> dict[str, Any]:
    """The mappings of a body in the opposite order, for tests that order says nothing."""
    return {"nodes": dict(reversed(body.nodes.items())), "links": body.links[::-1]}
