"""What is to be separated: songs, a graph with its knobs, where the stems go, where the true ones are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from midistems_graph.audio.demo import demo_folder, demo_path
from midistems_graph.document.graph import Graph
from midistems_graph.editor.runs.job import Job
from midistems_graph.engine.binding import sound_files


@dataclass(frozen=True)
class Recipe:
    """A graph to run, as it is called, with the folder of its file. `own`: it is the document on the canvas."""

    name: str
    graph: Graph
    folder: Path | None = None
    own: bool = False

    @property
    def title(self) -> str:
        return f"this graph ({self.name})" if self.own else self.graph.title or self.name


@dataclass(frozen=True)
class Order:
    """Songs and the graph that is chosen for them. `truth` holds true stems: a folder for each song, or of one song."""

    songs: tuple[Path, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    chosen: int = 0
    output: Path = Path()
    truth: Path | None = None

    @property
    def recipe(self) -> Recipe | None:
        return self.recipes[self.chosen] if self.chosen < len(self.recipes) else None

    @property
    def lacks(self) -> str:
        """What is missing before it can be carried out, in one sentence; empty if nothing is."""
        if not self.songs:
            return "add a song first"
        return "" if self.recipe else "choose a graph first"

    def with_songs(self, songs: Sequence[Path]) -> Order:
        """More songs, each once."""
        return replace(self, songs=tuple(dict.fromkeys((*self.songs, *songs))))

    def without_song(self, song: Path) -> Order:
        return replace(self, songs=tuple(one for one in self.songs if one != song))

    def with_graph(self, graph: Graph) -> Order:
        """The chosen graph with its knobs turned."""
        recipes = list(self.recipes)
        recipes[self.chosen] = replace(recipes[self.chosen], graph=graph)
        return replace(self, recipes=tuple(recipes))

    def jobs(self) -> list[Job]:
        """A job for every song."""
        recipe = self.recipe
        if recipe is None:
            return []
        return [
            Job(song, recipe.graph, recipe.name, recipe.folder, self.output, self.reference_of(song))
            for song in self.songs
        ]

    def reference_of(self, song: Path) -> Path | None:
        """The folder of a song's true stems, if they are known."""
        return true_stems(song, self.truth, several=len(self.songs) > 1)


def true_stems(song: Path, truth: Path | None = None, *, several: bool = False) -> Path | None:
    """The folder of a song's true stems: in `truth` (for several songs, a folder there that is called like the song),
    those of the demo song, or what lies beside a file called `mixture`; None if nobody knows them."""
    if truth is not None:
        own = truth / song.stem
        return own if own.is_dir() else None if several else truth
    if song == demo_path():
        return demo_folder()
    beside = song.parent
    is_set = song.stem.lower() == "mixture" and beside.is_dir() and len(sound_files(beside)) > 1
    return beside if is_set else None
