"""Points that edges are led through: set and taken away by a double click, dragged, kept with the document."""

from __future__ import annotations

from dataclasses import replace
from math import hypot

import pytest
from canvas import Hand, group

from midistems_graph.document.data import from_data, to_data
from midistems_graph.document.edits import rename_nodes
from midistems_graph.document.graph import Address, DocumentError
from midistems_graph.editor.model import clipboard, commands
from midistems_graph.editor.model.events import Said
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.tracks import Track

WIRED = "load.out->hpss.mixture"
MIXTURE = Address("hpss", "mixture")


def bent() -> Hand:
    hand = Hand("load=io.load; hpss=separate.hpss", WIRED)
    hand.double(hand.editor.scene.wires["load.out -> hpss.mixture"].track.middle)
    return hand


def points(hand: Hand) -> tuple[tuple[float, float], ...]:
    return hand.graph.view.routes.get(MIXTURE, ())


def test_a_double_click_leads_an_edge_through_a_point_and_another_takes_it_away() -> None:
    hand = bent()
    (point,) = points(hand)
    assert point[0] % 20 == 0 == point[1] % 20 and hand.editor.history.undo_label == "bend hpss.mixture"
    assert hand.editor.scene.hit(point).kind == "route"
    hand.double(point)
    assert points(hand) == ()
    hand.editor.undo()
    assert points(hand) == (point,)


def test_a_point_is_dragged_as_one_step_and_the_edge_runs_through_it() -> None:
    hand = bent()
    hand.drag(points(hand)[0], (300, 400))
    assert points(hand) == ((300, 400),)
    track = hand.editor.scene.wires["load.out -> hpss.mixture"].track
    assert track.distance((300, 400)) < 1e-6 and track.points == ((300, 400),)
    assert hand.editor.scene.edge_at((300, 400)) is not None
    hand.editor.undo()
    assert points(hand) != ((300, 400),)


def test_points_lie_in_the_order_in_which_the_edge_meets_them() -> None:
    hand = bent()
    first = points(hand)[0]
    track = hand.editor.scene.wires["load.out -> hpss.mixture"].track
    hand.double(track.pieces[1].at(0.5))
    assert points(hand)[0] == first and len(points(hand)) == 2


def test_points_move_with_both_nodes_and_go_with_the_edge() -> None:
    hand = bent()
    ((x, y),) = points(hand)
    hand.editor.state = hand.editor.state.with_body(hand.editor.state.body)
    commands.run(hand.editor, "select_all")
    title = hand.title("load")
    hand.drag(title, (title[0] + 100, title[1] + 60))
    assert points(hand) == ((x + 100, y + 60),)
    commands.run(hand.editor, "disconnect")
    assert hand.graph.view.routes == {}


def test_points_are_kept_in_files_and_follow_a_new_name() -> None:
    graph = bent().graph
    data = to_data(graph)
    assert data["view"]["routes"] == {"hpss.mixture": [list(points(bent())[0])]}
    assert from_data(data) == graph
    assert list(rename_nodes(graph, {"hpss": "split"}).view.routes) == [Address("split", "mixture")]
    data["view"]["routes"] = {"hpss": [[1, 2]]}
    with pytest.raises(DocumentError, match="is not an address"):
        from_data(data)


def test_edges_at_the_ports_of_a_group_stay_straight() -> None:
    inner = group("a=filter.gain", inputs={"x": "a.signal"}, outputs={"out": "a.out"})
    hand = Hand("g=group:inner", groups={"inner": inner})
    hand.editor.enter(("g",))
    wire = hand.editor.scene.wires["<inputs>.x -> a.signal"]
    (said,) = hand.double(wire.track.middle)
    assert isinstance(said, Said) and "run straight" in said.sentence


def test_a_track_has_no_corners() -> None:
    track = Track.through((0, 0), [(100, 80), (200, -40)], (300, 0))
    for before, after in zip(track.pieces, track.pieces[1:], strict=False):
        leaving = after.leaving[0] - after.start[0], after.leaving[1] - after.start[1]
        arriving = before.end[0] - before.arriving[0], before.end[1] - before.arriving[1]
        cross = leaving[0] * arriving[1] - leaving[1] * arriving[0]
        assert abs(cross) < 1e-6 * hypot(*leaving) * hypot(*arriving)


def test_points_are_copied_with_their_edge() -> None:
    hand = bent()
    ((x, y),) = points(hand)
    commands.run(hand.editor, "select_all")
    text = clipboard.copy(hand.editor.state)
    for made in (clipboard.duplicate(hand.editor.state), clipboard.paste(hand.editor.state, text)):
        ((end, copied),) = [one for one in made.graph.view.routes.items() if one[0] != MIXTURE]
        assert end.port == "mixture" and copied == ((x + clipboard.SHIFT, y + clipboard.SHIFT),)


def test_points_go_into_a_group_and_come_out_of_it() -> None:
    hand = Hand("load=io.load; hpss=separate.hpss; pick=stems.pick", f"{WIRED}; hpss.out->pick.stems")
    for wire in list(hand.editor.scene.wires.values()):
        hand.double(wire.track.middle)
    before = dict(hand.graph.view.routes)
    hand.editor.state = replace(hand.editor.state, selection=Selection.of(["hpss", "pick"]))
    commands.run(hand.editor, "group")
    (group_id,) = hand.selected
    inner = hand.graph.groups[hand.graph.nodes[group_id].group or ""]
    assert dict(inner.view.routes) == {Address("pick", "stems"): before[Address("pick", "stems")]}
    assert list(hand.graph.view.routes) == [Address(group_id, "mixture")]
    assert hand.graph.view.routes[Address(group_id, "mixture")] == before[MIXTURE]
    commands.run(hand.editor, "unpack")
    assert hand.graph.view.routes.keys() == before.keys() and hand.graph.view.routes[MIXTURE] == before[MIXTURE]
