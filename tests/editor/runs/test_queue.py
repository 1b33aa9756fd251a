"""Runs in the background: results, scores, failures that stay with their song, cancelling."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.audio.demo import demo_folder, write_demo_mixture
from midistems_graph.document.files import load
from midistems_graph.document.graph import Address, Edge, Graph, Group, InputSlot, Node
from midistems_graph.editor.runs.job import Job, State
from midistems_graph.editor.runs.order import Order, Recipe
from midistems_graph.editor.runs.queue import Queue
from midistems_graph.engine.store import MemoryStore
from midistems_graph.node import Audio, NodeLibrary, Run, installed, node

SPLIT = (
    Graph(title="split")
    .with_node("song", Node("io.load"))
    .with_node("hpss", Node("separate.hpss"))
    .with_node("save", Node("io.save"))
    .with_edge("song.out", "hpss.mixture")
    .with_edge("hpss.out", "save.stems")
)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "夜に駆ける.wav"
    noise = np.random.default_rng(1).standard_normal((22050, 2)).astype(np.float32)
    soundfile.write(path, 0.1 * noise, 44100, subtype="FLOAT")
    return path


@pytest.fixture
def queue() -> Iterator[Queue]:
    made = Queue(installed(), MemoryStore)
    yield made
    made.close()


def ends(queue: Queue) -> list[State]:
    wait_for(lambda: not queue.is_busy)
    return [state for _, state in queue.jobs]


def wait_for(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_song_is_separated_into_files(queue: Queue, song: Path, tmp_path: Path) -> None:
    queue.add([Job(song, SPLIT, "split", output=tmp_path / "stems")])
    (state,) = ends(queue)
    assert state.status == "done" and state.came is not None
    stems = {output.stem: output.path for output in state.came.outputs}
    assert set(stems) == {"harmonic", "percussive", "residual"}
    total = sum(soundfile.read(path, dtype="float32")[0] for path in stems.values())
    assert np.allclose(total, soundfile.read(song, dtype="float32")[0], atol=1e-5)


def test_kept_edges_inside_a_group_are_scored(queue: Queue, song: Path) -> None:
    group = Group(
        nodes={"hpss": Node("separate.hpss"), "loud": Node("stems.pick", knobs={"name": "percussive"})},
        edges=frozenset({Edge.parse("hpss.out", "loud.stems")}),
        inputs={"in": (Address("hpss", "mixture"),)},
        outputs={"out": Address("hpss", "out")},
    )
    graph = Graph(groups={"split": group}).with_node("song", Node("io.load")).with_node("save", Node("io.save"))
    graph = (
        graph.with_node("box", Node("group:split")).with_edge("song.out", "box.in").with_edge("box.out", "save.stems")
    )
    queue.add([Job(song, graph, "split", edges=(Address("box/loud", "stem"), Address("song", "out")))])
    (state,) = ends(queue)
    assert state.came is not None, state.said
    levels = {figure.node: figure.value for figure in state.came.figures}
    assert levels.keys() == {"box/loud-stem", "song-out"} and levels["box/loud-stem"] < levels["song-out"] < 0


def test_what_one_song_lacks_does_not_stop_the_next(queue: Queue, song: Path, tmp_path: Path) -> None:
    gone, output = tmp_path / "gone.wav", tmp_path / "stems"
    queue.add([Job(gone, SPLIT, "split", output=output), Job(song, SPLIT, "split", output=output)])
    failed, done = ends(queue)
    assert failed.status == "failed" and "gone.wav" in failed.said[0]
    assert done.status == "done"


def test_a_graph_that_writes_nothing_says_so(queue: Queue, song: Path) -> None:
    queue.add([Job(song, Graph().with_node("song", Node("io.load")), "empty", output=song.parent)])
    (state,) = ends(queue)
    assert state.status == "failed" and "writes and measures nothing" in state.said[0]


@pytest.mark.slow
def test_with_true_stems_there_are_scores_and_without_a_folder_no_files(queue: Queue, tmp_path: Path) -> None:
    mixture = tmp_path / "Demo.wav"
    write_demo_mixture(mixture)
    graph = load(demo_folder().parent / "four_stems.json")
    queue.add([Job(mixture, graph, "four_stems", reference=demo_folder())])
    (state,) = ends(queue)
    assert state.status == "done" and state.came is not None and state.came.outputs == ()
    scores, mixed = state.came.scores["save"], state.came.mixture
    assert set(scores) == {"vocals", "drums", "bass", "other"}
    assert all(scores[name] > mixed[name] for name in scores)


def test_cancelling_ends_the_running_job_and_those_that_wait(song: Path, tmp_path: Path) -> None:
    @node("test.slow")
    def slow(audio: Audio, *, run: Run) -> Audio:
        """Wait to be cancelled."""
        for _ in range(1000):
            run.progress(0.0)
            time.sleep(0.05)
        return audio

    library = NodeLibrary.of([*installed(), slow])
    graph = SPLIT.without_nodes(["hpss"]).with_node("slow", Node("test.slow"))
    graph = graph.with_edge("song.out", "slow.audio").with_edge("slow.out", "save.stems")
    queue = Queue(library, MemoryStore)
    try:
        queue.add([Job(song, graph, "slow", output=tmp_path / "stems"), Job(song, SPLIT, "b", output=tmp_path / "b")])
        wait_for(lambda: queue.jobs[0][1].status == "running")
        queue.cancel()
        assert [state.status for state in ends(queue)] == ["cancelled", "cancelled"]
        queue.forget_finished()
        queue.add([Job(song, SPLIT, "after", output=tmp_path / "after")])
        assert [state.status for state in ends(queue)] == ["done"]
    finally:
        queue.close()


def test_further_inputs_are_bound_by_name_and_missing_ones_are_said(queue: Queue, song: Path, tmp_path: Path) -> None:
    other = tmp_path / "voice" / song.name
    other.parent.mkdir()
    soundfile.write(other, np.zeros((22050, 2), np.float32), 44100, subtype="FLOAT")
    graph = (
        Graph(inputs={"song": InputSlot(), "voice": InputSlot()})
        .with_node("song", Node("io.load"))
        .with_node("voice", Node("io.load", knobs={"input": "voice"}))
        .with_node("mix", Node("blend.mix"))
        .with_node("save", Node("io.save"))
        .with_edge("song.out", "mix.signals[0]")
        .with_edge("voice.out", "mix.signals[1]")
        .with_edge("mix.out", "save.stems")
    )
    order = Order((song,), (Recipe("mix", graph),), output=tmp_path / "stems")
    assert order.lacks == "choose a file or a folder for voice first"
    order = order.bound("voice", other)
    queue.add([*Order((song,), order.recipes, output=order.output).jobs(), *order.jobs()])
    failed, done = ends(queue)
    assert failed.status == "failed" and "further inputs (voice)" in failed.said[0]
    assert done.status == "done" and done.came is not None
    mixed = soundfile.read(done.came.outputs[0].path, dtype="float32")[0]
    assert np.allclose(mixed, soundfile.read(song, dtype="float32")[0], atol=1e-6)
    several = order.with_songs([tmp_path / "b.wav"]).bound("voice", other.parent)
    assert [job.inputs["voice"] for job in several.jobs()] == [other, other.parent]
