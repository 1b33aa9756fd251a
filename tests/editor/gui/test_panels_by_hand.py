"""Inspector, menus, keys and files under a real mouse and real keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np
import pytest
from driver import Driver

from midistems_graph.document.files import load, save

pytestmark = pytest.mark.gui


def test_a_slider_is_dragged_and_undone_as_one_step(gui: Driver) -> None:
    gui.click(gui.title("hpss"))
    steps = len(gui.bench.editor.history.past)
    gui.click_item(gui.bench.inspector.control_ids["harmonic_margin"])
    assert gui.bench.editor.state.graph.nodes["hpss"].knobs["harmonic_margin"] > 1
    assert len(gui.bench.editor.history.past) == steps + 1
    gui.key("ctrl+z")
    assert "harmonic_margin" not in gui.bench.editor.state.graph.nodes["hpss"].knobs


def test_with_shift_a_slider_moves_ten_times_finer(gui: Driver) -> None:
    gui.click(gui.title("hpss"))
    item = gui.bench.inspector.control_ids["harmonic_margin"]
    gui.click_item(item)
    state = dpg.get_item_state(item)
    x, y = (round(state["rect_min"][side] + state["rect_size"][side] / 2) for side in (0, 1))

    def dragged() -> float:
        gui.x("mousemove", x, y, "mousedown", 1)
        before = gui.bench.editor.state.graph.nodes["hpss"].knobs["harmonic_margin"]
        for step in (4, 8, 12):
            gui.x("mousemove", x + step, y)
        gui.x("mouseup", 1)
        return float(gui.bench.editor.state.graph.nodes["hpss"].knobs["harmonic_margin"]) - float(before)  # type: ignore[arg-type]

    coarse = dragged()
    gui.key("ctrl+z")
    gui.x("keydown", "shift")
    fine = dragged()
    gui.x("keyup", "shift")
    assert 0 < fine < 0.25 * coarse


def test_a_knob_is_reset_from_the_menu_of_its_name(gui: Driver) -> None:
    gui.click(gui.title("hpss"))
    gui.click_item(gui.bench.inspector.control_ids["harmonic_margin"])
    gui.click_item(gui.bench.inspector.name_of("harmonic_margin"))
    assert [row.id for row in gui.bench.menu.rows] == ["reset", "publish"]
    gui.key("Return")
    assert "harmonic_margin" not in gui.bench.editor.state.graph.nodes["hpss"].knobs


def test_a_click_on_a_problem_leads_to_its_node(gui: Driver) -> None:
    gui.bench.refresh()
    page = gui.bench.inspector.page
    assert page is not None
    trouble = next(t for t in page.problems if t.node)
    gui.click_item(gui.bench.inspector.trouble_ids[page.problems.index(trouble)])
    assert gui.bench.editor.state.selection.nodes == {trouble.node}


def test_a_knob_is_typed_and_keys_stay_with_the_field(gui: Driver) -> None:
    gui.click(gui.title("gain"))
    field = gui.bench.inspector.field("gain")
    gui.click_item(field)
    gui.key("ctrl+a", "Delete")
    assert "gain" in gui.bench.editor.state.graph.nodes
    gui.type("-6")
    gui.key("Return")
    assert gui.bench.editor.state.graph.nodes["gain"].knobs["gain"] == -6.0


def test_copy_and_paste(gui: Driver) -> None:
    gui.click(gui.title("gain"))
    gui.key("ctrl+c")
    gui.to((800, 300))
    gui.key("ctrl+v")
    assert len(gui.bench.editor.state.graph.nodes) == 5


def test_names_and_notes_are_written_on_the_canvas(gui: Driver) -> None:
    gui.click(gui.title("gain"))
    gui.key("F2")
    gui.key("ctrl+a")
    gui.type("louder")
    gui.key("Return")
    assert gui.bench.editor.state.graph.nodes["gain"].label == "louder"
    assert gui.bench.canvas.nodes["gain"].box.shape.title == "louder"
    gui.to((400, 300))
    gui.key("n")
    gui.type("hi")
    gui.click((700, 320))
    assert [note.text for note in gui.bench.editor.state.graph.view.notes] == ["hi"]


def test_a_group_is_made_entered_and_left(gui: Driver) -> None:
    gui.drag((500, -60), (1000, 240))
    gui.key("ctrl+g")
    assert "group" in gui.bench.editor.state.graph.groups
    gui.key("Return")
    assert gui.bench.editor.state.path == ("group",)
    assert {"pick", "gain", "<inputs>", "<outputs>"} == set(gui.bench.canvas.nodes)
    gui.key("ctrl+Up")
    assert gui.bench.editor.state.path == ()


def test_settings_are_changed_by_hand_and_a_command_gets_another_key(gui: Driver) -> None:
    bench = gui.bench
    gui.key("ctrl+comma")
    panel = bench.settings_panel
    gui.click_item(panel.controls["larger"])
    assert bench.settings.ui_scale == 1.1
    gui.click_item(panel.controls["smaller"])
    gui.click_item(panel.controls["search"])
    gui.type("bypass")
    gui.click_item(panel.controls["key bypass"])
    gui.key("ctrl+k")
    assert bench.settings.shortcuts.chords("bypass") == ("Ctrl+K",)
    gui.key("Escape")
    assert not panel.is_open
    gui.click(gui.title("hpss"))
    gui.key("ctrl+k")
    assert bench.editor.state.graph.nodes["hpss"].state == "bypassed"
    bench.settings = replace(bench.settings, shortcuts=bench.settings.shortcuts.reset("bypass"))


def test_keys_make_the_interface_larger_and_smaller(gui: Driver) -> None:
    for key, scale in (("ctrl+plus", 1.1), ("ctrl+KP_Add", 1.25), ("ctrl+minus", 1.1), ("ctrl+minus", 1.0)):
        gui.key(key)
        assert gui.bench.settings.ui_scale == scale
        text = f"so wide at {scale}"
        item = dpg.add_text(text, parent=gui.bench.status_area)
        gui.step()
        assert dpg.get_item_rect_size(item)[0] == pytest.approx(gui.bench.canvas.measure(text, 14) * scale, rel=0.04)
        dpg.delete_item(item)


def test_a_knob_is_published_on_the_graph_turned_there_and_given_a_name(gui: Driver) -> None:
    gui.click(gui.title("hpss"))
    gui.click_item(gui.bench.inspector.name_of("harmonic_margin"))
    gui.key("Down", "Return")
    assert [str(end) for end in gui.bench.editor.state.graph.knobs["harmonic_margin"]] == ["hpss.harmonic_margin"]
    gui.key("Escape")
    gui.click_item(gui.bench.inspector.field("harmonic_margin"))
    gui.key("ctrl+a")
    gui.type("2")
    gui.key("Return")
    assert gui.bench.editor.state.graph.nodes["hpss"].knobs["harmonic_margin"] == 2.0
    gui.click_item(gui.bench.inspector.name_of("harmonic_margin"))
    gui.key("Down", "Return")
    gui.type("cleaner tones")
    gui.key("Return")
    assert set(gui.bench.editor.state.graph.knobs) == {"cleaner_tones"}


def test_two_runs_of_one_document_look_alike(gui: Driver, tmp_path: Path) -> None:
    first = gui.picture(tmp_path / "a.png")
    gui.drag(gui.title("gain"), (900, 300))
    assert not np.array_equal(gui.picture(tmp_path / "b.png"), first)
    gui.key("ctrl+z")
    gui.key("ctrl+shift+a")
    gui.bench.say("")
    again = gui.picture(tmp_path / "c.png")
    assert np.mean(np.any(np.abs(again.astype(int) - first) > 8, axis=2)) < 0.002


def test_what_was_built_by_hand_is_a_graph_file(gui: Driver, tmp_path: Path) -> None:
    gui.drag(gui.port("pick", "out", "stem"), gui.port("gain", "in", "signal"))
    save(gui.bench.editor.state.graph, tmp_path / "made.json")
    assert load(tmp_path / "made.json") == gui.bench.editor.state.graph
