"""Stem mixers live in the document, with their nodes."""

from __future__ import annotations

from midistems_graph.document.encoding import dumps, loads
from midistems_graph.document.graph import Address, Channel, Graph, Group, Node
from midistems_graph.document.identity import graph_hash
from midistems_graph.editor.model.grouping import group_selection, unpack
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.state import EditorState
from midistems_graph.editor.program.mixes import kept, with_mixers
from midistems_graph.node.library import installed

GROUP = Group(nodes={"split": Node("separate.hpss")}, outputs={"stems": Address("split", "stems")})
GRAPH = Graph(
    nodes={
        "split": Node("separate.hpss"),
        "in": Node("group:refine"),
        "twice": Node("group:refine", knobs={"repeat": 2}),
    },
    groups={"refine": GROUP},
)
SOLO, QUIET = {"harmonic": Channel(solo=True)}, {"percussive": Channel(gain_db=-6.0, mute=True)}
OUTER, INNER = Address("split", "stems"), Address("in/split", "stems")


def channels(graph: Graph) -> dict[Address, dict[str, Channel]]:
    return {end: dict(mixer) for end, mixer in kept(graph, Insight(graph, installed())).items()}


def test_a_mixer_is_kept_with_its_node_and_computes_nothing() -> None:
    mixed = with_mixers(GRAPH, {OUTER: SOLO, INNER: QUIET})
    again = loads(dumps(mixed))
    assert again == mixed and graph_hash(mixed) == graph_hash(GRAPH)
    found = channels(again)
    assert found[OUTER] == SOLO and found[INNER] == QUIET
    assert found[Address("twice[2]/split", "stems")] == QUIET, "a group is mixed alike wherever it stands"


def test_untouched_channels_and_nodes_that_are_gone_leave_nothing() -> None:
    assert with_mixers(GRAPH, {OUTER: {"harmonic": Channel()}, Address("gone/x", "out"): SOLO}) == GRAPH
    mixed = with_mixers(GRAPH, {OUTER: SOLO})
    assert with_mixers(mixed, {}) == GRAPH
    assert not channels(mixed.without_nodes(["split"]))


def test_a_mixer_goes_into_a_group_and_comes_out_with_its_node() -> None:
    mixed = with_mixers(GRAPH, {OUTER: SOLO})
    state = EditorState(mixed, selection=Selection.of(nodes=["split"]))
    inside = group_selection(state, installed()).graph
    assert channels(inside)[Address("group/split", "stems")] == SOLO
    outside = unpack(EditorState(inside), "group").graph
    assert SOLO in channels(outside).values()
