"""The workers of a Dask cluster in the place of a batch's own processes: songs go there, their files come back.

A batch does not notice the difference: queue, manifest, retries and report are its own. Files come back into the
output folder under its one receipt, whoever made them.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from midistems_graph import __version__
from midistems_graph.audio.files import SoundFileError, open_sound
from midistems_graph.cli.batch.crew import Words, WorkerDied
from midistems_graph.cli.batch.fingerprint import looks
from midistems_graph.cli.batch.queue import Asked, first_words
from midistems_graph.cli.cluster.task import Run, end_there, run_there
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.engine.cluster.adoption import Adopter, Song
from midistems_graph.engine.cluster.blobs import NotThere, forget, receive, send
from midistems_graph.engine.cluster.policy import stretches, wanted_in_flight
from midistems_graph.engine.cluster.scheduler import TOPIC, ClusterProblem, connected, is_open, is_there
from midistems_graph.engine.naming import is_leftover, temporary_name
from midistems_graph.engine.outputs import CannotWrite, OutputFolder, OutputRefused
from midistems_graph.engine.store import StoreError
from midistems_graph.engine.store.shared import SharedFolder
from midistems_graph.models.library import ModelLibrary, ModelMissing
from midistems_graph.models.manifest import FILE_NAME
from midistems_graph.node.contract import ModelName

Told = Callable[[Words], Words | None]


class Cluster:
    """The places of a cluster, which a batch fills with songs; see `on_cluster`."""

    def __init__(
        self, client: Any, address: str, run: Run, folder: OutputFolder | None, shared: SharedFolder | None
    ) -> None:
        self.address, self.run = address, run
        self._client, self.shared = client, shared
        self._adopter = Adopter(folder) if folder is not None else None
        self._sent: dict[str, str] = {}
        self._models: dict[str, dict[str, str]] = {}
        self._told: dict[str, Told] = {}
        self._out: set[str] = set()
        client.subscribe_topic(TOPIC, self._hear)

    @property
    def wanted(self) -> int:
        """How many songs are to be handed out at a time."""
        return wanted_in_flight(self._places())

    def _places(self) -> int:
        """How many tasks the workers carry out at a time."""
        try:
            return sum(self._client.nthreads().values())
        except (OSError, TimeoutError, RuntimeError):  # RuntimeError: the client has closed
            raise self.gone() from None

    def hire(self) -> ClusterWorker:
        return ClusterWorker(self)

    # For one song

    def submitted(self, order: Words, told: Told) -> Any:
        """The future of a song, or of a stretch of one."""
        order = {**order, "id": secrets.token_hex(8), "models": self._models, "blob": self._sent.get(order["song"])}
        self._told[order["id"]] = told
        self._out.add(order["id"])
        future = self._client.submit(run_there, self.run, order, key=f"song-{order['id']}", pure=False)
        future.add_done_callback(lambda _: self._landed(order["id"]))
        return future

    def _landed(self, order: str) -> None:
        self._told.pop(order, None)
        self._out.discard(order)

    def stretches(self, song: Path) -> list[tuple[int, int]]:
        """The parts of a long song that idle workers are to compute before; they need a shared store."""
        if self.shared is None or self.run.windowed:
            return []
        try:
            with open_sound(song) as sound:
                seconds = sound.frames / sound.rate
        except SoundFileError:  # its run says so
            return []
        return stretches(seconds, self._places() - len(self._out) - 1)

    def send(self, what: str, name: str) -> None:
        """Put into the shared store what a worker does not have. Raises Refused."""
        if self.shared is None or what not in ("song", "model"):
            raise Refused(
                Exit.CLUSTER,
                f"the workers of {self.address} do not see the {what} {name}; put it where all machines see it under "
                "the same path, or name a shared store with --store",
            )
        try:
            if what == "song":
                self._sent[name] = send(self.shared, Path(name))
            else:
                model = ModelLibrary.default().find(name)
                files = (model.folder / FILE_NAME, *model.files)
                self._models[name] = {file.name: send(self.shared, file) for file in files}
        except OSError as error:
            raise Refused(Exit.INPUT, f"{name} cannot be read: {error.strerror or error}") from None
        except NotThere as error:
            raise Refused(Exit.CLUSTER, str(error)) from None

    def taken(self, over: Words, order: Words) -> Words:
        """What came of a song, its files taken over into the output folder."""
        if self._adopter is None or not over.get("outputs"):
            return over
        made = Path(over["made"])
        by_path = {Path(output["path"]).relative_to(made).as_posix(): output for output in over["outputs"]}
        nodes = [node["id"] for node in over["nodes"]]
        try:
            if "files" in over:
                made = Path(self.run.made) / secrets.token_hex(8)
                for path in by_path:
                    self._received(over["files"][path], made / path)
            became, problems = self._adopter.adopted(
                Song(made, over["receipt"], nodes, order["folder"], order["taken"])
            )
        except (CannotWrite, OutputRefused, NotThere) as error:
            return {**over, "outputs": [], "exit_code": Exit.OUTPUT, "cure": "", "problems": [str(error)]}
        outputs = [
            {**output, "path": str(became[path].path), "status": became[path].status}
            for path, output in by_path.items()
            if path in became
        ]
        return {**over, "outputs": outputs, "problems": [*over["problems"], *problems]}

    def _received(self, digest: str, path: Path) -> None:
        assert self.shared is not None
        receive(self.shared, digest, path)
        forget(self.shared, digest)

    def gone(self) -> Refused:
        return Refused(
            Exit.CLUSTER,
            f"the scheduler {self.address} does not answer any more; what is done is kept, and the same command goes "
            "on with the rest",
        )

    @property
    def is_there(self) -> bool:
        return is_there(self._client)

    def drop(self, future: Any) -> None:
        if self.is_there:
            with suppress(OSError, TimeoutError, RuntimeError):
                self._client.cancel([future], force=True)

    def end(self) -> None:
        """Let the workers end what they began for this run."""
        if self.is_there:
            with suppress(Exception):  # they end by themselves, too
                self._client.unsubscribe_topic(TOPIC)
                self._client.run(end_there, self.run.id)

    def _hear(self, event: tuple[object, Any]) -> None:
        _, words = event
        if isinstance(words, dict) and words.get("run") == self.run.id:
            told = self._told.get(str(words.get("song")))
            if told is not None:
                told(words)


class ClusterWorker:
    """One place among those of a cluster; like a batch's own worker."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._stopped = threading.Event()

    def run(self, order: Words, told: Told) -> Words:
        """Have a song run: what it came to. Raises WorkerDied, and Refused when the cluster is of no use."""
        path = Path(order["song"]).absolute()
        found = looks(path)
        if found is None:
            return {"exit_code": Exit.INPUT, "cure": "", "problems": [f"{path} is not there any more"], "outputs": []}
        order = {**order, "song": str(path), "size": found[0], "changed": found[1] / 1e9}
        parts = [{**order, "stretch": stretch} for stretch in self._cluster.stretches(path)]
        for over in self._over(parts, lambda _: None):
            if over.get("stopped"):
                return over
        (over,) = self._over([order], told)
        if "refused" in over:
            raise Refused(Exit.CLUSTER, over["refused"])
        if "died" in over:
            raise WorkerDied(over["died"], True)
        return over if over.get("stopped") else self._cluster.taken(over, order)

    def stop(self) -> None:
        self._stopped.set()

    def end(self) -> None:
        """The song was taken back when it was stopped."""

    def _over(self, orders: Sequence[Words], told: Told) -> Iterator[Words]:
        """What orders came to that are handed out together; what the workers do not have is sent after them."""
        flying = [self._cluster.submitted(order, told) for order in orders]
        for order, future in zip(orders, flying, strict=True):
            over = self._waited(future)
            while "unseen" in over:
                self._cluster.send(over["unseen"], over["name"])
                over = self._waited(self._cluster.submitted(order, told))
            yield over

    def _waited(self, future: Any) -> Words:
        from distributed import KilledWorker

        landed = threading.Event()
        future.add_done_callback(lambda _: landed.set())
        while not landed.wait(0.2):
            if self._stopped.is_set():
                self._cluster.drop(future)
                return {"stopped": True}
            if not self._cluster.is_there:
                raise self._cluster.gone()
        if future.status == "cancelled":
            raise self._cluster.gone()
        try:
            over: Words = future.result(timeout=60)
            return over
        except KilledWorker as killed:
            how = (
                f"it took down every worker that had it, {killed.last_worker.address} the last; is memory short there?"
            )
            return {"exit_code": Exit.NODE, "cure": "", "problems": [how], "outputs": []}
        except (OSError, TimeoutError) as error:
            if not self._cluster.is_there:
                raise self._cluster.gone() from None
            raise WorkerDied(f"its result did not arrive ({error})", True) from None


@contextmanager
def on_cluster(asked: Asked, folder: OutputFolder | None, say: Callable[[str], object]) -> Iterator[Cluster]:
    """The cluster that a batch asks for, while it lasts. `say` gets what people are to know. Raises Refused."""
    options, address = asked.options, asked.options.dask
    if options.report:
        raise Refused(Exit.USAGE, "--report needs all edges on this machine; run a song without --dask for its report")
    if options.trace:
        raise Refused(Exit.USAGE, "--trace tells of threads of this machine; run a song without --dask for its trace")
    if options.jobs or options.memory or options.cache_dir:
        say(
            "--jobs, --memory and --cache-dir are each worker's own, said when it is begun (midistems-graph worker "
            "--help); with --dask they do nothing here"
        )
    if is_open(address):
        say(
            f"{address} is not encrypted, and whoever reaches it can run programs on its workers: use tls:// or a "
            "network whose every user you trust"
        )
    made = (folder.folder if folder is not None else Path()).absolute() / temporary_name("cluster")
    try:
        with connected(address) as client:
            shared = SharedFolder(options.store, say) if options.store else None
            run = Run(
                secrets.token_hex(8),
                __version__,
                _first(asked),
                str(made),
                secrets.token_hex(16),
                options.store,
                _models(asked),
                tuple(str(path.absolute()) for path in _further(options)),
                windowed=options.window is not None,
            )
            with _made(made, run.token) if folder is not None else nullcontext():
                cluster = Cluster(client, address, run, folder, shared)
                if not client.nthreads():
                    say(f"no worker has joined {address} yet; start some with: midistems-graph worker {address}")
                try:
                    yield cluster
                finally:
                    cluster.end()
    except (ClusterProblem, StoreError) as error:
        raise Refused(Exit.CLUSTER, str(error)) from None


def _first(asked: Asked) -> Words:
    """What each process is told before all songs, with absolute paths."""
    options, words = asked.options, first_words(asked)
    further = [f"--input={name}={path.absolute()}" for name, path in options.input.items()]
    further += [f"--reference={options.reference.absolute()}"] if options.reference else []
    return {
        **words,
        # the receipt of a worker's own folder tells what it wrote
        "arguments": [word for word in words["arguments"] if word != "--no-receipt"] + further,
        "folder": str(asked.folder.absolute()),
        "inputs": [str(path.absolute()) for path in asked.inputs],
    }


def _further(options: argparse.Namespace) -> list[Path]:
    return [*options.input.values(), *([options.reference] if options.reference else [])]


def _models(asked: Asked) -> dict[str, str]:
    """Content digests of the models that the graph names."""
    graph, library = asked.wanted.graph, asked.library
    nodes = [node for body in (graph, *graph.groups.values()) for node in body.nodes.values()]
    names = {
        str(node.knobs.get(knob.name, knob.default))
        for node in nodes
        if (node_type := library.get(node.type)) is not None
        for knob in node_type.knobs
        if isinstance(knob.file, ModelName)
    }
    found = {}
    for name in sorted(names):
        with suppress(ModelMissing):  # a node that nothing depends on
            found[name] = ModelLibrary.default().find(name).digest
    return found


@contextmanager
def _made(made: Path, token: str) -> Iterator[None]:
    """The hidden folder in which workers write, gone afterwards, as is what runs that were killed have left."""
    was_there = made.parent.is_dir()
    try:
        for path in made.parent.glob(".midistems-*.cluster") if made.parent.is_dir() else ():
            if is_leftover(path, time.time()):
                shutil.rmtree(path, ignore_errors=True)
        made.mkdir(parents=True)
        (made / "token").write_text(token)
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise Refused(Exit.OUTPUT, f"{made.parent} cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        aside = made.parent / temporary_name("cluster")
        with suppress(OSError):  # under its name, workers that do not know yet would go on to fill it
            made.rename(aside)
        for path in (made, aside):
            shutil.rmtree(path, ignore_errors=True)
        if not was_there:
            with suppress(OSError):  # made for this run, and nothing came of it
                made.parent.rmdir()
