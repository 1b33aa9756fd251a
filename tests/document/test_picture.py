from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given

from midistems_graph.document.boxes import Ports
from midistems_graph.document.colors import NEUTRAL, STYLES
from midistems_graph.document.graph import Address, Frame, Graph, Group, Node, Note, View
from midistems_graph.document.picture import to_dot, to_mermaid, to_svg
from strategies import graphs, some

HOSTILE = "</svg><script>alert(1)</script>\"'`]|;\\N\n%%{init}%% [x](javascript:y) &amp; \x00\x1b[31m\u202e"
NAMESPACE = "{http://www.w3.org/2000/svg}"
CHAIN = (
    Graph(title="Chain")
    .with_node("song", Node("io.input", label="Song"))
    .with_node("split", Node("separate.hpss", knobs={"margin": 2.0, "soft": True}))
    .with_edge("song.audio", "split.mixture")
)


def drawn(graph: Graph, ports_of: Callable[[str], tuple[Ports, Ports] | None] | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(to_svg(graph, ports_of, heading=True))


def texts_in(image: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in image.iter(f"{NAMESPACE}text")]


def port_list(node_type: str) -> tuple[Ports, Ports] | None:
    known: dict[str, tuple[Ports, Ports]] = {
        "io.input": ([], [("audio", "Audio")]),
        "separate.hpss": ([("mixture", "Audio")], [("harmonic", "Audio"), ("mask", "Mask")]),
    }
    return known.get(node_type)


@some
@given(graphs())
def test_every_graph_can_be_drawn(graph: Graph) -> None:
    image = drawn(graph)
    assert len(image.findall(f"{NAMESPACE}g")) == len(graph.nodes)
    assert to_mermaid(graph).count("-->") >= len(graph.edges) and to_dot(graph).endswith("}\n")


def test_a_box_shows_label_type_ports_and_knobs() -> None:
    assert texts_in(drawn(CHAIN)) == [
        *("Song", "io.input", "audio"),
        *("split", "separate.hpss", "mixture", "margin", "2", "soft", "yes"),
        "Chain",
    ]


def test_known_ports_are_complete_and_coloured() -> None:
    image = drawn(CHAIN, port_list)
    assert {"harmonic", "mask"} <= set(texts_in(image))
    fills = {dot.get("fill") for dot in image.iter(f"{NAMESPACE}circle")}
    assert fills == {STYLES["audio"].color, STYLES["mask"].color}
    assert {dot.get("fill") for dot in drawn(CHAIN).iter(f"{NAMESPACE}circle")} == {NEUTRAL.color}


def test_a_group_shows_the_kinds_of_the_ports_inside() -> None:
    group = Group(nodes={"x": Node("separate.hpss")}, outputs={"voice": Address("x", "mask")})
    image = drawn(Graph(groups={"refine": group}).with_node("g", Node("group:refine")), port_list)
    assert "voice" in texts_in(image)
    assert [dot.get("fill") for dot in image.iter(f"{NAMESPACE}circle")] == [STYLES["mask"].color]


def test_the_view_is_kept_where_it_is_complete() -> None:
    placed = replace(
        CHAIN, view=View({"song": (1000, 2000), "split": (1400, 2000)}, (Frame("Here", 900, 1900, 800, 300),))
    )
    assert (drawn(placed).get("viewBox") or "").startswith("872 ")
    assert "Here" in texts_in(drawn(placed))
    half = replace(placed, view=replace(placed.view, nodes={"song": (1000, 2000)}))
    assert (drawn(half).get("viewBox") or "").startswith("-28 ") and "Here" not in texts_in(drawn(half))


def hostile_graph() -> Graph:
    node = Node(HOSTILE, knobs={"a": HOSTILE, "b": (HOSTILE,)}, label=HOSTILE, state="muted")
    graph = Graph(title=HOSTILE, nodes={"a": node, "b": node}).with_edge("a.out", "b.in")
    frame, note = Frame(HOSTILE, 0, 0, 900, 9, color='"/><script>'), Note(HOSTILE, 0, 0)
    return replace(graph, view=View({"a": (0, 0), "b": (300, 0)}, (frame,), (note,)))


def test_texts_are_never_markup() -> None:
    image = to_svg(hostile_graph(), heading=True)
    tags = {element.tag.removeprefix(NAMESPACE) for element in ElementTree.fromstring(image).iter()}
    assert tags == {"svg", "title", "rect", "path", "g", "text", "circle"}
    assert "script" not in re.sub(r">[^<]*<", "><", image) and "\x1b" not in image and "\u202e" not in image


def test_texts_are_never_mermaid_or_dot() -> None:
    for line in to_mermaid(hostile_graph()).splitlines()[1:-1]:
        labels = re.sub(r"#[0-9]+;|</?small>|<br/>", "", line)
        assert re.fullmatch(r' +n\d(\["[\w .…·-]*"\]:::muted| -->\|"[\w →]*"\| n\d)', labels)
    for line in to_dot(hostile_graph()).splitlines()[3:-1]:
        outside = re.sub(r'"(?:[^"\\]|\\["\\n])*"', "", line)
        assert re.fullmatch(r" +n\d( -> n\d)? \[[a-z]+=(, [a-z]+=)*\];", outside)


@pytest.mark.parametrize("graph", [Graph(), Graph(title="Nothing yet")])
def test_an_empty_graph_is_an_empty_picture(graph: Graph) -> None:
    assert drawn(graph).findall(f"{NAMESPACE}g") == []
