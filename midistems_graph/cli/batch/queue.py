"""Many songs: which of them are not done yet, several at a time, each in one of a few processes, until all are over.

Nothing is opened before its turn comes. A song whose run was broken off by what may pass (a worker's death, memory, a
share that was away) is tried again after the others, the last time alone; one that is at fault itself is not. Songs
whose files could have the same name keep their order, so that names do not hang on which was quicker.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from midistems_graph.cli.asked import output_folder, templates
from midistems_graph.cli.batch.crew import Allowance, Crew, Hand, Words, Worker, WorkerDied, usual_total
from midistems_graph.cli.batch.fingerprint import fingerprint, looks, with_files
from midistems_graph.cli.batch.knob_table import Settings
from midistems_graph.cli.batch.manifest import Entry, Manifest
from midistems_graph.cli.batch.progress import Shown, shown
from midistems_graph.cli.batch.result import (
    MadeFrom,
    Results,
    conclude,
    entry_of,
    print_forecasts,
    print_songs,
    together,
)
from midistems_graph.cli.batch.watching import Watched
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import clean, in_bytes, in_seconds
from midistems_graph.cli.result import Report, peak_memory
from midistems_graph.cli.settings import with_settings
from midistems_graph.cli.songs import Song, Sources
from midistems_graph.document.data import to_data
from midistems_graph.document.graph import Graph
from midistems_graph.engine.augment import Wanted
from midistems_graph.engine.cluster.policy import largest_first
from midistems_graph.engine.naming import folded, path_for
from midistems_graph.engine.outputs import CannotWrite, OutputFolder
from midistems_graph.engine.room import free_bytes
from midistems_graph.node.library import NodeLibrary

TRIES = 3
"""How often a song is run whose failure may pass."""

LAST_WORDS = 2.0
"""Seconds for what came of a song that was over when the batch was stopped."""

PAUSE = 2.0
"""Seconds before the second try of a song; before the third it is twice as long."""


@dataclass
class Task:
    """A song of the batch. `group` is the same for songs whose files could have the same name."""

    number: int
    song: Song
    settings: Settings
    group: str
    key: str
    size: int
    tries: int = 0
    not_before: float = 0.0
    alone: bool = False


@dataclass(frozen=True)
class Asked:
    """What a batch is asked for. `knobs` gives the settings of a song."""

    options: argparse.Namespace
    graph: Graph
    wanted: Wanted
    library: NodeLibrary
    folder: Path
    sources: Sources
    knobs: Callable[[Song], Settings] = lambda _: ()
    inputs: Sequence[Path] = ()


@dataclass
class Batch:
    """A batch at work; `run` blocks until it is over or interrupted."""

    asked: Asked
    report: Report
    people: Console
    display: Shown
    manifest: Manifest
    more: Callable[[], Iterable[Song]] | None = None
    """New songs, asked for again and again until the batch is interrupted."""

    crew: Crew | None = None
    """Where songs are run, if not in processes here."""

    results: Results = field(default_factory=Results)
    left: int = 0
    """Songs at work and those that wait."""

    full: str = ""
    """Why nothing more can be written, once that is so."""

    def __post_init__(self) -> None:
        options = self.asked.options
        self._jobs = options.jobs or os.cpu_count() or 1
        self._changed = threading.Condition()
        self._queue: deque[Task] = deque()
        self._busy: dict[int, Task] = {}
        self._numbers: dict[str, int] = {}
        self._claims: dict[str, dict[str, list[str]]] = {}
        self._prints: dict[Settings, str] = {}
        self._noted: set[str] = set()
        self._stopped = self._looked_ahead = False
        self._broken: BaseException | None = None
        names = templates(self.asked.wanted, self.asked.library, options)
        self._template = next((name for name in names if name and "{song}" not in name), names[0] if names else "")
        self._networks = self._has_networks()

    # What is asked from outside

    def add(self, songs: Iterable[Song]) -> None:
        """Put songs into the queue. What comes of one that was run before takes the place of what came of it then."""
        with self._changed:
            waiting = {task.key for task in self._queue}
        tasks = [task for task in map(self._task, songs) if task.key not in waiting]
        if self.crew is not None or self._jobs > 1:
            tasks = in_turn(tasks)
        with self._changed:
            self.left += len(tasks)
            self._queue += tasks
            self._changed.notify_all()
        self.display.expect(len(tasks), float(sum(task.size for task in tasks)))

    @property
    def total(self) -> int:
        """How many songs there have been so far."""
        return len(self._numbers)

    @property
    def at_once(self) -> int:
        """How many songs are at work at a time."""
        return self._count

    def run(self) -> None:
        """Until all songs are over. Raises KeyboardInterrupt, with what was done kept."""
        count = 1 if self._networks else max(1, min(self._jobs, len(self._queue) if self.more is None else self._jobs))
        self._count = count
        self._memory = Allowance(self.asked.options.memory or usual_total(), count)
        workers: list[Hand] = []
        threads: list[threading.Thread] = []
        try:
            while True:
                wanted = count if self.crew is None else min(self.crew.wanted, len(workers) + len(self._queue))
                for slot in range(len(workers), wanted):
                    workers.append(Worker(first_words(self.asked)) if self.crew is None else self.crew.hire())
                    serve = threading.Thread(
                        target=self._serve, args=(slot, workers[slot]), name=f"songs-{slot}", daemon=True
                    )
                    threads.append(serve)
                    serve.start()
                if not any(thread.is_alive() for thread in threads):
                    break
                with self._changed:
                    self._changed.wait(0.5)
                if self.more is not None:
                    self.add(self.more())
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
            for worker in workers:
                worker.stop()
            for worker in workers:
                worker.end()
            deadline = time.monotonic() + LAST_WORDS
            for thread in threads:  # a song that was just done is still to be counted
                thread.join(max(0.0, deadline - time.monotonic()))
            self.manifest.write()
        if self._broken is not None:
            raise self._broken

    # One worker after another song

    def _serve(self, slot: int, worker: Hand) -> None:
        try:
            while (task := self._next(slot)) is not None:
                try:
                    self._one(slot, worker, task)
                finally:
                    self._memory.give_back(slot)
                    with self._changed:
                        self._busy.pop(slot, None)
                        self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self._broken = self._broken or error
                self._stopped = True
                self._changed.notify_all()

    def _next(self, slot: int) -> Task | None:
        """The next song whose turn it is, once there is one; None when there will be none."""
        with self._changed:
            while not self._stopped:
                task = self._ready()
                if task is not None:
                    self._queue.remove(task)
                    self._busy[slot] = task
                    return task
                if not self._queue and not self._busy and self.more is None:
                    self._changed.notify_all()
                    return None
                self._changed.wait(0.5)
            return None

    def _ready(self) -> Task | None:
        at_work = {task.group for task in self._busy.values()}
        if any(task.alone for task in self._busy.values()):
            return None
        now, passed = time.monotonic(), set(at_work)
        for task in self._queue:
            if task.group not in passed and task.not_before <= now and not (task.alone and self._busy):
                return task
            passed.add(task.group)
        return None

    def _one(self, slot: int, worker: Hand, task: Task) -> None:
        seen, identity = looks(task.song.path), self._identity(task)
        known = None if self._looked_at_anyway else self.manifest.finished(task.key, seen, identity)
        if known is not None:
            self._was_done(task, known)
            return
        self.display.begin(slot, task.song.shown)
        task.tries += 1
        began = time.perf_counter()
        try:
            over = worker.run(self._order(task), lambda words: self._told(slot, task, words))
        except WorkerDied as died:
            if self._stopped:
                return
            if not died.ready:
                raise RuntimeError(f"a worker of the batch cannot begin: {died}") from None
            over = {"cure": "again", "exit_code": Exit.NODE, "problems": [str(died)]}
        if over.get("stopped"):
            return
        over.setdefault("seconds", time.perf_counter() - began)
        self._over(slot, task, over, seen, identity)

    @property
    def _looked_at_anyway(self) -> bool:
        options = self.asked.options
        return bool(options.report or options.trace or options.no_receipt)

    def _told(self, slot: int, task: Task, words: Words) -> Words | None:
        if "asks" in words:
            self._look_ahead(task, int(words.get("writes", 0)))
            granted = self._memory.grant(slot, int(words["asks"]))
            return {"memory": granted if self.asked.options.memory else 0}
        if "done" in words:
            self.display.move(slot, float(words["done"]), str(words["node"]), float(task.size))
        elif "problem" in words:
            with self._changed:
                self.report.problem(str(words["problem"]))
        elif "said" in words:
            self._say(f"{task.song.shown}: {words['said']}")
        return None

    def _look_ahead(self, task: Task, writes: int) -> None:
        """Once, when the first song is planned: say so if all of them will not fit on the disk."""
        with self._changed:
            if self._looked_ahead or not task.size:
                return
            self._looked_ahead = True
            left = task.size + sum(other.size for other in self._queue if not self.manifest.is_done(other.key))
        folder = self.asked.options.output
        needs, free = writes * left // task.size, free_bytes(folder)
        if free is not None and needs > free:
            self.report.problem(
                f"all songs together will write about {in_bytes(needs)}, and {in_bytes(free)} are free on the disk of "
                f"{folder}; make room before it is full, or choose a smaller --format"
            )

    # What came of a song

    def _over(self, slot: int, task: Task, over: Mapping[str, Any], seen: Any, identity: str) -> None:
        code, cure = Exit(over["exit_code"]), over.get("cure", "")
        sentences = list(over["problems"])
        if cure == "again" and task.tries < TRIES:
            self.display.pause(slot, task.song.shown, f"{_last(sentences)}; it is tried again later")
            with self._changed:
                task.not_before = time.monotonic() + PAUSE * task.tries
                task.alone = task.tries == TRIES - 1 and self.crew is None
                self._queue.append(task)
            return
        if cure == "room":
            with self._changed:
                if not self.full:
                    self.full = _last(sentences)
                self._queue.append(task)
                self._stopped = True
                self._changed.notify_all()
            self.display.pause(slot, task.song.shown, "there is no room on the disk")
            return
        if task.tries > 1 and code is not Exit.DONE:
            sentences = [*sentences[:-1], f"{sentences[-1]} (tried {task.tries} times)"] if sentences else []
        made_from = MadeFrom(task.key, task.song.name, seen or (0, 0), identity, task.settings)
        entry = entry_of(made_from, over, code, sentences, task.tries, self.asked.options.output)
        with self._changed:
            for sentence in sentences:
                if code is not Exit.DONE or sentence not in self._noted:  # such as that the disk of the store is full
                    self.report.problem(sentence, task.song.shown)
            self._noted.update(sentences)
            self._claim(task, entry)
            self.results.add(task.number, task.song, entry, over)
            self.left -= 1
        if not self.asked.options.dry_run:
            self.manifest.put(entry)  # before it is told: what people saw done stays done
        self.display.end(slot, task.song.shown, _words(code, entry), float(task.size))

    def _was_done(self, task: Task, entry: Entry) -> None:
        with self._changed:
            self._claim(task, entry)
            self.results.add_earlier(task.number, task.song, entry, self.asked.options.output)
            self.left -= 1
        self.display.expect(-1, -float(task.size))

    def _claim(self, task: Task, entry: Entry) -> None:
        self._claims.setdefault(task.group, {})[task.key] = [output["path"] for output in entry.outputs]

    # What a worker is told

    def _order(self, task: Task) -> Words:
        with self._changed:
            left = len(self._busy) + len(self._queue)
            claims = self._claims.get(task.group, {})
            taken = [path for key, paths in claims.items() if key != task.key for path in paths]
        return {
            "song": str(task.song.path),
            "demo": task.song.is_demo,
            "folder": task.song.folder,
            "settings": list(task.settings),
            "jobs": max(1, self._jobs // max(1, 1 if task.alone else min(self._count, left))),
            "taken": taken,
        }

    def _task(self, song: Song) -> Task:
        fields = {"song": song.name, "folder": song.folder, "stem": "stem", "node": "node"}
        key = os.path.relpath(os.path.realpath(song.path), os.path.realpath(self.asked.options.output))
        found = looks(song.path)
        size = found[0] if found and isinstance(found[0], int) else 0
        number = self._numbers.setdefault(key, len(self._numbers))
        return Task(number, song, self.asked.knobs(song), folded(path_for(self._template, fields, "x")), key, size)

    def _identity(self, task: Task) -> str:
        asked = self.asked
        if task.settings not in self._prints:
            graph = with_settings(asked.graph, asked.library, task.settings)
            self._prints[task.settings] = fingerprint(graph, asked.library, asked.folder, asked.options)
        return with_files(self._prints[task.settings], asked.sources.beside(task.song))

    def _has_networks(self) -> bool:
        """Networks have all cores and much memory for themselves: one song at a time."""
        graph, library = self.asked.wanted.graph, self.asked.library
        nodes = [node for body in (graph, *graph.groups.values()) for node in body.nodes.values()]
        types = [library.get(node.type) for node in nodes]
        return any(one is not None and one.resident is not None for one in types)

    def _say(self, text: str) -> None:
        if not self.asked.options.quiet:
            self.people.print(clean(text))


def in_turn(tasks: Sequence[Task]) -> list[Task]:
    """The largest first, so that at the end no hand is left alone with a long one; those of a group in their order."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task.group, []).append(task)
    in_order = {group: iter(members) for group, members in groups.items()}
    return [next(in_order[task.group]) for task in largest_first(tasks, lambda task: task.size)]


def _words(code: Exit, entry: Entry) -> str:
    return f"done in {in_seconds(entry.seconds)}" if code is Exit.DONE else "failed"


def _last(sentences: Sequence[str]) -> str:
    return sentences[-1] if sentences else "it failed"


def run_batch(asked: Asked, songs: Sequence[Song], report: Report, people: Console, results: Console) -> None:
    """Run a batch and say what came of it. Raises Refused and KeyboardInterrupt."""
    options = asked.options
    folder = output_folder(options, asked.wanted, asked.library, [song.path for song in songs])
    keeps = folder is not None and not options.no_receipt
    manifest = Manifest(options.output, report.problem, read=keeps, kept=keeps and not options.dry_run)
    asked = replace(asked, inputs=[song.path for song in songs if _lies_in(song.path, options.output)])
    more = Watched(options.watch, options.output, songs, options.shard) if options.watch else None
    with shown(people, options.quiet) as display, _crew(asked, folder, report) as crew:
        batch = Batch(asked, report, people, display, manifest, more, crew)
        batch.add(songs)
        stopped = False
        try:
            batch.run()
        except KeyboardInterrupt:  # the usual end of a watch that waits
            stopped = more is None or batch.left > 0
        except Refused as refused:  # what is done is told all the same
            report.refuse(refused)
        if folder is not None:
            with suppress(CannotWrite):  # the log is part of the receipt
                folder.settle()
        batch.results.gather(report, nodes=options.json)
    if options.dry_run:
        own = peak_memory() or 0
        report.together = together(report.forecast, batch.at_once, begin=time.process_time(), memory=own)
    if batch.full:
        report.ended.append(Exit.OUTPUT)
        waits = f"{batch.left} of {batch.total} songs wait"
        report.problem(f"{batch.full.rstrip('.')}; {waits}; when there is room, run the same again.")
    if not options.json and not options.quiet:
        if options.dry_run:
            print_forecasts(batch.results, report.together, results)
        else:
            print_songs(batch.results, results)
    if not options.quiet:
        conclude(batch.results, batch.total, report.seconds, people, foretold=options.dry_run)
    if stopped:
        raise KeyboardInterrupt


def first_words(asked: Asked) -> Words:
    """What a worker is told before all songs."""
    return {
        "arguments": asked.options.arguments,
        "graph": to_data(asked.graph),
        "folder": str(asked.folder),
        "several": asked.sources.several,
        "inputs": [str(path) for path in asked.inputs],
    }


def _crew(asked: Asked, folder: OutputFolder | None, report: Report) -> AbstractContextManager[Crew | None]:
    """Who runs the songs, if not processes here."""
    if not asked.options.dask or asked.options.dry_run:
        return nullcontext()
    from midistems_graph.cli.cluster.crew import on_cluster

    return on_cluster(asked, folder, report.problem)


def _lies_in(song: Path, folder: Path) -> bool:
    return Path(os.path.realpath(song)).is_relative_to(os.path.realpath(folder))
