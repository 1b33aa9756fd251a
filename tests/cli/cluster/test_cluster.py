"""Songs on a Dask cluster: real schedulers and workers on this machine, the same files as without them."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import SPLIT_EDGES, Program, write_graph, write_song

from midistems_graph.cli.cluster.crew import _made
from midistems_graph.cli.codes import Refused
from midistems_graph.engine.cluster.scheduler import connected, is_open
from midistems_graph.engine.naming import temporary_name
from midistems_graph.engine.outputs import CannotWrite, OutputFolder
from s3_server import Server, free_port

pytest.importorskip("distributed")

import dask
import psutil  # type: ignore[import-untyped]

SLOW: dict[str, Any] = {"load": "io.load", "hpss": ("separate.hpss", {"harmonic_frames": 61}), "save": "io.save"}


class Machines:
    """A scheduler and workers, each in processes of its own, which go on from test to test as long as they live.

    Who talks to them needs the certificate that the page on clusters has people make.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tls = made_certificate(folder)
        self.address = f"{'tls' if self.tls else 'tcp'}://127.0.0.1:{free_port()}"
        self.store = Server()
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def ready(self, workers: int) -> None:
        """See to it that the scheduler and so many workers live."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self._begin_scheduler()
        for _ in range(workers - sum(process.poll() is None for process in self.workers)):
            self._begin_worker()

    def joined(self, workers: int) -> None:
        """Wait until so many workers take songs."""
        with dask.config.set(self.tls), connected(self.address) as client:
            client.wait_for_workers(workers, timeout=120)

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
        return sum(map(is_song, (child for it in alive for child in it.children(recursive=True))))

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


def is_song(process: psutil.Process) -> bool:
    try:
        return "song_worker" in str(process.cmdline())
    except psutil.NoSuchProcess:  # it has ended meanwhile
        return False


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


def separated_here(run: Program, home: Path, *, songs: int, seconds: float) -> Path:
    """A graph that takes its time; `here` has what it makes of some `songs` without a cluster."""
    (home / "songs").mkdir()
    for i in range(songs):
        write_song(home / "songs" / f"{i}.wav", seconds=seconds, seed=i)
    graph = write_graph(home / "slow.json", SLOW, *SPLIT_EDGES[:2])
    assert run(graph, "songs", "-o", "here", "--quiet").code == 0
    return graph


@pytest.mark.cluster
def test_songs_of_a_worker_that_is_killed_are_run_by_another(run: Program, home: Path, machines: Machines) -> None:
    graph = separated_here(run, home, songs=3, seconds=4)
    machines.ready(2)
    machines.joined(2)
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
    graph = separated_here(run, home, songs=4, seconds=1)
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
            for number in itertools.count():
                with song.writer("save", str(number)).output("vocals", "wav") as file:
                    file.path.write_bytes(bytes(1000))
                busy.set()
        except (OSError, CannotWrite):
            failed.set()

    with _made(made, "token"):
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        assert busy.wait(20)
    assert [path.name for path in there.iterdir()] == ["a stem.wav"]
    thread.join(60)
    assert failed.is_set() and [path.name for path in there.iterdir()] == ["a stem.wav"]


def test_the_hidden_folder_goes_and_an_output_folder_that_was_there_stays(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "there").mkdir()
    for folder in (home / "there", home / "new"):
        with _made(folder / temporary_name("cluster"), "token"):
            assert len(list(folder.iterdir())) == 1
    assert list(home.rglob("*")) == [home / "there"]

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(Refused, match="cannot be written: No space"), _made(home / "there" / "hidden", "token"):
        pass
    assert list(home.rglob("*")) == [home / "there"]


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
