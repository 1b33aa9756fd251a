"""A worker's task, called here: a machine that sees neither song nor output folder of the one that asks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny
from command_line import Program, write_song

from midistems_graph import __version__
from midistems_graph.cli.batch.crew import Worker, WorkerDied
from midistems_graph.cli.cluster.crew import Cluster
from midistems_graph.cli.cluster.task import Refusal, Run, Unseen, _children, _have_model, _run, _Told, end_there
from midistems_graph.cli.codes import Refused
from midistems_graph.document.data import to_data
from midistems_graph.document.files import load
from midistems_graph.engine.cluster.blobs import NotThere, receive, send
from midistems_graph.engine.cluster.policy import stretches
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.receipt_book import read_receipt
from midistems_graph.engine.store import default_store_folder
from midistems_graph.engine.store.shared import SharedFolder
from midistems_graph.models.library import ENVIRONMENT, ModelLibrary, ModelMissing

pytest.importorskip("distributed")

from distributed import KilledWorker


def contents(files: Iterable[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in files}


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
    assert not list(Path(apart.worker.local_directory).rglob(apart.song.name))  # or a library would fill the disk
    taken = apart.cluster.taken(over, order)
    assert [output["status"] for output in taken["outputs"]] == ["written"] * 3
    assert run(split, apart.song, "-o", "here").code == 0
    made = [Path(output["path"]) for output in taken["outputs"]]
    assert contents(made) == contents(Path("here").glob("*.wav"))
    assert {path: e.key for path, e in read_receipt(Path("out"))[0].outputs.items()} == {
        path: e.key for path, e in read_receipt(Path("here"))[0].outputs.items()
    }
    blobs = [path for path in Path(apart.shared._root).rglob("files/*/*") if path.is_file()]
    assert [path.name for path in blobs] == [order["blob"]]  # files that have arrived are taken away
    end_there(apart.run.id, apart.worker)
    assert not any(Path(apart.worker.local_directory).iterdir())


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


def test_after_a_song_that_nobody_waits_for_any_more_the_worker_takes_the_next(apart: SimpleNamespace) -> None:
    order = {**apart.order, "blob": send(apart.shared, apart.song)}
    task = apart.worker.state.tasks["key"]
    task.state = "cancelled"
    assert "exit_code" not in _run(apart.run, order, apart.worker, "key")
    task.state = "executing"
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
    made = [Path(output["path"]) for output in taken["outputs"]]
    assert contents(made) == contents(Path("here").glob("*.wav"))


@pytest.mark.parametrize(
    ("seconds", "idle", "count"), [(3600, 3, 4), (3600, 0, 0), (200, 9, 0), (300, 9, 2), (7200, 64, 60)]
)
def test_long_songs_are_cut_between_tiles_for_idle_workers(seconds: float, idle: int, count: int) -> None:
    parts = stretches(seconds, idle)
    assert len(parts) == count
    if parts:
        assert parts[0][0] == 0 and parts[-1][1] >= seconds and all(start % 10 == 0 for start, _ in parts)
        assert all(before[1] == after[0] for before, after in pairwise(parts))


def test_two_that_want_a_file_at_a_time_both_get_it(
    apart: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, copy = send(apart.shared, apart.song), tmp_path / "here" / "song.wav"
    fetch = apart.shared.fetch

    def fetched(name: str, path: Path) -> bool:
        there: bool = fetch(name, path)
        monkeypatch.setattr(apart.shared, "fetch", fetch)
        receive(apart.shared, digest, copy)
        return there

    monkeypatch.setattr(apart.shared, "fetch", fetched)
    receive(apart.shared, digest, copy)
    assert contents([copy]) == contents([apart.song]) and list(copy.parent.iterdir()) == [copy]


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


@pytest.mark.parametrize(("limit", "places", "budget"), [(10 << 30, 1, 6 << 30), (10 << 30, 2, 3 << 30), (None, 1, 0)])
def test_a_song_works_within_its_share_of_the_worker(
    apart: SimpleNamespace, limit: int | None, places: int, budget: int
) -> None:
    apart.worker.memory_manager.memory_limit, apart.worker.state.nthreads = limit, places
    told = _Told("run", "1", apart.worker, "key", Worker({}))
    assert told({"asks": 1 << 40, "writes": 0}) == {"memory": budget}
