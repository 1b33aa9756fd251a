"""Previews of edges in `.mgraph` files: carried along, never computed with, harmless if hostile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgpack
import pytest

from midistems_graph.document.encoding import dumps, loads
from midistems_graph.document.graph import DocumentError, Edge, Graph, Node
from midistems_graph.document.identity import graph_hash
from midistems_graph.document.previews import EdgePreview, made_of

PREVIEW = EdgePreview("loud.out", "ab" * 32, "cd" * 32, 10, 20, 200, 44100, b"OggS and so on")
GRAPH = Graph(
    nodes={"song": Node("io.load"), "loud": Node("filter.gain"), "other": Node("filter.gain")},
    edges=frozenset([Edge.parse("song.out", "loud.signal"), Edge.parse("song.out", "other.signal")]),
)


def test_a_mgraph_file_carries_previews_and_json_none() -> None:
    both = (PREVIEW, replace(PREVIEW, stem="drums/kick"))
    again = loads(dumps(replace(GRAPH, previews=both), "mgraph"), "mgraph")
    assert again.previews == both and again == GRAPH
    carrying = replace(GRAPH, previews=(PREVIEW,))
    assert dumps(carrying) == dumps(GRAPH) and loads(dumps(carrying)).previews == ()
    assert graph_hash(carrying) == graph_hash(GRAPH)
    assert again.with_knob("loud", "gain", 3.0).previews == both, "an edit of the graph keeps them"


def test_a_preview_tells_what_its_edge_was_computed_from() -> None:
    before = made_of(GRAPH, ["loud", "gone"])
    assert before.keys() == {"loud"}
    same = GRAPH.with_knob("other", "gain", 3.0).with_node(
        "loud", replace(GRAPH.nodes["loud"], label="Loud"), at=(5, 5)
    )
    assert made_of(same, ["loud"]) == before
    for changed in (GRAPH.with_knob("loud", "gain", 3.0), GRAPH.with_knob("song", "track", 1)):
        assert made_of(changed, ["loud"]) != before


@pytest.mark.parametrize(
    "change",
    [
        {"start": -1},
        {"seconds": 0},
        {"seconds": 10_000},
        {"total": 25},
        {"rate": 0},
        {"rate": True},
        {"rate": "44100"},
        {"song": "../../etc/passwd"},
        {"edge": 5},
        {"sound": "text"},
        {"sound": b"x" * (5 << 20)},
        {"stem": 1},
        {"stem": "x" * 300},
        {"more": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_previews_that_are_none_are_refused(change: dict[str, Any]) -> None:
    data = msgpack.unpackb(dumps(replace(GRAPH, previews=(PREVIEW,)), "mgraph"))
    data["previews"][0] |= change
    with pytest.raises(DocumentError, match="preview"):
        loads(msgpack.packb(data), "mgraph")
    for wrong in (None, {}, [1], [data["previews"][0]] * 65):
        with pytest.raises(DocumentError, match=r"previews|too big"):
            loads(msgpack.packb({**data, "previews": wrong}), "mgraph")
