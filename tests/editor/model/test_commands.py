from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from canvas import LIBRARY, Hand, group

from midistems_graph.document.encoding import dumps, loads
from midistems_graph.document.flatten import flatten
from midistems_graph.document.graph import Address, Node
from midistems_graph.document.identity import graph_hash
from midistems_graph.editor.model import arrange, clipboard, commands, decor, grouping, knobs, nodes, wiring
from midistems_graph.editor.model.bodies import INPUTS, free_name
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.published import published_knobs, with_value
from midistems_graph.editor.model.selection import Selection
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors

CHAIN = "load=io.load; a=filter.gain; b=filter.gain; save=io.save"
WIRED = "load.out->a.signal; a.out->b.signal; b.out->save.stems"


def select(hand: Hand, *ids: str) -> Editor:
    hand.editor.state = hand.editor.state.with_body(hand.editor.state.body, Selection.of(ids))
    return hand.editor


def flat_edges(hand: Hand) -> set[str]:
    """What feeds what once groups are gone: the names of inner nodes without their group."""

    def last(address: Address) -> str:
        return f"{address.node.split('/')[-1]}.{address.port}"

    return {f"{last(e.source)} -> {last(e.target)}" for e in flatten(hand.graph).edges}


def test_a_new_node_has_a_readable_id_its_version_and_a_place_on_the_grid() -> None:
    hand = Hand(CHAIN)
    for _ in range(3):
        hand.editor.apply(nodes.add_node(hand.editor.state, LIBRARY, "separate.hpss", (333, 777)))
    assert {"hpss", "hpss_2", "hpss_3"} <= set(hand.graph.nodes)
    assert hand.graph.nodes["hpss"] == Node("separate.hpss", LIBRARY["separate.hpss"].version)
    places = [hand.place(i) for i in ("hpss", "hpss_2", "hpss_3")]
    assert len(set(places)) == 3 and all(x % 20 == 0 and y % 20 == 0 for x, y in places)
    assert hand.selected == {"hpss_3"}


def test_an_unknown_type_is_refused_in_a_sentence() -> None:
    hand = Hand(CHAIN)
    with pytest.raises(Refused, match="no installed pack has the node type"):
        nodes.add_node(hand.editor.state, LIBRARY, "no.such", (0, 0))


def test_a_node_from_the_menu_of_a_wire_is_wired() -> None:
    hand = Hand("load=io.load; save=io.save")
    at = (400.0, 400.0)
    load, save = Address("load", "out"), Address("save", "stems")
    hand.editor.apply(nodes.add_wired(hand.editor.state, LIBRARY, "separate.hpss", at, load, "out"))
    assert hand.edges == {"load.out -> hpss.mixture"}
    hand.editor.apply(nodes.add_wired(hand.editor.state, LIBRARY, "filter.gain", at, save, "in"))
    assert "gain.out -> save.stems" in hand.edges
    assert hand.editor.undo() == "add gain" and "gain" not in hand.graph.nodes


def test_deleting_heals_through_several_nodes() -> None:
    hand = Hand(CHAIN, WIRED)
    assert commands.run(select(hand, "a", "b"), "delete")
    assert hand.edges == {"load.out -> save.stems"}


def test_deleting_with_edges_heals_nothing() -> None:
    hand = Hand(CHAIN, WIRED)
    commands.run(select(hand, "a"), "delete_cut")
    assert hand.edges == {"b.out -> save.stems"}


def test_deleting_heals_no_change_of_kind() -> None:
    hand = Hand("load=io.load; hpss=separate.hpss; save=io.save", "load.out->hpss.mixture; hpss.out->save.stems")
    commands.run(select(hand, "hpss"), "delete")
    assert hand.edges == set()


def test_deleting_in_a_group_takes_its_ports_and_knobs_along() -> None:
    inner = group(
        "a=filter.gain; b=filter.gain",
        "a.out->b.signal",
        inputs={"x": "a.signal"},
        outputs={"out": "b.out"},
        knobs={"gain": "a.gain", "all": "a.gain b.gain"},
    )
    hand = Hand("load=io.load; g=group:two", "load.out->g.x", groups={"two": inner})
    hand.editor.enter(("g",))
    commands.run(select(hand, "a"), "delete")
    made = hand.graph.groups["two"]
    assert made.inputs == {"x": (Address("b", "signal"),)}
    assert made.knobs == {"all": (Address("b", "gain"),)}
    commands.run(select(hand, "b"), "delete")
    assert hand.graph.groups["two"].outputs == {}


def test_copied_nodes_are_a_graph_file_and_come_with_inner_edges() -> None:
    hand = Hand(CHAIN, WIRED)
    text = clipboard.copy(select(hand, "a", "b").state)
    hand.editor.apply(clipboard.paste(hand.editor.state, text, (0, 600)))
    assert {e for e in hand.edges if "_2" in e} == {"a_2.out -> b_2.signal"}
    assert min(hand.place("a_2")[1], hand.place("b_2")[1]) == 600
    hand.editor.apply(clipboard.paste(hand.editor.state, text, (0, 900), incoming=True))
    assert "load.out -> a_3.signal" in hand.edges


def test_text_that_is_no_graph_is_refused() -> None:
    hand = Hand(CHAIN)
    for text in ("hello", "", "{}", '{"format": 3}', "[" * 100_000, "\ud800"):
        with pytest.raises(Refused):
            clipboard.paste(hand.editor.state, text)


def test_groups_come_along_and_another_of_the_same_name_is_kept_apart() -> None:
    one = group("x=filter.gain", inputs={"audio": "x.signal"}, outputs={"out": "x.out"})
    two = group("y=filter.fade", inputs={"audio": "y.signal"}, outputs={"out": "y.out"})
    source = Hand("g=group:refine", groups={"refine": one})
    text = clipboard.copy(select(source, "g").state)
    empty, other = Hand(), Hand("g=group:refine", groups={"refine": two})
    for hand in (empty, other):
        hand.editor.apply(clipboard.paste(hand.editor.state, text))
    assert empty.graph.groups == {"refine": one}
    assert other.graph.groups == {"refine": two, "refine_2": one}
    assert other.graph.nodes["g_2"].type == "group:refine_2"


def test_a_group_cannot_be_put_into_itself() -> None:
    one = group("x=filter.gain", inputs={"audio": "x.signal"}, outputs={"out": "x.out"})
    hand = Hand("g=group:one", groups={"one": one})
    text = clipboard.copy(select(hand, "g").state)
    hand.editor.enter(("g",))
    with pytest.raises(Refused, match="contain itself"):
        clipboard.paste(hand.editor.state, text)
    with pytest.raises(Refused, match="contain itself"):
        nodes.add_node(hand.editor.state, LIBRARY, "group:one", (0, 0))


def test_bypass_is_a_switch() -> None:
    hand = Hand(CHAIN, WIRED)
    commands.run(select(hand, "a", "b"), "bypass")
    assert {n.state for i, n in hand.graph.nodes.items() if i in "ab"} == {"bypassed"}
    commands.run(select(hand, "a", "b"), "bypass")
    assert hand.graph.nodes["a"].state == "on"


def test_a_label_changes_nothing_that_is_computed_and_an_id_changes_everywhere() -> None:
    hand = Hand(CHAIN, WIRED)
    before = graph_hash(hand.graph)
    hand.editor.apply(nodes.rename(hand.editor.state, "a", "  Lead   vocal "))
    assert hand.graph.nodes["a"].label == "Lead vocal" and graph_hash(hand.graph) == before
    hand.editor.apply(nodes.change_id(hand.editor.state, "a", "lead"))
    assert "load.out -> lead.signal" in hand.edges and hand.place("lead") == (400, 0)
    with pytest.raises(Refused, match="already"):
        nodes.change_id(hand.editor.state, "lead", "b")


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom", "center", "middle"])
def test_aligned_nodes_share_a_line(side: arrange.Side) -> None:
    hand = Hand("load=io.load; hpss=separate.hpss; mix=blend.mix")
    hand.editor.apply(nodes.move(select(hand, "hpss").state, 0, 160))
    hand.editor.apply(arrange.align(select(hand, "load", "hpss", "mix").state, LIBRARY, side))
    rects = [hand.editor.scene.boxes[i].rect for i in ("load", "hpss", "mix")]
    axis = {"left": 0, "right": 2, "top": 1, "bottom": 3}.get(side)
    lines = {r[axis] for r in rects} if axis is not None else {r.center[side == "middle"] for r in rects}
    assert max(lines) - min(lines) <= 10


def test_distributed_nodes_have_even_gaps() -> None:
    hand = Hand(CHAIN)
    hand.editor.apply(nodes.move(select(hand, "a").state, 160, 0))
    hand.editor.apply(arrange.distribute(select(hand, "load", "a", "b", "save").state, LIBRARY, "across"))
    rects = sorted(box.rect for box in hand.editor.scene.boxes.values())
    gaps = {right.left - left.right for left, right in pairwise(rects)}
    assert len(gaps) == 1


def test_a_laid_out_graph_runs_from_left_to_right_without_overlaps() -> None:
    hand = Hand(CHAIN, WIRED + "; load.out->b.signal")
    commands.run(hand.editor, "layout")
    rects = [box.rect for box in hand.editor.scene.boxes.values()]
    assert all(not a.meets(b) for i, a in enumerate(rects) for b in rects[i + 1 :])
    assert all(box.x % 20 == 0 and box.y % 20 == 0 for box in hand.editor.scene.boxes.values())
    for edge in hand.graph.edges:
        assert hand.place(edge.source.node)[0] < hand.place(edge.target.node)[0]


def test_a_frame_goes_along_with_its_nodes_when_they_are_laid_out() -> None:
    hand = Hand(CHAIN, WIRED)
    hand.editor.apply(nodes.move(select(hand, "a", "b").state, 0, 900))
    hand.editor.apply(decor.frame_selection(select(hand, "a", "b").state, LIBRARY))
    before = hand.graph.view.frames[0]
    commands.run(select(hand), "layout")
    (frame,) = hand.editor.scene.frames.values()
    inside = {box.id for box in hand.editor.scene.boxes.values() if frame.rect.encloses(box.rect)}
    assert inside == {"a", "b"} and hand.graph.view.frames[0] != before
    hand.editor.undo()
    assert hand.graph.view.frames[0] == before


def test_undo_selects_what_was_selected_before_the_change() -> None:
    hand = Hand(CHAIN, WIRED)
    commands.run(select(hand, "load", "a"), "align_left")
    hand.editor.undo()
    assert hand.selected == {"load", "a"}
    commands.run(hand.editor, "delete")
    assert not hand.selected
    hand.editor.undo()
    assert hand.selected == {"load", "a"}
    hand.editor.redo()
    assert not hand.selected


def test_opening_a_graph_without_places_lays_it_out_and_is_no_change() -> None:
    hand = Hand(CHAIN, WIRED)
    bare = Editor(LIBRARY, hand.graph.__class__(nodes=hand.graph.nodes, edges=hand.graph.edges))
    assert len(set(bare.state.graph.view.nodes.values())) == 4 and not bare.dirty


def test_grouping_keeps_what_is_computed_and_unpacking_brings_it_back() -> None:
    hand = Hand(CHAIN, WIRED)
    before, document = flat_edges(hand), hand.graph
    hand.editor.apply(grouping.group_selection(select(hand, "a", "b").state, LIBRARY, "twice"))
    made = hand.graph.groups["twice"]
    assert (made.inputs, made.outputs) == ({"signal": (Address("a", "signal"),)}, {"out": Address("b", "out")})
    assert hand.edges == {"load.out -> twice.signal", "twice.out -> save.stems"}
    assert flat_edges(hand) == before and not errors(check(hand.graph, LIBRARY))
    commands.run(hand.editor, "unpack")
    assert flat_edges(hand) == before and hand.graph.nodes == document.nodes and hand.graph.edges == document.edges


def test_one_source_of_two_nodes_is_one_input_of_their_group() -> None:
    hand = Hand(CHAIN, "load.out->a.signal; load.out->b.signal")
    hand.editor.apply(grouping.group_selection(select(hand, "a", "b").state, LIBRARY))
    assert hand.graph.groups["group"].inputs == {"signal": (Address("a", "signal"), Address("b", "signal"))}


def test_links_across_the_border_of_a_group_are_published() -> None:
    hand = Hand(CHAIN, WIRED)
    hand.editor.apply(knobs.link(hand.editor.state, LIBRARY, ["a", "b"], "gain"))
    hand.editor.apply(grouping.group_selection(select(hand, "a").state, LIBRARY, "g"))
    assert hand.graph.groups["g"].knobs == {"gain": (Address("a", "gain"),)}
    assert hand.graph.links == ((Address("g", "gain"), Address("b", "gain")),)
    hand.editor.apply(knobs.set_knob(hand.editor.state, LIBRARY, ["g"], "gain", -6))
    assert hand.graph.nodes["b"].knobs == {"gain": -6.0} == dict(hand.graph.nodes["g"].knobs)
    hand.editor.apply(grouping.unpack(hand.editor.state, "g"))
    assert hand.graph.links == ((Address("a", "gain"), Address("b", "gain")),)
    assert hand.graph.nodes["a"].knobs == {"gain": -6.0}


def test_a_knob_is_published_on_the_graph_renamed_set_and_hidden() -> None:
    hand = Hand(CHAIN, WIRED)
    for node in ("a", "b"):
        hand.editor.apply(knobs.publish(hand.editor.state, LIBRARY, node, "gain"))
    assert hand.graph.knobs == {"gain": (Address("a", "gain"),), "gain_2": (Address("b", "gain"),)}
    hand.editor.apply(knobs.rename_published(hand.editor.state, "gain", "how loud"))
    for wanted, said in (("gain_2", "another knob"), ("1st", "cannot name"), ("repeat", "another knob")):
        with pytest.raises(Refused, match=said):
            knobs.rename_published(hand.editor.state, "how_loud", wanted)
    assert [one.knob.name for one in published_knobs(hand.graph, LIBRARY)] == ["how_loud", "gain_2"]
    hand.editor.apply(knobs.move_up(hand.editor.state, "gain_2"))
    assert [one.knob.name for one in published_knobs(hand.graph, LIBRARY)] == ["gain_2", "how_loud"]
    assert list(loads(dumps(hand.graph)).knobs) == ["gain_2", "how_loud"]
    with pytest.raises(Refused, match="first already"):
        knobs.move_up(hand.editor.state, "gain_2")
    assert hand.editor.undo() == "move gain_2 up"
    loud = published_knobs(hand.graph, LIBRARY)[0]
    assert with_value(hand.graph, LIBRARY, loud, "-3").nodes["a"].knobs == {"gain": -3.0}
    hand.editor.apply(knobs.set_published(hand.editor.state, LIBRARY, "how_loud", loud.ends, -6))
    assert hand.graph.nodes["a"].knobs == {"gain": -6.0} and hand.editor.undo() == "set how_loud"
    hand.editor.apply(knobs.hide(hand.editor.state, "gain_2"))
    hand.editor.apply(knobs.publish(hand.editor.state, LIBRARY, "a", "gain"))
    assert not hand.graph.knobs


def test_what_the_graph_publishes_follows_its_node_into_a_group_and_out_and_goes_with_it() -> None:
    hand = Hand(CHAIN, WIRED)
    hand.editor.apply(knobs.publish(hand.editor.state, LIBRARY, "a", "gain"))
    published = hand.graph.knobs
    hand.editor.apply(grouping.group_selection(select(hand, "a").state, LIBRARY, "g"))
    assert hand.graph.knobs == {"gain": (Address("g", "gain"),)}
    (one,) = published_knobs(hand.graph, LIBRARY)
    assert with_value(hand.graph, LIBRARY, one, -6).nodes["g"].knobs == {"gain": -6.0}
    hand.editor.apply(grouping.unpack(hand.editor.state, "g"))
    assert hand.graph.knobs == published
    hand.editor.apply(nodes.change_id(hand.editor.state, "a", "c"))
    assert hand.graph.knobs == {"gain": (Address("c", "gain"),)}
    commands.run(select(hand, "c"), "delete")
    assert not hand.graph.knobs


def test_a_group_within_a_group_keeps_its_ports() -> None:
    inner = group(
        "a=filter.gain; b=filter.gain",
        "a.out->b.signal",
        inputs={"x": "a.signal"},
        outputs={"out": "b.out"},
        knobs={"gain": "b.gain"},
    )
    hand = Hand("load=io.load; g=group:two; save=io.save", "load.out->g.x; g.out->save.stems", groups={"two": inner})
    before = flat_edges(hand)
    hand.editor.enter(("g",))
    hand.editor.apply(grouping.group_selection(select(hand, "a", "b").state, LIBRARY, "deep"))
    assert flat_edges(hand) == before and not errors(check(hand.graph, LIBRARY))
    assert hand.graph.groups["two"].knobs == {"gain": (Address("deep", "gain"),)}
    commands.run(select(hand, "deep"), "unpack")
    assert replace(hand.graph.groups["two"], view=inner.view) == inner


def test_a_group_goes_with_its_last_instance_and_comes_back_with_undo() -> None:
    deep = group("a=filter.gain", inputs={"x": "a.signal"})
    outer = group("d=group:deep", inputs={"x": "d.x"})
    hand = Hand("one=group:outer; two=group:outer", groups={"outer": outer, "deep": deep, "kept": deep})
    commands.run(select(hand, "one"), "delete")
    assert hand.graph.groups.keys() == {"outer", "deep", "kept"}
    commands.run(select(hand, "two"), "delete")
    assert hand.graph.groups.keys() == {"kept"}
    hand.editor.undo()
    assert hand.graph.groups.keys() == {"outer", "deep", "kept"}


def test_repeats_and_functions_are_not_unpacked() -> None:
    two = group("a=separate.hpss", inputs={"x": "a.mixture"}, outputs={"out": "a.out"}, repeat=3)
    hand = Hand("g=group:two", groups={"two": two})
    with pytest.raises(Refused, match="repeats its nodes"):
        grouping.unpack(hand.editor.state, "g")
    with pytest.raises(Refused, match="select an instance"):
        grouping.unpack(hand.editor.state, "nobody")


def test_all_instances_follow_an_edit_of_their_group() -> None:
    inner = group("a=filter.gain", inputs={"x": "a.signal"}, outputs={"out": "a.out"})
    hand = Hand("g=group:one; h=group:one", groups={"one": inner})
    hand.editor.enter(("h",))
    hand.editor.apply(knobs.set_knob(hand.editor.state, LIBRARY, ["a"], "gain", 3))
    flat = flatten(hand.graph).nodes
    assert flat["g/a"].knobs == flat["h/a"].knobs == {"gain": 3.0}
    hand.editor.undo()
    assert hand.editor.state.path == ("h",) and flatten(hand.graph).nodes["g/a"].knobs == {}


def test_undo_leaves_a_group_that_is_gone() -> None:
    hand = Hand(CHAIN, WIRED)
    hand.editor.apply(grouping.group_selection(select(hand, "a").state, LIBRARY, "g"))
    hand.editor.enter(("g",))
    hand.editor.undo()
    assert hand.editor.state.path == () and hand.graph.groups == {}


def test_a_drag_of_a_knob_is_one_step() -> None:
    hand = Hand(CHAIN)
    for value in (1, 2, 3):
        hand.editor.apply(knobs.set_knob(hand.editor.state, LIBRARY, ["a", "b"], "gain", value))
    hand.editor.seal()
    hand.editor.apply(knobs.set_knob(hand.editor.state, LIBRARY, ["a", "b"], "gain", 4))
    assert hand.graph.nodes["b"].knobs == {"gain": 4.0}
    hand.editor.undo()
    assert hand.graph.nodes["b"].knobs == {"gain": 3.0}
    assert hand.editor.undo() == "set gain of 2 nodes" and hand.graph.nodes["b"].knobs == {}
    assert not hand.editor.dirty


def test_a_knob_out_of_range_wired_or_unknown_is_refused() -> None:
    hand = Hand("n=control.number; a=filter.gain", "n.out->a.gain")
    with pytest.raises(Refused, match="is driven by"):
        knobs.set_knob(hand.editor.state, LIBRARY, ["a"], "gain", 0)
    with pytest.raises(Refused, match="allowed"):
        knobs.type_knob(hand.editor.state, LIBRARY, ["n"], "value", "loud")
    with pytest.raises(Refused, match="no knob"):
        knobs.set_knob(hand.editor.state, LIBRARY, ["a"], "nothing", 0)


def test_a_reset_knob_leaves_the_file() -> None:
    hand = Hand(CHAIN)
    hand.editor.apply(knobs.set_knob(hand.editor.state, LIBRARY, ["a"], "gain", 3))
    hand.editor.apply(knobs.reset_knob(hand.editor.state, ["a"], "gain"))
    assert hand.graph.nodes["a"].knobs == {}


def test_what_feeds_and_what_is_fed_is_selected() -> None:
    hand = Hand(CHAIN, WIRED)
    commands.run(select(hand, "a"), "upstream")
    assert hand.selected == {"load", "a"}
    commands.run(select(hand, "a"), "downstream")
    assert hand.selected == {"a", "b", "save"}
    commands.run(hand.editor, "invert")
    assert hand.selected == {"load"}
    assert hand.editor.history.undo_label == ""


def test_a_frame_holds_the_selection_and_a_note_says_what_was_written() -> None:
    hand = Hand(CHAIN)
    commands.run(select(hand, "a", "b"), "frame")
    frame = hand.editor.scene.frames["frame:0"]
    assert all(frame.rect.encloses(hand.editor.scene.boxes[i].rect) for i in "ab")
    hand.editor.apply(decor.write(hand.editor.state, "frame:0", "drums"))
    hand.editor.apply(decor.add_note(hand.editor.state, (33, 900), "hello"))
    assert hand.graph.view.frames[0].title == "drums" and hand.graph.view.notes[0].text == "hello"
    hand.editor.apply(decor.write(hand.editor.state, "note:0", "  "))
    assert hand.graph.view.notes == ()


def test_refusals_come_back_as_sentences() -> None:
    hand = Hand()
    needing = "delete duplicate bypass group unpack enter leave undo redo disconnect frame layout align_left"
    for name in needing.split():
        with pytest.raises(Refused) as refused:
            commands.run(hand.editor, name)
        assert " " in str(refused.value) and not hand.editor.dirty


def test_disconnecting_closes_places() -> None:
    hand = Hand("l=io.load; m=blend.mix", "l.out->m.signals[0]; l.out->m.signals[1]; l.out->m.signals[2]")
    gone = [e for e in hand.graph.edges if e.target.index == 1]
    hand.editor.apply(wiring.disconnect(hand.editor.state, gone))
    assert hand.edges == {"l.out -> m.signals[0]", "l.out -> m.signals[1]"}


def test_names_that_are_taken_are_counted_up() -> None:
    assert free_name("hpss", ["hpss", "hpss_2"]) == "hpss_3"
    assert free_name("hpss_2", ["hpss_2"]) == "hpss_3"


def test_the_iterations_of_a_repeat_are_looked_at_one_by_one() -> None:
    again = group("a=filter.gain", inputs={"x": "a.signal"}, outputs={"out": "a.out"}, carry={"x": "out"}, repeat=3)
    hand = Hand("load=io.load; loop=group:again", "load.out -> loop.x", groups={"again": again})
    with pytest.raises(Refused, match="no repeat group"):
        commands.run(hand.editor, "iteration_next")
    hand.editor.enter(("loop",))
    editor, inside = hand.editor, Address(INPUTS, "x")
    assert editor.insight.iterations(("loop",)) == (1, 3)
    assert editor.insight.flat_source(("loop",), inside) == Address("load", "out")
    commands.run(editor, "iteration_next")
    assert editor.insight.flat_source(("loop",), Address("a", "out")) == Address("loop[2]/a", "out")
    assert editor.insight.flat_source(("loop",), inside) == Address("loop[1]/a", "out")
    commands.run(editor, "iteration_next")
    commands.run(editor, "iteration_next")
    assert editor.insight.iterations(("loop",)) == (3, 3)
    editor.apply(knobs.set_knob(editor.state, LIBRARY, {"a"}, "gain", -3.0))
    assert editor.insight.iterations(("loop",)) == (3, 3)
