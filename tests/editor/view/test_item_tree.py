"""The items of Dear PyGui that the view makes, without a display: a context is enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import dearpygui.dearpygui as dpg
import pytest

from midistems_graph.document.graph import Channel, Graph, Node
from midistems_graph.editor.audition.desk_view import BlindTest, DeskView, Strip
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.events import AskForNode
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.program.standing import Standing
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.desk_panel import DeskPanel, PanelView
from midistems_graph.editor.view.hover import words_at
from midistems_graph.editor.view.knob_controls import place_of, value_at
from midistems_graph.editor.view.marks import Mark
from midistems_graph.editor.view.mixer_rows import MixerHands
from midistems_graph.editor.view.node_cards import FAR, NEAR
from midistems_graph.editor.view.notice import Notice
from midistems_graph.editor.view.palette import DARK, LIGHT
from midistems_graph.editor.view.pointer import Key
from midistems_graph.editor.view.transport import Heard, TransportBar
from midistems_graph.node.contract import Range
from midistems_graph.node.definition import Knob
from midistems_graph.node.library import installed


def graph() -> Graph:
    made = Graph().with_node("song", Node("io.load"), (0, 0)).with_node("hpss", Node("separate.hpss"), (300, 0))
    return made.with_node("odd", Node("nobody.has_this"), (600, 0)).with_edge("song.out", "hpss.mixture")


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    bench = Bench(Editor(installed()), Settings())
    bench.open(visible=False)
    yield bench
    bench.close()


@pytest.fixture
def bench(shared: Bench) -> Bench:
    shared.show_document(graph())
    return shared


def count(item: int) -> int:
    return sum(1 + count(child) for slot in dpg.get_item_children(item).values() for child in slot)


def test_the_items_follow_the_document(bench: Bench) -> None:
    assert set(bench.canvas.nodes) == {"song", "hpss", "odd"}
    bench.editor.state = replace(bench.editor.state, selection=Selection.of(nodes=["hpss"]))
    bench.do("delete")
    assert set(bench.canvas.nodes) == {"song", "odd"} and not bench.canvas.wires
    bench.do("undo")
    assert set(bench.canvas.wires) == {"song.out -> hpss.mixture"}


def test_drawing_again_and_again_leaves_no_items_behind(bench: Bench) -> None:
    before = count(bench.window.root)
    for k in range(20):
        bench.canvas.set_marks({"hpss": Mark("running", k / 20)})
        bench.editor.state = replace(bench.editor.state, selection=Selection.of(nodes=["song"]))
        bench.do("duplicate")
        bench.do("undo")
    bench.canvas.set_marks({"hpss": Mark()})
    bench.editor.state = replace(bench.editor.state, selection=Selection())
    bench.refresh()
    assert count(bench.window.root) <= before


def test_moving_a_node_draws_nothing_anew(bench: Bench) -> None:
    item = bench.canvas.nodes["hpss"]
    cards = dict(item._cards)
    bench.editor.state = replace(bench.editor.state, selection=Selection.of(nodes=["hpss"]))
    bench.do("nudge_right")
    assert bench.canvas.nodes["hpss"] is item and item._cards == cards and item.box.x == 320


def test_what_is_far_away_is_hidden_and_details_go_when_they_cannot_be_read(bench: Bench) -> None:
    bench.canvas.look(Rect(5000, 5000, 5900, 5500))
    assert not any(item.shown for item in bench.canvas.nodes.values())
    bench.canvas.look(Rect(-100, -100, 800, 400))
    near = count(bench.canvas.nodes["hpss"].root)
    assert bench.canvas.nodes["hpss"].shown and bench.canvas.nodes["hpss"].level == NEAR and near > 10
    bench.canvas.look(Rect(-5000, -5000, 5000, 5000))
    assert bench.canvas.nodes["hpss"].shown and bench.canvas.nodes["hpss"].level == FAR


def test_a_slider_sets_its_knob_as_one_step_and_reset_takes_it_back(bench: Bench) -> None:
    bench.editor.state = replace(bench.editor.state, selection=Selection.of(nodes=["hpss"]))
    bench.refresh()
    slider = bench.inspector.control_ids["harmonic_margin"]
    steps = len(bench.editor.history.past)
    for at in (0.3, 0.4, 0.5):
        dpg.get_item_callback(slider)(slider, at)
    knobs = bench.editor.state.graph.nodes["hpss"].knobs
    assert knobs["harmonic_margin"] == bench.editor.state.body.nodes["hpss"].knobs["harmonic_margin"] != 1
    assert len(bench.editor.history.past) == steps + 1
    bench.inspector.hands.menu("harmonic_margin")
    assert bench.menu.rows[0].title == "Reset to 1"
    bench.menu.key("Enter")
    assert "harmonic_margin" not in bench.editor.state.graph.nodes["hpss"].knobs


def test_a_refused_value_is_said_with_its_range(bench: Bench) -> None:
    bench.editor.state = replace(bench.editor.state, selection=Selection.of(nodes=["hpss"]))
    bench.inspector.hands.type("n_fft", "1")
    assert "allowed" in bench.status.said


def test_a_placeholder_keeps_its_place_and_says_what_is_missing(bench: Bench) -> None:
    assert bench.canvas.nodes["odd"].box.shape.role == "placeholder"
    bench.editor.state = replace(bench.editor.state, selection=Selection.of(nodes=["odd"]))
    bench.refresh()
    assert bench.inspector.page is not None and "nobody.has_this" in bench.inspector.page.about


def test_the_search_lists_what_fits_and_adds_it(bench: Bench) -> None:
    bench.ask_for_node(AskForNode((100, 300)))
    bench.menu.search("gain")
    assert bench.menu.rows[0].id == "filter.gain"
    bench.menu.key("Enter")
    assert bench.editor.state.graph.nodes["gain"].type == "filter.gain"


def test_the_theme_changes_all_at_once(bench: Bench) -> None:
    bench.do("theme")
    assert bench.window.palette.name == "light" == bench.canvas.palette.name
    assert set(bench.canvas.nodes) == {"song", "hpss", "odd"}
    bench.do("theme")
    assert bench.settings.theme == "dark"


def test_the_settings_take_the_place_of_the_inspector_and_hold_at_once(bench: Bench) -> None:
    bench.do("settings")
    panel = bench.settings_panel
    assert not dpg.is_item_shown(bench.side_area) and dpg.get_value(panel.controls["scale"]) == "100%"
    bench.do("larger")
    assert bench.settings.ui_scale == bench.canvas.ui_scale == pytest.approx(dpg.get_global_font_scale()) == 1.1
    assert dpg.get_value(panel.controls["scale"]) == "110%"
    bench.do("smaller")
    dpg.get_item_callback(panel.controls["light"])()
    assert bench.window.palette.name == "light" and panel.is_open
    bench.do("theme")
    bench.press(Key("Escape"))
    assert not panel.is_open and dpg.is_item_shown(bench.side_area)


def test_a_command_gets_another_key_and_a_conflict_is_said(bench: Bench) -> None:
    bench.do("settings")
    panel = bench.settings_panel
    panel._find("frame the sel")
    dpg.get_item_callback(panel.controls["key frame"])()
    bench.press(Key("B"))
    assert bench.settings.shortcuts.chords("frame") == ("B",)
    said = [dpg.get_value(item) for item in dpg.get_item_children(panel._keys, 1)]
    assert said[0] == "B belongs to Bypass and to Frame the selection; give all but one another key"
    dpg.get_item_callback(panel.controls["reset frame"])()
    assert not bench.settings.shortcuts.changed
    bench.press(Key("Escape"))


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_slider_goes_to_the_place_of_a_value_and_back(scale: str) -> None:
    knob = Knob("f", "float", 100.0, Range(20, 20_000, "Hz", scale))  # type: ignore[arg-type]
    for at in (0.0, 0.25, 0.5, 1.0):
        assert place_of(knob, float(value_at(knob, at))) == pytest.approx(at, abs=0.01)
    assert value_at(knob, 0.5) == pytest.approx(632 if scale == "log" else 10_010, rel=0.01)


def test_what_was_said_is_kept_and_can_be_searched(bench: Bench) -> None:
    bench.say("the first thing")
    bench.say("the second thing", wrong=True)
    bench.do("log")
    assert [row.title for row in bench.menu.rows][:2] == ["the second thing", "the first thing"]
    bench.menu.search("FIRST")
    assert [row.title for row in bench.menu.rows] == ["the first thing"]
    bench.menu.close()


def test_a_port_and_an_edge_say_what_flows_there(bench: Bench) -> None:
    scene = bench.editor.scene
    box, wire = scene.boxes["hpss"], scene.wires["song.out -> hpss.mixture"]
    port = scene.hit(box.at(box.shape.ports[0]))
    assert words_at(bench.editor, port, None, named=True).startswith("mixture: audio. ")
    edge = scene.hit(wire.track.middle)
    assert words_at(bench.editor, edge, -18.2, named=False) == "audio, -18 dB"
    assert words_at(bench.editor, edge, -18.2, named=True) == ""


def test_a_failed_node_is_red_with_its_sentence(bench: Bench) -> None:
    bench.canvas.look(Rect(-100, -100, 800, 400))
    item = bench.canvas.nodes["hpss"]
    before = item._border
    bench.canvas.set_marks({"hpss": Mark("failed", sentence="there is not enough memory for it")})
    assert item._border == bench.window.palette.bad != before
    texts = [dpg.get_item_configuration(child)["text"] for child in drawn_texts(item.root)]
    assert "there is not enough memory" in " ".join(texts)


def test_a_node_that_is_left_out_says_so_and_one_that_is_gone_is_not_counted(bench: Bench) -> None:
    bench.canvas.look(Rect(-100, -100, 800, 400))
    standing = Standing(bench)
    standing.take({"hpss": Mark("left out", sentence="nothing is given for tool"), "gone": Mark("dirty", seconds=9.0)})
    texts = [dpg.get_item_configuration(child)["text"] for child in drawn_texts(bench.canvas.nodes["hpss"].root)]
    assert "left out: nothing is given" in " ".join(texts)
    assert standing.why("") == ()
    standing.take({"hpss": Mark("dirty", seconds=2.0)})
    assert standing.why("") == (("to compute", "1 node, about 2.0 s"),)
    standing.close()


def test_a_long_remark_on_what_is_heard_is_read_in_full(bench: Bench) -> None:
    panel = DeskPanel(
        bench.desk_area, DARK, 1.0, MixerHands(*(lambda *_: None for _ in range(4))), bench.do, bench.hint
    )
    for note, shown in (("sum of 2 stems", panel._note), ("a mask, " * 9, panel._long_note)):
        panel.show(PanelView(title="x.out", note=note))
        items = [item for item in (panel._note, panel._long_note) if dpg.get_item_configuration(item)["show"]]
        assert items == [shown] and dpg.get_value(shown) == note
    dpg.delete_item(bench.desk_area, children_only=True)


def test_a_sentence_that_is_cut_is_whole_under_the_pointer(bench: Bench) -> None:
    for sentence in ("saved", "a very long sentence about a file, " * 9):
        bench.say(sentence)
        said = " ".join(sentence.split())
        cut = dpg.get_value(bench.status._sentence) != said
        assert cut == (len(said) > 200) == dpg.get_item_configuration(bench.status._whole)["show"]
        assert dpg.get_value(bench.status._full) == said


def test_the_minimap_is_there_while_not_all_is_seen(bench: Bench) -> None:
    def is_shown(seen: Rect) -> bool:
        bench.canvas.look(seen)
        bench.minimap.show(bench.editor.scene)
        return bool(dpg.get_item_configuration(bench.minimap.window)["show"])

    assert is_shown(Rect(0, 0, 300, 200)) and not is_shown(Rect(-500, -500, 2000, 1500))


def test_a_notice_that_asks_is_not_hidden_behind_one_that_only_says_something(bench: Bench) -> None:
    chosen: list[str] = []
    asking = [Notice(name, name, (("Yes", lambda name=name: chosen.append(name)),)) for name in ("file", "recovery")]
    for notice in (Notice("windows", "two windows"), *asking):
        bench.notices.say(notice)
    assert [one.about for one in bench.notices.shown] == ["file", "recovery", "windows"]
    while bench.notices.answer(0):
        pass
    assert chosen == ["file", "recovery"] and bench.notices.height == 0


def test_a_narrow_window_leaves_out_buttons_and_never_the_way_to_all_commands(bench: Bench) -> None:
    top = bench.top

    def shown(width: float) -> set[str]:
        top.place(width)
        return {name for name, button in top.buttons.items() if dpg.get_item_configuration(button)["show"]}

    names, before = set(top.buttons), len(top.buttons) + 1
    for width in (3000.0, 900.0, 700.0, 100.0):
        assert len(shown(width)) <= before and {"open", "save", "shortcuts"} <= shown(width)
        before = len(shown(width))
    assert shown(3000.0) == names and shown(100.0) == names - set(top.DROPPED)


def drawn_texts(item: int) -> list[int]:
    children = [child for slot in dpg.get_item_children(item).values() for child in slot]
    own = [child for child in children if dpg.get_item_type(child) == "mvAppItemType::mvDrawText"]
    return own + [text for child in children for text in drawn_texts(child)]


def test_the_bar_and_the_panel_change_their_colours_and_leave_nothing_behind(bench: Bench) -> None:
    hands = MixerHands(*(lambda *_: None for _ in range(4)))
    bar = TransportBar(bench.transport_area, DARK, 1.0, bench.do, bench.hint)
    panel = DeskPanel(bench.desk_area, DARK, 1.0, hands, bench.do, bench.hint)
    strips = tuple(Strip(name, Channel(solo=name == "b"), name == "b", 0.5, name == "a") for name in "ab")
    panel.show(PanelView(DeskView({"A": "x.out", "B": "y.out"}, strips=strips), "x.out", "sum of 2 stems"))
    bar.show(Heard(playing=True, on=frozenset({"hear_a", "side"}), figure="-3.0 dB"))
    assert len(panel.mixer.rows) == 2
    before = len(dpg.get_all_items())
    for palette in (LIGHT, DARK):
        bar.recolor(palette)
        panel.recolor(palette)
    assert len(dpg.get_all_items()) == before and len(panel.mixer.rows) == 2
    blind = BlindTest("X", 4, (None, None), "")
    panel.show(PanelView(DeskView(heard="X", blind=blind), "X", levels=None))
    assert dpg.get_value(panel._count) == "trial 3 of 4" and dpg.is_item_shown(panel._answers)
    panel.show(PanelView(DeskView(heard="A", blind=BlindTest("A", 4, (True, False, True, True), "3 of 4 right")), "A"))
    assert dpg.get_value(panel._verdict) == "3 of 4 right"
    for area in (bench.transport_area, bench.desk_area):
        dpg.delete_item(area, children_only=True)
