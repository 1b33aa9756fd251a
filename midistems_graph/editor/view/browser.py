"""Choosing files by keyboard or mouse: the folder as a list that is searched while one types.

A path that is typed or pasted leads there; names in any script are shown as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from midistems_graph.editor.view.menu import Menu, Row

UP = "<up>"
NEW = "<new>"
MOST = 2000


class Browser:
    """Uses the menu of the bench; `center` gives the pixel to open at and the size of the window."""

    def __init__(self, menu: Menu, center: Callable[[], tuple[tuple[float, float], tuple[float, float]]]) -> None:
        self._menu, self._center = menu, center
        self.folder = Path.cwd()

    def ask_open(self, title: str, suffixes: Sequence[str], chosen: Callable[[Path], None]) -> None:
        """Ask for a file that exists."""
        self._ask(title, suffixes, chosen, "")

    def ask_save(self, title: str, suffix: str, chosen: Callable[[Path], None]) -> None:
        """Ask for a file that may not exist yet; the suffix is added where none is typed."""
        self._ask(title, (".json", ".mgraph") if suffix == ".json" else (suffix,), chosen, suffix)

    def _ask(self, title: str, suffixes: Sequence[str], chosen: Callable[[Path], None], new: str) -> None:
        typed = ""

        def rows(query: str) -> Sequence[Row]:
            nonlocal typed
            typed = query.strip()
            return listed(self.folder, typed, suffixes, new)

        def choose(row: str) -> None:
            path = self.folder.parent if row == UP else named(self.folder, typed, new) if row == NEW else Path(row)
            if path.is_dir():
                self.folder = path
                self._ask(title, suffixes, chosen, new)
            else:
                self.folder = path.parent
                chosen(path)

        at, inside = self._center()
        hint = f"{title} in {shortened(self.folder)}"
        self._menu.open(at, rows, choose, search=hint, width=560, inside=inside)


def listed(folder: Path, query: str, suffixes: Sequence[str], new: str = "") -> list[Row]:
    """Folders and fitting files whose names hold what was typed; a typed path is listed itself."""
    typed = Path(query).expanduser() if query else None
    if typed is not None and typed.is_absolute():
        folder, query = (typed, "") if typed.is_dir() else (typed.parent, typed.name)
    rows = []
    if new and query:
        rows.append(Row(NEW, f"save as {named(folder, query, new).name}", shortened(folder)))
    if folder.parent != folder:
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
        elif path.suffix.lower() in suffixes:
            rows.append(Row(str(path), path.name, size_of(path)))
    return rows


def named(folder: Path, typed: str, suffix: str) -> Path:
    """The file that is meant by what was typed."""
    path = Path(typed).expanduser()
    path = path if path.is_absolute() else folder / path
    return path if path.suffix.lower() in (".json", ".mgraph", ".wav", ".flac") else path.with_name(path.name + suffix)


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
