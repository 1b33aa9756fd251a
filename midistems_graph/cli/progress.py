"""Progress on stderr: a live display on a terminal, one line per node elsewhere."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from midistems_graph.cli.plain_text import clean, in_seconds
from midistems_graph.engine.plan import Plan, Unit
from midistems_graph.engine.reports import SIGNIFICANCE, Silent, Status, Watcher


@contextmanager
def shown(plan: Plan, console: Console, quiet: bool) -> Iterator[Watcher]:
    """A watcher that shows a run of a plan while it lasts."""
    if quiet:
        yield Silent()
    elif console.is_terminal:
        with _Live(plan, console).display as display:
            yield display.watcher
    else:
        yield _Lines(plan, console)


class _Tally:
    """Per node: how many units there are, how far each one is, the status to show, the seconds spent."""

    def __init__(self, plan: Plan) -> None:
        self.units = Counter(unit.node for unit in plan.units)
        self.order = [address for address in plan.nodes if address in self.units]
        self._parts: dict[Unit, float] = {}
        self._done = dict.fromkeys(self.order, 0.0)
        self._status: dict[str, Status] = {}
        self._seconds: Counter[str] = Counter()
        self._finished: Counter[str] = Counter()

    def progress(self, unit: Unit, done: float) -> None:
        done = min(max(done, 0.0), 1.0)
        self._done[unit.node] += done - self._parts.get(unit, 0.0)
        self._parts[unit] = done

    def finish(self, unit: Unit, status: Status, seconds: float) -> None:
        self._done[unit.node] += 1.0 - self._parts.pop(unit, 0.0)
        self._finished[unit.node] += 1
        before = self._status.get(unit.node, status)
        self._status[unit.node] = max(before, status, key=SIGNIFICANCE.index)
        if status == "ran":
            self._seconds[unit.node] += seconds  # type: ignore[assignment]

    def is_over(self, node: str) -> bool:
        return self._finished[node] >= self.units[node]

    def done(self, node: str) -> float:
        return self._done[node]

    def words(self, node: str) -> str:
        """`ran 1.2 s`, `cached`, or nothing yet."""
        status = self._status.get(node, "")
        return f"{status} {in_seconds(self._seconds[node])}" if self._seconds[node] else status


class _Lines:
    """One line per node, when its last unit is done."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._tally = _Tally(plan)
        self._console = console
        self._lock = threading.Lock()

    def unit_started(self, unit: Unit) -> None: ...

    def unit_progress(self, unit: Unit, done: float) -> None: ...

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        with self._lock:
            self._tally.finish(unit, status, seconds)
            if self._tally.is_over(unit.node):
                self._console.print(f"  {clean(unit.node)}: {self._tally.words(unit.node)}")


class _Live:
    """All nodes in order, each with a bar over its units; on a small terminal only those at work."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._tally = _Tally(plan)
        self._lock = threading.Lock()
        self._fits = len(self._tally.order) <= console.height - 4
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}", markup=False),
            console=console,
            refresh_per_second=8,
        )
        self._tasks: dict[str, TaskID] = {
            node: self._progress.add_task(
                Text(clean(node)).plain, total=self._tally.units[node], words="", visible=self._fits
            )
            for node in self._tally.order
        }

    @property
    def watcher(self) -> Watcher:
        return self

    @property
    @contextmanager
    def display(self) -> Iterator[_Live]:
        with self._progress:
            yield self

    def unit_started(self, unit: Unit) -> None:
        with self._lock:
            self._progress.update(self._tasks[unit.node], visible=True)

    def unit_progress(self, unit: Unit, done: float) -> None:
        with self._lock:
            self._tally.progress(unit, done)
            self._progress.update(self._tasks[unit.node], completed=self._tally.done(unit.node))

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        with self._lock:
            self._tally.finish(unit, status, seconds)
            task, node = self._tasks[unit.node], unit.node
            visible = self._fits or not self._tally.is_over(node)
            self._progress.update(
                task, completed=self._tally.done(node), words=self._tally.words(node), visible=visible
            )
