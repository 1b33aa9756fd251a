"""What a store remembers of the cost of node types, and of the past of a node."""

from __future__ import annotations

from collections.abc import Callable

from midistems_graph.audio.values import Audio
from midistems_graph.engine.store import DiskStore, Spent, Store, UnitRecord

Put = Callable[..., UnitRecord]
Noise = Callable[..., Audio]


def test_costs_of_a_node_type_are_summed_over_its_units(store: Store, put: Put, noise: Noise) -> None:
    put(store, "a", noise(0, samples=1000), seconds=1.5)
    put(store, "b", noise(1, samples=3000), seconds=2.0, song="other")
    assert store.spent("separate.hpss") == Spent(2, 3.5, 4000 * 2 * 4)


def test_of_a_type_that_never_ran_nothing_is_known(store: Store) -> None:
    assert store.spent("separate.hpss") is None


def test_the_past_of_a_node_is_newest_first_and_of_all_songs(disk: DiskStore, put: Put, noise: Noise) -> None:
    for number, song in enumerate(("one", "two")):
        put(disk, song, noise(number), song=song, node="here", margin=str(number))
    put(disk, "elsewhere", noise(3), node="there")
    assert [(record.song, record.facts, lost) for record, lost in disk.history("here")] == [
        ("two", {"margin": "1"}, None),
        ("one", {"margin": "0"}, None),
    ]
