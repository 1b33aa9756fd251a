"""Files that were opened last, for the welcome and the menu."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from midistems_graph.editor.model.settings_file import read_json, state_folder, write_json

MOST = 20


@dataclass(frozen=True)
class Recent:
    """Graph files and songs by the time of their use, the last first. Files that are gone are not shown."""

    graphs: tuple[Path, ...] = ()
    songs: tuple[Path, ...] = ()

    @classmethod
    def load(cls, folder: Path | None = None) -> Recent:
        data = read_json((folder or state_folder()) / "recent.json")
        return cls(_paths(data.get("graphs")), _paths(data.get("songs")))

    def save(self, folder: Path | None = None) -> bool:
        data = {"graphs": list(map(str, self.graphs)), "songs": list(map(str, self.songs))}
        return write_json((folder or state_folder()) / "recent.json", data)

    def with_graph(self, path: Path) -> Recent:
        """The same with a graph file as the last one."""
        return Recent(_first(path, self.graphs), self.songs)

    def with_song(self, path: Path) -> Recent:
        return Recent(self.graphs, _first(path, self.songs))

    @property
    def there(self) -> Recent:
        """Only the files that exist now."""
        return Recent(tuple(p for p in self.graphs if p.is_file()), tuple(p for p in self.songs if p.exists()))


def _first(path: Path, others: tuple[Path, ...]) -> tuple[Path, ...]:
    path = path.absolute()
    return (path, *(other for other in others if other != path))[:MOST]


def _paths(value: object) -> tuple[Path, ...]:
    texts = value if isinstance(value, list) else []
    return tuple(Path(text) for text in texts if isinstance(text, str) and text and "\0" not in text)[:MOST]
