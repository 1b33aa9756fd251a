"""The timeline of a run: every unit once, nothing overlaps on a thread but what lies within, in Chrome's format."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise

from midistems_graph.document.graph import Address
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.plan import compile_plan
from midistems_graph.engine.spans import Spans
from midistems_graph.engine.store import MemoryStore
from small_runs import RATE, graph, library

CHAIN = graph(
    {"song": "small.tone", "half": "small.half", "loud": "small.scale", "mean": "small.mean"},
    "song.out -> half.audio; half.out -> loud.audio; loud.out -> mean.audio",
)


def _events(store: MemoryStore) -> list[dict]:
    plan = compile_plan(CHAIN, library(), Bindings({}, RATE, Fraction(25)), outputs=[Address("mean", "out")])
    spans = Spans()
    Executor(plan, library(), store=store, jobs=2, spans=spans).run()
    data = json.loads(spans.as_json())
    names = {event["tid"]: event["args"]["name"] for event in data["traceEvents"] if event["ph"] == "M"}
    assert set(names.values()) <= {"worker-0", "worker-1"}
    return [event for event in data["traceEvents"] if event["ph"] == "X"]


def test_every_unit_is_there_with_tile_status_and_bytes():
    store = MemoryStore()
    events = _events(store)
    told = sorted(
        (e["name"], e["args"].get("tile"), e["args"]["status"]) for e in events if e["name"] in ("song", "loud")
    )
    assert told == [(name, tile, "ran") for name in ("loud", "song") for tile in range(3)]
    assert {e["args"]["bytes"] for e in events if e["name"] == "song"} == {10 * RATE * 4, 5 * RATE * 4}
    assert [(e["args"]["from"], e["args"]["to"]) for e in events if e["name"] == "mean"] == [(0.0, 25.0)]
    assert {e["args"]["status"] for e in _events(store) if e["name"] in ("song", "loud", "mean")} == {"cached"}


def test_bars_of_a_thread_follow_each_other_or_lie_within():
    events = _events(MemoryStore())
    for thread in {event["tid"] for event in events}:
        bars = sorted((e["ts"], e["ts"] + e["dur"], e["name"]) for e in events if e["tid"] == thread)
        for (_, ends, _), (begins, inner, name) in pairwise(bars):
            assert begins >= ends - 0.2 or (name == "half" and inner <= ends + 0.2)
