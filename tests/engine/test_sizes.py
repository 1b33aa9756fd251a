"""How many bytes units take, estimated before anything runs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from midistems_graph.document.graph import Address
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.plan import ONCE, Unit, compile_plan
from midistems_graph.engine.sizes import edge_sizes, working_bytes, working_sizes
from midistems_graph.engine.wiring import Source
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
