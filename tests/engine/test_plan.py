"""Plans: which units there are, what they read, how bypassing, contexts and functions are resolved."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.document.graph import Address, Edge, Graph, Group, InputSlot, Node
from midistems_graph.engine.binding import Bindings, InputProblem
from midistems_graph.engine.plan import MODEL, ONCE, Plan, PlanError, Unit, compile_plan
from midistems_graph.engine.store import MemoryStore
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import WHOLE
from small_runs import RATE, graph, library, run

SMOOTHED = graph(
    {"song": "small.tone", "smooth": ("small.smooth", {"reach": 2 * RATE}), "end": "small.scale"},
    "song.out -> smooth.audio; smooth.out -> end.audio",
)


def plan(made: Graph, *wanted: str, seconds: float = 35.0, window: tuple[int, int] | None = None) -> Plan:
    stretch = None if window is None else (Fraction(window[0]), Fraction(window[1]))
    ports = [Address.parse(port if "." in port else f"{port}.out") for port in wanted] or None
    return compile_plan(made, library(), Bindings({}, RATE, Fraction(seconds)), outputs=ports, window=stretch)


def with_state(made: Graph, state: str, *nodes: str) -> Graph:
    changed = {n: replace(made.nodes[n], state=state) for n in nodes}  # type: ignore[arg-type]
    return replace(made, nodes={**made.nodes, **changed})


def test_a_window_needs_the_tiles_that_it_touches_and_those_within_their_context() -> None:
    units = plan(SMOOTHED, "end", window=(21, 22)).units
    assert set(units) == {Unit("end", 2), Unit("smooth", 2), *(Unit("song", tile) for tile in (1, 2, 3))}
    assert units[Unit("smooth", 2)] == (Unit("song", 1), Unit("song", 2), Unit("song", 3))


def test_units_come_in_an_order_that_can_be_run() -> None:
    made = graph(
        {"song": "small.tone", "half": "small.half", "norm": "small.normalise", "mean": "small.mean"},
        "song.out -> half.audio; half.out -> norm.audio; norm.out -> mean.audio",
    )
    seen: set[Unit] = set()
    for unit, reads in plan(made, "mean").units.items():
        assert seen.issuperset(reads)
        seen.add(unit)


def test_only_ancestors_of_what_is_wanted_are_planned() -> None:
    assert set(plan(SMOOTHED, "smooth").nodes) == {"song", "smooth"}


def test_without_wanted_ports_writers_and_open_measures_are_wanted() -> None:
    made = graph(
        {"song": "small.tone", "save": "io.save", "mean": "small.mean", "end": "small.scale"},
        "song.out -> save.stems; song.out -> mean.audio; song.out -> end.audio",
    )
    assert set(plan(made).wanted) == {"save", "mean"}


def test_derived_nodes_have_no_units_and_are_read_through() -> None:
    made = graph(
        {"song": "small.tone", "half": "small.half", "quarter": "small.half", "end": "small.scale"},
        "song.out -> half.audio; half.out -> quarter.audio; quarter.out -> end.audio",
    )
    units = plan(made, "end", seconds=5).units
    assert units == {Unit("song", 0): (), Unit("end", 0): (Unit("song", 0),)}


def test_a_streaming_first_pass_is_a_node_of_its_own() -> None:
    made = graph({"song": "small.tone", "norm": "small.normalise"}, "song.out -> norm.audio")
    found = plan(made, "norm", window=(0, 1))
    assert found.units[Unit("norm" + MODEL, ONCE)] == tuple(Unit("song", tile) for tile in range(4))
    assert found.units[Unit("norm", 0)] == (Unit("song", 0), Unit("norm" + MODEL, ONCE))


def test_the_last_tile_ends_with_the_song() -> None:
    found = plan(SMOOTHED, "end", seconds=12.5)
    assert [found.interval(Unit("end", tile)) for tile in (0, 1)] == [(0, 10), (10, Fraction(25, 2))]


# Bypassed nodes


def chain_of_scales(count: int) -> Graph:
    names = [f"s{i}" for i in range(count)]
    wires = [f"{a}.out -> {b}.audio" for a, b in zip(["song", *names], names, strict=False)]
    return graph({"song": "small.tone", **dict.fromkeys(names, "small.scale")}, ";".join(wires))


def test_a_chain_of_bypassed_nodes_passes_on_what_arrives_at_its_beginning() -> None:
    made = with_state(chain_of_scales(5), "bypassed", "s1", "s2", "s3")
    found = plan(made, "s4")
    assert set(found.nodes) == {"song", "s0", "s4"}
    assert found.nodes["s4"].inputs == {"audio": (Source("s0", "out"),)}
    assert plan(made, "s3").outputs == (Source("s0", "out"),)


def test_a_bypassed_node_with_nothing_to_pass_on_is_refused_by_name() -> None:
    made = with_state(graph({"a": "small.scale", "b": "small.scale"}, "a.out -> b.audio"), "bypassed", "a")
    with pytest.raises(PlanError, match=r"'a' is bypassed.* connect an input"):
        plan(made, "b")


def test_bypassed_nodes_in_a_circle_are_refused() -> None:
    made = graph(
        {"a": "small.scale", "b": "small.scale", "c": "small.scale"},
        "a.out -> b.audio; b.out -> a.audio; b.out -> c.audio",
    )
    with pytest.raises(PlanError, match="circle"):
        plan(with_state(made, "bypassed", "a", "b"), "c")


def test_a_bypassed_writer_is_not_wanted() -> None:
    made = graph({"song": "small.tone", "save": "io.save"}, "song.out -> save.stems")
    assert plan(with_state(made, "bypassed", "save")).wanted == ()


def test_an_unknown_output_is_refused_with_what_there_is() -> None:
    with pytest.raises(PlanError, match=r"no node 'drums'.*end, smooth, song"):
        plan(SMOOTHED, "drums")


# Optional inputs

ROOM_FOR_THREE = replace(
    graph(
        {
            "song": "small.tone",
            **{f"{tool}": ("io.load", {"input": tool}) for tool in ("a", "b", "c")},
            **{f"soft_{tool}": "small.half" for tool in ("a", "b", "c")},
            "all": "small.add",
            "two": "small.add",
            "mean_c": "small.mean",
            "mean": "small.mean",
        },
        "a.out -> soft_a.audio; b.out -> soft_b.audio; c.out -> soft_c.audio; soft_a.out -> all.audio[0]; "
        "soft_b.out -> all.audio[1]; soft_c.out -> all.audio[2]; b.out -> two.audio[0]; c.out -> two.audio[1]; "
        "soft_c.out -> mean_c.audio; all.out -> mean.audio",
    ),
    inputs={"a": InputSlot(), "b": InputSlot(optional=True), "c": InputSlot(optional=True)},
)


def test_what_an_open_optional_input_feeds_is_left_out_and_the_rest_goes_on(tmp_path: Path) -> None:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(RATE), RATE)
    both = Bindings.open({name: tmp_path / f"{name}.wav" for name in ("a", "b")})
    found = compile_plan(ROOM_FOR_THREE, library(), both)
    assert set(found.nodes) == {"a", "b", "soft_a", "soft_b", "all", "mean"} and found.wanted == ("mean",)
    assert [source.node for source in found.nodes["all"].inputs["audio"]] == ["soft_a", "soft_b"]
    asked = [Address.parse(port) for port in ("mean_c.out", "two.out")]
    assert set(compile_plan(ROOM_FOR_THREE, library(), both, outputs=asked).nodes) == {"b", "two"}
    with pytest.raises(PlanError, match="nothing is given for the graph's input 'c'"):
        compile_plan(ROOM_FOR_THREE, library(), both, outputs=asked[:1])
    one = Bindings.open({"a": tmp_path / "a.wav"})
    with pytest.raises(PlanError, match="'b'"):
        compile_plan(ROOM_FOR_THREE, library(), one, outputs=asked[1:])
    needed = replace(ROOM_FOR_THREE, inputs={"a": InputSlot(), "b": InputSlot()})
    with pytest.raises(InputProblem, match="nothing is given for the graph's input 'c'"):
        compile_plan(needed, library(), both)


# Separators


def as_function(split: Node, groups: dict[str, Group] | None = None) -> Graph:
    nodes = {"song": Node("small.tone"), "apply": Node("separate.apply"), "split": split}
    edges = {Edge.parse("song.out", "apply.mixture"), Edge.parse("split.separator", "apply.separator")}
    return Graph(nodes=nodes, edges=frozenset(edges), groups=groups or {})


def group_of(nodes: dict[str, Node], *wires: tuple[str, str]) -> dict[str, Group]:
    first = next(iter(nodes))
    edges = frozenset(Edge.parse(*wire) for wire in wires)
    entry = "mixture" if nodes[first].type.startswith("separate.") else "audio"
    inputs = {"mix": (Address(first, entry),)}
    return {"g": Group(nodes=nodes, edges=edges, inputs=inputs, outputs={"out": Address("split", "out")})}


def test_a_called_separator_brings_its_own_context() -> None:
    assert plan(as_function(Node("small.split")), "apply").nodes["apply"].reach == Fraction(8, RATE)


def test_a_called_group_brings_the_context_of_its_longest_path() -> None:
    inside = {"smooth": Node("small.smooth", knobs={"reach": 400}), "split": Node("small.split")}
    made = as_function(Node("group:g"), group_of(inside, ("smooth.out", "split.audio")))
    assert plan(made, "apply").nodes["apply"].reach == Fraction(408, RATE)


def test_a_called_group_that_needs_the_whole_song_makes_its_caller_need_it() -> None:
    inside = {"norm": Node("small.normalise"), "split": Node("small.split")}
    made = as_function(Node("group:g"), group_of(inside, ("norm.out", "split.audio")))
    assert plan(made, "apply").nodes["apply"].whole is WHOLE.whole
    assert not plan(as_function(Node("small.split")), "apply").nodes["apply"].whole


def test_the_definition_of_a_called_group_is_in_its_value_but_not_its_layout() -> None:
    inside = {"split": Node("small.split")}
    groups = group_of(inside)
    first = plan(as_function(Node("group:g"), groups), "apply").nodes["apply"].functions["separator"]
    moved = {"g": replace(groups["g"], view=replace(groups["g"].view, nodes={"split": (3.0, 4.0)}))}
    assert plan(as_function(Node("group:g"), moved), "apply").nodes["apply"].functions["separator"] == first
    louder = group_of({"scale": Node("small.scale"), "split": Node("small.split")}, ("scale.out", "split.audio"))
    assert plan(as_function(Node("group:g"), louder), "apply").nodes["apply"].functions["separator"] != first


def test_a_group_with_context_gives_the_same_samples_called_in_tiles_and_wired() -> None:
    inside = {"smooth": Node("small.smooth", knobs={"reach": 400}), "split": Node("small.split")}
    made = as_function(Node("group:g"), group_of(inside, ("smooth.out", "split.audio")))
    called = run(made, ["apply"])
    wired = run(
        graph(
            {"song": "small.tone", "smooth": ("small.smooth", {"reach": 400}), "split": "small.split"},
            "song.out -> smooth.audio; smooth.out -> split.audio",
        ),
        ["split"],
    )
    ours, theirs = (ran.executor.value(ran.executor.plan.outputs[0]) for ran in (called, wired))
    for name in ("low", "high"):
        assert abs(ours[name].samples - theirs[name].samples).max() < 1e-6  # type: ignore[index,union-attr]


# Derived nodes


def test_many_derived_nodes_in_a_row_are_planned_and_run() -> None:
    names = [f"h{i}" for i in range(600)]
    pairs = zip(["song", *names], names, strict=False)
    made = graph(
        {"song": "small.tone", **dict.fromkeys(names, "small.half")},
        ";".join(f"{a}.out -> {b}.audio" for a, b in pairs),
    )
    ran = run(made, ["h599"], seconds=1)
    assert not ran.executor.failures
    assert ran.audio("h599").shape == (1, RATE)
    assert ran.calls["half"] <= 600


def test_derived_nodes_that_branch_and_meet_again_are_planned_in_no_time() -> None:
    names = [f"s{i}" for i in range(60)]
    wires = [f"{a}.out -> {b}.audio[{n}]" for a, b in zip(["song", *names], names, strict=False) for n in (0, 1)]
    made = graph({"song": "small.tone", **dict.fromkeys(names, "small.add")}, ";".join(wires))
    ran = run(made, ["s59"], seconds=1, store=MemoryStore())
    assert not ran.executor.failures
    assert ran.status("s0") == "derived"


# Memory
