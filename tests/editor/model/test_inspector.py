from __future__ import annotations

from dataclasses import replace

from canvas import LIBRARY, Hand, group

from midistems_graph.document.graph import Address, InputSlot
from midistems_graph.editor.model import knobs
from midistems_graph.editor.model.inspector import Inspection, KnobRow, inspect
from midistems_graph.editor.model.selection import Selection


def panel(hand: Hand, *ids: str) -> Inspection:
    editor = hand.editor
    editor.state = replace(editor.state, selection=Selection.of(ids))
    return inspect(editor.state, editor.insight, editor.insight.problems_at(editor.state.path))


def row(shown: Inspection, name: str) -> KnobRow:
    return next(row for row in shown.knobs if row.name == name)


def test_every_knob_of_every_node_type_has_a_control_that_shows_its_default() -> None:
    for node_type in LIBRARY:
        shown = panel(Hand(f"x={node_type.id}"), "x")
        assert [r.name for r in shown.knobs] == [k.name for k in node_type.knobs]
        assert all(r.is_default and not r.mixed and not r.said and r.enabled for r in shown.knobs)
        for knob in shown.knobs:
            assert knob.control in ("slider", "drag", "list") or knob.low is None
            assert (knob.control == "combo") == bool(knob.knob.choices)
        assert shown.summary and {p.name for p in shown.ports if p.side == "in"} == {p.name for p in node_type.inputs}


def test_a_knob_knows_its_range_unit_scale_and_docs() -> None:
    knob = row(panel(Hand("x=filter.filter"), "x"), "cutoff")
    assert knob.unit == "Hz" and knob.low is not None and knob.high is not None and knob.low < knob.high
    assert knob.docs


def test_a_node_that_loads_can_be_given_an_input_that_the_graph_gets_with_it() -> None:
    hand = Hand("a=io.load_stems", inputs={"song": InputSlot(), "tool_c": InputSlot(optional=True)})
    hand.editor.apply(knobs.type_knob(hand.editor.state, LIBRARY, ["a"], "folder", "tool_c"))
    assert set(hand.graph.inputs) == {"song", "tool_c"}
    assert row(panel(hand, "a"), "folder").choices == ("song", "tool_c", knobs.NEW_INPUT)
    hand.editor.apply(knobs.type_knob(hand.editor.state, LIBRARY, ["a"], "folder", knobs.NEW_INPUT))
    assert hand.graph.nodes["a"].knobs["folder"] == "tool_c_2" and hand.graph.inputs["tool_c_2"].optional
    hand.editor.undo()
    assert set(hand.graph.inputs) == {"song", "tool_c"}


def test_several_nodes_share_knobs_and_say_where_values_differ() -> None:
    hand = Hand("a=filter.gain; b=filter.gain; f=filter.fade")
    assert not row(panel(hand, "a", "b"), "gain").mixed
    hand.editor.apply(knobs.set_knob(hand.editor.state, LIBRARY, ["b"], "gain", 6))
    shown = panel(hand, "a", "b")
    assert shown.title == "2 nodes" and row(shown, "gain").mixed and not row(shown, "gain").is_default
    assert panel(hand, "a", "f").knobs == () and panel(hand, "a", "f").type == ""
    assert panel(hand) == Inspection()


def test_driven_and_linked_knobs_say_so() -> None:
    hand = Hand("n=control.number; a=filter.gain; b=filter.gain; c=filter.gain", "n.out->a.gain")
    assert not row(panel(hand, "a"), "gain").enabled
    hand.editor.apply(knobs.link(hand.editor.state, LIBRARY, ["b", "c"], "gain"))
    assert row(panel(hand, "b"), "gain").linked == (Address("c", "gain"),)


def test_an_instance_shows_what_its_group_publishes() -> None:
    inner = group("a=filter.gain", inputs={"x": "a.signal"}, outputs={"out": "a.out"}, knobs={"loud": "a.gain"})
    hand = Hand("g=group:one", groups={"one": inner})
    shown = panel(hand, "g")
    assert [r.name for r in shown.knobs] == ["loud", "repeat"] and row(shown, "loud").unit == "dB"
    hand.editor.apply(knobs.set_knob(hand.editor.state, LIBRARY, ["g"], "loud", 3))
    assert row(panel(hand, "g"), "loud").value == 3.0
    hand.editor.enter(("g",))
    assert row(panel(hand, "a"), "gain").published == "loud"


def test_a_knob_that_is_hidden_is_forgotten_by_its_instances() -> None:
    inner = group("a=filter.gain", inputs={"x": "a.signal"}, outputs={"out": "a.out"}, knobs={"loud": "a.gain"})
    hand = Hand("g=group:one; h=group:one", groups={"one": inner})
    hand.editor.apply(knobs.set_knob(hand.editor.state, LIBRARY, ["g"], "loud", 3))
    hand.editor.enter(("g",))
    hand.editor.apply(knobs.publish(hand.editor.state, LIBRARY, "a", "gain"))
    assert hand.graph.nodes["g"].knobs == {} and hand.graph.groups["one"].knobs == {}


def test_problems_are_shown() -> None:
    hand = Hand("a=filter.gain")
    shown = panel(hand, "a")
    assert any("not connected" in str(problem) for problem in shown.problems)


def test_a_value_that_a_file_holds_and_the_type_refuses_is_said() -> None:
    hand = Hand("a=filter.gain")
    hand.editor.open(hand.graph.with_knob("a", "gain", 1e9))
    assert "allowed" in row(panel(hand, "a"), "gain").said
