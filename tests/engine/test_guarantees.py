"""The engine's guarantees, each test named after one."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.document.graph import Address, Edge, Graph, Group, Node
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import PATIENCE, Executor
from midistems_graph.engine.plan import PlanError, compile_plan
from midistems_graph.engine.store import DiskStore, MemoryStore
from midistems_graph.node import Audio, NodeLibrary, Run, installed, node
from small_runs import RATE, TYPES, Ran, graph, library, run, split, write_song

CHAIN = graph(
    {
        "song": "small.tone",
        "smooth": ("small.smooth", {"reach": 700}),
        "half": "small.half",
        "loud": ("small.scale", {"factor": 3.0}),
        "norm": "small.normalise",
    },
    "song.out -> smooth.audio; smooth.out -> half.audio; half.out -> loud.audio; loud.out -> norm.audio",
)


# 1. Same samples


def test_same_samples_on_any_number_of_threads_and_with_any_store(tmp_path: Path) -> None:
    first = run(CHAIN, ["norm"], jobs=1).audio("norm")
    with DiskStore(tmp_path / "store", 1 << 30) as disk:
        for store, jobs in itertools.product((None, MemoryStore(), disk), (1, 2, 5)):
            assert np.array_equal(run(CHAIN, ["norm"], jobs=jobs, store=store).audio("norm"), first)


@settings(max_examples=25)
@given(start=st.fractions(0, 24), length=st.fractions(Fraction(1, 1000), 20))
def test_same_samples_in_any_window(start: Fraction, length: Fraction) -> None:
    stop = min(start + length, Fraction(25))
    part = run(CHAIN, ["norm"], window=(start, stop)).audio("norm")  # type: ignore[arg-type]
    lo, hi = -int(-start * RATE // 1), -int(-stop * RATE // 1)
    assert np.array_equal(part, WHOLE.audio("norm")[:, lo:hi])


WHOLE: Ran = run(CHAIN, ["norm"])


def test_tiles_equal_the_formula_over_the_whole_song() -> None:
    n = np.arange(25 * RATE)
    song = np.sin(2 * np.pi * 100 * n / RATE).astype(np.float32).astype(np.float64)
    kernel = np.ones(1401) / 1401
    expected = np.convolve(song, kernel, mode="same")
    assert np.max(np.abs(run(CHAIN, ["smooth"]).audio("smooth")[0] - expected)) < 1e-6


def test_same_key_whatever_is_only_shown_and_in_whatever_order_edges_were_drawn(tmp_path: Path) -> None:
    store = MemoryStore()
    run(CHAIN, ["norm"], store=store)
    shown = Graph(
        nodes=dict(reversed([(i, Node(n.type, n.version, n.knobs, label="a label")) for i, n in CHAIN.nodes.items()])),
        edges=CHAIN.edges,
        title="another title",
    )
    assert run(shown, ["norm"], store=store).calls == {}


def test_songs_of_different_length_never_share_what_a_source_gives() -> None:
    store = MemoryStore()
    made = graph(
        {"song": "small.tone", "half": "small.half", "norm": "small.normalise"},
        "song.out -> half.audio; half.out -> norm.audio",
    )
    for seconds in (15.0, 12.5):
        assert run(made, ["norm"], seconds=seconds, store=store).audio("norm").shape == (1, int(seconds * RATE))


# 2. Nothing twice


def test_nothing_runs_twice_with_an_unchanged_store(tmp_path: Path) -> None:
    with DiskStore(tmp_path / "store", 1 << 30) as store:
        assert run(CHAIN, ["norm"], store=store).calls["loud"] == 0
        again = run(CHAIN, ["norm"], store=store)
        assert again.calls == {}
        assert {again.status(n) for n in ("song", "smooth", "loud", "norm", "norm#model")} == {"cached"}
        assert again.status("half") == "derived"


def test_an_edit_runs_exactly_what_is_below_it() -> None:
    store = MemoryStore()
    run(CHAIN, ["norm"], store=store)
    ran = run(CHAIN.with_knob("loud", "factor", 2.5), ["norm"], store=store)
    assert ran.calls == {"half": 3, "scale": 3, "peak_of": 1, "normalise": 3}
    assert ran.status("smooth") == "cached"
    assert "knob factor: 3.0 -> 2.5" in ran.executor.reports["loud"].reason


def test_equal_results_cut_off_what_is_below() -> None:
    store = MemoryStore()
    made = graph(
        {
            "song": "small.tone",
            "quiet": ("small.scale", {"factor": 0.001}),
            "round": ("small.round", {"steps": 1}),
            "out": "small.scale",
        },
        "song.out -> quiet.audio; quiet.out -> round.audio; round.out -> out.audio",
    )
    run(made, ["out"], store=store)
    ran = run(made.with_knob("quiet", "factor", 0.002), ["out"], store=store)
    assert ran.calls == {"scale": 3, "round": 3}
    assert ran.status("out") == "cached"


def test_the_same_sound_in_another_file_is_the_same_song(tmp_path: Path) -> None:
    store = MemoryStore()
    made = graph({"song": "io.load", "out": "small.scale"}, "song.out -> out.audio")
    first = write_song(tmp_path / "a.wav")
    run(made, ["out"], song=first, store=store)
    data, rate = soundfile.read(first, dtype="float32")
    soundfile.write(tmp_path / "b.w64", data, rate, subtype="FLOAT")
    ran = run(made, ["out"], song=tmp_path / "b.w64", store=store)
    assert (ran.status("song"), ran.status("out"), ran.calls) == ("ran", "cached", {})


def test_a_window_and_the_whole_song_share_tiles() -> None:
    store = MemoryStore()
    run(CHAIN, ["loud"], store=store, window=(12, 13))
    ran = run(CHAIN, ["loud"], store=store)
    assert ran.units("loud", "cached") == 1
    assert ran.units("loud", "ran") == 2


# 3. Nothing half: see also test_outputs.py and store/


def test_a_lost_value_is_computed_again(tmp_path: Path) -> None:
    with DiskStore(tmp_path / "store", 1 << 30) as store:
        before = run(CHAIN, ["norm"], store=store).audio("norm").copy()
        for file in (tmp_path / "store" / "values").rglob("*"):
            if file.is_file():
                file.write_bytes(file.read_bytes()[:100])
    with DiskStore(tmp_path / "store", 1 << 30) as store:
        ran = run(CHAIN, ["norm"], store=store)
        assert not ran.executor.failures
        assert np.array_equal(ran.audio("norm"), before)


# 4. Nothing silent


def test_a_reference_of_another_length_is_said(tmp_path: Path) -> None:
    song, other = write_song(tmp_path / "song.wav", 12.0), write_song(tmp_path / "other.wav", 11.0)
    made = graph({"other": ("io.load", {"input": "other"})})
    ran = run(made, ["other"], inputs={"song": song, "other": other})
    assert ran.audio("other").shape[1] == 12 * RATE
    assert ran.executor.problems == ["other: other.wav is 1.00 s shorter than the song; silence is added at its end"]


# 5. Bounded


def test_memory_budget_holds_units_back_but_never_stops_the_run() -> None:
    nodes = {"song": "small.tone", **{f"n{i}": ("small.scale", {"factor": float(i)}) for i in range(6)}}
    made = graph(nodes, ";".join(f"song.out -> n{i}.audio" for i in range(6)))
    ran = run(made, [f"n{i}" for i in range(6)], jobs=4, memory=1, store=MemoryStore())
    assert not ran.executor.failures
    assert all(ran.status(f"n{i}") == "ran" for i in range(6))


def test_values_held_in_memory_are_freed_after_their_last_reader() -> None:
    ran = run(CHAIN, ["norm"])
    assert {unit.node for unit in ran.executor._holdings.held} == {"norm"}


def test_a_plan_of_too_many_units_is_refused_with_the_culprit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midistems_graph.engine.plan.MAX_UNITS", 1000)
    bindings = Bindings({}, RATE, Fraction(10 * 1001))
    with pytest.raises(PlanError, match=r"more than 1,000 units.*song"):
        compile_plan(graph({"song": "small.tone"}), library(), bindings, outputs=[Address("song", "out")])


# 6. Stoppable


@pytest.mark.parametrize("polls", [True, False])
def test_cancel_returns_within_half_a_second_and_keeps_what_was_computed(polls: bool) -> None:
    """Whatever a node does: it is waited for no longer than `PATIENCE`."""
    began, go_on = threading.Event(), threading.Event()

    @node("small.endless")
    def endless(audio: Audio, *, run: Run) -> Audio:
        """Works on until it is told to stop, or for as long as the test."""
        began.set()
        while not go_on.wait(0.01):
            if polls:
                run.check()
        return audio

    types = NodeLibrary.of([*library(), endless])
    made = graph({"song": "small.tone", "slow": "small.endless"}, "song.out -> slow.audio")
    store = MemoryStore()
    bindings = Bindings({}, RATE, Fraction(25))
    plan = compile_plan(made, types, bindings, outputs=[Address("slow", "out")])
    executor = Executor(plan, types, store=store, jobs=2)
    thread = threading.Thread(target=executor.run)
    thread.start()
    assert began.wait(10)
    executor.cancel()
    thread.join(30)
    ended = not thread.is_alive()
    go_on.set()
    assert ended and PATIENCE < 0.5
    assert executor.reports["slow"].status == "cancelled"
    assert run(graph({"song": "small.tone"}), ["song"], store=store).units("song", "cached") > 0


# 7. Local failure


def test_a_failed_node_fails_what_is_below_it_and_nothing_else() -> None:
    made = graph(
        {"song": "small.tone", "bad": "small.broken", "below": "small.scale", "beside": "small.scale"},
        "song.out -> bad.audio; bad.out -> below.audio; song.out -> beside.audio",
    )
    ran = run(made, ["below", "beside"], store=MemoryStore())
    assert [f.message for f in ran.executor.failures] == ["the mains hum is too loud; unplug something"]
    assert (ran.status("bad"), ran.status("below"), ran.status("beside")) == ("failed", "failed", "ran")
    assert ran.executor.reports["below"].reason == "needs bad, which failed"


def test_samples_that_are_not_numbers_name_node_and_time() -> None:
    ran = run(graph({"song": "small.tone", "nan": "small.nan"}, "song.out -> nan.audio"), ["nan"], store=MemoryStore())
    messages = [f.message for f in ran.executor.failures]
    assert "small.nan gave samples that are not numbers (NaN or infinite) at 10.00 s" in messages


# The rest of the contract


def test_muted_gives_silence_of_the_same_extent_and_bypassed_passes_its_input() -> None:
    for state in ("muted", "bypassed"):
        nodes = {**CHAIN.nodes, "loud": replace(CHAIN.nodes["loud"], state=state)}
        changed = replace(CHAIN, nodes=nodes)
        ran = run(changed, ["loud"], store=MemoryStore())
        if state == "muted":
            assert not ran.audio("loud").any() and ran.audio("loud").shape == (1, 25 * RATE)
        else:
            assert np.array_equal(
                ran.executor.value(ran.executor.plan.outputs[0]).samples, run(CHAIN, ["half"]).audio("half")
            )  # type: ignore[union-attr]


def test_a_number_edge_drives_a_knob() -> None:
    made = graph(
        {"song": "small.tone", "three": ("control.number", {"value": 3.0}), "loud": "small.scale"},
        "song.out -> loud.audio; three.out -> loud.factor",
    )
    plain = graph({"song": "small.tone", "loud": ("small.scale", {"factor": 3.0})}, "song.out -> loud.audio")
    assert np.array_equal(run(made, ["loud"], store=MemoryStore()).audio("loud"), run(plain, ["loud"]).audio("loud"))


def test_repeat_groups_unroll_and_every_iteration_can_be_heard() -> None:
    group = Group(
        nodes={"twice": Node("small.scale", knobs={"factor": 2.0})},
        inputs={"audio": (Address("twice", "audio"),)},
        outputs={"out": Address("twice", "out")},
        carry={"audio": "out"},
        repeat=3,
    )
    made = Graph(
        nodes={"song": Node("small.tone"), "loop": Node("group:loop")},
        edges=frozenset({Edge.parse("song.out", "loop.audio")}),
        groups={"loop": group},
    )
    ran = run(made, ["loop.out"], store=MemoryStore())
    song = ran.audio("song")
    for i, factor in ((1, 2), (2, 4), (3, 8)):
        assert np.array_equal(ran.audio(f"loop[{i}]/twice"), song * np.float32(factor))


def test_a_new_version_of_what_is_called_runs_its_caller_again(tmp_path: Path) -> None:
    song, store = write_song(tmp_path / "song.wav", 2.0), MemoryStore()
    edges = {Edge.parse("song.out", "apply.mixture"), Edge.parse("split.separator", "apply.separator")}
    made = Graph(
        nodes={"song": Node("io.load"), "split": Node("small.split"), "apply": Node("separate.apply")},
        edges=frozenset(edges),
    )
    newer = NodeLibrary.of([*installed(), *(t for t in TYPES if t is not split), replace(split, version="2.0.0")])
    statuses = []
    for nodes in (library(), library(), newer):
        bindings = Bindings.open({"song": song})
        plan = compile_plan(made, nodes, bindings, outputs=[Address("apply", "out")])
        executor = Executor(plan, nodes, store=store)
        executor.run()
        statuses.append(executor.reports["apply"].status)
        bindings.close()
    assert statuses == ["ran", "cached", "ran"]


@pytest.mark.parametrize("as_group", [False, True])
def test_a_separator_value_calls_the_node_or_group_behind_it(as_group: bool) -> None:
    nodes = {"song": Node("small.tone"), "apply": Node("separate.apply"), "split": Node("small.split")}
    edges = {Edge.parse("song.out", "apply.mixture"), Edge.parse("split.separator", "apply.separator")}
    groups = {}
    if as_group:
        nodes["split"] = Node("group:g")
        groups["g"] = Group(
            nodes={"s": Node("small.split")},
            inputs={"mix": (Address("s", "audio"),)},
            outputs={"out": Address("s", "out")},
        )
    made = Graph(nodes=nodes, edges=frozenset(edges), groups=groups)
    direct = graph({"song": "small.tone", "split": "small.split"}, "song.out -> split.audio")
    ran = run(made, ["apply"], store=MemoryStore())
    called = ran.executor.value(ran.executor.plan.outputs[0])
    expected_run = run(direct, ["split"])
    expected = expected_run.executor.value(expected_run.executor.plan.outputs[0])
    for name in ("low", "high"):
        assert np.array_equal(called[name].samples, expected[name].samples)  # type: ignore[index,union-attr]


def test_streams_see_every_sample_once() -> None:
    made = graph(
        {"song": "small.tone", "half": "small.half", "mean": "small.mean"},
        "song.out -> half.audio; half.out -> mean.audio",
    )
    ran = run(made, [], store=MemoryStore(), seconds=31.37)
    assert abs(ran.number("mean") - float(ran.audio("half").mean(dtype=np.float64))) < 1e-9
