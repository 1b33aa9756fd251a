from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from midistems_graph.document.data import from_data, to_data
from midistems_graph.document.diff import diff
from midistems_graph.document.encoding import dumps
from midistems_graph.document.graph import Address, DocumentError, Frame, Graph, Group, Node
from strategies import damaged, graphs, some

CHAIN = (
    Graph()
    .with_node("song", Node("io.input"))
    .with_node("hpss", Node("separate.hpss", knobs={"margin": 1}))
    .with_node("write", Node("io.write"))
    .with_edge("song.out", "hpss.mixture")
    .with_edge("hpss.stems", "write.stems")
)


def told(before: Graph, after: Graph) -> list[str]:
    return [str(change) for change in diff(before, after)]


def renamed(graph: Graph, **names: str) -> Graph:
    text = str(to_data(graph))
    for old, new in names.items():
        text = text.replace(f"'{old}'", f"'{new}'").replace(f"'{old}.", f"'{new}.")
    return from_data(eval(text))


@some
@given(graphs())
def test_a_graph_does_not_differ_from_itself(graph: Graph) -> None:
    assert diff(graph, from_data(to_data(graph))) == []


@some
@given(st.data())
def test_no_difference_goes_unseen(data: st.DataObject) -> None:
    before = data.draw(graphs())
    try:
        after = from_data(data.draw(damaged(to_data(before))))
    except DocumentError:
        assume(False)
    assert bool(diff(before, after)) == (dumps(before) != dumps(after))


def test_knobs_and_states() -> None:
    assert told(CHAIN, CHAIN.with_knob("hpss", "margin", 2.5)) == ["knob hpss.margin: 1 -> 2.5"]
    assert told(CHAIN, CHAIN.with_knob("hpss", "margin", 1.0)) == ["knob hpss.margin: 1 -> 1.0"]
    assert told(CHAIN, CHAIN.with_knob("hpss", "power", 2)) == ["knob hpss.power added: 2"]
    muted = replace(CHAIN.nodes["hpss"], state="muted", version="2.0.0")
    assert told(CHAIN, CHAIN.with_node("hpss", muted)) == [
        "version of hpss: '' -> '2.0.0'",
        "state of hpss: 'on' -> 'muted'",
    ]


def test_nodes_and_edges() -> None:
    assert told(CHAIN, CHAIN.without_nodes(["hpss"])) == [
        "node hpss removed: separate.hpss",
        "edge hpss.stems -> write.stems removed",
        "edge song.out -> hpss.mixture removed",
    ]
    assert told(Graph(), Graph().with_node("a", Node("mix"))) == ["node a added: mix"]


def test_renamed_nodes_are_recognised() -> None:
    assert told(CHAIN, renamed(CHAIN, hpss="split")) == ["node hpss renamed to split"]
    assert told(CHAIN, renamed(CHAIN, hpss="split", song="input")) == [
        "node hpss renamed to split",
        "node song renamed to input",
    ]


def test_groups() -> None:
    inner = Group(nodes=CHAIN.nodes, edges=CHAIN.edges)
    before, after = Graph(groups={"refine": inner}), Graph(groups={"refine": replace(inner, repeat=3)})
    assert told(before, after) == ["field refine/repeat: 1 -> 3"]
    assert told(Graph(), before) == ["group refine added"]
    deeper = Graph(groups={"refine": inner.with_knob("hpss", "margin", 3)})
    assert told(before, deeper) == ["knob refine/hpss.margin: 1 -> 3"]


def test_published_knobs() -> None:
    published = replace(CHAIN, knobs={"strength": (Address("hpss", "margin"),)})
    assert told(CHAIN, published) == ["published knob strength added: hpss.margin"]
    assert told(published, renamed(published, hpss="split")) == ["node hpss renamed to split"]


def test_what_is_only_shown_takes_one_line() -> None:
    view = replace(CHAIN.view, nodes={"hpss": (1, 2), "song": (3, 4)}, frames=(Frame("", 0, 0, 1, 1),))
    labelled = CHAIN.with_node("write", replace(CHAIN.nodes["write"], label="Done"))
    assert told(CHAIN, replace(labelled, view=view)) == ["view: 2 nodes moved, 1 labels changed, frames"]
