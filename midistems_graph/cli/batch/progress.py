"""How far a batch is, on stderr: a line for all songs and one for each at work; without a terminal, a line per song."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from midistems_graph.cli.plain_text import clean, in_seconds

NAME_WIDTH = 40

_CALM = 2
"""Times a second that the display is drawn."""


class Shown(Protocol):
    """What is told of a batch. A slot is a place where one song after the other is run."""

    def expect(self, songs: int, weight: float) -> None:
        """So many more songs are to be run, which weigh so much together (bytes of their files)."""

    def begin(self, slot: int, name: str) -> None: ...

    def move(self, slot: int, done: float, node: str, weight: float) -> None: ...

    def end(self, slot: int, name: str, words: str, weight: float) -> None:
        """A song is over, for good."""

    def pause(self, slot: int, name: str, words: str) -> None:
        """A song is left for now."""


class Quiet:
    """Shows nothing."""

    def expect(self, songs: int, weight: float) -> None: ...

    def begin(self, slot: int, name: str) -> None: ...

    def move(self, slot: int, done: float, node: str, weight: float) -> None: ...

    def end(self, slot: int, name: str, words: str, weight: float) -> None: ...

    def pause(self, slot: int, name: str, words: str) -> None: ...


@contextmanager
def shown(console: Console, quiet: bool) -> Iterator[Shown]:
    """A display of a batch while it lasts."""
    if quiet:
        yield Quiet()
    elif console.is_terminal:
        with _progress(console) as progress:
            yield _Live(progress)
    else:
        yield _Lines(console)


class Pace:
    """How many of the songs are over, and how long the rest will take at the speed so far.

    Time is that of a clock that nobody sets.
    """

    def __init__(self) -> None:
        self.songs = self.over = 0
        self._weight = self._done = 0.0
        self._parts: dict[int, float] = {}
        self._began: float | None = None

    def expect(self, songs: int, weight: float) -> None:
        self.songs += songs
        self._weight += weight

    def begin(self) -> None:
        self._began = self._began if self._began is not None else time.monotonic()

    def move(self, slot: int, weight: float) -> None:
        self._parts[slot] = weight

    def leave(self, slot: int) -> None:
        self._parts.pop(slot, None)

    def end(self, slot: int, weight: float) -> None:
        self.leave(slot)
        self.over += 1
        self._done += weight

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return min(1.0, (self._done + sum(self._parts.values())) / self._weight) if self._weight else 0.0

    @property
    def left(self) -> float | None:
        """Seconds, once there is something to go by."""
        spent = time.monotonic() - self._began if self._began is not None else 0.0
        return spent / self.share * (1 - self.share) if spent > 2 and 0.002 < self.share < 1 else None

    @property
    def words(self) -> str:
        left = self.left
        return f"{self.over} of {self.songs}" + ("" if left is None else f", about {in_seconds(left)} left")


class _Lines:
    """One line per song, when it is over."""

    def __init__(self, console: Console) -> None:
        self._console, self._pace, self._lock = console, Pace(), threading.Lock()

    def expect(self, songs: int, weight: float) -> None:
        self._pace.expect(songs, weight)

    def begin(self, slot: int, name: str) -> None:
        with self._lock:
            self._pace.begin()

    def move(self, slot: int, done: float, node: str, weight: float) -> None: ...

    def end(self, slot: int, name: str, words: str, weight: float) -> None:
        with self._lock:
            self._pace.end(slot, weight)
            self._console.print(f"{self._pace.words}  {clean(name)}: {clean(words)}")

    def pause(self, slot: int, name: str, words: str) -> None:
        with self._lock:
            self._console.print(f"{clean(name)}: {clean(words)}")


class _Live:
    """The batch above, below it a line for every song at work."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._pace, self._lock = progress, Pace(), threading.Lock()
        self._all = progress.add_task("all songs", total=1.0, words="")
        self._slots: dict[int, TaskID] = {}

    def expect(self, songs: int, weight: float) -> None:
        with self._lock:
            self._pace.expect(songs, weight)
            self._refresh()

    def begin(self, slot: int, name: str) -> None:
        with self._lock:
            self._pace.begin()
            if slot not in self._slots:
                self._slots[slot] = self._progress.add_task("", total=1.0, words="")
            self._progress.update(
                self._slots[slot], description=f"  {_short(clean(name))}", completed=0, words="", visible=True
            )
            self._refresh()

    def move(self, slot: int, done: float, node: str, weight: float) -> None:
        with self._lock:
            self._pace.move(slot, weight * done)
            self._progress.update(self._slots[slot], completed=done, words=clean(node))
            self._refresh()

    def end(self, slot: int, name: str, words: str, weight: float) -> None:
        with self._lock:
            self._pace.end(slot, weight)
            self._hide(slot)

    def pause(self, slot: int, name: str, words: str) -> None:
        with self._lock:
            self._pace.leave(slot)
            self._hide(slot)

    def _hide(self, slot: int) -> None:
        if slot in self._slots:
            self._progress.update(self._slots[slot], visible=False)
        self._refresh()

    def _refresh(self) -> None:
        self._progress.update(self._all, completed=self._pace.share, words=self._pace.words)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(width=NAME_WIDTH + 2, no_wrap=True)),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[words]}", markup=False),
        console=console,
        refresh_per_second=_CALM,
        transient=True,
    )


def _short(name: str) -> str:
    """The end of a path says which song it is."""
    return name if len(name) <= NAME_WIDTH else f"…{name[1 - NAME_WIDTH :]}"
