from __future__ import annotations

from canvas import LIBRARY, Hand, graph, group
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.document.colors import STYLES
from midistems_graph.document.graph import Address, Edge, Graph, Node, View
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.events import Event
from midistems_graph.editor.model.grid import GridIndex
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.model.plane import GRID, Curve, Rect
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.model.scene_making import scene_of
from midistems_graph.editor.model.shape import shape_of, sides_of

numbers = st.floats(-3000, 3000)
points = st.tuples(numbers, numbers)


def made_scene(made: Graph) -> Scene:
    return scene_of(made, Insight(made, LIBRARY))


def lattice(columns: int, rows: int) -> Graph:
    """A mix in every place of a lattice, fed from the left."""
    nodes, edges, places = {}, set(), {}
    for c in range(columns):
        for r in range(rows):
            nodes[f"n{c}_{r}"] = Node("blend.mix")
            places[f"n{c}_{r}"] = (300.0 * c, 240.0 * r)
            if c:
                edges.add(Edge(Address(f"n{c - 1}_{r}", "out"), Address(f"n{c}_{r}", "signals", 0)))
                if r:
                    edges.add(Edge(Address(f"n{c - 1}_{r - 1}", "out"), Address(f"n{c}_{r}", "signals", 1)))
    return Graph(nodes=nodes, edges=frozenset(edges), view=View(places))


def test_boxes_and_ports_stand_on_the_grid() -> None:
    for node_type in LIBRARY:
        node = Node(node_type.id)
        shape = shape_of("x", node, sides_of(node, Graph(), LIBRARY))
        assert shape.width % GRID == 0 and shape.height % GRID == 0
        for spot in shape.ports:
            assert spot.at[1] % GRID == 0 and spot.at[0] in (0.0, shape.width)
            assert spot.at[1] < shape.status.top
        assert len({(spot.side, spot.at) for spot in shape.ports}) == len(shape.ports)
        assert {s.name for s in shape.ports} == {p.name for p in (*node_type.inputs, *node_type.outputs)}
        if shape.thumbnail:
            assert all(not shape.thumbnail.holds((shape.width / 2, spot.at[1])) for spot in shape.ports)


def test_a_wired_knob_appears_as_a_port() -> None:
    scene = made_scene(graph("n=control.number; g=filter.gain", "n.out->g.gain"))
    spot = scene.boxes["g"].shape.port("in", "gain")
    assert spot is not None and spot.knob and spot.kinds == ("number", "text")
    assert made_scene(graph("g=filter.gain")).boxes["g"].shape.port("in", "gain") is None


def test_a_placeholder_has_the_ports_that_edges_touch() -> None:
    scene = made_scene(graph("a=io.load; x=future.thing", "a.out->x.audio; x.result->x.back"))
    assert [(p.side, p.name) for p in scene.boxes["x"].shape.ports] == [
        ("in", "audio"),
        ("in", "back"),
        ("out", "result"),
    ]


def test_instances_take_their_ports_from_the_group_and_callable_ones_are_functions() -> None:
    separator = group("h=separate.hpss", inputs={"audio": "h.mixture"}, outputs={"stems": "h.out"})
    scene = made_scene(graph("g=group:sep", groups={"sep": separator}))
    ports = {(p.side, p.name): p.kinds for p in scene.boxes["g"].shape.ports}
    assert ports == {
        ("in", "audio"): ("audio",),
        ("out", "stems"): ("stems",),
        ("out", "separator"): ("separator",),
    }


def test_edges_have_the_kind_that_flows_there() -> None:
    scene = made_scene(graph("l=io.load; h=separate.hpss; g=filter.gain", "l.out->h.mixture; h.out->g.signal"))
    assert scene.wires["l.out -> h.mixture"].kind == "audio"
    assert scene.wires["h.out -> g.signal"].kind == "stems"
    assert {wire.kind for wire in scene.wires.values()} <= set(STYLES)


def test_inside_a_group_edges_have_the_kind_of_its_first_instance() -> None:
    inner = group("a=filter.gain; b=filter.gain", "a.out->b.signal", inputs={"x": "a.signal"}, outputs={"out": "b.out"})
    made = graph("l=io.load; g=group:two", "l.out->g.x", groups={"two": inner})
    scene = scene_of(made, Insight(made, LIBRARY), ("g",))
    assert {wire.id: wire.kind for wire in scene.wires.values()} == {
        "<inputs>.x -> a.signal": "audio",
        "a.out -> b.signal": "audio",
        "b.out -> <outputs>.out": "audio",
    }


def test_ports_come_before_nodes_before_edges_before_frames() -> None:
    hand = Hand("a=io.load; b=filter.gain; c=filter.gain", "a.out->b.signal; a.out->c.signal")
    scene = hand.editor.scene
    assert scene.hit(hand.port("b.signal", "in")).kind == "port"
    x, y = hand.port("b.signal", "in")
    assert scene.hit((x + 40, y)).id == "b"
    over_b = scene.wires["a.out -> c.signal"].track.middle
    assert scene.edge_at(over_b) is not None
    assert scene.hit((3000, 3000)).kind == "empty"


def test_the_upper_of_two_nodes_is_hit() -> None:
    scene = made_scene(graph("a=io.load; b=io.load", view=View({"a": (0, 0), "b": (20, 20)})))
    assert scene.hit((80, 60)).id == "b"


@given(points, points, points)
def test_a_curve_stays_in_its_bounds_and_distances_are_those_of_its_points(
    a: tuple[float, float], b: tuple[float, float], p: tuple[float, float]
) -> None:
    curve = Curve.level(a, b)
    assert curve.at(0) == a and abs(curve.at(1)[0] - b[0]) < 1e-6
    along = [curve.at(k / 480) for k in range(481)]
    assert all(curve.bounds.grown(1e-6).holds(q) for q in along)
    nearest = min(((q[0] - p[0]) ** 2 + (q[1] - p[1]) ** 2) ** 0.5 for q in along)
    assert abs(curve.distance(p, pieces=240) - nearest) < 15


rects = st.builds(lambda a, b: Rect.between(a, b), points, points)


@given(st.lists(rects, max_size=12), st.lists(rects, max_size=4), points)
def test_an_index_misses_nothing_however_it_was_made(
    first: list[Rect], then: list[Rect], at: tuple[float, float]
) -> None:
    old = {str(i): rect for i, rect in enumerate(first)}
    new = {**old, **{str(i): rect for i, rect in enumerate(then)}}
    changed = {name: new[name] for name in new if old.get(name) != new[name]}
    index = GridIndex().changed({}, old).changed({name: old[name] for name in changed if name in old}, changed)
    assert {name for name, rect in new.items() if rect.holds(at)} <= index.near(at) <= set(new)


def test_a_pointer_looks_at_few_of_a_thousand_nodes() -> None:
    scene = made_scene(lattice(40, 25))
    assert len(scene.boxes) == 1000 and len(scene.wires) > 1500
    assert max(len(scene.index.near(box.rect.center)) for box in scene.boxes.values()) < 40


def test_dragging_one_of_a_thousand_nodes_makes_one_box_and_its_edges() -> None:
    editor = Editor(LIBRARY, lattice(40, 25))
    box = editor.scene.boxes["n20_12"]
    at = (box.x + 60, box.y + 10)
    editor.take_diff()
    editor.handle(Event("down", at))
    for k in range(1, 4):
        before = editor.scene
        editor.handle(Event("move", (at[0] + 20 * k, at[1])))
        fresh = [b for name, b in editor.scene.boxes.items() if b is not before.boxes[name]]
        wires = [w for name, w in editor.scene.wires.items() if w is not before.wires[name]]
        assert [b.id for b in fresh] == ["n20_12"] and len(wires) == 4
    diff = editor.take_diff()
    assert diff.moved == ("n20_12",) and len(diff.updated) == 4 and not diff.added and not diff.removed
    assert editor.insight.graph is not editor.state.graph  # places alone ask no rule again


def test_differences_name_what_came_went_moved_and_changed() -> None:
    hand = Hand("a=io.load; b=filter.gain; c=filter.gain", "a.out->b.signal")
    first = hand.editor.take_diff()
    assert set(first.added) == {"a", "b", "c", "a.out -> b.signal"}
    assert not hand.editor.take_diff()
    hand.wire("b.out", "c.signal")
    diff = hand.editor.take_diff()
    assert diff.added == ("b.out -> c.signal",) and not diff.removed
    hand.click(hand.title("b"))
    assert not hand.editor.take_diff()


def test_another_body_comes_whole() -> None:
    inner = group("x=filter.gain", inputs={"audio": "x.signal"}, outputs={"out": "x.out"})
    hand = Hand("a=io.load; g=group:one", "a.out->g.audio", groups={"one": inner})
    hand.editor.take_diff()
    hand.editor.enter(("g",))
    diff = hand.editor.take_diff()
    assert set(diff.removed) == {"a", "g", "a.out -> g.audio"}
    assert {"x", "<inputs>", "<outputs>"} <= set(diff.added)


def test_problems_are_told_at_the_node_and_at_the_instance_around_it() -> None:
    inner = group("x=filter.gain; y=io.save", outputs={"out": "x.out"})
    made = graph("g=group:one; h=separate.hpss", groups={"one": inner})
    insight = Insight(made, LIBRARY)
    assert {"g", "h"} <= set(insight.problems_at(()))
    assert {"x", "y"} <= set(insight.problems_at(("g",)))
