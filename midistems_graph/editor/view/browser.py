"""Choosing files by keyboard or mouse: recent files, bookmarks, and the folder as a list that is searched.

A path that is typed or pasted leads there; names in any script are shown as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from midistems_graph.editor.view.menu import Menu, Row

UP = "<up>"
NEW = "<new>"
HERE = "<here>"
MARK = "<mark>"
MOST = 2000
RECENT = 5


@dataclass(frozen=True)
class Kind:
    """What is asked for: its name in a sentence (`a graph`) and suffixes, the first for new files; or a folder."""

    what: str
    suffixes: tuple[str, ...]
    folders: bool = False

    def takes(self, path: Path) -> bool:
        """Whether a file is of this kind; without suffixes every file is."""
        return not self.folders and (not self.suffixes or path.suffix.lower() in self.suffixes)


FOLDER = Kind("a folder", (), folders=True)
ANY_FILE = Kind("a file", ())


class Browser:
    """Uses the menu of the bench; `center` gives the pixel to open at and the size of the window.

    `recent` gives the files that were used last, `bookmarks` are folders; `marked` is told when they change.
    """

    def __init__(
        self,
        menu: Callable[[], Menu],
        center: Callable[[], tuple[tuple[float, float], tuple[float, float]]],
        recent: Callable[[], Sequence[Path]] = tuple,
        bookmarks: tuple[Path, ...] = (),
        marked: Callable[[tuple[Path, ...]], None] = lambda _: None,
    ) -> None:
        self._menu, self._center, self._recent, self._marked = menu, center, recent, marked
        self.bookmarks = bookmarks
        self.folder = Path.cwd()

    def ask_open(self, kind: Kind, chosen: Callable[[Path], None], left: Callable[[], None] = lambda: None) -> None:
        """Ask for a file (or a folder) that exists; `left` is called if none is chosen."""
        self._ask(kind, f"open {kind.what}", chosen, False, left)

    def ask_save(
        self, kind: Kind, chosen: Callable[[Path], None], name: str = "", left: Callable[[], None] = lambda: None
    ) -> None:
        """Ask for a file that may not exist yet; the suffix is added where none is typed. `name` is the proposal."""
        stem = Path(name).stem
        self._ask(kind, f"save {kind.what}" + (f", such as {stem}" if stem else ""), chosen, True, left)

    def _ask(self, kind: Kind, title: str, chosen: Callable[[Path], None], new: bool, left: Callable[[], None]) -> None:
        typed = ""

        def rows(query: str) -> Sequence[Row]:
            nonlocal typed
            typed = query.strip()
            return [*self._offered(kind, typed, new), *listed(self.folder, typed, kind, new), *self._mark_row(typed)]

        def choose(row: str) -> None:
            path = self.folder.parent if row == UP else named(self.folder, typed, kind) if row == NEW else Path(row)
            if row == MARK:
                self._toggle_bookmark()
            elif row == HERE or (not path.is_dir() and row != NEW) or (row == NEW and not path.is_dir()):
                path = where(self.folder, typed) if row == HERE else path
                self.folder = path if row == HERE else path.parent
                chosen(path)
                return
            else:
                self.folder = path
            self._ask(kind, title, chosen, new, left)

        at, inside = self._center()
        self._menu().open(
            at, rows, choose, search=f"{title} in {shortened(self.folder)}", width=560, inside=inside, left=left
        )

    def _offered(self, kind: Kind, query: str, new: bool) -> Iterator[Row]:
        """Recent files and bookmarks, those that answer what was typed."""
        fitting = [path for path in self._recent() if kind.takes(path)]
        recent = [path for path in fitting if query.lower() in path.name.lower()][: RECENT if not new else 0]
        marks = [path for path in self.bookmarks if path.is_dir() and query.lower() in path.name.lower()]
        if recent:
            yield Row("", "Recent")
            yield from (Row(str(path), path.name, shortened(path.parent)) for path in recent)
        if marks:
            yield Row("", "Bookmarks")
            yield from (Row(str(path), f"{path.name}/", shortened(path.parent)) for path in marks)
        if recent or marks:
            yield Row("", shortened(self.folder))

    def _mark_row(self, query: str) -> Iterator[Row]:
        if not query:
            known = self.folder in self.bookmarks
            yield Row(MARK, "Forget this bookmark" if known else "Bookmark this folder", shortened(self.folder))

    def _toggle_bookmark(self) -> None:
        kept = tuple(path for path in self.bookmarks if path != self.folder)
        self.bookmarks = kept if len(kept) < len(self.bookmarks) else (*kept, self.folder)
        self._marked(self.bookmarks)


def listed(folder: Path, query: str, kind: Kind, new: bool = False) -> list[Row]:
    """Folders and fitting files whose names hold what was typed; a typed path is listed itself."""
    typed = Path(query).expanduser() if query else None
    rows = []
    if typed is not None and typed.is_absolute():
        folder, query = where(folder, query), "" if typed.is_dir() else typed.name
        if typed.is_dir():
            rows.append(Row(str(typed), f"{typed.name}/", "go there"))
    if new and query:
        place = named(folder, query, kind)
        rows.append(Row(NEW, f"save as {place.name}", "in place of the file" if place.exists() else shortened(folder)))
    if kind.folders:
        rows.append(Row(HERE, "This folder", shortened(folder)))
    if folder.parent != folder and typed is None:
        rows.append(Row(UP, "..", shortened(folder.parent)))
    try:
        entries = sorted(folder.iterdir(), key=lambda p: (not p.is_dir(), p.name.lower()))[:MOST]
    except OSError as error:
        return [*rows, Row("<none>", f"the folder cannot be read: {error.strerror}", enabled=False)]
    for path in entries:
        if path.name.startswith(".") or query.lower() not in path.name.lower():
            continue
        if path.is_dir():
            rows.append(Row(str(path), f"{path.name}/"))
        elif kind.takes(path):
            rows.append(Row(str(path), path.name, size_of(path)))
    return rows


def where(folder: Path, typed: str) -> Path:
    """The folder that is listed: that of a typed path, else the one that is open."""
    path = Path(typed).expanduser()
    return folder if not path.is_absolute() else path if path.is_dir() else path.parent


def named(folder: Path, typed: str, kind: Kind) -> Path:
    """The file that is meant by what was typed: of one of the kind's suffixes, the first where none is typed."""
    path = Path(typed).expanduser()
    path = path if path.is_absolute() else folder / path
    return path if path.suffix.lower() in kind.suffixes else path.with_name(path.name + kind.suffixes[0])


def shortened(path: Path) -> str:
    """The path with ~ for the home folder, its end if it is long."""
    text = str(path)
    home = str(Path.home())
    text = "~" + text[len(home) :] if text == home or text.startswith(home + "/") else text
    return text if len(text) <= 48 else "…" + text[-47:]


def size_of(path: Path) -> str:
    try:
        size = float(path.stat().st_size)
    except OSError:
        return ""
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
