"""Take the pictures of the editor's page: python docs/make_screenshots.py [FOLDER] (needs xvfb; takes two minutes).

Without a folder those of the page itself are taken anew. The program runs on a display of its own with settings of its
own, on the demo song. Look at every picture afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from midistems_graph.editor.model.plane import Rect

IMAGES = Path(__file__).parent / "editor"
SIZE = (1280, 800)
NAMES = ("Песня о друге", "Το τραγούδι", "夜に駆ける", "青い空の下で", "أغنية الليل", "שיר ערש")
QUALITIES, LARGEST = (88, 78, 66, 54), 118_000


@contextmanager
def display() -> Iterator[None]:
    """A display that nobody sees, and a home of its own."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as answer, tempfile.TemporaryDirectory() as home:
            os.environ["DISPLAY"] = f":{answer.readline().strip()}"
            for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
                os.environ[name] = home
            yield
    finally:
        server.terminate()
        server.wait(10)


def main() -> None:
    with display():
        from midistems_graph.editor.app import App, Opening
        from midistems_graph.editor.model.recent import Recent
        from midistems_graph.editor.model.settings import Settings

        app = App(Opening(), Settings(), Recent())
        app.open(size=SIZE)
        try:
            Pictures(app).take()
        finally:
            app.close()


class Pictures:
    """Goes through the program and takes a picture of each thing that the page shows."""

    def __init__(self, app) -> None:  # type: ignore[no-untyped-def]
        self.app, self.bench = app, app.bench
        self.folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
        self.folder.mkdir(exist_ok=True)

    def take(self) -> None:
        from midistems_graph.document.graph import Node
        from midistems_graph.document.presets import presets
        from midistems_graph.editor.runs.order import Order

        preset = {one.name: one.path for one in presets()}
        self.shot("welcome")
        self.bench.sheet.close()
        self.app.documents.open_preset(preset["four_stems"])
        self.app.listener.bind_demo()
        editor = self.bench.editor
        editor.state = replace(editor.state, selection=type(editor.state.selection).of(nodes=("hits", "drums")))
        self.bench.do("group")
        editor.look_at_all()
        self.bench.refresh()
        self.shot("group")
        placeholder = Node("acme.denoise", label="From a pack that is not here")
        graph = editor.state.graph.with_node("unknown", placeholder, (0, 430))
        editor.mark_saved()
        self.app.documents.begin(graph.with_edge("song.out", "unknown.audio"), "shared.json")
        self.settle()
        self.bench.say("")
        editor.select("unknown")
        self.bench.refresh()
        self.shot("placeholder")
        self.app.documents.open_preset(preset["four_stems"])
        self.bench.do("select_all")
        self.bench.do("run")
        self.settle()
        self.bench.do("select_none")
        self.bench.say("")
        self.shot("preset-far")
        self.take_sound()
        editor.look_at_all()
        for name, factor in (("preset-middle", 0.55), ("preset-near", 0.5)):
            state = editor.state
            editor.state = state.zoomed(editor.scene.boxes["hits"].rect.center, factor)
            self.bench.refresh()
            self.shot(name)
        editor.look_at_all()
        self.bench.do("theme")
        self.settle()
        self.shot("light")
        self.bench.do("theme")
        self.bench.do("settings")
        self.settle()
        self.shot("settings")
        self.bench.do("settings")
        self.take_error(preset["four_stems"])
        self.bench.editor.mark_saved()
        self.app.documents.open_preset(preset["four_stems"])
        self.bench.menu.close()
        self.bench.editor.mark_saved()
        self.bench.do("separate")
        with tempfile.TemporaryDirectory() as folder:
            order: Order = self.app.separate.order
            self.app.separate.order = replace(order, output=Path(folder) / "stems")
            self.app.separate.go()
            self.until(lambda: not self.app.separate.queue.is_busy)
            self.app.separate.order = replace(order, output=Path.home() / "stems")
            self.shot("separate")
            page = self.app.separate.order
            for number in range(len(page.recipes)):
                if page.recipes[number].name in ("misi_refine", "vocal_and_backing"):
                    self.app.separate._choose(number)
                    self.app.separate.order = replace(self.app.separate.order, output=Path(folder) / str(number))
                    self.app.separate.go()
            seen = time.monotonic()
            self.until(lambda: time.monotonic() > seen + 1.5)
            self.app.separate.order = replace(self.app.separate.order, output=Path.home() / "stems")
            self.shot("batch")
            self.app.separate.queue.cancel()
            self.until(lambda: not self.app.separate.queue.is_busy)
        self.bench.do("songs")
        self.app.songs.score()
        self.until(lambda: not self.app.songs.queue.is_busy)
        self.shot("songs")
        self.bench.sheet.close()
        self.take_lock(preset["four_stems"])
        self.take_found()
        self.take_names()

    def take_lock(self, preset: Path) -> None:
        """A node that is locked, with a knob that the graph publishes."""
        self.bench.editor.mark_saved()
        self.app.documents.open_preset(preset)
        editor = self.bench.editor
        with tempfile.TemporaryDirectory() as folder:
            self.app.documents.save_as(Path(folder) / "four_stems.json")
            self.hear("exact.out")
            editor.select("repetition")
            self.bench.do("lock")
            self.until(lambda: editor.state.graph.nodes["repetition"].lock is not None)
            self._busy = time.monotonic()
            self.until(self.has_settled)
            self.bench.say("")
            self.shot("lock")
            self.bench.do("select_none")
            self.shot("graph-knobs")
            self.bench.editor.mark_saved()
            self.app.documents.open_preset(preset)

    def take_found(self) -> None:
        """The points of a sweep, one of them taken, and what each node adds."""
        knobs = ("--vary", "low.cutoff=150:350:3", "--vary", "hits.percussive_margin=1,1.5,2")
        self.hear("exact.out")
        with tempfile.TemporaryDirectory() as folder:
            for kind, words in (("sweep", knobs), ("ablate", ())):
                search = [kind, "four_stems", "demo", *words, "--score", "si_sdr", "-o", str(Path(folder) / kind)]
                subprocess.run([sys.executable, "-m", "midistems_graph.cli.main", *search], check=True)
            self.app.found.show(Path(folder) / "sweep")
            panel = self.app.found.panel
            assert panel is not None and panel.found is not None
            self.app.found.take(panel.found.points[4])
            self.settle()
            self.shot("sweep")
            self.bench.do("undo")
            self.app.found.close()
            self.take_form()
            self.app.found.show(Path(folder) / "ablate")
            self.settle()
            self.bench.say("")
            self.shot("ablation")
            self.app.found.close()
        self.bench.editor.mark_saved()

    def take_form(self) -> None:
        """Values for knobs, before they are tried."""
        import dearpygui.dearpygui as dpg

        self.bench.editor.select("hits")
        self.bench.do("search")
        form = self.app.searches.form
        for knob, values in (("bass_below", "150:350:3"), ("hits.percussive_margin", "1,1.5,2")):
            dpg.set_value(form.fields[knob], values)
        self.shot("search")
        self.app.searches.close_form()
        self.bench.do("select_none")

    def take_names(self) -> None:
        """Names in other scripts, in an interface half as large again."""
        from midistems_graph.audio.demo import demo_mixture

        self.until(lambda: self.app._font is None)
        while self.bench.settings.ui_scale < 1.5:
            self.bench.do("larger")
        with tempfile.TemporaryDirectory() as folder:
            songs = [Path(folder) / f"{name}.wav" for name in NAMES]
            for song in songs:
                shutil.copy(demo_mixture(), song)
            self.app.arrivals.take(songs)
            self.app.songs.songs = tuple(songs)
            self.bench.do("songs")
            self.shot("names")
            self.bench.sheet.close()
            self.shot("larger")

    def take_sound(self) -> None:
        """What is heard: two edges compared, a mixer, strokes, a pitch."""
        from midistems_graph.audio.strokes import Stroke
        from midistems_graph.document.graph import Node
        from midistems_graph.editor.model.paint import Tool

        painting, editor = self.app.listener.pictures.painting, self.bench.editor
        self.hear("song.out")
        self.hear("voice.stem")
        self.bench.do("views_large")
        self.bench.do("views_compare")
        self.settle()
        self.shot("compare")
        self.bench.do("views_compare")
        self.bench.do("views_large")
        self.take_blind_test()
        self.take_lost_device()
        self.hear("exact.out")
        self.shot("mixer")
        self.hear("voice.stem")
        self.bench.do("paint")
        for text in ("rectangle -40 2,1200 4,5000", "harmonic -24 20 6,220 7.5,236", "brush -24 0.1,3 9,500 11,2500"):
            painting.paint(Stroke.parse(text))
        painting.take(Tool("edit"))
        painting.pick(frozenset({0, 2}))
        self.bench.do("views_large")
        self.settle()
        self.shot("paint")
        self.bench.do("views_large")
        self.bench.do("paint")
        for _ in range(3):
            editor.undo()
        graph = editor.state.graph.with_node(
            "pitch", Node("measure.pitch", label="The pitch of the voice"), (700, -240)
        )
        editor.mark_saved()
        self.app.documents.begin(graph.with_edge("voice.stem", "pitch.audio"), "four_stems")
        self.hear("pitch.out")
        self.shot("pitch")

    def take_blind_test(self) -> None:
        """The panel in the middle of a blind test of the last two edges."""
        self.bench.do("abx")
        for command in ("answer_a", "answer_b", "answer_b", "answer_a", "answer_a", "hear_x"):
            self.bench.do(command)
        self.shot("blind", self.bench.layout.desk)
        self.bench.do("abx")

    def take_lost_device(self) -> None:
        """A device is unplugged while it plays. Two that keep time in silence stand for it and for the next one."""
        from midistems_graph.audio.output_silent import SilentOut

        lost, found = SilentOut(44100, note=""), SilentOut(48000, note="")
        lost.name, found.name = "USB interface", "Built-in Audio"
        player = self.app.listener.ears.deck.player
        reopen, player._reopen = player._reopen, lambda: found
        player.use(lost)
        self.bench.do("play")
        self.until(lambda: player.out is lost and player.health.calls > 100)
        lost.lost = f"the sound device {lost.name} is gone"
        self.until(lambda: player.out is found and player.health.calls > 50)
        layout = self.bench.layout
        self.shot("lost-device", Rect(0, layout.desk.top, layout.status.right, layout.status.bottom))
        self.bench.do("play")
        player._reopen = reopen
        self.bench.say("")

    def take_error(self, preset: Path) -> None:
        """A node that fails, with its sentence and its remedy."""
        editor = self.bench.editor
        editor.mark_saved()
        self.app.documents.open_preset(preset)
        self.app.documents.begin(editor.state.graph.with_knob("voice", "name", "violin"), "four_stems")
        self.bench.do("select_all")
        self.bench.do("run")
        self.until(lambda: self.bench.canvas.nodes["voice"].mark.phase == "failed")
        editor.select("voice")
        self.bench.refresh()
        self.bench.say("")
        self.shot("error")

    def hear(self, port: str) -> None:
        """Click an output, and wait until all of it is there."""
        from midistems_graph.document.graph import Address
        from midistems_graph.editor.model.events import Audition

        editor, at = self.bench.editor, Address.parse(port)
        self.bench.audition(Audition(at, editor.insight.flat_source(editor.state.path, at)))
        self.settle()
        self.bench.say("")

    def settle(self) -> None:
        """Wait until nothing is computed or drawn any more."""
        self._busy = time.monotonic()
        self.until(lambda: self.has_settled() and self.is_drawn() and self.is_told())

    def is_told(self) -> bool:
        """Whether every card says how its node stands, and shows the picture of what is computed."""
        ears, cards = self.app.listener.ears, self.bench.canvas.nodes.values()
        if ears is None:
            return True
        live = ears.live
        pictured = [card.mark for card in cards if card.mark.phase == "cached" and card.box.shape.thumbnail]
        return live.states.surveyed == live._plans.version and all(mark.picture for mark in pictured)

    def is_drawn(self) -> bool:
        """Whether the pictures in the strip show all of the song."""
        strip = self.app.listener.pictures.strip
        wanted = [(wish, strip.made.get(wish.pane)) for wish in strip.wishes()]
        return all(made is not None and made.wish == wish and made.share >= 1 for wish, made in wanted)

    def has_settled(self) -> bool:
        """Whether nothing was computed for some seconds."""
        now = time.monotonic()
        if self.app.listener.ears.progress is not None:
            self._busy = now
        return now > getattr(self, "_busy", now + 1) + 3.0

    def until(self, seen: Callable[[], bool]) -> None:
        """Let the program go on until something is so."""
        while not seen():
            self.app.tick()
            self.bench.window.frame()
            time.sleep(0.01)

    def shot(self, name: str, part: Rect | None = None) -> None:
        """Write what is seen now, or a part of it, small."""
        import dearpygui.dearpygui as dpg
        from PIL import Image

        began = time.monotonic()
        self.until(lambda: time.monotonic() > began + 0.4)
        file, small = (self.folder / f"{name}.{ending}" for ending in ("png", "webp"))
        dpg.output_frame_buffer(str(file))
        began = time.monotonic()
        self.until(lambda: time.monotonic() > began + 0.4)
        for quality in QUALITIES:
            Image.open(file).convert("RGB").crop(part).save(small, quality=quality, method=6)
            if small.stat().st_size < LARGEST:
                break
        file.unlink()
        print(small, small.stat().st_size)


if __name__ == "__main__":
    main()
