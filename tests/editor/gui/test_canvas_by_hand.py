"""The canvas under a real mouse and real keys."""

from __future__ import annotations

import pytest
from driver import Driver

from midistems_graph.document.graph import Edge

pytestmark = pytest.mark.gui


def test_the_document_is_drawn_when_the_window_opens(gui: Driver) -> None:
    assert set(gui.bench.canvas.nodes) == {"song", "hpss", "pick", "gain"}
    assert set(gui.bench.canvas.wires) == {"song.out -> hpss.mixture", "hpss.out -> pick.stems"}
    assert all(item.shown for item in gui.bench.canvas.nodes.values())


def test_a_click_selects(gui: Driver) -> None:
    gui.click(gui.title("gain"))
    assert gui.bench.editor.state.selection.nodes == {"gain"}
    assert gui.bench.canvas.nodes["gain"].chosen
    gui.click(gui.title("pick"), held="shift")
    assert gui.bench.editor.state.selection.nodes == {"gain", "pick"}


def test_a_dragged_node_moves_on_the_grid_and_comes_back(gui: Driver) -> None:
    x, y = gui.title("gain")
    gui.drag((x, y), (x + 100, y + 160))
    moved = gui.bench.editor.state.graph.view.nodes["gain"]
    assert moved == (880, 160)
    assert gui.bench.canvas.nodes["gain"].box.x == 880
    gui.key("ctrl+z")
    assert gui.bench.editor.state.graph.view.nodes["gain"] == (780, 0)
    gui.key("ctrl+shift+z")
    assert gui.bench.editor.state.graph.view.nodes["gain"] == moved


def test_an_edge_is_drawn_from_port_to_port(gui: Driver) -> None:
    gui.drag(gui.port("pick", "out", "stem"), gui.port("gain", "in", "signal"))
    assert Edge.parse("pick.stem", "gain.signal") in gui.bench.editor.state.graph.edges
    assert "pick.stem -> gain.signal" in gui.bench.canvas.wires


def test_what_does_not_fit_is_refused_with_the_reason(gui: Driver) -> None:
    gui.drag(gui.port("pick", "out", "stem"), gui.port("hpss", "in", "mixture"), drop=False)
    wire = gui.bench.editor.overlay.wire
    assert wire is not None and not wire.allowed
    assert gui.bench.tooltip.shown == wire.sentence != ""
    gui.x("mouseup", 1)
    assert len(gui.bench.editor.state.graph.edges) == 2
    assert gui.bench.tooltip.shown.startswith("mixture: audio")


def test_a_node_dropped_on_an_edge_is_put_into_it(gui: Driver) -> None:
    wire = gui.bench.editor.scene.wires["song.out -> hpss.mixture"]
    gui.drag(gui.title("gain"), wire.track.middle)
    into = {"song.out -> gain.signal", "gain.out -> hpss.mixture", "hpss.out -> pick.stems"}
    assert set(gui.bench.canvas.wires) == into
    gui.key("ctrl+z")
    assert set(gui.bench.canvas.wires) == {"song.out -> hpss.mixture", "hpss.out -> pick.stems"}


def test_a_box_selects_and_delete_deletes(gui: Driver) -> None:
    gui.drag((500, -60), (1000, 240))
    assert gui.bench.editor.state.selection.nodes == {"pick", "gain"}
    gui.key("Delete")
    assert set(gui.bench.editor.state.graph.nodes) == {"song", "hpss"}
    assert set(gui.bench.canvas.nodes) == {"song", "hpss"}
    gui.key("ctrl+z")
    assert set(gui.bench.canvas.nodes) == {"song", "hpss", "pick", "gain"}


def test_the_wheel_zooms_at_the_pointer(gui: Driver) -> None:
    at = gui.port("pick", "out", "stem")
    gui.to(at)
    pixel, scale = gui.pixel(at), gui.bench.canvas.scale
    for _ in range(4):
        gui.x("click", "4")
    assert gui.bench.canvas.scale < scale / 1.5
    x, y = gui.bench.canvas.pixel(at)
    assert abs(x - pixel[0]) <= 1.5 and abs(y - pixel[1]) <= 1.5


def test_the_middle_button_moves_the_canvas(gui: Driver) -> None:
    before = gui.bench.canvas.camera.seen.center
    gui.drag((600, 300), (500, 200), button=2)
    x, y = gui.bench.canvas.camera.seen.center
    assert x - before[0] == pytest.approx(100, abs=4) and y - before[1] == pytest.approx(100, abs=4)
    gui.key("Home")
    assert gui.bench.canvas.camera.seen.center == pytest.approx(before)


def test_a_node_is_added_with_the_keyboard_alone(gui: Driver) -> None:
    gui.key("Tab")
    gui.type("hpss")
    gui.key("Return")
    assert gui.bench.editor.state.graph.nodes["hpss_2"].type == "separate.hpss"
    assert not gui.bench.menu.is_open


def test_a_wire_dropped_on_nothing_asks_for_what_fits_and_wires_it(gui: Driver) -> None:
    gui.drag(gui.port("pick", "out", "stem"), (620, 330))
    assert gui.bench.menu.is_open
    gui.type("gain")
    gui.key("Return")
    assert Edge.parse("pick.stem", "gain_2.signal") in gui.bench.editor.state.graph.edges


def test_a_double_click_on_nothing_opens_the_search_and_escape_closes_it(gui: Driver) -> None:
    gui.double((620, 330))
    assert gui.bench.menu.is_open
    gui.key("Escape")
    assert not gui.bench.menu.is_open
    assert len(gui.bench.editor.state.graph.nodes) == 4


def test_the_context_menu_bypasses_a_node(gui: Driver) -> None:
    gui.click(gui.title("hpss"), button=3)
    assert gui.bench.menu.is_open
    gui.key("Down", "Return")
    assert gui.bench.editor.state.graph.nodes["hpss"].state == "bypassed"


def test_an_edge_is_led_through_a_point_by_a_double_click_and_the_point_is_dragged(gui: Driver) -> None:
    edge = "song.out -> hpss.mixture"
    gui.double(gui.bench.editor.scene.wires[edge].track.middle)
    (point,) = gui.bench.editor.scene.wires[edge].track.points
    gui.drag(point, (point[0], point[1] + 200))
    assert gui.bench.editor.scene.wires[edge].track.points == ((point[0], point[1] + 200),)
    assert len(gui.bench.canvas.wires[edge].curves) == 2
    gui.double((point[0], point[1] + 200))
    assert not gui.bench.editor.scene.wires[edge].track.points and len(gui.bench.canvas.wires[edge].curves) == 1
