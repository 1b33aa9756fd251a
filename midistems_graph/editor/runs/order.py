"""What is to be separated: songs, a graph with its knobs, where the stems go, where the true ones are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from midistems_graph.audio.demo import demo_folder, demo_path
from midistems_graph.document.graph import Graph, InputSlot
from midistems_graph.editor.runs.job import Job
from midistems_graph.engine.binding import SONG, sound_files


@dataclass(frozen=True)
class Recipe:
    """A graph to run, as it is called, with the folder of its file.

    `own`: it is the document on the canvas; `needs` says what has to be got before it runs.
    """

    name: str
    graph: Graph
    folder: Path | None = None
    own: bool = False
    needs: str = ""

    @property
    def title(self) -> str:
        title = f"this graph ({self.name})" if self.own else self.graph.title or self.name
        return f"{title} ({self.needs})" if self.needs else title


@dataclass(frozen=True)
class Order:
    """Songs and the graph that is chosen for them. `truth` holds true stems: a folder for each song, or of one song.

    `inputs` are files or folders for further inputs of the graph, by name; of several songs each has its own in it.
    """

    songs: tuple[Path, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    chosen: int = 0
    output: Path = Path()
    truth: Path | None = None
    inputs: Mapping[str, Path] = field(default_factory=dict)

    @property
    def recipe(self) -> Recipe | None:
        return self.recipes[self.chosen] if self.chosen < len(self.recipes) else None

    @property
    def lacks(self) -> str:
        """What is missing before it can be carried out, in one sentence; empty if nothing is."""
        if not self.songs:
            return "add a song first"
        if self.recipe is None:
            return "choose a graph first"
        open_ = [name for name, slot in self.slots.items() if not slot.optional and name not in self.inputs]
        return f"choose a file or a folder for {open_[0]} first" if open_ else ""

    @property
    def slots(self) -> Mapping[str, InputSlot]:
        """The inputs of the chosen graph beside the song."""
        slots = self.recipe.graph.inputs if self.recipe else {}
        return {name: slots[name] for name in sorted(slots) if name != SONG}

    def bound(self, name: str, path: Path) -> Order:
        """With a file or folder for one of the further inputs."""
        return replace(self, inputs={**self.inputs, name: path})

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
        """A job for every song; songs of one name have folders of their own, called like those that they lie in."""
        recipe, names = self.recipe, Counter(song.stem for song in self.songs)
        if recipe is None:
            return []
        several = len(self.songs) > 1
        jobs = []
        for song in self.songs:
            bound = {name: own_of(song, self.inputs[name], several) for name in self.slots if name in self.inputs}
            reference = self.reference_of(song)
            output = self.output / song.parent.name if names[song.stem] > 1 else self.output
            jobs.append(Job(song, recipe.graph, recipe.name, recipe.folder, output, reference, bound))
        return jobs

    def reference_of(self, song: Path) -> Path | None:
        """The folder of a song's true stems, if they are known."""
        return true_stems(song, self.truth, several=len(self.songs) > 1)


def called(song: Path, others: Iterable[Path] = ()) -> str:
    """The name of a song; mixtures, and others of one name, are told apart by their folders."""
    alone = song.stem.lower() not in ("mixture", "mix") and all(o == song or o.stem != song.stem for o in others)
    return song.name if alone else f"{song.parent.name}/{song.name}"


def own_of(song: Path, path: Path, several: bool) -> Path:
    """What a further input is for a song: of several songs what is called like it in a folder, if that is there."""
    if several and path.is_dir():
        named = [path / song.stem, *(file for file in sound_files(path) if file.stem == song.stem)]
        return next((one for one in named if one.exists()), path)
    return path


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
