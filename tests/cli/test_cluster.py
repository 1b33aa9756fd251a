"""Songs on a Dask cluster: real schedulers and workers on this machine, the same files as without them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
from command_line import SPLIT_EDGES, Program, write_graph, write_song

from midistems_graph import __version__
from midistems_graph.cli.batch.crew import Worker, WorkerDied
from midistems_graph.cli.cluster.crew import Cluster, _made
from midistems_graph.cli.cluster.task import JOBS, Refusal, Run, Unseen, _children, _have_model, _run, _Told
from midistems_graph.cli.codes import Refused
from midistems_graph.document.data import to_data
from midistems_graph.document.files import load
from midistems_graph.engine.cluster.blobs import NotThere, receive, send
from midistems_graph.engine.cluster.policy import stretches
from midistems_graph.engine.cluster.scheduler import is_open
from midistems_graph.engine.naming import temporary_name
from midistems_graph.engine.outputs import CannotWrite, OutputFolder
from midistems_graph.engine.receipt_book import read_receipt
from midistems_graph.engine.store import default_store_folder
from midistems_graph.engine.store.shared import SharedFolder
from midistems_graph.models.library import ENVIRONMENT, ModelLibrary, ModelMissing
from s3_server import Server

pytest.importorskip("distributed")

import dask
import psutil  # type: ignore[import-untyped]
from distributed import KilledWorker

SLOW: dict[str, Any] = {"load": "io.load", "hpss": ("separate.hpss", {"harmonic_frames": 61}), "save": "io.save"}


class Machines:
    """A scheduler and workers, each in processes of its own, which go on from test to test as long as they live.

    Who talks to them needs the certificate that the page on clusters has people make.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tls = made_certificate(folder)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"{'tls' if self.tls else 'tcp'}://127.0.0.1:{free.getsockname()[1]}"
        self.store = Server()
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def ready(self, workers: int) -> None:
        """See to it that the scheduler and so many workers live."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self._begin_scheduler()
        for _ in range(workers - sum(process.poll() is None for process in self.workers)):
            self._begin_worker()

    def _begin_scheduler(self) -> None:
        port = self.address.rpartition(":")[2]
        self.scheduler = self._begin("distributed.cli.dask_scheduler", "--host=127.0.0.1", f"--port={port}",
                                     "--no-dashboard", "--protocol", self.address.partition(":")[0])  # fmt: skip

    def _begin_worker(self) -> None:
        number = len(self.workers)
        store = f"--cache-dir={self.folder / f'machine {number}'}"
        words = ("worker", self.address, "--jobs=1", store, f"--name=machine {number}")
        self.workers.append(self._begin("midistems_graph.cli.main", *words))

    @property
    def environment(self) -> dict[str, str]:
        """That of a process with the certificate."""
        words = {f"DASK_{name.replace('.', '__').replace('-', '_').upper()}": path for name, path in self.tls.items()}
        return {**os.environ, **words}

    def songs_at_work(self) -> int:
        """How many processes of songs the workers have."""
        alive = [psutil.Process(process.pid) for process in self.workers if process.poll() is None]
        return sum("song_worker" in str(child.cmdline()) for it in alive for child in it.children(recursive=True))

    def kill_worker(self, number: int) -> None:
        """Its process, the one that watches it, and those that run songs, at once."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait()

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _begin(self, module: str, *words: str) -> subprocess.Popen[bytes]:
        environment = {**self.environment, **self.store.environment}
        environment["DASK_TEMPORARY_DIRECTORY"] = str(self.folder / "scratch")
        command = [sys.executable, "-P", "-m", module, *words]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, start_new_session=True, env=environment, **quiet)


def made_certificate(folder: Path) -> dict[str, str]:
    """One certificate for all, as Dask's settings name it."""
    if shutil.which("openssl") is None:
        return {}
    key, cert = folder / "key.pem", folder / "cert.pem"
    words = ["req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "365", "-subj", "/CN=midistems"]
    subprocess.run(["openssl", *words, "-keyout", key, "-out", cert], check=True, capture_output=True)
    tls = "distributed.comm.tls"
    parts = [(f"{tls}.{who}", kind) for who in ("scheduler", "worker", "client") for kind in (key, cert)]
    return {f"{tls}.ca-file": str(cert)} | {f"{part}.{kind.stem}": str(kind) for part, kind in parts}


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    it = Machines(tmp_path_factory.mktemp("machines"))
    yield it
    it.end()


@pytest.fixture
def songs(home: Path) -> list[Path]:
    (home / "songs").mkdir()
    return [write_song(home / "songs" / f"{i}.wav", seconds=0.5 + i / 2, seed=i) for i in range(3)]


def contents(folder: Path) -> dict[str, bytes]:
    """The finished files in a folder."""
    try:
        files = sorted(folder.rglob("*.wav"))
    except FileNotFoundError:  # it comes and goes while a run looks whether it may write there
        return {}
    finished = [path for path in files if not path.relative_to(folder).parts[0].startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in finished}


def without_times(data: Any) -> Any:
    """A receipt or the document of `--json`, without what differs from run to run."""
    if isinstance(data, dict):
        changing = ("made", "seconds", "reason", "peak_memory_bytes", "changed", "tries")
        return {name: without_times(value) for name, value in data.items() if name not in changing}
    return [without_times(value) for value in data] if isinstance(data, list) else data


# The same as at home


@pytest.mark.cluster
def test_a_cluster_leaves_the_same_files_receipt_and_document(
    run: Program, split: Path, songs: list[Path], machines: Machines
) -> None:
    machines.ready(2)
    here = run(split, "songs", "-o", "here", "--json", "--quiet")
    with dask.config.set(machines.tls):
        there = run(split, "songs", "-o", "there", "--json", "--quiet", "--dask", machines.address)
        again = run(split, "songs", "-o", "there", "--json", "--quiet", "--dask", machines.address)
    assert (here.code, there.code) == (0, 0), there.err
    assert contents(Path("here")) == contents(Path("there")) and len(contents(Path("there"))) == 9
    assert without_times(read(Path("here/midistems.json"))) == without_times(read(Path("there/midistems.json")))
    mine, its = (
        sorted_rows(json.loads(ended.out.replace(name, "x"))) for ended, name in ((here, "here/"), (there, "there/"))
    )
    assert mine == its
    assert [path.name for path in Path("there").iterdir() if path.name.startswith(".")] == []
    assert again.code == 0 and {output["status"] for output in again.json["outputs"]} == {"up to date"}


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def sorted_rows(document: dict[str, Any]) -> Any:
    return {
        name: sorted(map(json.dumps, without_times(rows))) for name, rows in document.items() if isinstance(rows, list)
    }


# Faults


@pytest.mark.cluster
def test_songs_of_a_worker_that_is_killed_are_run_by_another(run: Program, home: Path, machines: Machines) -> None:
    (home / "songs").mkdir()
    for i in range(3):
        write_song(home / "songs" / f"{i}.wav", seconds=4, seed=i)
    graph = write_graph(home / "slow.json", SLOW, *SPLIT_EDGES[:2])
    assert run(graph, "songs", "-o", "here", "--quiet").code == 0
    machines.ready(2)
    store = machines.folder / "machine 0" / "values"
    before = len(list(store.glob("*/*")))
    process = start(machines, graph, "songs", "-o", "there")
    wait_until(lambda: len(list(store.glob("*/*"))) > before, process)
    machines.kill_worker(0)
    _out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert contents(Path("there")) == contents(Path("here")) and len(contents(Path("there"))) == 9
    assert not list(Path("there").glob(".midistems*"))


@pytest.mark.cluster
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_ends_early_frees_the_workers_and_goes_on_later(
    home: Path, machines: Machines, how: signal.Signals
) -> None:
    (home / "songs").mkdir()
    write_song(home / "songs" / "song.wav", seconds=3, seed=how)
    graph = write_graph(home / "slow.json", SLOW, *SPLIT_EDGES[:2])
    machines.ready(1)
    process = start(machines, graph, "songs", "-o", "there")
    wait_until(lambda: machines.songs_at_work() > 0, process)
    process.send_signal(how)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == (130 if how is signal.SIGINT else -how) and "Traceback" not in err, err
    assert how is signal.SIGKILL or not list(home.glob("there/.midistems*"))
    later = start(machines, graph, "songs", "-o", "there")
    _out, err = later.communicate(timeout=120)
    assert later.returncode == 0, err
    assert len(contents(Path("there"))) == 3 and not list(home.glob("there/.midistems*"))
    assert machines.songs_at_work() == 0


@pytest.mark.cluster
def test_a_shared_store_that_goes_and_comes_back_costs_a_sentence(run: Program, home: Path, machines: Machines) -> None:
    pytest.importorskip("moto.server")
    (home / "songs").mkdir()
    for i in range(4):
        write_song(home / "songs" / f"{i}.wav", seconds=1, seed=i)
    graph = write_graph(home / "slow.json", SLOW, *SPLIT_EDGES[:2])
    assert run(graph, "songs", "-o", "here", "--quiet").code == 0
    machines.ready(1)
    with machines.store as server:
        share = "s3://bucket/results"
        process = start(machines, graph, "songs", "-o", "there", "--store", share)
        wait_until(lambda: len(contents(Path("there"))) >= 3, process)
        held = urllib.request.urlopen(f"{server.url}/bucket?list-type=2").read().decode()
        server.stop()  # at once: other songs are still to be run
        wait_until(lambda: len(contents(Path("there"))) >= 9, process)
        server.start()
        _out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and "Traceback" not in err, err
    assert "results/units/" in held
    assert 0 < err.count("does not answer") <= len(machines.workers)  # each says it once
    assert contents(Path("there")) == contents(Path("here")) and len(contents(Path("there"))) == 12


def test_a_worker_that_goes_on_after_the_end_leaves_nothing_behind(tmp_path: Path) -> None:
    there, busy, failed = tmp_path / "there", threading.Event(), threading.Event()
    made = there / temporary_name("cluster")
    there.mkdir()
    (there / "a stem.wav").touch()

    def work() -> None:
        song = OutputFolder(made / "song").song("song", "digest")
        try:
            for number in range(1000):
                with song.writer("save", str(number)).output("vocals", "wav") as file:
                    file.path.write_bytes(bytes(1000))
                busy.set()
        except (OSError, CannotWrite):
            failed.set()

    with _made(made, "token"):
        thread = threading.Thread(target=work)
        thread.start()
        assert busy.wait(20)
    assert [path.name for path in there.iterdir()] == ["a stem.wav"]
    thread.join()
    assert failed.is_set() and [path.name for path in there.iterdir()] == ["a stem.wav"]


@pytest.mark.cluster
def test_a_scheduler_that_is_killed_is_one_sentence_and_the_rest_is_done_later(
    run: Program, home: Path, machines: Machines
) -> None:
    (home / "songs").mkdir()
    write_song(home / "songs" / "long.wav", seconds=8, seed=1)
    write_song(home / "songs" / "longest.wav", seconds=9, seed=2)
    graph = write_graph(home / "slow.json", SLOW, *SPLIT_EDGES[:2])
    machines.ready(1)
    process = start(machines, graph, "songs", "-o", "there", "--quiet")
    wait_until(lambda: len(contents(Path("there"))) == 3, process)
    assert machines.scheduler is not None
    machines.scheduler.kill()
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 11 and "Traceback" not in err, err
    said = [line for line in err.splitlines() if "no worker has joined" not in line]
    assert len(said) == 1 and "does not answer any more" in err and "goes on with the rest" in err
    assert len(contents(Path("there"))) == 3 and not list(Path("there").glob(".midistems*"))
    later = run(graph, "songs", "-o", "there", "--json")  # the same folder, without a cluster as well
    assert later.code == 0 and len(contents(Path("there"))) == 6
    became = {output["song"]: output["status"] for output in later.json["outputs"]}
    assert sorted(became.values()) == ["up to date", "written"]


@pytest.mark.cluster
def test_no_scheduler_is_one_sentence(run: Program, split: Path, song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midistems_graph.engine.cluster.scheduler.CONNECT", 0.3)
    ended = run(split, song, "--dask", "tcp://127.0.0.1:9")
    assert ended.code == 11 and len(ended.sentences) == 1 and "cannot be reached" in ended.sentences[0]


def start(machines: Machines, *words: object) -> subprocess.Popen[str]:
    """A run on the cluster, in a process of its own."""
    command = [sys.executable, "-m", "midistems_graph.cli.run_graph", *map(str, words), "--dask", machines.address]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=machines.environment, **pipes)


def wait_until(done: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    for _ in range(6000):
        if done():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("it does not come")


# Machines that see nothing of each other: the same task, called here


@pytest.fixture
def apart(home: Path, split: Path, song: Path, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A worker to which neither the song nor the output folder is there, and who asks for a song."""
    worker = SimpleNamespace(name="far", local_directory=str(tmp_path / "far"), log_event=print)
    worker.state = SimpleNamespace(nthreads=1, tasks={"key": SimpleNamespace(state="executing")})
    worker.memory_manager = SimpleNamespace(memory_limit=None)
    folder = OutputFolder(Path("out"))
    first = {
        "arguments": ["split.json"],
        "graph": to_data(load(split)),
        "folder": str(home),
        "several": False,
        "inputs": [],
    }
    run = Run("run", __version__, first, str(home / "out" / "made"), "token", f"file://{tmp_path / 'share'}")
    order = {"id": "1", "song": str(song), "size": 1, "changed": 0.0, "demo": False, "folder": "",
             "settings": [], "taken": [], "jobs": 1}  # fmt: skip
    shared = SharedFolder(run.store, print)
    cluster = Cluster(SimpleNamespace(subscribe_topic=print), "tcp://far:1", run, folder, shared)
    yield SimpleNamespace(worker=worker, run=run, order=order, cluster=cluster, shared=shared, song=song)
    for child in _children(worker).values():
        child.end()


def test_song_and_files_travel_through_the_shared_store(apart: SimpleNamespace, run: Program, split: Path) -> None:
    with pytest.raises(Unseen) as unseen:
        _run(apart.run, apart.order, apart.worker, "key")
    assert unseen.value.words == {"unseen": "song", "name": str(apart.song)}
    order = {**apart.order, "blob": send(apart.shared, apart.song)}
    over = _run(apart.run, order, apart.worker, "key")
    assert over["exit_code"] == 0 and len(over["files"]) == 3
    taken = apart.cluster.taken(over, order)
    assert [output["status"] for output in taken["outputs"]] == ["written"] * 3
    assert run(split, apart.song, "-o", "here").code == 0
    assert contents(Path("here")) == {
        Path(output["path"]).name: Path(output["path"]).read_bytes() for output in taken["outputs"]
    }
    assert {path: e.key for path, e in read_receipt(Path("out"))[0].outputs.items()} == {
        path: e.key for path, e in read_receipt(Path("here"))[0].outputs.items()
    }
    blobs = [path for path in Path(apart.shared._root).rglob("files/*/*") if path.is_file()]
    assert [path.name for path in blobs] == [order["blob"]]  # files that have arrived are taken away


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_a_song_whose_process_dies_is_run_again_in_a_new_one(apart: SimpleNamespace) -> None:
    order = {**apart.order, "blob": send(apart.shared, apart.song)}

    def kill(*_: object) -> None:
        for child in _children(apart.worker).values():
            assert child.process._process is not None
            child.process._process.kill()

    apart.worker.log_event = kill
    assert "SIGKILL" in _run(apart.run, order, apart.worker, "key")["died"]
    apart.worker.log_event = print
    assert _run(apart.run, order, apart.worker, "key")["exit_code"] == 0


def test_a_song_that_takes_down_its_workers_has_failed_and_one_whose_process_died_has_not(
    apart: SimpleNamespace,
) -> None:
    class Landed:
        """A future that is over, with what it came to."""

        status = "finished"
        over: dict[str, str] | None = None

        def add_done_callback(self, call: Callable[[object], object]) -> None:
            call(self)

        def result(self, timeout: float) -> dict[str, str]:
            if self.over is None:
                raise KilledWorker("song-1", SimpleNamespace(address="tcp://far:2"), 3)
            return self.over

    client = SimpleNamespace(submit=lambda *_, **__: Landed(), nthreads=lambda: {"tcp://far:2": 1}, status="running")
    apart.cluster._client = client
    over = apart.cluster.hire().run(apart.order, print)
    assert over["exit_code"] == 5 and "took down every worker" in over["problems"][0]
    assert "tcp://far:2" in over["problems"][0] and over["cure"] == ""
    Landed.over = {"died": "its process was killed"}
    with pytest.raises(WorkerDied, match="was killed") as died:
        apart.cluster.hire().run(apart.order, print)
    assert died.value.ready  # so it is tried again


def test_stretches_that_were_computed_before_are_found_by_the_run_of_the_song(
    apart: SimpleNamespace, home: Path, run: Program, split: Path
) -> None:
    song = write_song(home / "long.wav", seconds=13, rate=8000)
    found = song.stat()
    order = {**apart.order, "song": str(song), "size": found.st_size, "changed": found.st_mtime}
    made = replace(apart.run, first={**apart.run.first, "arguments": ["split.json", f"--store={apart.run.store}"]})
    for stretch in ((0, 10), (10, 20)):
        over = _run(made, {**order, "stretch": stretch}, apart.worker, "key")
        assert over["exit_code"] == 0 and over["outputs"] == []
        for child in _children(apart.worker).values():
            child.end()
            shutil.rmtree(default_store_folder())  # the next one is another machine
        _children(apart.worker).clear()
    over = _run(made, order, apart.worker, "key")
    units = {node["id"]: node["units"] for node in over["nodes"]}
    assert units["hpss"] == {"cached": 2} and len(over["files"]) == 3
    taken = apart.cluster.taken(over, order)
    assert run(split, song, "-o", "here", "--no-cache").code == 0
    assert contents(Path("here")) == {
        Path(output["path"]).name: Path(output["path"]).read_bytes() for output in taken["outputs"]
    }


@pytest.mark.parametrize(
    ("seconds", "idle", "count"), [(3600, 3, 4), (3600, 0, 0), (200, 9, 0), (300, 9, 2), (7200, 64, 60)]
)
def test_long_songs_are_cut_between_tiles_for_idle_workers(seconds: float, idle: int, count: int) -> None:
    parts = stretches(seconds, idle)
    assert len(parts) == count
    if parts:
        assert parts[0][0] == 0 and parts[-1][1] >= seconds and all(start % 10 == 0 for start, _ in parts)
        assert all(before[1] == after[0] for before, after in pairwise(parts))


def test_a_file_that_was_changed_on_its_way_is_refused(apart: SimpleNamespace, tmp_path: Path) -> None:
    digest = send(apart.shared, apart.song)
    apart.shared.publish(f"files/{digest[:2]}/{digest}", b"something else")
    with pytest.raises(NotThere, match="damaged"):
        receive(apart.shared, digest, tmp_path / "song.wav")
    assert not (tmp_path / "song.wav").exists() and apart.shared.refused == 1


def test_a_model_travels_by_its_content_and_other_bytes_are_refused(
    apart: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tiny.manifest("waveform", ("vocals", "rest"), name="split", parameters={"samples": 1000})
    model = tiny.stored(tmp_path / "mine", manifest, tiny.stacked(["b", 2, 1000], (0.75, 0.25)))

    def sent() -> dict[str, str]:
        monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "mine"))
        apart.cluster.send("model", "split")
        monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "theirs"))
        blobs: dict[str, str] = apart.cluster._models["split"]
        return blobs

    blobs = sent()
    with pytest.raises(Unseen):
        _have_model("split", model.digest, None, apart.shared)
    network = blobs["all.onnx"]
    apart.shared.publish(f"files/{network[:2]}/{network}", b"another network")
    with pytest.raises(NotThere, match="damaged"):
        _have_model("split", model.digest, blobs, apart.shared)
    with pytest.raises(ModelMissing):
        ModelLibrary.default().find("split")
    _have_model("split", model.digest, sent(), apart.shared)
    assert ModelLibrary.default().find("split").digest == model.digest
    with pytest.raises(Refusal, match="another one than yours"):
        _have_model("split", "0" * 64, blobs, apart.shared)


def test_what_no_worker_sees_is_one_sentence_without_a_shared_store(apart: SimpleNamespace) -> None:
    apart.cluster.shared = None
    with pytest.raises(Refused, match="--store") as refused:
        apart.cluster.send("song", "/music/song.wav")
    assert refused.value.code == 11


def test_another_version_of_the_program_is_refused(apart: SimpleNamespace) -> None:
    with pytest.raises(Refusal, match="same version everywhere"):
        _run(replace(apart.run, version="0.0.0"), apart.order, apart.worker, "key")


# Addresses


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("tcp://127.0.0.1:8786", True), ("localhost:8786", True), ("tls://far:8786", True), ("tcp://[::1]:8786", True),
     ("tcp://10.0.0.5:8786", False), ("far:8786", False), ("ws://far:8786", False), ("ucx://10.1.1.1:1", False)],
)  # fmt: skip
def test_only_plain_connections_beyond_this_machine_are_open(address: str, trusted: bool) -> None:
    assert is_open(address) is not trusted


def test_an_open_address_is_warned_of(run: Program, split: Path, song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midistems_graph.engine.cluster.scheduler.CONNECT", 0.1)
    monkeypatch.setattr("midistems_graph.engine.cluster.scheduler._LOOPBACK", ())
    ended = run(split, song, "--dask", "tcp://127.0.0.1:9", "--jobs", "2")
    assert ended.code == 11 and "not encrypted" in ended.err and "each worker's own" in ended.sentences[0]


def test_tls_without_certificates_is_one_sentence(run: Program, split: Path, song: Path) -> None:
    ended = run(split, song, "--dask", "tls://127.0.0.1:9")
    assert ended.code == 11 and len(ended.sentences) == 1 and "certificates" in ended.sentences[0]


@pytest.mark.parametrize("option", ["--report", "--trace"])
def test_what_only_this_machine_can_tell_is_refused(run: Program, split: Path, song: Path, option: str) -> None:
    ended = run(split, song, "--dask", "tcp://127.0.0.1:9", option, "page")
    assert ended.code == 2 and len(ended.sentences) == 1 and option in ended.sentences[0]


# What a worker may take


WANTS_3_GB = "import mmap; mmap.mmap(-1, 3 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)"


@pytest.fixture
def asked_of_dask(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What `midistems-graph worker` asks Dask for, and then what a process is told that wants 3 GB."""
    resource = pytest.importorskip("resource")
    asked: list[str] = []

    def main(words: list[str], **_: object) -> None:
        greedy = subprocess.run([sys.executable, "-c", WANTS_3_GB], capture_output=True, text=True)
        asked.extend([*words, greedy.stderr])

    monkeypatch.setattr("distributed.cli.dask_worker.main", main)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 4 << 30)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setenv(JOBS, "")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield asked
    resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
@pytest.mark.parametrize(
    ("words", "limit", "jobs"),
    [(["--memory", "2G"], 2, "4"), (["--jobs", "2"], 2, "2"), (["--jobs", "9"], 4, "9")],
)
def test_a_worker_keeps_its_songs_within_its_memory(
    midistems: Program, asked_of_dask: list[str], words: list[str], limit: int, jobs: str
) -> None:
    assert midistems("worker", "tcp://127.0.0.1:9", "--name", "x", *words).code == 0
    assert {f"--memory-limit={limit << 30}", "--name=x", "--nthreads=1"} < set(asked_of_dask)
    assert ("Cannot allocate" in asked_of_dask[-1]) == (limit < 3) and os.environ[JOBS] == jobs


@pytest.mark.parametrize(("limit", "places", "budget"), [(10 << 30, 1, 6 << 30), (10 << 30, 2, 3 << 30), (None, 1, 0)])
def test_a_song_works_within_its_share_of_the_worker(
    apart: SimpleNamespace, limit: int | None, places: int, budget: int
) -> None:
    apart.worker.memory_manager.memory_limit, apart.worker.state.nthreads = limit, places
    told = _Told("run", "1", apart.worker, "key", Worker({}))
    assert told({"asks": 1 << 40, "writes": 0}) == {"memory": budget}
