"""What is known without being there: results that the store let go, and that are made again where they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midistems_graph.audio.values import Value
from midistems_graph.document.graph import Graph
from midistems_graph.engine.forecast import in_store
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.store import DiskStore
from midistems_graph.engine.store.change import EVICTED
from small_runs import Ran, graph, run

CHAIN = "song.out -> a.audio; a.out -> b.audio; b.out -> mean.audio"


def chain(factor: float = 2.0) -> Graph:
    last = ("small.scale", {"factor": factor})
    return graph({"song": "small.tone", "a": "small.scale", "b": last, "mean": "small.mean"}, CHAIN)


def evict(store: DiskStore, ran: Ran, *nodes: str) -> None:
    """As if the limit had asked for it."""
    with store._index.change() as change:
        for unit, outputs in ran.executor._keys.digests.items():
            if unit.node in nodes:
                for digest in outputs.values():
                    store._files.delete(change.drop_value(digest, EVICTED))


def ran_units(ran: Ran) -> dict[str, int]:
    return {name: report.units["ran"] for name, report in ran.executor.reports.items() if "ran" in report.units}


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "store")


def test_nothing_runs_again_for_a_result_that_nobody_needs(store: DiskStore) -> None:
    evict(store, run(chain(), ["mean"], store=store), "song", "a", "b")
    assert ran_units(run(chain(), ["mean"], store=store)) == {}


def test_what_a_changed_node_reads_is_made_again_and_nothing_else(store: DiskStore) -> None:
    evict(store, run(chain(), ["mean"], store=store), "song", "a")
    again = run(chain(3.0), ["mean"], store=store)
    assert ran_units(again) == {"song": 3, "a": 3, "b": 3, "mean": 1}
    assert again.number("mean") == run(chain(3.0), ["mean"]).number("mean")


def test_a_node_below_one_lost_tile_has_that_tile_alone_made_again(store: DiskStore) -> None:
    first = run(chain(), ["b"], store=store)
    with store._index.change() as change:
        for unit, outputs in first.executor._keys.digests.items():
            if unit.node == "b" or unit == ("a", 1):
                for digest in outputs.values():
                    store._files.delete(change.drop_value(digest, EVICTED))
    again = run(chain(), ["b"], store=store)
    assert ran_units(again) == {"a": 1, "b": 3}
    assert np.array_equal(again.audio("b"), first.audio("b"))
    assert not store._pins


def test_what_is_asked_for_is_there_after_the_run(store: DiskStore) -> None:
    evict(store, run(chain(), ["b"], store=store), "b")
    assert ran_units(run(chain(), ["b"], store=store)) == {"b": 3}


def test_a_forecast_counts_what_will_run(store: DiskStore) -> None:
    first = run(chain(), ["mean"], store=store)
    evict(store, first, "song", "a", "b")
    assert in_store(first.executor.plan, store) == set(first.executor.plan.units)
    evict(store, first, "mean")
    assert in_store(first.executor.plan, store) == set()


def test_files_that_are_up_to_date_need_no_results(tmp_path: Path, store: DiskStore) -> None:
    made = graph(
        {"song": "small.tone", "a": "small.scale", "save": "io.save"}, "song.out -> a.audio; a.out -> save.stems"
    )
    for _turn in range(2):
        outputs = OutputFolder(tmp_path / "out").song("song", "")
        ran = run(made, [], store=store, outputs=outputs)
        outputs.finish(graph={}, graph_hash="", inputs={}, scores={}, libraries={})
        assert not ran.executor.failures
        evict(store, ran, "song", "a")
    assert ran.status("save") == "up to date" and ran_units(ran) == {}


class Leaky(DiskStore):
    """Loses every value once, before it is read for the first time, until it is mended."""

    mended = False

    def get(self, digest: str) -> Value:
        if not self.mended and digest not in self.lost:
            self.lost.add(digest)
            self._files.delete([digest])
        return super().get(digest)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lost: set[str] = set()


def test_values_that_vanish_while_a_run_lasts_are_made_again(tmp_path: Path) -> None:
    with Leaky(tmp_path / "store") as store:
        ran = run(chain(), ["mean"], store=store)
        store.mended = True
        assert not ran.executor.failures
        assert ran.number("mean") == run(chain(), ["mean"]).number("mean")
        assert ran_units(ran) == {"song": 6, "a": 6, "b": 6, "mean": 1}
        assert not store._pins
