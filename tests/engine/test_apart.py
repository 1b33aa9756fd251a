"""Stems that are computed by themselves: whoever reads only some spares the others, and nothing runs twice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest

from midistems_graph.document.graph import Address, Graph
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import forecast
from midistems_graph.engine.plan import compile_plan
from midistems_graph.engine.store import MemoryStore
from midistems_graph.engine.why import why
from midistems_graph.engine.wiring import Source
from midistems_graph.node import Alone, Audio, Features, NodeError, Stems, Stream, node
from small_runs import RATE, graph, library

MADE: list[str] = []
GAINS = {"low": 0.5, "mid": 0.3, "high": 0.2}


def _peak(audio: Stream[Audio], **_: object) -> Features:
    return Features({"peak": np.float32([max(np.abs(tile.samples).max() for tile in audio)])})


@node(
    "apart.gains",
    separator=True,
    stems=lambda k: k.stems,
    complete=lambda k: len(k.stems) == len(GAINS),
    apart=lambda k, sets: {stem: Alone({"stems": (stem,)}) for stem in k.stems},
    reduce=_peak,
)
def gains(audio: Audio, learned: Features, *, stems: tuple[str, ...] = tuple(GAINS)) -> Stems:
    """Stems that each cost by themselves; "high" cannot be had where "hiss" is asked for too."""
    MADE.extend(stems)
    loud = 1 / learned.arrays["peak"][0]
    made = {name: audio.with_samples(audio.samples * np.float32(GAINS[name] * loud)) for name in stems}
    return Stems(made, len(stems) == len(GAINS))


@node("apart.at_once", separator=True, stems=tuple(GAINS), complete=True)
def at_once(audio: Audio) -> Stems:
    """Stems that are made together."""
    return Stems({name: audio.with_samples(audio.samples * np.float32(g)) for name, g in GAINS.items()}, True)


@node("apart.sum", picks=lambda k, port, names: tuple(name for name in k.read if name in names))
def added(mixture: Audio, stems: Stems, *, read: tuple[str, ...] = ("low", "mid")) -> Audio:
    """Some of the stems, added up, where more than the stems arrive."""
    return mixture.with_samples(sum(stems[name].samples for name in read))


@dataclass
class Run:
    """A run with its own store: the executor, and the stems that were computed."""

    store: MemoryStore = field(default_factory=MemoryStore)

    def __call__(self, made: Graph, *wanted: str, window: tuple[int, int] | None = None) -> tuple[Executor, list[str]]:
        MADE.clear()
        executor = Executor(plan_of(made, wanted, window), LIBRARY, store=self.store, jobs=2)
        executor.run()
        return executor, sorted(set(MADE))


LIBRARY = library().__class__.of([*library(), gains, at_once, added])

CASCADE = graph(
    {
        "song": "small.tone",
        "net": "apart.gains",
        "low": ("stems.pick", {"name": "low"}),
        "high": ("stems.pick", {"name": "HIGH"}),
        "loud": ("small.scale", {"factor": 2.0}),
    },
    "song.out -> net.audio; net.out -> low.stems; net.out -> high.stems; low.stem -> loud.audio",
)


def plan_of(made: Graph, wanted: Collection[str], window: tuple[int, int] | None = None):  # type: ignore[no-untyped-def]
    stretch = None if window is None else (Fraction(window[0]), Fraction(window[1]))
    ports = [Address.parse(each) for each in wanted]
    return compile_plan(made, LIBRARY, Bindings({}, RATE, Fraction(25)), outputs=ports, window=stretch)


def samples(executor: Executor, port: str) -> np.ndarray:
    value = executor.value(Source(*port.split(".")))
    assert isinstance(value, Audio)
    return value.samples


def test_stems_that_nothing_reads_are_not_computed() -> None:
    executor, made = Run()(CASCADE, "loud.out")
    assert made == ["low"] and not executor.failures
    assert executor.reports["net#stem:low"].units == {"ran": 3}
    with pytest.raises(NodeError, match="net has no result"):
        executor.value(Source("net", "out"))


def test_what_else_is_wanted_changes_neither_samples_nor_keys() -> None:
    run = Run()
    alone, _ = run(CASCADE, "loud.out")
    both, made = run(CASCADE, "loud.out", "net.out")
    assert made == ["high", "mid"]  # what was there is not computed again, nor is what lies below it
    assert both.reports["loud"].status == both.reports["net#stem:low"].status == "cached"
    np.testing.assert_array_equal(samples(alone, "loud.out"), samples(both, "loud.out"))
    whole = both.value(Source("net", "out"))
    assert isinstance(whole, Stems) and whole.complete and tuple(whole) == tuple(GAINS)
    np.testing.assert_array_equal(whole["low"].samples * 2, samples(both, "loud.out"))


def test_a_wider_result_serves_a_narrower_request() -> None:
    run = Run()
    run(CASCADE, "net.out")
    executor, made = run(CASCADE, "high.stem")
    assert made == [] and executor.reports["net#stem:high"].status == "cached"
    assert samples(executor, "high.stem").any()


def test_the_rest_of_a_stem_needs_all_of_them() -> None:
    run = Run()
    executor, made = run(CASCADE, "low.rest")
    assert made == sorted(GAINS)
    some = run(CASCADE, "low.stem")[0]
    np.testing.assert_allclose(samples(executor, "low.rest"), samples(some, "low.stem"), rtol=1e-5)  # 0.3 + 0.2 = 0.5


@pytest.mark.parametrize(("read", "made"), [(("high",), ["high"]), (("low", "high"), ["high", "low"])])
def test_a_node_that_says_which_stems_it_reads_spares_the_others(read: tuple[str, ...], made: list[str]) -> None:
    some = graph(
        {"song": "small.tone", "net": "apart.gains", "sum": ("apart.sum", {"read": read})},
        "song.out -> net.audio; song.out -> sum.mixture; net.out -> sum.stems",
    )
    run = Run()
    executor, ran = run(some, "sum.out")
    assert ran == made and not executor.failures
    both, again = run(some, "net.out", "sum.out")
    assert again == sorted(set(GAINS) - set(made)) and both.reports["sum"].status == "cached"
    whole = both.value(Source("net", "out"))
    assert isinstance(whole, Stems) and whole.complete
    np.testing.assert_array_equal(samples(executor, "sum.out"), sum(whole[name].samples for name in read))


THROUGH = {
    "names": ({"on": ("stems.rename", {"old": ("low", "mid"), "new": ("mid", "bass")})}, "net.out -> on.stems", "mid"),
    "a gain": ({"on": ("filter.gain", {"gain": -6.0})}, "net.out -> on.signal", "low"),
    "a filter": ({"on": ("filter.filter", {"cutoff": 500.0})}, "net.out -> on.signal", "low"),
    "a shelf": ({"on": ("filter.shelf", {"high": 6.0})}, "net.out -> on.signal", "low"),
    "a rate": ({"on": "transform.resample_like"}, "song.out -> on.like; net.out -> on.signal", "low"),
    "a union": (
        {
            "other": "apart.at_once",
            "named": ("stems.rename", {"old": ("low",), "new": ("rumble",)}),
            "two": ("stems.rename", {"old": tuple(GAINS), "new": ("a", "b", "c")}),
            "on": ("stems.merge", {"complete": True}),
        },
        "song.out -> other.audio; net.out -> named.stems; other.out -> two.stems; "
        "two.out -> on.sets[0]; named.out -> on.sets[1]",
        "rumble",
    ),
    "a blend with stems that are made together": (
        {"other": "apart.at_once", "on": ("blend.crossfade", {"amount": 0.25})},
        "song.out -> other.audio; net.out -> on.a; other.out -> on.b",
        "low",
    ),
    "two nodes": (
        {"soft": ("filter.gain", {"gain": -6.0}), "on": ("stems.rename", {"old": ("low",), "new": ("bass",)})},
        "net.out -> soft.signal; soft.out -> on.stems",
        "bass",
    ),
}


@pytest.mark.parametrize("way", THROUGH)
def test_stems_are_spared_through_what_treats_each_by_itself(way: str) -> None:
    nodes, wires, stem = THROUGH[way]
    some = graph(
        {"song": "small.tone", "net": "apart.gains", "pick": ("stems.pick", {"name": stem}), **nodes},
        f"song.out -> net.audio; {wires}; on.out -> pick.stems",
    )
    run = Run()
    alone, made = run(some, "pick.stem")
    assert made == ["low"] and not alone.failures
    both, again = run(some, "pick.stem", "on.out")
    assert again == ["high", "mid"] and not both.failures
    whole = both.value(Source("on", "out"))
    assert isinstance(whole, Stems) and whole.complete
    np.testing.assert_array_equal(samples(alone, "pick.stem"), whole[stem].samples)


def test_a_stem_may_be_called_like_two_others_together() -> None:
    some = graph(
        {
            "song": "small.tone",
            "net": "apart.gains",
            "on": ("stems.rename", {"old": ("high",), "new": ("low+mid",)}),
            "sum": "apart.sum",
            "pick": ("stems.pick", {"name": "low+mid"}),
        },
        "song.out -> net.audio; song.out -> sum.mixture; net.out -> on.stems; on.out -> sum.stems; "
        "on.out -> pick.stems",
    )
    executor, _ = Run()(some, "sum.out", "pick.stem")
    assert not executor.failures
    np.testing.assert_allclose(samples(executor, "sum.out"), 4 * samples(executor, "pick.stem"), rtol=1e-5)


def test_parts_of_a_gathered_set_are_no_stems_though_nodes_are_called_like_them() -> None:
    gathered = graph(
        {
            "song": "small.tone",
            "net": "apart.gains",
            "one": ("stems.pick", {"name": "low"}),
            "low": "small.scale",
            "high": "small.scale",
            "set": ("stems.gather", {"names": ("high", "low")}),
            "pick": ("stems.pick", {"name": "low"}),
        },
        "song.out -> net.audio; net.out -> one.stems; one.stem -> low.audio; song.out -> high.audio; "
        "high.out -> set.parts[0]; low.out -> set.parts[1]; set.out -> pick.stems",
    )
    executor, made = Run()(gathered, "pick.stem", "low.out")
    assert made == ["low"] and not executor.failures
    np.testing.assert_array_equal(samples(executor, "pick.stem"), samples(executor, "low.out"))


def test_which_stem_is_picked_may_come_over_an_edge() -> None:
    wired = graph(
        {"song": "small.tone", "net": "apart.gains", "word": ("control.text", {"value": "low"}), "pick": "stems.pick"},
        "song.out -> net.audio; net.out -> pick.stems; word.out -> pick.name",
    )
    executor, made = Run()(wired, "pick.stem")
    assert made == sorted(GAINS) and samples(executor, "pick.stem").any()


def test_a_stem_that_is_not_there_is_said_as_ever() -> None:
    unknown = graph(
        {"song": "small.tone", "net": "apart.gains", "pick": ("stems.pick", {"name": "hiss"})},
        "song.out -> net.audio; net.out -> pick.stems",
    )
    executor, _ = Run()(unknown, "pick.stem")
    with pytest.raises(NodeError, match="there is no stem 'hiss'; the set has low, mid, high"):
        executor.value(Source("pick", "stem"))


def test_a_window_of_one_stem_is_the_whole_songs() -> None:
    whole, _ = Run()(CASCADE, "loud.out")
    part, made = Run()(CASCADE, "loud.out", window=(9, 12))
    assert made == ["low"]
    np.testing.assert_array_equal(samples(part, "loud.out"), samples(whole, "loud.out")[:, 9 * RATE : 12 * RATE])


def test_a_muted_separator_is_silent_in_every_stem() -> None:
    from dataclasses import replace

    muted = replace(CASCADE, nodes={**CASCADE.nodes, "net": replace(CASCADE.nodes["net"], state="muted")})
    executor, _ = Run()(muted, "loud.out")
    assert not samples(executor, "loud.out").any()


def test_the_forecast_counts_what_is_spared_and_why_speaks_of_the_node() -> None:
    plan = plan_of(CASCADE, ["loud.out"])
    told = {each.address: each.units for each in forecast(plan, MemoryStore()).nodes}
    assert (told["net#stem:low"], told["net#stem:mid"], told["net"]) == (3, 0, 0)
    assert why(plan, MemoryStore(), "loud") == ["net has to be computed first"]


def test_a_rule_with_a_fault_of_its_own_is_not_taken_for_one_that_asks_for_a_wired_knob() -> None:
    faulty = replace(LIBRARY["apart.gains"], apart=lambda k, sets: k.no_such_knob)
    types = library().__class__.of([*(each for each in LIBRARY if each.id != faulty.id), faulty])
    with pytest.raises(AttributeError, match="no_such_knob"):
        compile_plan(CASCADE, types, Bindings({}, RATE, Fraction(25)), outputs=[Address.parse("loud.out")])
