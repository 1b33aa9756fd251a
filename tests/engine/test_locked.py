"""Locked nodes: what they gave for a song is read in their place, with run-graph as in the editor."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midistems_graph.audio.codec import digest
from midistems_graph.audio.values import Audio
from midistems_graph.document.files import dumps, save
from midistems_graph.document.graph import Address, Edge, Graph, Group, Lock, Node
from midistems_graph.document.identity import graph_hash
from midistems_graph.engine.binding import Bindings, InputProblem
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.live.engine import LiveEngine
from midistems_graph.engine.locked import FOLDER, carry, keep, mentioned, sweep
from midistems_graph.engine.plan import PlanError, compile_plan
from midistems_graph.engine.store import MemoryStore
from midistems_graph.engine.wiring import Source
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors
from small_runs import CALLS, RATE, graph, library, write_song

GRAPH = graph(
    {
        "song": "io.load",
        "smooth": ("small.smooth", {"reach": 700}),
        "loud": ("small.scale", {"factor": 3.0}),
        "split": "small.split",
        "mean": "small.mean",
    },
    "song.out -> smooth.audio; smooth.out -> loud.audio; loud.out -> split.audio; smooth.out -> mean.audio",
)


class Bench:
    """A graph with a song, in a folder, with a store."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, MemoryStore()
        self.song = write_song(folder / "song.wav")

    def run(self, made: Graph, *ports: str, song: Path | None = None) -> Executor:
        bindings = Bindings.open({"song": song or self.song}, self.folder)
        plan = compile_plan(made, library(), bindings, outputs=[Address.parse(port) for port in ports])
        executor = Executor(plan, library(), store=self.store)
        executor.run()
        assert not executor.failures
        return executor

    def locked(self, made: Graph, node: str, *names: str) -> Graph:
        ports = [f"{node}.{name}" for name in names or ("out",)]
        ran = self.run(made, *ports)
        values = {name: ran.value(Source(node, name)) for name in names or ("out",)}
        return locked_to(made, node, keep(values, ran.plan.bindings.song_digest, self.folder))


def locked_to(made: Graph, node: str, lock: Lock | None) -> Graph:
    return made.with_node(node, replace(made.nodes[node], lock=lock))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(("node", "below"), [("smooth", "loud.out"), ("split", "split.out"), ("mean", "mean.out")])
def test_a_locked_node_gives_what_it_gave_and_nothing_below_runs_again(bench: Bench, node: str, below: str) -> None:
    source = Source(*below.split("."))
    first = bench.run(GRAPH, below).value(source)
    locked = bench.locked(GRAPH, node)
    before = CALLS.copy()
    again = bench.run(locked, below)
    assert before == CALLS, "neither the node, nor what is above or below it"
    assert digest(again.value(source)) == digest(first)
    assert "song" not in again.plan.nodes


def test_edits_above_a_lock_change_nothing_until_it_is_unlocked(bench: Bench) -> None:
    locked = bench.locked(GRAPH, "smooth")
    first = bench.run(locked, "loud.out").value(Source("loud", "out"))
    turned = locked.with_knob("smooth", "reach", 3).without_nodes(["song"])
    assert digest(first) == digest(bench.run(turned, "loud.out").value(Source("loud", "out")))
    free = locked_to(locked.with_knob("smooth", "reach", 3), "smooth", None)
    assert digest(first) != digest(bench.run(free, "loud.out").value(Source("loud", "out")))
    assert graph_hash(locked) != graph_hash(GRAPH), "a receipt tells that it was locked"


def test_what_stands_above_a_lock_alone_is_not_needed(bench: Bench) -> None:
    locked = bench.locked(GRAPH, "smooth").without_nodes(["mean", "split"])
    strange = locked.with_node("song", replace(locked.nodes["song"], type="pack.of_somebody_else"))
    assert errors(check(GRAPH.with_node("song", strange.nodes["song"]), library()))
    assert not errors(check(strange, library()))
    assert "song" not in bench.run(strange, "loud.out").plan.nodes


def test_a_node_of_a_pack_that_is_not_installed_is_heard_from_its_lock(bench: Bench) -> None:
    locked = bench.locked(GRAPH, "smooth").without_nodes(["mean", "split"])
    strange = locked.with_node("smooth", replace(locked.nodes["smooth"], type="pack.of_somebody_else"))
    assert not errors(check(strange, library()))
    assert bench.run(strange, "loud.out").value(Source("loud", "out"))


def test_a_bypassed_node_does_not_give_its_lock(bench: Bench) -> None:
    locked = bench.locked(GRAPH, "loud")
    bypassed = locked.with_node("loud", replace(locked.nodes["loud"], state="bypassed"))
    values = [bench.run(bypassed, port).value(Source("smooth", "out")) for port in ("loud.out", "smooth.out")]
    assert digest(values[0]) == digest(values[1])


def grouped(**state: Any) -> Graph:
    """The graph with two of its nodes in a group, which gives what either gives."""
    group = Group(
        nodes={i: GRAPH.nodes[i] for i in ("smooth", "loud")},
        edges=frozenset({Edge.parse("smooth.out", "loud.audio")}),
        inputs={"audio": (Address("smooth", "audio"),)},
        outputs={"out": Address("loud", "out"), "before": Address("smooth", "out")},
        knobs={"factor": (Address("loud", "factor"),)},
    )
    edges = [("song.out", "refine.audio"), ("refine.out", "split.audio"), ("refine.before", "mean.audio")]
    nodes = {i: GRAPH.nodes[i] for i in ("song", "split", "mean")} | {"refine": Node("group:refine", **state)}
    return Graph(nodes=nodes, edges=frozenset(Edge.parse(*ends) for ends in edges), groups={"refine": group})


@pytest.mark.parametrize("below", ["split.out", "mean.out"])
def test_a_locked_group_gives_what_it_gave_and_nothing_below_runs_again(bench: Bench, below: str) -> None:
    made, source = grouped(), Source(*below.split("."))
    first = bench.run(made, below).value(source)
    values = {port: bench.run(made, f"refine.{port}") for port in ("out", "before")}
    lock = keep(
        {port: ran.value(ran.plan.outputs[0]) for port, ran in values.items()},
        values["out"].plan.bindings.song_digest,
        bench.folder,
    )
    locked = locked_to(made, "refine", lock)
    before = CALLS.copy()
    again = bench.run(locked, below)
    assert before == CALLS and "song" not in again.plan.nodes
    assert digest(again.value(source)) == digest(first)
    turned = locked.with_knob("refine", "factor", 7.0)
    assert digest(bench.run(turned, below).value(source)) == digest(first)
    assert before == CALLS
    group = turned.groups["refine"].with_knob("smooth", "reach", 3)
    assert digest(bench.run(replace(turned, groups={"refine": group}), below).value(source)) == digest(first)


def test_another_song_is_refused(bench: Bench, tmp_path: Path) -> None:
    other = write_song(tmp_path / "other.wav", seed=5)
    with pytest.raises(InputProblem, match="smooth is locked to what it gave for another song; unlock it, or open"):
        bench.run(bench.locked(GRAPH, "smooth"), "loud.out", song=other)


def test_what_is_missing_or_damaged_is_said_in_a_sentence(bench: Bench) -> None:
    locked = bench.locked(GRAPH, "smooth")
    (file,) = (bench.folder / FOLDER).iterdir()
    content = file.read_bytes()
    for damage in (content[:-1], content[:40], b"", content[:-8] + b"\1\2\3\4" * 2, content[:30] + b"\xff" * 300):
        file.write_bytes(damage)
        with pytest.raises(InputProblem, match=r"what smooth\.out is locked to is damaged .*unlock it, or put"):
            bench.run(locked, "loud.out")
    file.unlink()
    with pytest.raises(InputProblem, match=r"what smooth\.out is locked to is not there"):
        bench.run(locked, "loud.out")
    outside = bench.folder.parent / "outside"
    outside.write_bytes(content)
    file.symlink_to(outside)
    with pytest.raises(InputProblem, match="the link leads out of its folder"):
        bench.run(locked, "loud.out")


def test_an_output_that_was_not_locked_is_told(bench: Bench) -> None:
    locked = bench.locked(GRAPH, "smooth")
    lock = locked.nodes["smooth"].lock
    assert lock is not None
    wrong = locked_to(locked, "smooth", replace(lock, outputs={"other": lock.outputs["out"]}))
    with pytest.raises(PlanError, match="smooth is locked without its output 'out'"):
        bench.run(wrong, "loud.out")


def test_the_live_engine_reads_a_lock_at_once(bench: Bench) -> None:
    locked = bench.locked(GRAPH, "smooth")
    live = LiveEngine(library(), MemoryStore(), jobs=1)
    live.show(locked, Bindings.open({"song": bench.song}, bench.folder))
    before = CALLS.copy()
    value = live.read(Address("smooth", "out"), (Fraction(12), Fraction(14)))
    live.close()
    assert before == CALLS
    first = bench.run(GRAPH, "smooth.out").value(Source("smooth", "out"), (Fraction(12), Fraction(14)))
    assert isinstance(value, Audio) and value.samples.shape[1] == 2 * RATE
    assert digest(value) == digest(first)


def test_behind_a_lock_a_preview_is_made_of_the_locked_stretch(bench: Bench) -> None:
    made = bench.locked(GRAPH, "smooth").with_node("norm", Node("small.normalise"))
    made = made.with_edge("smooth.out", "norm.audio").without_nodes(["song"])
    live = LiveEngine(library(), MemoryStore(), jobs=1)
    live.show(made, Bindings.open({"song": bench.song}, bench.folder))
    at = Address("norm", "out")
    live.want(at, (Fraction(11), Fraction(14)))
    while live.preview(at) is None:
        live.events.get(timeout=20)
    preview = live.preview(at)
    assert preview is not None and preview.stretch == (10, 15)
    value = preview.read(at, (Fraction(2), Fraction(4)))
    smooth = preview.read(Address("smooth", "out"), (Fraction(0), Fraction(5)))
    live.close()
    whole = bench.run(GRAPH, "smooth.out").value(Source("smooth", "out"))
    assert isinstance(value, Audio) and isinstance(smooth, Audio) and isinstance(whole, Audio)
    assert np.array_equal(smooth.samples, whole.samples[:, 10 * RATE : 15 * RATE])
    loudest = np.abs(smooth.samples).max()
    assert np.allclose(value.samples * loudest, smooth.samples[:, 2 * RATE : 4 * RATE], atol=1e-6)


def test_a_graph_that_is_saved_elsewhere_takes_its_locks_along(bench: Bench) -> None:
    locked = bench.locked(GRAPH, "smooth")
    elsewhere = bench.folder / "elsewhere"
    elsewhere.mkdir()
    carry(locked, bench.folder, elsewhere)
    first = bench.run(locked, "loud.out").value(Source("loud", "out"))
    bench.folder = elsewhere
    assert digest(bench.run(locked, "loud.out").value(Source("loud", "out"))) == digest(first)
    assert [path.name for path in (elsewhere / FOLDER).iterdir()] == list(locked.nodes["smooth"].lock.outputs.values())  # type: ignore[union-attr]


def test_what_no_graph_file_speaks_of_is_swept_and_nothing_else(bench: Bench) -> None:
    locked = [bench.locked(GRAPH.with_knob("loud", "factor", factor), "loud") for factor in (1.0, 2.0, 3.0, 4.0, 5.0)]
    saved, backed_up, autosaved, gone, strange = [made.nodes["loud"].lock.outputs["out"] for made in locked]  # type: ignore[union-attr]
    save(locked[1], bench.folder / "a.mgraph")
    save(locked[0], bench.folder / "a.mgraph")
    (bench.folder / ".b.json.autosave").write_bytes(dumps(locked[2]))
    (bench.folder / FOLDER / "notes.txt").write_text("mine")
    sweep(bench.folder, [saved, backed_up, autosaved, gone, "../a.mgraph"])
    left = {path.name for path in (bench.folder / FOLDER).iterdir()}
    assert left == {saved, backed_up, autosaved, strange, "notes.txt"}
    assert mentioned(bench.folder) >= {saved, backed_up, autosaved}
    assert (bench.folder / "a.mgraph").is_file()


def test_an_empty_folder_of_locks_goes(bench: Bench) -> None:
    lock = bench.locked(GRAPH, "loud").nodes["loud"].lock
    assert lock is not None
    sweep(bench.folder, lock.outputs.values())
    assert not (bench.folder / FOLDER).exists()
    sweep(bench.folder / "nowhere", lock.outputs.values())
