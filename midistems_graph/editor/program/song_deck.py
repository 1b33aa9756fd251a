"""Several songs for one document: the next and the one before at the same edge, and a table of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from midistems_graph.document.graph import Address
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.program.arrivals import SONG_FILES
from midistems_graph.editor.program.documents import Documents
from midistems_graph.editor.runs.job import Job
from midistems_graph.editor.runs.order import true_stems
from midistems_graph.editor.runs.queue import Queue
from midistems_graph.editor.runs.score_table import ScoreTable, score_table
from midistems_graph.editor.view.browser import FOLDER
from midistems_graph.editor.view.songs import SongsHands, SongsPage, SongsState
from midistems_graph.engine.binding import sound_files


class SongDeck:
    """The songs at hand. Adds the commands `songs`, `next_song` and `previous_song`."""

    def __init__(self, documents: Documents, queue: Queue) -> None:
        self.documents, self.bench, self.queue = documents, documents.bench, queue
        self.songs: tuple[Path, ...] = ()
        self._truth: Path | None = None
        self._table: tuple[object, ScoreTable] | None = None
        self.bench.commands |= {
            "songs": self.open,
            "next_song": lambda: self._step(1),
            "previous_song": lambda: self._step(-1),
        }

    @property
    def heard(self) -> Path | None:
        """The song that is listened to."""
        return self.documents.listener.song

    def take(self, songs: Sequence[Path]) -> None:
        """Songs that were opened: they join the others, and the first of them is heard."""
        self.add(songs)
        self.hear(songs[0])

    def add(self, songs: Sequence[Path]) -> None:
        self.songs = tuple(dict.fromkeys((*self.songs, *songs)))

    def hear(self, song: Path) -> bool:
        """Listen to another song: the same edge, from the same moment."""
        if not self.documents.listener.go_on_with(song):
            return False
        self.add([song])
        return True

    def open(self) -> None:
        """Show the page."""
        if self.heard is not None:
            self.add([self.heard])
        self.bench.sheet.open(SongsPage(self._state, self._hands()))

    def score(self) -> None:
        """Run the document on every song, for its scores alone."""
        graph = self.bench.editor.state.graph
        if not self.songs:
            raise Refused("add a song first")
        if not graph.nodes:
            raise Refused("the graph is empty; draw one, or begin with a preset")
        self.queue.cancel()
        self.queue.forget_finished()
        name, folder = Path(self.bench.file).stem, self.documents.listener.folder
        self.queue.add(
            [
                Job(
                    song,
                    graph,
                    name,
                    folder,
                    reference=self.reference_of(song),
                    inputs=self.inputs_of(song),
                    edges=self._kept(),
                )
                for song in self.songs
            ]
        )

    def _kept(self) -> tuple[Address, ...]:
        """The edges under number keys, as far as the graph still has them."""
        ears = self.documents.listener.ears
        kept = [take.addresses[0] for take in ears.deck.slots if take is not None] if ears else []
        return tuple(edge for edge in dict.fromkeys(kept) if ears is not None and ears.live.has(edge))

    def inputs_of(self, song: Path) -> Mapping[str, Path]:
        """What a song was heard with beside it, as far as the graph takes it."""
        listener, slots = self.documents.listener, self.bench.editor.state.graph.inputs
        known = listener.further if song == listener.song else listener.recalled(song)
        return {name: path for name, path in known.items() if name in slots}

    def reference_of(self, song: Path) -> Path | None:
        """The folder of a song's true stems, if they are known."""
        return true_stems(song, self._truth, several=len(self.songs) > 1)

    def close(self) -> None:
        self.queue.close()

    def _step(self, by: int) -> None:
        if len(self.songs) < 2:
            raise Refused("there is one song; add others on the page of songs")
        at = self.songs.index(self.heard) if self.heard in self.songs else -1
        song = self.songs[(at + by) % len(self.songs)]
        if self.hear(song):
            self.bench.say(f"song {self.songs.index(song) + 1} of {len(self.songs)}: {song.name}")

    def _state(self) -> SongsState:
        key = (self.queue.version, self.songs)
        if self._table is None or self._table[0] != key:
            self._table = key, score_table(self.songs, self.queue.jobs)
        table = self._table[1]
        name = self.bench.editor.state.graph.title or self.bench.file
        return SongsState(table, self.heard, self.queue.is_busy, self.queue.version, name, self._truth)

    def _hands(self) -> SongsHands:
        ask = self.documents.browser.ask_open
        return SongsHands(
            add=lambda: ask(SONG_FILES, lambda path: self.add([path])),
            add_folder=lambda: ask(FOLDER, self._add_folder),
            remove=self._remove,
            hear=self.hear,
            score=self._score,
            choose_truth=lambda: ask(FOLDER, self._choose_truth),
            cancel=self.queue.cancel,
        )

    def _score(self) -> None:
        try:
            self.score()
        except Refused as refused:
            self.bench.say(str(refused), wrong=True)

    def _add_folder(self, folder: Path) -> None:
        """The songs of a folder: its files, or the mixtures of the folders in it."""
        mixtures = [file for inner in sorted(folder.iterdir()) if inner.is_dir() for file in sound_files(inner)]
        found = [file for file in mixtures if file.stem.lower() == "mixture"] or sound_files(folder)
        if not found:
            self.bench.say(f"{folder.name} holds no sound files and no folders with a mixture", wrong=True)
        self.add(found)

    def _remove(self, song: Path) -> None:
        self.songs = tuple(one for one in self.songs if one != song)

    def _choose_truth(self, folder: Path) -> None:
        self._truth = folder
