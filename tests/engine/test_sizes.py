"""How many bytes units take, estimated before anything runs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from midistems_graph.document.graph import Address
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.plan import ONCE, Unit, compile_plan
from midistems_graph.engine.sizes import edge_sizes, signal_samples, working_bytes, working_sizes
from midistems_graph.engine.wiring import Source
from midistems_graph.node import Audio, NodeLibrary, node
from small_runs import RATE, graph, library


def test_memory_of_a_unit_follows_from_what_flows_on_its_edges() -> None:
    made = graph(
        {
            "song": "small.tone",
            "spectrum": "transform.stft",
            "split": "small.split",
            "pick": ("stems.pick", {"name": "low"}),
            "gain": "filter.gain",
            "mean": "small.mean",
        },
        "song.out -> spectrum.audio; song.out -> split.audio; split.out -> pick.stems; split.out -> gain.signal;"
        "pick.stem -> mean.audio",
    )
    ports = [Address(node, "out") for node in ("spectrum", "gain", "mean")]
    found = compile_plan(made, library(), Bindings({}, RATE, Fraction(35)), outputs=ports)
    sizes = edge_sizes(found)
    assert [sizes[Source(*port)] for port in (("song", "out"), ("spectrum", "out"), ("split", "out"))] == [1, 4, 2]
    assert [sizes[Source(*port)] for port in (("pick", "stem"), ("gain", "out"), ("mean", "out"))] == [1, 2, 0]
    assert working_sizes(found)["split"] == (1 + 2) * 3
    tile = 10 * RATE * 2 * 4
    assert working_bytes(found, Unit("split", 1), {"split": 9.0}) == pytest.approx(9 * tile, rel=0.01)
    assert working_bytes(found, Unit("mean", ONCE), {"mean": 3.0}) == 3 * tile  # a stream holds a tile at a time


def test_a_set_of_stems_is_as_many_times_the_work() -> None:
    made = graph(
        {"song": "small.tone", "split": "small.split", "band": "filter.filter"},
        "song.out -> split.audio; split.out -> band.signal",
    )
    plan = compile_plan(made, library(), Bindings({}, RATE, Fraction(5)), outputs=[Address("band", "out")])
    samples = signal_samples(plan)
    assert [samples(Unit(name, 0)) for name in ("song", "split", "band")] == [5 * RATE * 2, 5 * RATE * 2, 10 * RATE * 2]


def test_what_works_in_whole_segments_works_on_more_than_a_short_song_has() -> None:
    @node("work.segments", segments=lambda knobs, seconds: -(-seconds // 12) * 12)
    def segments(audio: Audio) -> Audio:
        """Twelve seconds at a time."""
        return audio

    made = graph({"song": "small.tone", "net": "work.segments"}, "song.out -> net.audio")
    nodes = NodeLibrary.of([*library(), segments])
    for seconds, worked in ((13, 24), (180, 180), (181, 192)):
        plan = compile_plan(made, nodes, Bindings({}, RATE, Fraction(seconds)), outputs=[Address("net", "out")])
        samples = signal_samples(plan)
        for address, expected in (("song", seconds), ("net", worked)):
            units = [unit for unit in plan.units if unit.node == address]
            assert sum(map(samples, units)) == pytest.approx(expected * RATE * 2)
