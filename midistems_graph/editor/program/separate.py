"""Separating songs without a canvas: the order that is made up on its page, the queue that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from midistems_graph.audio.demo import demo_mixture
from midistems_graph.audio.files import SoundFileError
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.published import PublishedKnob, published_knobs, with_value
from midistems_graph.editor.program.arrivals import SONG_FILES, Arrivals
from midistems_graph.editor.program.preset_list import preset_list
from midistems_graph.editor.runs.job import Job
from midistems_graph.editor.runs.order import Order, Recipe
from midistems_graph.editor.runs.queue import Queue
from midistems_graph.editor.view.browser import FOLDER
from midistems_graph.editor.view.separate import SeparateHands, SeparatePage, SeparateState
from midistems_graph.engine.binding import sound_files

HearFiles = Callable[[Path, Sequence[tuple[str, Path]], str], bool]


class Separate:
    """Owns the order and the queue. Adds the command `separate`; `hear` plays one of a song's stems."""

    def __init__(self, arrivals: Arrivals, queue: Queue, hear: HearFiles) -> None:
        self.documents, self.bench = arrivals.documents, arrivals.documents.bench
        self.queue, self._hear_files = queue, hear
        self.order = Order(output=Path.home() / "stems")
        self._knobs: tuple[PublishedKnob, ...] = ()
        self._heard: tuple[Path, str] | None = None
        self.bench.commands["separate"] = self.open

    def open(self) -> None:
        """Show the page, on the graph of the canvas if there is one, and the song that is listened to."""
        graph = self.bench.editor.state.graph
        offered = preset_list(self.bench.editor.library)
        recipes = [Recipe(one.name, one.graph, one.path.parent, needs=one.needs) for one in offered]
        if graph.nodes:
            own = Recipe(Path(self.bench.file).stem, graph, self.documents.listener.folder, own=True)
            recipes.insert(0, own)
        self.order = replace(self.order, recipes=tuple(recipes), chosen=0)
        song = self.documents.listener.song
        if song is not None and not self.order.songs:
            self.add_songs([song])
        self._choose(0)
        self.bench.sheet.open(SeparatePage(self._state, self._hands()))

    def add_songs(self, songs: Sequence[Path]) -> None:
        self.order = self.order.with_songs(songs)

    def close(self) -> None:
        self.queue.close()

    def go(self) -> None:
        """Put the order into the queue."""
        if self.order.lacks:
            self.bench.say(self.order.lacks, wrong=True)
            return
        self.queue.add(self.order.jobs())
        count = len(self.order.songs)
        self.bench.say(f"{count} {'song is' if count == 1 else 'songs are'} in the queue")

    def _state(self) -> SeparateState:
        recipe = self.order.recipe
        scene = self._scene if recipe else None
        return SeparateState(self.order, self._knobs, scene, tuple(self.queue.jobs), self.queue.version, self._heard)

    def _hands(self) -> SeparateHands:
        ask = self.documents.browser.ask_open
        return SeparateHands(
            add_songs=lambda: ask(SONG_FILES, lambda path: self.add_songs([path])),
            add_folder=lambda: ask(FOLDER, self._add_folder),
            add_demo=self._add_demo,
            remove_song=self._remove,
            choose=self._choose,
            bind=lambda name, folder: ask(FOLDER if folder else SONG_FILES, partial(self._bind, name)),
            turn=self._turn,
            to_canvas=self._to_canvas,
            choose_output=lambda: ask(FOLDER, self._choose_output),
            choose_truth=lambda: ask(FOLDER, self._choose_truth),
            go=self.go,
            cancel=self.queue.cancel,
            clear=self.queue.forget_finished,
            hear=self._hear,
        )

    def _add_folder(self, folder: Path) -> None:
        songs = sound_files(folder)
        if not songs:
            self.bench.say(f"the folder {folder.name} holds no sound files", wrong=True)
        self.add_songs(songs)

    def _add_demo(self) -> None:
        try:
            song = demo_mixture()
        except (OSError, SoundFileError) as error:
            self.bench.say(f"the demo song cannot be written: {error}", wrong=True)
            return
        self.add_songs([song])

    def _remove(self, song: Path) -> None:
        self.order = self.order.without_song(song)

    def _choose(self, number: int) -> None:
        self.order = replace(self.order, chosen=number)
        recipe = self.order.recipe
        if recipe is not None:
            self._scene = Editor(self.bench.editor.library, recipe.graph).scene
            self._knobs = tuple(published_knobs(recipe.graph, self.bench.editor.library))

    def _bind(self, name: str, path: Path) -> None:
        self.order = self.order.bound(name, path)

    def _turn(self, knob: PublishedKnob, value: object) -> None:
        recipe, library = self.order.recipe, self.bench.editor.library
        if recipe is None:
            return
        try:
            graph = with_value(recipe.graph, library, knob, value)
        except Refused as refused:
            self.bench.say(str(refused), wrong=True)
            return
        self.order = self.order.with_graph(graph)
        self._knobs = tuple(published_knobs(graph, library))

    def _to_canvas(self) -> None:
        """The graph is one click away: as it is turned here, with the first song."""
        order, recipe = self.order, self.order.recipe
        if recipe is None:
            return
        if recipe.own:
            self.bench.sheet.close()
            self.documents.take_over(recipe.graph)
        else:
            self.documents.begin(recipe.graph, recipe.name)
        listener = self.documents.listener
        further = {name: order.inputs[name] for name in order.slots if name in order.inputs}
        if order.songs and (listener.song is None or further):
            listener.bind(order.songs[0], further or None)

    def _choose_output(self, folder: Path) -> None:
        self.order = replace(self.order, output=folder)

    def _choose_truth(self, folder: Path) -> None:
        self.order = replace(self.order, truth=folder)

    def _hear(self, job: Job, stem: str) -> None:
        """Play the song or one of its stems from the same moment."""
        state = next((state for own, state in self.queue.jobs if own is job), None)
        if state is None or state.came is None:
            return
        files = [(output.stem, output.path) for output in state.came.outputs]
        if self._hear_files(job.song, files, stem):
            self._heard = job.song, stem
