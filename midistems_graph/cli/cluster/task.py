"""What a worker of a cluster does for one song: it hands it to a process like those of a batch on one machine.

The process writes into a folder of its own, inside the output folder where that is seen from here, and otherwise on
this machine; then its files go back through the shared store. Songs and models come by path, or through the shared
store by content, and are compared with what was meant before they are used.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midistems_graph import __version__
from midistems_graph.audio.demo import demo_mixture
from midistems_graph.cli.batch.crew import Words, Worker, WorkerDied
from midistems_graph.engine.cluster.adoption import told_of
from midistems_graph.engine.cluster.blobs import NotThere, receive, send
from midistems_graph.engine.cluster.scheduler import TOPIC
from midistems_graph.engine.store import StoreError, default_store_folder
from midistems_graph.engine.store.shared import SharedFolder
from midistems_graph.models.library import LibraryError, ModelLibrary, ModelMissing
from midistems_graph.models.manifest import FILE_NAME, ManifestError, read

JOBS = "MIDISTEMS_JOBS"
"""Environment variable in which `midistems-graph worker` tells its tasks how many threads a song may take."""

SHARE = 0.6
"""How much of a worker's memory a song's values in work may take; the rest is for networks, libraries and files."""

TOLD_EVERY = 1.0
"""Seconds between two words on how far a song is."""

SAME_TIME = 2.0
"""Seconds by which two machines may differ over when a file was changed: some file systems round."""


@dataclass(frozen=True)
class Run:
    """What is the same for all songs of a run.

    first     what each process is told first, with absolute paths
    made      the hidden folder in the output folder, and what the file `token` in it holds
    store     the address of the shared store, or nothing
    models    content digests by name of the models that the graph needs
    sees      files and folders that a worker has to see where they are: further inputs, true stems
    windowed  only a stretch of each song is asked for
    """

    id: str
    version: str
    first: Words
    made: str
    token: str
    store: str
    models: Mapping[str, str] = field(default_factory=dict)
    sees: tuple[str, ...] = ()
    windowed: bool = False


class Unseen(Exception):
    """Something is not on this machine that would have to come through the shared store."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(what, name)
        self.words = {"unseen": what, "name": name}


class Refusal(Exception):
    """This machine does not take part; one sentence."""


def run_there(run: Run, order: Words) -> Words:
    """A song of a run, on a worker: what it came to, as a process of a batch tells it.

    Or `died` (how its process ended), `unseen` (what has to be sent), `refused` (why nothing runs here).
    """
    from distributed import get_worker

    worker = get_worker()
    try:
        return _run(run, order, worker, worker.get_current_task())
    except Unseen as unseen:
        return unseen.words
    except (Refusal, NotThere, StoreError) as error:
        return {"refused": f"the worker {worker.name}: {error}"}


def end_there(run_id: str, dask_worker: Any = None) -> None:
    """The processes of a run are not needed any more. Dask puts in the worker: this is no task, which could ask."""
    for thread, child in list(_children(dask_worker).items()):
        if child.run_id == run_id:
            _children(dask_worker).pop(thread, None)
            child.end()
    shutil.rmtree(_scratch(dask_worker, run_id), ignore_errors=True)


@dataclass
class _Child:
    """A process that runs the songs of one run in one of a worker's threads, and the folder that it writes into."""

    run_id: str
    process: Worker
    folder: Path
    scratch: Path | None

    def end(self) -> None:
        self.process.stop()
        self.process.end()
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


def _children(worker: Any) -> dict[int, _Child]:
    children: dict[int, _Child] = vars(worker).setdefault("midistems_children", {})
    return children


def _run(run: Run, order: Words, worker: Any, key: object) -> Words:
    if run.version != __version__:
        raise Refusal(
            f"it has midistems-graph {__version__} and not {run.version}; install the same version everywhere"
        )
    shared = SharedFolder(run.store, print) if run.store else None
    scratch = _scratch(worker, run.id)
    for path in run.sees:
        if not Path(path).exists():
            raise Unseen("input", path)
    for name, digest in run.models.items():
        _have_model(name, digest, order.get("models", {}).get(name), shared)
    with _song(order, shared, scratch) as song:
        child = _child(run, worker, scratch, shared)
        told = _Told(run.id, order["id"], worker, key, child.process)
        words = {**order, "song": str(song), "jobs": _jobs(worker)}
        try:
            over = child.process.run(words, told)
        except WorkerDied as died:
            return {"died": str(died)}
    paths = [Path(output["path"]).relative_to(child.folder).as_posix() for output in over.get("outputs", [])]
    over |= {"made": str(child.folder), "receipt": told_of(child.folder, paths), "worker": str(worker.name)}
    if child.scratch is not None and shared is not None:
        over["files"] = {path: send(shared, child.folder / path) for path in paths}
        for path in paths:
            (child.folder / path).unlink()
    return over


def _scratch(worker: Any, run_id: str) -> Path:
    """Where songs that were fetched lie while they are read, and what processes write where the output is not seen."""
    return Path(worker.local_directory) / f"midistems-{run_id}"


def _child(run: Run, worker: Any, scratch: Path, shared: SharedFolder | None) -> _Child:
    """The process of this thread for a run; one that served another run, or was broken off, makes way."""
    children, thread = _children(worker), threading.get_ident()
    child = children.get(thread)
    if child is not None and child.run_id == run.id and not child.process.is_stopped:
        return child
    if child is not None:
        children.pop(thread, None)
        child.end()
    made, own = Path(run.made), None
    if not _is_seen(made, run.token):
        if shared is None:
            raise Unseen("output", str(made.parent))
        made = own = scratch / secrets.token_hex(4)
    folder = made / secrets.token_hex(8)
    # the last word on an option counts: what this machine decides comes after the command line
    arguments = [*run.first["arguments"], f"--output={folder}", f"--cache-dir={default_store_folder()}"]
    child = children[thread] = _Child(run.id, Worker({**run.first, "arguments": arguments}), folder, own)
    return child


def _is_seen(made: Path, token: str) -> bool:
    """Whether the output folder is the very one of the machine that asks."""
    try:
        return (made / "token").read_text() == token
    except OSError:
        return False


@contextmanager
def _song(order: Words, shared: SharedFolder | None, scratch: Path) -> Iterator[Path]:
    """The song's file: where it is said to lie if it is the same there, otherwise a copy out of the shared store.

    Each order has a copy of its own, which goes with it, so that a library does not pile up on the worker's disk.
    """
    path, blob = Path(order["song"]), str(order.get("blob") or "")
    if order["demo"] or _is_same(path, order):
        yield demo_mixture() if order["demo"] else path
        return
    if shared is None or not blob:
        raise Unseen("song", str(path))
    folder = scratch / f"song-{secrets.token_hex(8)}"
    try:
        receive(shared, blob, folder / path.name)
        yield folder / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_same(path: Path, order: Words) -> bool:
    """Whether a file that this machine sees is the one that was meant."""
    try:
        found = path.stat()
    except OSError:
        return False
    return bool(found.st_size == order["size"] and abs(found.st_mtime - order["changed"]) <= SAME_TIME)


def _have_model(name: str, digest: str, blobs: Mapping[str, str] | None, shared: SharedFolder | None) -> None:
    """Make sure that a model is in this machine's library, with that content."""
    library = ModelLibrary.default()
    try:
        found = library.find(name).digest
    except ModelMissing:
        if shared is None or not blobs:
            raise Unseen("model", name) from None
        found = _fetched_model(name, blobs, shared, library)
    if found != digest:
        raise Refusal(f"its model {name!r} is another one than yours; remove it there, or give it the same")


def _fetched_model(name: str, blobs: Mapping[str, str], shared: SharedFolder, library: ModelLibrary) -> str:
    try:
        with library.workshop() as folder:
            for file, blob in blobs.items():
                if Path(file).name != file:
                    raise Refusal(f"the model {name!r} names a file {file!r}, which is no plain name")
                receive(shared, blob, folder / file)
            manifest = read(folder / FILE_NAME)
            files = {each.file: folder / each.file for each in manifest.files}
            return library.add(manifest, files, link=False).digest
    except (LibraryError, ManifestError, ModelMissing) as error:
        raise Refusal(str(error)) from None


class _Told:
    """Hears what a process tells of its song: passes it on, and breaks the song off when nobody waits for it."""

    def __init__(self, run_id: str, song: str, worker: Any, key: object, process: Worker) -> None:
        self._whose = {"run": run_id, "song": song}
        self._worker, self._key, self._process = worker, key, process
        self._due = 0.0

    def __call__(self, words: Words) -> Words | None:
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state not in ("executing", "long-running"):
            self._process.stop()
            return None
        if "asks" in words:
            return {"memory": _memory(self._worker)}
        if "said" in words or "problem" in words or time.monotonic() >= self._due:
            self._due = time.monotonic() + TOLD_EVERY
            self._worker.log_event(TOPIC, {**self._whose, **words})
        return None


def _jobs(worker: Any) -> int:
    """Threads of a song: what was said, or the share of one of a worker's places in the cores of this machine."""
    text = os.environ.get(JOBS, "")
    return int(text) if text.isdecimal() else max(1, (os.cpu_count() or 1) // _places(worker))


def _memory(worker: Any) -> int:
    """Bytes for the values in work of a song; 0 where the worker has no limit."""
    return int((worker.memory_manager.memory_limit or 0) * SHARE) // _places(worker)


def _places(worker: Any) -> int:
    """Songs that a worker has at a time."""
    threads: int = worker.state.nthreads
    return max(1, threads)
