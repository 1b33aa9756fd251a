from __future__ import annotations

import pytest
from canvas import Hand, group

from midistems_graph.document.graph import Address, Frame, Node, Note, View
from midistems_graph.editor.model.events import (
    AskForNode,
    Audition,
    ContextMenu,
    EditText,
    Entered,
    Event,
    Said,
)

CHAIN = "load=io.load; hpss=separate.hpss; gain=filter.gain; save=io.save"
WIRED = "load.out->hpss.mixture; hpss.out->gain.signal; gain.out->save.stems"


def test_a_wire_from_an_output_to_an_input_is_an_edge_and_one_step() -> None:
    hand = Hand(CHAIN)
    assert hand.wire("load.out", "hpss.mixture") == []
    assert hand.edges == {"load.out -> hpss.mixture"}
    assert hand.editor.undo() == "connect load.out to hpss.mixture"
    assert hand.edges == set()
    assert hand.editor.undo() == ""


def test_a_wire_can_be_drawn_from_the_input_as_well() -> None:
    hand = Hand(CHAIN)
    hand.drag(hand.port("hpss.mixture", "in"), hand.port("load.out", "out"))
    assert hand.edges == {"load.out -> hpss.mixture"}


def test_a_wire_that_does_not_fit_is_refused_with_the_sentence_of_the_rules() -> None:
    hand = Hand("load=io.load; istft=transform.istft")
    hand.press(hand.port("load.out", "out"), hand.port("istft.spectrogram", "in"))
    wire = hand.editor.overlay.wire
    assert wire is not None and not wire.allowed and "spectrogram" in wire.sentence
    (said,) = hand.send("up", hand.port("istft.spectrogram", "in"))
    assert said == Said(wire.sentence)
    assert hand.edges == set() and not hand.editor.dirty


def test_two_outputs_are_not_connected() -> None:
    hand = Hand(CHAIN)
    (said,) = hand.drag(hand.port("load.out", "out"), hand.port("hpss.out", "out"))
    assert isinstance(said, Said) and "side" in said.sentence


def test_a_circle_is_refused() -> None:
    hand = Hand("a=filter.gain; b=filter.gain", "a.out->b.signal")
    (said,) = hand.wire("b.out", "a.signal")
    assert isinstance(said, Said) and hand.edges == {"a.out -> b.signal"}


def test_a_wire_dropped_on_nothing_asks_for_what_fits() -> None:
    hand = Hand(CHAIN)
    assert hand.drag(hand.port("hpss.out", "out"), (500, 900)) == [
        AskForNode((500, 900), Address("hpss", "out"), "out")
    ]
    assert hand.drag(hand.port("hpss.mixture", "in"), (500, 900)) == [
        AskForNode((500, 900), Address("hpss", "mixture"), "in")
    ]
    assert not hand.editor.dirty


def test_a_wire_pulled_off_an_input_and_dropped_is_gone() -> None:
    hand = Hand(CHAIN, WIRED)
    hand.drag(hand.port("hpss.mixture", "in"), (500, 900))
    assert "load.out -> hpss.mixture" not in hand.edges
    assert hand.editor.undo() == "disconnect hpss.mixture"


def test_a_wire_pulled_off_can_be_put_elsewhere_or_back() -> None:
    hand = Hand("load=io.load; a=filter.gain; b=filter.gain", "load.out->a.signal")
    hand.drag(hand.port("a.signal", "in"), hand.port("b.signal", "in"))
    assert hand.edges == {"load.out -> b.signal"}
    hand.drag(hand.port("b.signal", "in"), (300, 600), hand.port("b.signal", "in"))
    assert hand.edges == {"load.out -> b.signal"}
    hand.editor.undo()
    assert hand.edges == {"load.out -> a.signal"} and not hand.editor.dirty


def test_places_close_up_when_one_is_pulled_off() -> None:
    hand = Hand("load=io.load; mix=blend.mix", "load.out->mix.signals[0]; load.out->mix.signals[1]")
    hand.drag(hand.port("mix.signals[0]", "in"), (100, 900))
    assert hand.edges == {"load.out -> mix.signals[0]"}


def test_a_variadic_port_offers_one_free_place_more() -> None:
    hand = Hand("load=io.load; mix=blend.mix")
    for place in range(3):
        hand.wire("load.out", f"mix.signals[{place}]")
    assert len(hand.edges) == 3
    assert hand.spot(Address("mix", "signals", 3), "in").free


def test_a_node_moves_on_the_grid_in_one_step() -> None:
    hand = Hand(CHAIN, WIRED)
    x, y = hand.title("hpss")
    hand.drag((x, y), (x + 33, y + 47))
    assert hand.place("hpss") == (440, 40)
    assert hand.editor.undo() == "move hpss"
    assert hand.place("hpss") == (400, 0)


def test_the_whole_selection_moves() -> None:
    hand = Hand(CHAIN, WIRED)
    hand.click(hand.title("hpss"))
    hand.click(hand.title("gain"), shift=True)
    x, y = hand.title("gain")
    hand.drag((x, y), (x, y + 100))
    assert (hand.place("hpss"), hand.place("gain"), hand.place("load")) == ((400, 100), (800, 100), (0, 0))


def test_a_tiny_move_is_a_click() -> None:
    hand = Hand(CHAIN)
    x, y = hand.title("hpss")
    hand.drag((x, y), (x + 2, y + 2))
    assert hand.selected == {"hpss"} and not hand.editor.dirty


def test_a_drag_and_back_is_no_step() -> None:
    hand = Hand(CHAIN)
    at = hand.title("hpss")
    hand.drag(at, (at[0], at[1] + 200), at)
    assert hand.editor.history.undo_label == "" and hand.selected == {"hpss"}


def test_alt_drags_a_copy_with_inner_edges() -> None:
    hand = Hand(CHAIN, WIRED)
    hand.click(hand.title("hpss"))
    hand.click(hand.title("gain"), shift=True)
    x, y = hand.title("hpss")
    hand.drag((x, y), (x, y + 300), alt=True)
    assert hand.selected == {"hpss_2", "gain_2"}
    assert hand.place("hpss_2") == (400, 300) and hand.place("hpss") == (400, 0)
    assert hand.edges - {e for e in hand.edges if "_2" not in e} == {"hpss_2.out -> gain_2.signal"}
    hand.editor.undo()
    assert set(hand.graph.nodes) == {"load", "hpss", "gain", "save"}


@pytest.mark.parametrize("how", ["Escape", "right button"])
def test_a_gesture_is_taken_back(how: str) -> None:
    hand = Hand(CHAIN, WIRED)
    before = hand.graph
    for start in (hand.title("hpss"), hand.port("hpss.mixture", "in"), hand.port("load.out", "out"), (-200.0, -200.0)):
        hand.press(start, (700, 700), alt=start == hand.title("hpss"))
        if how == "Escape":
            hand.send("key", (0, 0), key="Escape")
        else:
            hand.send("down", (0, 0), button="right")
        assert hand.graph == before and hand.selected == set()
        assert hand.editor.gesture is None and not hand.editor.dirty


def test_a_node_dropped_on_an_edge_is_put_into_it() -> None:
    hand = Hand("load=io.load; save=io.save; gain=filter.gain", "load.out->save.stems")
    wire = next(iter(hand.editor.scene.wires.values()))
    hand.press(hand.title("gain"), wire.track.middle)
    assert hand.editor.overlay.insert == wire.edge
    hand.send("up", wire.track.middle)
    assert hand.edges == {"load.out -> gain.signal", "gain.out -> save.stems"}
    assert hand.editor.undo() == "insert gain"
    assert hand.edges == {"load.out -> save.stems"} and hand.place("gain") == (800, 0)


def test_a_node_that_does_not_fit_is_not_put_into_an_edge() -> None:
    hand = Hand("load=io.load; save=io.save; istft=transform.istft", "load.out->save.stems")
    wire = next(iter(hand.editor.scene.wires.values()))
    hand.drag(hand.title("istft"), wire.track.middle)
    assert hand.edges == {"load.out -> save.stems"}


def test_a_box_selects_adds_and_subtracts() -> None:
    hand = Hand(CHAIN)
    hand.drag((-50, -50), (500, 300))
    assert hand.selected == {"load", "hpss"}
    hand.drag((750, -50), (900, 300), shift=True)
    assert hand.selected == {"load", "hpss", "gain"}
    hand.drag((-50, -50), (100, 300), ctrl=True)
    assert hand.selected == {"hpss", "gain"}
    hand.drag((350, -50), (500, 300), alt=True)
    assert hand.selected == {"gain"}


def test_a_box_over_edges_alone_selects_them() -> None:
    hand = Hand("load=io.load; save=io.save", "load.out->save.stems", view=View({"load": (0, 0), "save": (900, 0)}))
    hand.drag((400, -100), (500, 300))
    assert hand.selected == {"load.out -> save.stems"}


def test_clicks_select_add_toggle_and_subtract() -> None:
    hand = Hand(CHAIN)
    hand.click(hand.title("load"))
    hand.click(hand.title("hpss"), shift=True)
    hand.click(hand.title("load"), ctrl=True)
    assert hand.selected == {"hpss"}
    hand.click(hand.title("hpss"), alt=True)
    assert hand.selected == set()
    hand.click(hand.title("load"))
    hand.click((500, 900))
    assert hand.selected == set()


def test_a_click_that_misses_an_edge_by_a_few_pixels_takes_it() -> None:
    hand = Hand("load=io.load; hpss=separate.hpss", "load.out->hpss.mixture")
    wire = hand.editor.scene.wires["load.out -> hpss.mixture"]
    x, y = wire.track.middle
    (effect,) = hand.click((x, y - 12))
    assert isinstance(effect, Audition) and effect.edge == wire.edge
    assert hand.click((x, y - 120)) == [] and not hand.selected


def test_a_click_on_an_edge_plays_it() -> None:
    hand = Hand(CHAIN, WIRED)
    wire = hand.editor.scene.wires["load.out -> hpss.mixture"]
    (effect,) = hand.click(wire.track.middle)
    assert effect == Audition(Address("load", "out"), Address("load", "out"), wire.edge)
    assert hand.selected == {"load.out -> hpss.mixture"}


def test_a_click_on_an_output_plays_it() -> None:
    hand = Hand(CHAIN, WIRED)
    assert hand.click(hand.port("hpss.out", "out")) == [Audition(Address("hpss", "out"), Address("hpss", "out"))]


def test_an_output_of_a_group_plays_the_inner_port() -> None:
    fields = {
        "groups": {"refine": group("inner=filter.gain", inputs={"audio": "inner.signal"}, outputs={"out": "inner.out"})}
    }
    hand = Hand("load=io.load; g=group:refine", "load.out->g.audio", **fields)
    (effect,) = hand.click(hand.port("g.out", "out"))
    assert isinstance(effect, Audition) and str(effect.flat) == "g/inner.out"


def test_a_double_click_asks_enters_or_edits() -> None:
    inner = group("inner=filter.gain", inputs={"audio": "inner.signal"}, outputs={"out": "inner.out"})
    hand = Hand("load=io.load; g=group:refine", groups={"refine": inner})
    assert hand.double((0, 900)) == [AskForNode((0, 900))]
    assert hand.double(hand.title("load")) == [EditText("load")]
    assert hand.double(hand.title("g")) == [Entered(("g",))]
    assert hand.editor.state.breadcrumb == ("graph", "g")
    assert {"inner", "<inputs>", "<outputs>"} == set(hand.editor.scene.boxes)


def test_a_right_click_selects_and_opens_the_menu() -> None:
    hand = Hand(CHAIN)
    (effect,) = hand.click(hand.title("hpss"), button="right")
    assert isinstance(effect, ContextMenu) and effect.hit.id == "hpss" and hand.selected == {"hpss"}


def test_a_frame_moves_with_what_lies_in_it_and_not_with_the_rest() -> None:
    view = View({"a": (100, 100), "b": (900, 100)}, (Frame("drums", 40, 40, 400, 400),), (Note("hi", 60, 300),))
    hand = Hand("a=io.load; b=io.load", view=view)
    hand.drag((200, 50), (200, 150))
    assert hand.place("a") == (100, 200) and hand.place("b") == (900, 100)
    assert (hand.graph.view.frames[0].y, hand.graph.view.notes[0].y) == (140, 400)


def test_a_frame_is_resized_by_its_corner_and_never_vanishes() -> None:
    hand = Hand(view=View({}, (Frame("drums", 0, 0, 400, 400),)))
    hand.drag((400, 400), (513, 522))
    assert (hand.graph.view.frames[0].width, hand.graph.view.frames[0].height) == (520, 520)
    hand.drag((520, 520), (-900, -900))
    assert hand.graph.view.frames[0].width == 80
    assert hand.editor.undo() == "resize frame"


def test_a_box_can_be_drawn_inside_a_frame() -> None:
    hand = Hand("a=io.load", view=View({"a": (100, 100)}, (Frame("f", 0, 0, 900, 900),)))
    hand.drag((50, 80), (400, 500))
    assert hand.selected == {"a"}


def test_the_middle_button_moves_the_view_and_the_wheel_zooms_at_the_pointer() -> None:
    hand = Hand(CHAIN)
    before = hand.editor.state.view
    hand.send("down", (100, 100), button="middle")
    hand.send("move", (150, 130))
    assert hand.editor.state.view == before.moved(-50, -30)
    hand.send("up", (100, 100), button="middle")
    view = hand.editor.state.view
    hand.send("wheel", (view.left, view.top), turn=1.0)
    zoomed = hand.editor.state.view
    assert (zoomed.left, zoomed.top) == (view.left, view.top) and zoomed.width < view.width
    assert not hand.editor.dirty


def test_group_ports_are_wired_inside_the_group() -> None:
    inner = group(
        "a=filter.gain; b=filter.gain", "a.out->b.signal", inputs={"audio": "a.signal"}, outputs={"out": "b.out"}
    )
    hand = Hand("load=io.load; g=group:refine", "load.out->g.audio", groups={"refine": inner})
    hand.editor.enter(("g",))
    hand.drag(hand.port("a.out", "out"), hand.port("<outputs>.+", "in"))
    assert set(hand.graph.groups["refine"].outputs) == {"out", "out_2"}
    hand.drag(hand.port("a.signal", "in"), (0, 900))
    assert hand.graph.groups["refine"].inputs["audio"] == ()
    hand.drag(hand.port("<inputs>.audio", "out"), hand.port("a.signal", "in"))
    assert hand.graph.groups["refine"].inputs["audio"] == (Address("a", "signal"),)
    hand.editor.undo(), hand.editor.undo(), hand.editor.undo()
    assert hand.graph.groups["refine"] == inner


def test_hover_follows_the_pointer_and_costs_no_step() -> None:
    hand = Hand(CHAIN)
    hand.send("move", hand.port("load.out", "out"))
    assert hand.editor.state.hover.address == Address("load", "out")
    hand.send("move", (0, 900))
    assert hand.editor.state.hover.kind == "empty"


def test_a_placeholder_keeps_its_edges_and_can_be_moved() -> None:
    hand = Hand("load=io.load; x=future.node; save=io.save", "load.out->x.thing; x.result->save.stems")
    assert hand.editor.scene.boxes["x"].shape.role == "placeholder"
    x, y = hand.title("x")
    hand.drag((x, y), (x, y + 100))
    assert hand.place("x") == (400, 100) and len(hand.edges) == 2


def test_events_without_a_gesture_do_nothing() -> None:
    hand = Hand(CHAIN)
    assert hand.send("up", (0, 0)) == [] and hand.editor.handle(Event("key", key="a")) == []
    assert hand.graph.nodes["load"] == Node("io.load", "1.0.0")
