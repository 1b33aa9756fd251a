"""Which things are near a point: a uniform grid of cells, each with the ids of what touches it.

An index is never changed; a new one shares all cells with the old one but those that changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from midistems_graph.editor.model.plane import Point, Rect

CELL = 320.0
_Cell = tuple[int, int]

MAX_CELLS = 4096
"""What covers more cells than this is kept apart and is near to everything."""


class GridIndex:
    """Ids by the cells that their rectangles touch."""

    def __init__(self, cells: Mapping[_Cell, tuple[str, ...]] | None = None, wide: frozenset[str] = frozenset()):
        self._cells = dict(cells or {})
        self._wide = wide

    def changed(self, gone: Mapping[str, Rect], come: Mapping[str, Rect]) -> GridIndex:
        """The index after some rectangles went and others came."""
        index = GridIndex(self._cells, self._wide)
        for name, rect in gone.items():
            if _count(rect) > MAX_CELLS:
                index._wide -= {name}
                continue
            for cell in _cells(rect):
                kept = tuple(other for other in index._cells.get(cell, ()) if other != name)
                if kept:
                    index._cells[cell] = kept
                else:
                    index._cells.pop(cell, None)
        for name, rect in come.items():
            if _count(rect) > MAX_CELLS:
                index._wide |= {name}
                continue
            for cell in _cells(rect):
                index._cells[cell] = (*index._cells.get(cell, ()), name)
        return index

    def near(self, at: Point, reach: float = 0.0) -> set[str]:
        """Ids of all rectangles that may be within reach of a point."""
        return self.within(Rect(at[0] - reach, at[1] - reach, at[0] + reach, at[1] + reach))

    def within(self, rect: Rect) -> set[str]:
        """Ids of all rectangles that may meet one."""
        found = set(self._wide)
        if _count(rect) > len(self._cells):
            for names in self._cells.values():
                found.update(names)
            return found
        for cell in _cells(rect):
            found.update(self._cells.get(cell, ()))
        return found


def _cells(rect: Rect) -> Iterator[_Cell]:
    for column in range(int(rect.left // CELL), int(rect.right // CELL) + 1):
        for row in range(int(rect.top // CELL), int(rect.bottom // CELL) + 1):
            yield column, row


def _count(rect: Rect) -> float:
    return (rect.width // CELL + 2) * (rect.height // CELL + 2)
