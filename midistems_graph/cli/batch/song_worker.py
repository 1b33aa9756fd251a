"""A worker of a batch: runs the songs that it is handed, in a process of its own, so that a batch outlives its death.

It is spoken to through its standard input and answers on its standard output, one JSON document a line:

    in    {"arguments", "graph", "folder", "several", "inputs"}    once: the command line, the graph as it was read
          {"song", "demo", "folder", "settings", "jobs", "taken"}  a song; others of its name have the files `taken`
          {..., "stretch"}                                 so many seconds of one, only into the store, for later
          {"memory"}                                       what that may take, after it asked
    out   {"ready"}, {"asks", "writes"}, {"done", "node"}, {"over"}
          {"said"} of the song, {"problem"} of what is the same for all songs, as the store is

When its input ends, because the batch is stopped or was killed, a worker stops too, and keeps what it computed.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from midistems_graph.cli.asked import folder_inputs, output_folder, wanted_of
from midistems_graph.cli.codes import Exit
from midistems_graph.cli.library_noise import noise_aside
from midistems_graph.cli.logs import fault_sentence, logged
from midistems_graph.cli.one_song import Work, run_song
from midistems_graph.cli.result import Report
from midistems_graph.cli.run_graph import binding, parser
from midistems_graph.cli.settings import with_settings
from midistems_graph.cli.songs import Song, Sources
from midistems_graph.cli.stores import opened
from midistems_graph.document.data import from_data
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import Forecast
from midistems_graph.engine.plan import Plan, Unit
from midistems_graph.engine.reports import NO_MEMORY, Status, Watcher
from midistems_graph.engine.room import written_bytes
from midistems_graph.engine.run import RunResult
from midistems_graph.engine.sizes import working_bytes, working_sizes
from midistems_graph.node.library import installed

log = logging.getLogger(__name__)

TOLD_EVERY = 0.25
"""Seconds between two words on how far a song is."""

PATIENCE = 3.0
"""Seconds after which a worker that is to stop ends, whatever it does."""


class Line:
    """The line to the batch: what comes in is read at once, so that its end is noticed in the middle of a song."""

    def __init__(self, incoming: IO[str], outgoing: IO[str]) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._inbox: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._executor: Executor | None = None
        self._cut = False
        threading.Thread(target=self._listen, name="line", daemon=True).start()

    def heard(self) -> dict[str, Any] | None:
        """The next document, or None when there will be no more."""
        return self._inbox.get()

    def tell(self, **words: object) -> None:
        with self._lock:
            try:
                self._outgoing.write(json.dumps(words) + "\n")
                self._outgoing.flush()
            except OSError:  # the batch is gone, and the incoming side ends too
                self._cut = True

    def began(self, executor: Executor) -> None:
        """Cancel this when the line ends."""
        with self._lock:
            self._executor = executor
            if self._cut:
                executor.cancel()

    def _listen(self) -> None:
        for line in self._incoming:
            self._inbox.put(json.loads(line))
        with self._lock:
            self._cut = True
            if self._executor is not None:
                self._executor.cancel()
        self._inbox.put(None)
        time.sleep(PATIENCE)
        os._exit(Exit.CANCELLED)


class Teller:
    """Looks on for the batch: says how far the song is, now and then."""

    def __init__(self, line: Line) -> None:
        self._line, self._lock = line, threading.Lock()

    def say(self, text: str) -> None:
        self._line.tell(said=text)

    @contextmanager
    def watch(self, plan: Plan) -> Iterator[Watcher]:
        self._all, self._parts, self._over, self._next = max(len(plan.units), 1), dict[Unit, float](), 0, 0.0
        yield self

    def show(self, result: RunResult) -> None:
        """The batch shows it, from the report."""

    def foretell(self, told: Forecast) -> None:
        """The batch shows it, from the report."""

    def unit_started(self, unit: Unit) -> None:
        self.unit_progress(unit, 0.0)

    def unit_progress(self, unit: Unit, done: float) -> None:
        with self._lock:
            self._parts[unit] = min(max(done, 0.0), 1.0)
            self._tell(unit)

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        with self._lock:
            self._parts.pop(unit, None)
            self._over += 1
            self._tell(unit)

    def _tell(self, unit: Unit) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + TOLD_EVERY
            self._line.tell(done=round((self._over + sum(self._parts.values())) / self._all, 4), node=unit.node)


def main() -> int:
    """Work until the line ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as outgoing:
        os.dup2(2, 1)  # what libraries print must not come between
        line = Line(sys.stdin, outgoing)
        with logged(), noise_aside():
            first = line.heard()
            if first is not None:
                _serve(line, first)
    return Exit.DONE


def _serve(line: Line, first: Mapping[str, Any]) -> None:
    options = parser().parse_intermixed_args(first["arguments"])
    options.input, options.songs = dict(map(binding, options.input)), []
    library, document, folder = installed(), from_data(first["graph"]), Path(first["folder"])
    sources = Sources(options.input, folder_inputs(document, library), options.reference, first["several"])
    outputs = output_folder(
        options, wanted_of(document, library, options, Report(aloud=False)), library, list(map(Path, first["inputs"]))
    )
    asked: dict[tuple[str, ...], Any] = {}

    def memory(plan: Plan) -> int:
        sizes = working_sizes(plan)
        asks = max((working_bytes(plan, unit, sizes) for unit in plan.units), default=0)
        line.tell(asks=asks, writes=written_bytes(plan))
        answer = line.heard()
        if answer is None:
            raise KeyboardInterrupt
        return int(answer["memory"])

    def problem(sentence: str) -> None:
        line.tell(problem=sentence)

    with nullcontext(None) if options.no_cache else opened(options.cache_dir, False, problem, options.store) as shared:
        line.tell(ready=True)
        while (order := line.heard()) is not None:
            settings = tuple(order["settings"])
            report = Report(aloud=False)
            if settings not in asked:
                graph = with_settings(document, library, settings)
                asked[settings] = graph, wanted_of(graph, library, options, Report(aloud=False))
            graph, wanted = asked[settings]
            if outputs is not None:
                outputs.claim(order["taken"])
            song = Song(Path(order["song"]), order["demo"], order["folder"])
            with opened(None, True, report.problem, options.store) if shared is None else nullcontext(shared) as store:
                work = Work(
                    options, report, library, graph, wanted, folder, sources, outputs, store, Teller(line),
                    jobs=order["jobs"], memory=memory, started=line.began,
                )  # fmt: skip
                if "stretch" in order:
                    window = tuple(map(Fraction, order["stretch"]))
                    work = replace(work, options=Namespace(**{**vars(options), "window": window}), outputs=None)
                over = _run(work, song)
                store.flush()
                line.tell(over=over)


def _run(work: Work, song: Song) -> dict[str, Any]:
    """A song, and all that the batch is to know of it."""
    began = time.perf_counter()
    try:
        cure = run_song(work, song)
    except KeyboardInterrupt:
        return {"stopped": True}
    except MemoryError:
        cure = "again"
        work.report.songs.append(Exit.NODE)
        work.report.problem(NO_MEMORY)
    except Exception:
        log.exception("a song broke")
        cure = ""
        work.report.songs.append(Exit.FAULT)
        work.report.problem(fault_sentence())
    return {
        **work.report.document(),
        "exit_code": work.report.songs[-1],
        "cure": cure,
        "seconds": time.perf_counter() - began,
    }


if __name__ == "__main__":
    sys.exit(main())
