"""Files that were opened last and folders that are bookmarked, for the welcome and the file list."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from midistems_graph.editor.model.settings_file import read_json, state_folder, write_json

MOST = 20


@dataclass(frozen=True)
class Recent:
    """Graph files and songs by the time of their use, the last first. Files that are gone are not shown."""

    graphs: tuple[Path, ...] = ()
    songs: tuple[Path, ...] = ()
    bookmarks: tuple[Path, ...] = ()

    @classmethod
    def load(cls, folder: Path | None = None) -> Recent:
        data = read_json((folder or state_folder()) / "recent.json")
        return cls(_paths(data.get("graphs")), _paths(data.get("songs")), _paths(data.get("bookmarks")))

    def save(self, folder: Path | None = None) -> bool:
        data = {name: list(map(str, paths)) for name, paths in asdict(self).items()}
        return write_json((folder or state_folder()) / "recent.json", data)

    def with_graph(self, path: Path) -> Recent:
        """The same with a graph file as the last one."""
        return replace(self, graphs=_first(path, self.graphs))

    def with_song(self, path: Path) -> Recent:
        return replace(self, songs=_first(path, self.songs))

    @property
    def there(self) -> Recent:
        """Only the files that exist now."""
        graphs, songs = (tuple(p for p in paths if p.is_file()) for paths in (self.graphs, self.songs))
        return Recent(graphs, songs, tuple(p for p in self.bookmarks if p.is_dir()))


def _first(path: Path, others: tuple[Path, ...]) -> tuple[Path, ...]:
    path = path.absolute()
    return (path, *(other for other in others if other != path))[:MOST]


def _paths(value: object) -> tuple[Path, ...]:
    texts = value if isinstance(value, list) else []
    return tuple(Path(text) for text in texts if isinstance(text, str) and text and "\0" not in text)[:MOST]
