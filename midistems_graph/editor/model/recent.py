"""Files that were opened last and what belongs to them, for the welcome, the file list and the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from midistems_graph.editor.model.settings_file import read_json, state_folder, write_json

MOST = 20


@dataclass(frozen=True)
class Recent:
    """Graph files and songs by the time of their use, the last first. Files that are gone are not shown.

    `inputs` are the files and folders that were chosen for further inputs of graphs, by name, for each of the songs.
    """

    graphs: tuple[Path, ...] = ()
    songs: tuple[Path, ...] = ()
    bookmarks: tuple[Path, ...] = ()
    inputs: Mapping[Path, Mapping[str, Path]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path | None = None) -> Recent:
        data = read_json((folder or state_folder()) / "recent.json")
        graphs, songs, bookmarks = (_paths(data.get(name)) for name in ("graphs", "songs", "bookmarks"))
        return cls(graphs, songs, bookmarks, _inputs(data.get("inputs")))

    def save(self, folder: Path | None = None) -> bool:
        lists = {"graphs": self.graphs, "songs": self.songs, "bookmarks": self.bookmarks}
        data: dict[str, object] = {name: list(map(str, paths)) for name, paths in lists.items()}
        inputs = {str(song): {name: str(path) for name, path in own.items()} for song, own in self.inputs.items()}
        return write_json((folder or state_folder()) / "recent.json", {**data, "inputs": inputs})

    def with_graph(self, path: Path) -> Recent:
        """The same with a graph file as the last one."""
        return replace(self, graphs=_first(path, self.graphs))

    def with_song(self, path: Path, inputs: Mapping[str, Path] = MappingProxyType({})) -> Recent:
        """The same with a song as the last one, and what it is heard with, which is forgotten with it."""
        songs = _first(path, self.songs)
        known = {**self.inputs, path.absolute(): {name: own.absolute() for name, own in inputs.items()}}
        return replace(self, songs=songs, inputs={song: known[song] for song in songs if known.get(song)})

    def inputs_of(self, song: Path) -> Mapping[str, Path]:
        """What a song was heard with beside it, as far as it is still there."""
        return {name: path for name, path in self.inputs.get(song.absolute(), {}).items() if path.exists()}

    @property
    def there(self) -> Recent:
        """Only the files that exist now."""
        graphs, songs = (tuple(p for p in paths if p.is_file()) for paths in (self.graphs, self.songs))
        return Recent(graphs, songs, tuple(p for p in self.bookmarks if p.is_dir()), self.inputs)


def _first(path: Path, others: tuple[Path, ...]) -> tuple[Path, ...]:
    path = path.absolute()
    return (path, *(other for other in others if other != path))[:MOST]


def _paths(value: object) -> tuple[Path, ...]:
    texts = value if isinstance(value, list) else []
    return tuple(Path(text) for text in texts if isinstance(text, str) and text and "\0" not in text)[:MOST]


def _inputs(value: object) -> dict[Path, dict[str, Path]]:
    """Files by name for each song; what is none is left out."""
    found: dict[Path, dict[str, Path]] = {}
    for song, own in value.items() if isinstance(value, dict) else ():
        named = {name: _paths([path]) for name, path in own.items()} if isinstance(own, dict) else {}
        if kept := {name: paths[0] for name, paths in named.items() if paths}:
            found |= dict.fromkeys(_paths([song]), kept)
    return found
