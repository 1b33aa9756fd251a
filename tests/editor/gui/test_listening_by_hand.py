"""Hearing edges under a real mouse and real keys: A and B, the stem mixer, the blind test, export, the sound device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np
import pytest
import soundfile
from driver import Driver, small_graph

from midistems_graph.audio.output_silent import SilentOut
from midistems_graph.document.graph import Address, Edge
from midistems_graph.editor.program.listener import Listener
from midistems_graph.editor.view.browser import Browser
from midistems_graph.editor.view.ears import Ears
from midistems_graph.engine.store import MemoryStore

pytestmark = pytest.mark.gui

RATE, SECONDS = 8000, 6
SONG, STEMS = Edge.parse("song.out", "hpss.mixture"), Edge.parse("hpss.out", "pick.stems")


class Outputs(list[SilentOut]):
    """Silent devices, each of which may vanish."""

    def open(self, period: int) -> SilentOut:
        self.append(SilentOut(RATE, period))
        return self[-1]


class Hand:
    """A person at a window that sounds."""

    def __init__(self, driver: Driver, listener: Listener, outputs: Outputs) -> None:
        self.driver, self.listener, self.outputs = driver, listener, outputs
        self.bench = driver.bench

    @property
    def ears(self) -> Ears:
        assert self.listener.ears is not None
        return self.listener.ears

    def until(self, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not there():
            assert time.monotonic() < deadline, f"it did not come; the bar says {self.bench.status.said!r}"
            self.listener.tick()
            self.driver.step(1)

    def hear(self, edge: Edge) -> None:
        """Click an edge in its middle."""
        start, end = (self.driver.port(a.node, s, a.port) for a, s in ((edge.source, "out"), (edge.target, "in")))
        self.driver.click(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        self.until(lambda: self.ears.desk.edge == edge.source and not self.ears.deck.status.waiting)

    def key(self, *keys: str) -> None:
        self.driver.key(*keys)
        self.listener.tick()

    def press(self, button: int) -> None:
        self.driver.click_item(button)
        self.listener.tick()


@pytest.fixture(scope="module")
def listener(window: Driver) -> Iterator[Listener]:
    browser = Browser(lambda: window.bench.menu, lambda: ((200, 90), window.bench.window.size))
    listener = Listener(window.bench, browser)
    listener.store = MemoryStore()
    listener.open()
    yield listener
    listener.close()
    window.bench.audition, window.bench.changed = lambda _: None, lambda: None
    window.bench.show_listening(False)


@pytest.fixture
def hand(gui: Driver, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hand:
    outputs = Outputs()
    opened = "midistems_graph.editor.program.sound_output.open_output"
    monkeypatch.setattr(opened, lambda device, period: outputs.open(period))
    random = np.random.default_rng(0)
    soundfile.write(tmp_path / "song.wav", 0.1 * random.standard_normal((SECONDS * RATE, 2)), RATE, subtype="FLOAT")
    gui.bench.show_document(small_graph())
    assert listener.bind(tmp_path / "song.wav")
    listener.desk.browser.folder = tmp_path
    gui.key("ctrl+shift+a")
    hand = Hand(gui, listener, outputs)
    hand.until(lambda: hand.ears.deck.player.out in outputs)
    return hand


def test_a_click_plays_and_the_bar_shows_what(hand: Hand) -> None:
    hand.hear(SONG)
    hand.until(lambda: hand.ears.deck.sample > 1000)
    panel, bar = hand.listener.desk.panel, hand.listener.desk.transport
    hand.until(lambda: dpg.get_value(panel._title) == "song.out")
    assert dpg.get_item_label(bar.play) == "Pause"
    hand.press(bar.buttons["loop"])
    assert hand.ears.deck.transport.loop is not None
    hand.press(bar.buttons["stop"])
    assert not hand.ears.deck.transport.playing


def test_space_plays_the_edge_that_was_drawn_or_the_song(hand: Hand) -> None:
    hand.listener.forget()
    hand.key("space")
    hand.until(lambda: hand.ears.desk.edge == SONG.source and hand.ears.deck.sample > 1000)
    hand.key("space")
    hand.until(lambda: not hand.ears.deck.status.playing)
    hand.listener.forget()
    hand.driver.drag(hand.driver.port("pick", "out", "stem"), hand.driver.port("gain", "in", "signal"))
    hand.until(lambda: Edge.parse("pick.stem", "gain.signal") in hand.bench.editor.state.graph.edges)
    hand.key("space")
    assert hand.ears.desk.edge == Address("pick", "stem") and hand.ears.deck.status.playing


def test_the_strip_is_scrubbed_with_alt(hand: Hand) -> None:
    hand.hear(SONG)
    hand.key("space")
    area = hand.bench.layout.listening
    y = area.bottom - 30
    hand.driver.x("keydown", "alt")
    hand.driver.x("mousemove", round(area.left + area.width * 0.3), round(y))
    hand.driver.x("mousedown", 1)
    hand.until(lambda: hand.ears.deck.transport.playing)
    hand.driver.x("mousemove", round(area.left + area.width * 0.7), round(y))
    hand.until(lambda: hand.ears.deck.sample > 0.55 * SECONDS * RATE)
    hand.driver.x("mouseup", 1)
    hand.driver.x("keyup", "alt")
    hand.until(lambda: not hand.ears.deck.transport.playing)
    assert hand.ears.deck.transport.loop is None


def test_a_and_b_and_their_difference_by_keys_and_mouse(hand: Hand) -> None:
    bar = hand.listener.desk.transport
    hand.hear(SONG)
    hand.hear(STEMS)
    assert hand.ears.desk.view.heard == "B"
    hand.key("a")
    assert hand.ears.desk.view.heard == "A"
    hand.press(bar.buttons["hear_b"])
    assert hand.ears.desk.view.heard == "B"
    hand.key("d")
    hand.until(lambda: dpg.get_value(bar._figure).endswith("dB"))
    level = float(dpg.get_value(bar._figure).removesuffix(" dB"))
    assert level < -100, "harmonic and percussive add up to the song"
    hand.press(bar.buttons["boost"])
    assert hand.ears.deck.monitor.gain_db == 20
    hand.press(bar.buttons["side"])
    assert hand.ears.deck.monitor.side == "side"
    hand.key("alt+2", "alt+3")
    assert hand.ears.deck.monitor.side == "stereo" and hand.ears.deck.monitor.band == (0, 250)
    hand.key("d", "alt+3", "shift+a")
    hand.until(lambda: dpg.get_value(bar._figure) == "equally loud")


def test_the_mixer_appears_with_stems_and_takes_mouse_and_keys(hand: Hand) -> None:
    rows = hand.listener.desk.panel.mixer
    hand.hear(SONG)
    hand.until(lambda: not rows.rows)
    hand.hear(STEMS)
    hand.until(lambda: len(rows.rows) == 3)
    hand.driver.step(3)
    hand.press(rows.rows[1].solo)
    view = hand.ears.desk.view
    assert [strip.audible for strip in view.strips] == [False, True, False]
    assert [strip.chosen for strip in view.strips] == [False, True, False]
    hand.key("s", "Prior", "shift+s")
    strips = hand.ears.desk.view.strips
    assert [(s.channel.solo, s.channel.mute) for s in strips] == [(False, True), (False, False), (False, False)]
    hand.key("shift+Next")
    assert hand.ears.desk.view.strips[0].channel.gain_db == -1
    hand.press(rows.rows[1].gain)
    assert hand.ears.desk.view.strips[1].channel.gain_db == pytest.approx(-24, abs=4), "the middle of the slider"
    hand.key("ctrl+alt+s")
    assert all(strip.audible and not strip.channel.gain_db for strip in hand.ears.desk.view.strips)


def test_a_row_of_an_edge_that_is_heard_no_more_does_and_says_nothing(hand: Hand) -> None:
    hand.hear(STEMS)
    rows = hand.listener.desk.panel.mixer
    hand.until(lambda: len(rows.rows) == 3)
    hand.bench.show_document(small_graph())
    hand.listener.forget()
    rows.hands.solo(0)
    hand.ears.desk.hear(SONG.source)
    rows.hands.gain(1, -6.0)
    assert not hand.bench.status.said.startswith("the edge that is heard carries no stems")
    assert not hand.ears.desk.mixers.channels


def test_a_blind_test_goes_on_in_the_panel_until_its_verdict(hand: Hand) -> None:
    panel = hand.listener.desk.panel
    hand.hear(SONG)
    hand.hear(STEMS)
    hand.key("alt+t")
    hand.until(lambda: dpg.get_value(panel._title) == "X")
    hand.driver.step(3)
    assert hand.ears.desk.abx is not None
    for trial in range(16):
        assert dpg.get_value(panel._count) == f"trial {trial + 1} of 16"
        if trial == 0:
            hand.press(panel.test_buttons["hear_a"])
            assert hand.ears.desk.view.heard == "A"
            hand.press(panel.test_buttons["answer_b"])
        else:
            hand.bench.do("answer_a")
            hand.listener.tick()
    hand.until(lambda: "of 16 right, p = " in dpg.get_value(panel._verdict))
    hand.press(panel.test_buttons["abx"])
    assert hand.ears.desk.abx is None


def test_what_is_heard_is_exported_under_a_typed_name(hand: Hand, tmp_path: Path) -> None:
    hand.hear(SONG)
    hand.ears.deck.loop(1000, 9000)
    hand.key("ctrl+shift+e")
    hand.driver.type("heard")
    hand.key("Return")
    hand.until(lambda: hand.bench.status.said == "exported heard.wav")
    made, rate = soundfile.read(tmp_path / "heard.wav", dtype="float32")
    song, _ = soundfile.read(tmp_path / "song.wav", dtype="float32")
    assert rate == RATE and np.array_equal(made, song[1000:9000])


def test_another_buffer_is_chosen_while_it_plays(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midistems_graph.editor.program.sound_output.devices", lambda: ())
    hand.hear(SONG)
    hand.key("F9")
    hand.until(lambda: hand.bench.menu.is_open)
    hand.key("Down", "Down", "Down", "Down", "Return")
    hand.until(lambda: hand.ears.deck.player.out.period == 1024)
    assert hand.bench.settings.block == 1024
    before = hand.ears.deck.sample
    hand.until(lambda: hand.ears.deck.sample > before)


def test_a_device_that_vanishes_is_said_and_playback_goes_on(hand: Hand) -> None:
    player = hand.ears.deck.player
    player._reopen = lambda: hand.outputs.open(128)
    hand.hear(SONG)
    hand.until(lambda: hand.ears.deck.sample > 1000)
    hand.outputs[-1].lost = "the sound device speakers is gone"
    hand.until(lambda: hand.bench.status.said == "the sound device speakers is gone; playback goes on with silent")
    before = hand.ears.deck.sample
    hand.until(lambda: hand.ears.deck.sample > before)
    assert player.out.period == 128


def test_a_node_is_locked_and_unlocked_by_a_key(hand: Hand, tmp_path: Path) -> None:
    hand.hear(SONG)
    hand.driver.click(hand.driver.title("hpss"))
    hand.key("k")
    assert any("save the graph first" in line.sentence for line in hand.bench._log)
    hand.bench.folder = hand.listener.folder = tmp_path
    hand.key("k")
    hand.until(lambda: hand.bench.editor.state.graph.nodes["hpss"].is_locked)
    assert len(list((tmp_path / "locked").iterdir())) == 1
    hand.hear(STEMS)
    hand.key("k", "ctrl+z", "ctrl+z")
    assert not hand.bench.editor.state.graph.nodes["hpss"].is_locked
    hand.bench.folder = hand.listener.folder = None


def test_a_group_is_locked_by_the_same_key(hand: Hand, tmp_path: Path) -> None:
    hand.bench.folder = hand.listener.folder = tmp_path
    hand.hear(SONG)
    hand.driver.click(hand.driver.title("hpss"))
    hand.key("ctrl+g")
    (name,) = [i for i, node in hand.bench.editor.state.graph.nodes.items() if node.group]
    hand.key("k")
    hand.until(lambda: hand.bench.editor.state.graph.nodes[name].is_locked)
    assert len(list((tmp_path / "locked").iterdir())) == 1
    stems = Edge(Address(f"{name}/hpss", "out"), Address("pick", "stems"))
    hand.ears.desk.hear(stems.source)
    hand.until(lambda: not hand.ears.deck.status.waiting and bool(hand.ears.desk.view.strips))
    hand.key("k")
    assert not hand.bench.editor.state.graph.nodes[name].is_locked
    hand.bench.folder = hand.listener.folder = None


def test_a_mixer_is_kept_in_the_document_and_undone(hand: Hand) -> None:
    hand.hear(STEMS)
    hand.until(lambda: hand.ears.desk.mixer is not None and len(hand.listener.desk.panel.mixer.rows) > 1)
    hand.press(hand.listener.desk.panel.mixer.rows[0].solo)
    hand.until(lambda: bool(hand.bench.editor.state.graph.view.mixers))
    (mixer,) = hand.bench.editor.state.graph.view.mixers.values()
    assert [channel.solo for channel in mixer.values()] == [True]
    hand.key("ctrl+z")
    hand.until(lambda: not hand.ears.desk.view.strips[0].channel.solo)


def test_keys_turn_the_volume(hand: Hand) -> None:
    hand.hear(SONG)
    hand.key("shift+Down", "shift+Down")
    assert hand.bench.settings.volume_db == -4.0 and abs(hand.ears.deck.mixer.volume - 10**-0.2) < 1e-9
    hand.key("shift+Up", "shift+Up", "shift+Up")
    assert hand.ears.deck.mixer.volume == 1.0
