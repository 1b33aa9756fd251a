"""The whole program in one window: welcome, files, songs, runs without a canvas; real mouse and real keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np
import pytest
import soundfile
from driver import Driver, small_graph

from midistems_graph.audio.output_silent import SilentOut
from midistems_graph.cli.run_graph import main as run_graph
from midistems_graph.document.files import load, save
from midistems_graph.document.graph import Address, Edge, Graph, Node
from midistems_graph.document.presets import presets
from midistems_graph.editor.app import App, Opening
from midistems_graph.editor.model.recent import Recent
from midistems_graph.editor.model.settings import Settings
from midistems_graph.engine.search.journal import Journal

pytestmark = pytest.mark.gui

RATE = 8000


@pytest.fixture(scope="module")
def app(display: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The program with settings, state and store of its own, and a device that makes no sound."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
            patch.setenv(name, str(home))
        app = App(Opening(), Settings(minimap=False), Recent())
        patch.setattr("midistems_graph.editor.program.sound_output.opened", lambda _: SilentOut(RATE, 256))
        app.open(size=(1000, 700))
        yield app
        app.close()


class Person(Driver):
    """Someone at the program; what goes on in the background is waited for by what is seen of it."""

    def __init__(self, app: App, folder: Path) -> None:
        super().__init__(app.bench)
        self.app, self.folder = app, folder

    def step(self, frames: int = 3) -> None:
        for _ in range(frames):
            self.app.tick()
            self.bench.window.frame()

    def until(self, seen: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not seen():
            assert time.monotonic() < deadline, f"it did not come; the bar says {self.bench.status.said!r}"
            self.step(1)

    def song(self, name: str, seed: int = 0) -> Path:
        path = self.folder / name
        noise = np.random.default_rng(seed).standard_normal((2 * RATE, 2)).astype(np.float32)
        soundfile.write(path, 0.1 * noise, RATE, subtype="FLOAT")
        return path

    @property
    def graph(self) -> Graph:
        return self.bench.editor.state.graph


@pytest.fixture
def person(app: App, tmp_path: Path) -> Person:
    """At an empty document, with nothing open above it."""
    app.bench.menu.close()
    app.bench.sheet.close()
    app.bench.editor.mark_saved()
    app.documents.new_canvas()
    app.browser.folder = tmp_path
    app.separate.queue.forget_finished()
    app.songs.songs = ()
    person = Person(app, tmp_path)
    person.rest()
    return person


def draw(person: Person, graph: Graph) -> None:
    """A document that was drawn before, as if it were saved."""
    person.bench.show_document(graph)
    person.step()


# Beginning


def test_the_welcome_begins_a_preset_by_arrows_and_enter_with_the_demo_song(person: Person) -> None:
    person.app.listener.song = None
    person.key("ctrl+Home")
    assert person.bench.sheet.name == "welcome"
    person.key("Right", "Return")
    person.until(lambda: person.app.listener.song is not None)
    assert person.bench.sheet.name == "" and len(person.graph.nodes) > 5
    assert person.app.listener.song is not None and person.app.listener.song.name == "Demo.wav"
    assert person.app.documents.file is None


def test_the_welcome_finds_what_is_typed_and_a_click_takes_it(person: Person) -> None:
    person.key("ctrl+Home")
    person.type("misi")
    person.key("Down")
    page = person.bench.sheet.page
    assert page is not None and page.at == "preset misi_refine"  # type: ignore[attr-defined]
    person.key("Return")
    assert person.graph.title.startswith("Phase refinement")


def test_a_song_is_heard_on_an_empty_canvas(person: Person) -> None:
    person.key("ctrl+Home", "Down", "Down", "Return")
    ears = person.app.listener.ears
    assert ears is not None and ears.deck.transport.playing and not person.graph.nodes
    person.until(lambda: ears.deck.sample > 1000)
    person.key("space")
    assert not ears.deck.transport.playing
    person.bench.do("play")  # and from there on
    assert ears.deck.transport.playing
    person.key("space")


def test_escape_leaves_the_welcome_for_the_canvas(person: Person) -> None:
    person.key("ctrl+Home")
    person.key("Escape")
    assert person.bench.sheet.name == "" and not person.graph.nodes


# Files


def test_a_document_is_saved_under_a_typed_name_and_opened_again_by_its_path(person: Person) -> None:
    draw(person, small_graph())
    person.key("ctrl+a", "Right", "ctrl+shift+s")
    person.type("mine")
    person.key("Return")
    file = person.folder / "mine.json"
    assert load(file) == person.graph and not person.bench.editor.dirty
    person.key("ctrl+n", "ctrl+o")
    person.type(str(file))
    person.key("Return")
    assert person.app.documents.file == file and load(file) == person.graph


def test_a_new_document_asks_what_becomes_of_unsaved_work(person: Person) -> None:
    draw(person, small_graph())
    person.key("ctrl+a", "Right", "ctrl+n")
    assert person.bench.menu.is_open
    person.key("Escape")
    assert len(person.graph.nodes) == 4
    person.key("ctrl+n", "Down", "Return")
    assert not person.graph.nodes


def test_a_folder_is_bookmarked_and_offered_in_another_place(person: Person) -> None:
    person.key("ctrl+o", "Up")
    for _ in range(20):
        person.key("Down")
    person.key("Return")
    assert person.app.browser.bookmarks == (person.folder,)
    person.app.browser.folder = Path("/")
    person.key("Escape", "ctrl+o")
    assert str(person.folder) in [row.id for row in person.bench.menu.rows]
    person.app.browser.bookmarks = ()


def test_a_graph_is_imported_beside_what_is_there(person: Person) -> None:
    save(small_graph(), person.folder / "other.json")
    draw(person, small_graph())
    person.key("ctrl+shift+o")
    person.type(str(person.folder / "other.json"))
    person.key("Return")
    assert len(person.graph.nodes) == 8 and len(person.graph.edges) == 4
    person.key("ctrl+z")
    assert len(person.graph.nodes) == 4


def test_pasted_paths_open_songs_and_graphs(person: Person) -> None:
    song = person.song("夜 Песня.wav")
    save(small_graph(), person.folder / "g.json")
    dpg.set_clipboard_text(f"file://{song}\n{person.folder / 'g.json'}")
    person.key("ctrl+v")
    assert person.app.listener.song == song
    assert person.app.documents.file == person.folder / "g.json"


def test_a_document_that_is_opened_again_shows_how_its_nodes_stand(person: Person) -> None:
    draw(person, small_graph())
    person.app.arrivals.take([person.song("one.wav")])
    person.click(person.title("hpss"))
    person.key("ctrl+Return")
    nodes = person.bench.canvas.nodes
    person.until(lambda: nodes["hpss"].mark.phase == "cached" and bool(nodes["hpss"].mark.picture))
    person.app.documents.begin(person.graph, "again")
    person.until(lambda: nodes["hpss"].mark.phase == "cached" and bool(nodes["hpss"].mark.picture))


@pytest.mark.parametrize(
    ("downs", "name", "begins"), [(0, "a.svg", b"<svg"), (1, "a.png", b"\x89PNG"), (2, "a.py", b"#!")]
)
def test_a_graph_is_exported(person: Person, downs: int, name: str, begins: bytes) -> None:
    draw(person, small_graph())
    person.key("ctrl+e", *["Down"] * downs, "Return")
    person.type(name.partition(".")[0])
    person.key("Return")
    assert (person.folder / name).read_bytes().startswith(begins)


def test_a_file_that_another_program_changed_is_told_and_opened_again(person: Person) -> None:
    file = person.folder / "shared.json"
    save(small_graph(), file)
    person.app.documents.open_file(file)
    save(small_graph().without_nodes(["gain"]), file)
    person.app.documents._look_at = 0.0  # the next look is now
    person.until(lambda: bool(person.bench.notices.shown))
    assert "changed by another program" in person.bench.notices.shown[0].sentence
    person.key("ctrl+Home")  # a page makes room for it
    sheet, notices = person.bench.sheet, person.bench.notices
    assert dpg.get_item_pos(sheet._window)[1] >= person.bench.layout.canvas.top + notices.height > 0
    person.key("Escape", "ctrl+shift+r")
    assert set(person.graph.nodes) == {"song", "hpss", "pick"}


# Songs


def test_the_next_song_is_heard_at_the_same_edge(person: Person) -> None:
    draw(person, small_graph())
    one, two = person.song("one.wav", 1), person.song("two.wav", 2)
    person.app.arrivals.take([one, two])
    start, end = person.port("song", "out", "out"), person.port("hpss", "in", "mixture")
    person.click(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    edge = Edge.parse("song.out", "hpss.mixture").source
    person.until(lambda: person.app.listener.ears.desk.edge == edge)  # type: ignore[union-attr]
    person.key("ctrl+Next")
    assert person.app.listener.song == two
    assert person.app.listener.ears.desk.edge == edge  # type: ignore[union-attr]
    person.key("ctrl+Prior")
    assert person.app.listener.song == one


def test_a_table_scores_every_song(person: Person) -> None:
    graph = small_graph().with_node("null", Node("measure.null_depth"), (520, 200))
    draw(person, graph.with_edge("hpss.out", "null.stems").with_edge("song.out", "null.mixture"))
    person.app.songs.add([person.song("one.wav", 1), person.song("two.wav", 2)])
    person.key("ctrl+t", "ctrl+Return")
    page = person.bench.sheet.page
    person.until(lambda: not person.app.songs.queue.is_busy)
    person.step()
    table = page._state().table  # type: ignore[union-attr]
    assert table.columns == ("null",)
    assert all(table.cells[song, "null"].value < -100 for song in person.app.songs.songs)


# Searches


def test_points_of_a_sweep_are_clicked_and_their_knobs_taken(person: Person) -> None:
    draw(person, small_graph())
    folder = person.folder / "tries"
    Journal.begun(folder, {"kind": "sweep", "scores": ["si_sdr"], "songs": {"one": ["", "one.wav"]}})
    rows = ("-6,3.5,12,yes,", "-3,4.5,20,yes,", "-1,2.5,30,,")
    (folder / "sweep.csv").write_text("\n".join(("gain.gain,si_sdr,cost,front,problem", *rows, "")))
    person.key("ctrl+shift+f")
    person.type(str(folder))
    person.key("Return", "Return")
    panel = person.app.found.panel
    assert panel is not None and panel.is_open
    person.step(6)
    person.click_item(panel.lines["point 1"])
    assert person.graph.nodes["gain"].knobs["gain"] == -6.0
    x, y = panel.spot(2)
    person.x("mousemove", round(x), round(y), "click", 1)
    person.step(6)
    assert person.graph.nodes["gain"].knobs["gain"] == -3.0
    person.key("ctrl+z")
    assert person.graph.nodes["gain"].knobs["gain"] == -6.0
    person.key("Escape")
    assert not panel.is_open


def test_a_sweep_is_begun_and_ended_in_the_window(person: Person) -> None:
    graph = small_graph().without_nodes(["gain"]).with_node("null", Node("measure.null_depth"), (520, 200))
    draw(person, graph.with_edge("hpss.out", "null.stems").with_edge("song.out", "null.mixture"))
    person.app.arrivals.take([person.song("one.wav", 1)])
    person.click(person.title("hpss"))
    person.key("ctrl+shift+t")
    searches, found = person.app.searches, person.app.found
    form = searches.form
    assert form is not None and form.is_open
    person.click_item(form.buttons["sweep"])
    assert "give a knob the values" in person.bench.status.said
    person.click_item(form.fields["hpss.harmonic_margin"])
    person.type("1,2")
    person.click_item(form.buttons["sweep"])
    person.until(lambda: searches.process is None)
    assert found.panel is not None and found.panel.found is not None and not form.is_open
    points = found.panel.found.points
    assert [point.settings for point in points] == [{"hpss.harmonic_margin": "1"}, {"hpss.harmonic_margin": "2"}]
    assert all(point.values[0] < -100 for point in points)
    person.step(6)
    person.click_item(found.panel.lines["point 2"])
    assert person.graph.nodes["hpss"].knobs["harmonic_margin"] == 2.0
    person.key("Escape")


# Without a canvas


def test_songs_are_separated_without_a_canvas_and_their_stems_are_heard(person: Person) -> None:
    graph = small_graph().with_node("save", Node("io.save"), (780, 200)).with_edge("hpss.out", "save.stems")
    draw(person, graph)
    song = person.song("one.wav")
    person.key("ctrl+b")
    page = person.bench.sheet.page
    person.app.separate.order = person.app.separate.order.__class__(
        (song,), person.app.separate.order.recipes, 0, person.folder / "stems"
    )
    person.step(4)
    person.click_item(page.buttons["go"])  # type: ignore[union-attr]
    person.until(lambda: [state.status for _, state in person.app.separate.queue.jobs] == ["done"])
    person.step(4)
    assert len(list((person.folder / "stems").glob("*.wav"))) == 3
    person.click_item(page.buttons["hear 0 harmonic"])  # type: ignore[union-attr]
    ears = person.app.listener.ears
    assert ears is not None and ears.deck.transport.playing
    person.until(lambda: ears.deck.sample > 1000)
    person.key("space", "Escape")
    assert person.bench.sheet.name == ""


def test_a_separation_is_cancelled_by_a_key_and_the_queue_goes_on_afterwards(person: Person) -> None:
    graph = small_graph().with_node("save", Node("io.save"), (780, 200)).with_edge("hpss.out", "save.stems")
    draw(person, graph)
    long, song, queue = person.folder / "long.wav", person.song("one.wav"), person.app.separate.queue
    soundfile.write(long, np.zeros((600 * RATE, 1), np.float32), RATE)
    person.key("ctrl+b")
    order = person.app.separate.order
    for songs, ends in (((long,), "cancelled"), ((song,), "done")):
        person.app.separate.order = replace(order, songs=songs, output=person.folder / "stems")
        person.key("ctrl+Return")
        person.until(lambda: queue.jobs[-1][1].status != "waiting")
        if ends == "cancelled":
            person.key("ctrl+period")
        person.until(lambda: not queue.is_busy)
        assert queue.jobs[-1][1].status == ends
    assert not list((person.folder / "stems").rglob("*long*.wav"))


def test_a_cascade_from_an_empty_canvas_gives_run_graph_the_same_samples(person: Person) -> None:
    """Built, wired and saved by mouse and keyboard alone; separated by the editor and by the command line."""
    for number, word in enumerate(("load", "hpss", "save")):
        person.to((100 + 300 * number, 200))
        person.key("Tab")
        person.type(word)
        person.key("Return")
    person.key("Home")
    assert {node.type for node in person.graph.nodes.values()} == {"io.load", "separate.hpss", "io.save"}
    ids = {node.type: node_id for node_id, node in person.graph.nodes.items()}
    load_, hpss, save_ = ids["io.load"], ids["separate.hpss"], ids["io.save"]
    person.drag(person.port(load_, "out", "out"), person.port(hpss, "in", "mixture"))
    person.drag(person.port(hpss, "out", "out"), person.port(save_, "in", "stems"))
    person.key("ctrl+s")
    person.type("built")
    person.key("Return")
    file, song = person.folder / "built.json", person.song("song.wav", 3)
    assert set(load(file).edges) == {
        Edge.parse(f"{load_}.out", f"{hpss}.mixture"),
        Edge.parse(f"{hpss}.out", f"{save_}.stems"),
    }
    person.app.arrivals.take([song])
    person.key("ctrl+b")
    person.app.separate.order = person.app.separate.order.__class__(
        (song,), person.app.separate.order.recipes, 0, person.folder / "editor"
    )
    person.key("ctrl+Return")
    person.until(lambda: [state.status for _, state in person.app.separate.queue.jobs] == ["done"])
    store = person.folder / "store"
    ended = run_graph(
        [str(file), str(song), "-o", str(person.folder / "headless"), "--cache-dir", str(store), "--quiet"]
    )
    assert ended == 0
    names = sorted(path.name for path in (person.folder / "editor").glob("*.wav"))
    assert len(names) == 3
    for name in names:
        own, other = (soundfile.read(person.folder / folder / name)[0] for folder in ("editor", "headless"))
        assert np.array_equal(own, other) and np.any(own)


# Stems of other tools


def test_a_third_tool_is_chosen_in_the_window_and_ten_edges_are_heard_from_one_playhead(person: Person) -> None:
    song = person.song("tune.wav")
    whole, _ = soundfile.read(song, dtype="float32")
    for number, tool in enumerate(("one", "two", "three")):
        (person.folder / tool).mkdir()
        voice = (0.3 + 0.1 * number) * whole
        for stem, samples in (("vocals", voice), ("instrumental", whole - voice)):
            late = np.roll(samples, 5 * number, axis=0)
            soundfile.write(person.folder / tool / f"{stem}.wav", late, RATE, subtype="FLOAT")
    person.app.documents.open_preset(next(one.path for one in presets() if one.name == "compare_tools"))
    person.app.listener.bind(song)

    def choose(tool: str, downs: int) -> None:
        person.until(lambda: person.bench.menu.is_open)
        person.app.browser.folder = person.folder / tool
        person.key(*["Down"] * downs, "Return", "Return")
        person.until(lambda: person.folder / tool in person.app.listener.further.values())

    def hear(node: str) -> None:
        x, y = person.port(node, "out", "out")
        person.click((x + 14, y))
        person.until(lambda: person.app.listener.ears.desk.edge == Address(node, "out"))  # type: ignore[union-attr]

    person.key("alt+i")
    choose("one", 0)
    choose("two", 1)
    person.key("Escape")  # the third may stay open: what is made of the others is heard
    edges = ["song", *(f"{what}_{tool}" for tool in "ab" for what in ("stems", "align", "exact")), "join", "phases"]
    for number, node in enumerate(edges):
        hear(node)
        person.key(f"ctrl+{number}")
    x, y = person.port("stems_c", "out", "out")
    person.click((x + 14, y))
    person.until(lambda: "tool_c" in person.bench.status.said)
    person.key("alt+i")
    choose("three", 2)
    hear("exact_c")
    person.key("ctrl+9")
    ears = person.app.listener.ears
    assert ears is not None and None not in ears.deck.slots
    before = ears.deck.sample
    for number, node in enumerate((*edges, "exact_c")):
        person.key(str(number))
        assert ears.desk.edge == Address(node, "out") and ears.deck.transport.playing
    assert ears.deck.sample >= before
