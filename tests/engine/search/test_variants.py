"""Variants that are tried at the same time compute what they share once."""

import itertools
import threading
import time
from pathlib import Path

from midistems_graph.document.graph import Edge, Graph, Node
from midistems_graph.engine.search.goals import Goal
from midistems_graph.engine.search.variants import Bench, Subject, Variant
from midistems_graph.engine.store import MemoryStore
from midistems_graph.engine.turns import Turns
from midistems_graph.node import Audio, NodeLibrary, installed, node

CALLS: list[int] = []
TOGETHER, NUMBERS = threading.Barrier(2), itertools.count()
"""The first two calls wait for each other."""


@node("once.slow")
def slow(audio: Audio) -> Audio:
    """Takes its time, so that others come along."""
    CALLS.append(audio.span.start)
    if next(NUMBERS) < TOGETHER.parties:
        TOGETHER.wait(10)
    time.sleep(0.05)
    return audio


def graph(gain: float) -> Graph:
    nodes = {
        "load": Node("io.load"),
        "slow": Node("once.slow"),
        "gain": Node("filter.gain", knobs={"gain": gain}),
        "level": Node("measure.loudness"),
    }
    edges = [("load.out", "slow.audio"), ("slow.out", "gain.signal"), ("gain.out", "level.audio")]
    return Graph(nodes=nodes, edges=frozenset(Edge.parse(*edge) for edge in edges))


def test_variants_at_the_same_time_run_no_unit_twice(tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "song.wav", 0.1 * np.sin(np.arange(8000 * 25) / 5), 8000, subtype="FLOAT")
    CALLS.clear()
    bench = Bench(NodeLibrary.of([*installed(), slow]), MemoryStore(), [Goal("peak")], folder=None, window=None, jobs=4)
    subject = Subject("song", {"song": tmp_path / "song.wav"})
    outcomes = list(bench.outcomes([(Variant(f"{g}", graph(g)), subject) for g in (0.0, -1.0, -2.0, -3.0)]))
    assert sorted(CALLS) == [0, 80_000, 160_000]
    assert not TOGETHER.broken  # the first try has all threads, since what it computes is what the others wait for
    peaks = {outcome.variant: outcome.figures["level.peak.value"] if "level.peak.value" in outcome.figures else
             outcome.figures["level..peak"] for outcome in outcomes}  # fmt: skip
    assert all(abs(peaks[f"{g}"] - peaks["0.0"] - g) < 1e-3 for g in (0.0, -1.0, -2.0, -3.0))
    assert sum(outcome.ran for outcome in outcomes) == 3 + 3 + 4  # load and slow on three tiles, four measures
    assert all(outcome.cost >= 0.15 for outcome in outcomes)


def test_turns_are_taken_one_after_the_other_and_forgotten() -> None:
    turns, inside, most = Turns(), [0], [0]

    def work() -> None:
        with turns.turn("key"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and not turns._wanted
