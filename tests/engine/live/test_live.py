"""The engine behind the editor: what is heard first, nothing twice, soon ended."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from midistems_graph.audio.values import Audio
from midistems_graph.document.graph import Address, Edge, Graph, Group, InputSlot, Node
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.excerpt import Excerpt
from midistems_graph.engine.live import plans
from midistems_graph.engine.live.engine import LiveEngine
from midistems_graph.engine.live.events import Idle, NodeChanged, PreviewReady, Refused, StretchReady
from midistems_graph.engine.live.plans import Step
from midistems_graph.engine.plan import ONCE, Interval
from midistems_graph.engine.store import MemoryStore
from small_runs import CALLS, ON_CALL, RATE, graph, library, run, write_song

SONG = Bindings({}, RATE, Fraction(45))
LOOP = (Fraction(23), Fraction(27))

CHAIN = graph(
    {
        "song": "small.tone",
        "smooth": ("small.smooth", {"reach": 700}),
        "half": "small.half",
        "loud": ("small.scale", {"factor": 3.0}),
    },
    "song.out -> smooth.audio; smooth.out -> half.audio; half.out -> loud.audio",
)
LOUD = Address("loud", "out")


@pytest.fixture
def live() -> Iterator[LiveEngine]:
    engine = LiveEngine(library(), MemoryStore(), jobs=2)
    yield engine
    engine.close()


def until_idle(live: LiveEngine) -> list[object]:
    """All events up to the next rest."""
    events: list[object] = []
    while not events or not isinstance(events[-1], Idle):
        events.append(live.events.get(timeout=60))
    return events


def until(live: LiveEngine, there: Callable[[list[object]], bool]) -> list[object]:
    """All events up to a rest after something came to hold: the rest at which that is seen may be an older one."""
    events = until_idle(live)
    while not there(events):
        events += until_idle(live)
    seen = Idle()
    live.events.put(seen)
    live._changed.set()
    while not any(event is seen for event in events):
        events += until_idle(live)
    return [*events, *until_idle(live)]


def until_all_is_there(live: LiveEngine, address: Address) -> list[object]:
    return until(live, lambda _: live.read(address, (Fraction(0), SONG.total)) is not None)


def heard(live: LiveEngine, address: Address, stretch: Interval) -> np.ndarray | None:
    value = live.read(address, stretch)
    assert value is None or isinstance(value, Audio)
    return None if value is None else value.samples


def computed(live: LiveEngine, made: Graph, address: Address = LOUD, first: Interval = LOOP) -> Counter[str]:
    """Show a graph, listen to an edge until all is there; what ran, how often."""
    before = CALLS.copy()
    live.show(made, SONG)
    live.want(address, first)
    until_all_is_there(live, address)
    return CALLS - before


def test_the_loop_comes_first_then_the_rest_of_the_song(live: LiveEngine) -> None:
    live.show(CHAIN, SONG)
    live.want(LOUD, LOOP)
    tiles = [
        e.unit.tile for e in until_all_is_there(live, LOUD) if isinstance(e, StretchReady) and e.unit.node == "loud"
    ]
    assert tiles[0] == 2
    assert set(tiles) == {0, 1, 2, 3, 4}


def test_what_is_read_is_what_a_run_gives(live: LiveEngine) -> None:
    computed(live, CHAIN)
    expected = run(CHAIN, ["loud"], seconds=45.0).audio("loud")
    lo, hi = int(LOOP[0] * RATE), int(LOOP[1] * RATE)
    assert np.array_equal(heard(live, LOUD, LOOP), expected[:, lo:hi])
    half = heard(live, Address("half", "out"), LOOP)
    assert half is not None
    assert np.array_equal(half * np.float32(3), expected[:, lo:hi])


def test_nothing_is_there_before_it_is_computed() -> None:
    engine = LiveEngine(library(), MemoryStore())
    engine.show(CHAIN, SONG)
    assert engine.read(LOUD, LOOP) is None
    engine.close()


def test_an_edit_computes_what_is_below_it_and_nothing_twice(live: LiveEngine) -> None:
    assert computed(live, CHAIN) == {"tone": 5, "smooth": 5, "half": 5, "scale": 5}
    assert computed(live, CHAIN) == {}
    again = computed(live, CHAIN.with_knob("loud", "factor", 2.5))
    assert (again["tone"], again["smooth"], again["scale"]) == (0, 0, 5)


def test_an_edit_in_the_middle_of_a_run_keeps_what_was_computed(live: LiveEngine) -> None:
    made = graph(
        {"song": "small.tone", "smooth": "small.smooth", "slow": ("small.slow", {"seconds": 30.0})},
        "song.out -> smooth.audio; smooth.out -> slow.audio",
    )
    before = CALLS.copy()
    ON_CALL.clear()
    live.show(made, SONG)
    live.want(Address("slow", "out"), LOOP)
    assert ON_CALL.wait(10)
    edited = made.with_knob("slow", "seconds", 0.02)
    calls = computed(live, edited, Address("slow", "out"))
    assert calls["slow"] == 5
    assert (CALLS - before)["tone"] == (CALLS - before)["smooth"] == 5


def test_moving_and_naming_interrupts_nothing(live: LiveEngine) -> None:
    made = graph({"song": "small.tone", "slow": ("small.slow", {"seconds": 0.2})}, "song.out -> slow.audio")
    before = CALLS.copy()
    ON_CALL.clear()
    live.show(made, SONG)
    live.want(Address("slow", "out"), LOOP)
    assert ON_CALL.wait(10)
    live.show(made.with_node("slow", made.nodes["slow"], at=(5, 5)), SONG)
    assert computed(live, made, Address("slow", "out"))["tone"] <= 5
    assert (CALLS - before)["slow"] == 5


def test_a_click_on_what_is_there_does_not_end_the_run(live: LiveEngine) -> None:
    made = graph({"song": "small.tone", "slow": ("small.slow", {"seconds": 0.3})}, "song.out -> slow.audio")
    computed(live, made, Address("song", "out"))
    before = CALLS.copy()
    ON_CALL.clear()
    live.want(Address("slow", "out"), LOOP)
    assert ON_CALL.wait(10)
    live.want(Address("song", "out"), LOOP, priority=-1)
    assert heard(live, Address("song", "out"), LOOP) is not None
    until_all_is_there(live, Address("slow", "out"))
    assert (CALLS - before)["slow"] == 5


def test_cancel_ends_in_the_middle_of_a_tile(live: LiveEngine) -> None:
    """One that takes half a minute: nothing of it is there then."""
    made = graph({"song": "small.tone", "slow": "small.slow"}, "song.out -> slow.audio")
    ON_CALL.clear()
    live.show(made, SONG)
    live.want(Address("slow", "out"), LOOP)
    assert ON_CALL.wait(10)
    while not live.events.empty():
        live.events.get()
    live.cancel()
    until_idle(live)
    assert live.states.of("slow").status == "dirty"


def test_closing_ends_a_run_that_begins_at_that_moment() -> None:
    engine = LiveEngine(library(), MemoryStore(), jobs=2)
    begin, begins, goes_on = engine._begin, threading.Event(), threading.Event()

    def held(step: Step) -> None:
        begins.set()
        goes_on.wait(10)
        begin(step)

    engine._begin = held  # type: ignore[method-assign]
    engine.show(graph({"song": "small.tone", "slow": "small.slow"}, "song.out -> slow.audio"), SONG)
    engine.want(Address("slow", "out"), LOOP)
    assert begins.wait(10)
    closing = threading.Thread(target=engine.close)
    closing.start()
    while not engine._closed:
        time.sleep(0.001)
    goes_on.set()
    closing.join(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "live run"], "the store may be closed now"


def test_states_tell_dirty_cached_and_failed_nodes(live: LiveEngine) -> None:
    made = graph(
        {"song": "small.tone", "half": "small.half", "bad": "small.broken", "unheard": "small.scale"},
        "song.out -> half.audio; half.out -> bad.audio; song.out -> unheard.audio",
    )
    live.show(made, SONG)
    live.want(Address("bad", "out"), LOOP)
    events = until(live, lambda _: live.states.of("bad").status == "failed")
    states = dict(live.states)
    assert {name: state.status for name, state in states.items()} == {
        "song": "cached",
        "half": "cached",
        "bad": "failed",
        "unheard": "dirty",
    }
    assert states["bad"].message == "the mains hum is too loud; unplug something"
    assert any(isinstance(e, NodeChanged) and e.state.status == "running" for e in events)
    live.show(made.with_knob("unheard", "factor", 3.0), SONG)
    until_idle(live)
    assert live.states.of("song").status == "cached"


def test_how_nodes_stand_is_told_again_when_asked(live: LiveEngine) -> None:
    computed(live, CHAIN)
    assert live.show(CHAIN, SONG) is None, "a document that computes the same is no news by itself"
    while not live.events.empty():
        live.events.get()

    def told(events: list[object]) -> dict[str, str]:
        return {event.node: event.state.status for event in events if isinstance(event, NodeChanged)}

    live.tell_again()
    until(live, lambda events: told(events) == dict.fromkeys(CHAIN.nodes, "cached"))


def test_what_an_open_optional_input_leaves_out_is_told(live: LiveEngine) -> None:
    made = graph(
        {"song": "small.tone", "tool": ("io.load", {"input": "tool"}), "half": "small.half"}, "tool.out -> half.audio"
    )
    made = replace(made, inputs={"tool": InputSlot(optional=True)})
    live.show(made, SONG)
    until_idle(live)
    assert {name: state.status for name, state in live.states.items()} == {
        "song": "dirty",
        "tool": "left out",
        "half": "left out",
    }
    assert live.states.of("half").message == "nothing is given for tool"
    fed = replace(made, edges=frozenset({Edge.parse("song.out", "half.audio")}))
    live.show(fed, SONG)
    until_idle(live)
    assert live.states.of("half").status == "dirty" and live.states.of("tool").status == "left out"


def test_a_derived_node_stays_failed_when_all_is_looked_up_again(live: LiveEngine) -> None:
    made = graph(
        {"song": "small.tone", "bad": "small.buzzing", "smooth": "small.smooth"},
        "song.out -> bad.audio; bad.out -> smooth.audio",
    )
    live.show(made, SONG)
    live.want(Address("song", "out"), LOOP)
    live.want(Address("smooth", "out"), LOOP, 1)
    until(live, lambda _: live.states.of("bad").status == "failed")
    live.states.survey()
    assert live.states.of("bad").status == "failed" and live.states.of("song").status == "cached"


def test_an_edge_behind_a_failed_node_says_why(live: LiveEngine) -> None:
    made = graph({"song": "small.tone", "bad": "small.broken"}, "song.out -> bad.audio")
    live.show(made, SONG)
    live.want(Address("bad", "out"), LOOP)
    until(live, lambda _: live.states.of("bad").status == "failed")
    assert live.states.failure(Address("bad", "out")) == "bad: the mains hum is too loud; unplug something"
    assert live.states.failure(Address("song", "out")) == ""


def test_behind_a_whole_track_node_a_stretch_waits_for_the_song(live: LiveEngine) -> None:
    made = graph({"song": "small.tone", "norm": "small.normalise"}, "song.out -> norm.audio")
    norm = Address("norm", "out")
    live.show(made, SONG)
    assert live.states.waits_for(norm) == ("norm#model",)
    live.want(norm, LOOP)
    events = until_all_is_there(live, norm)
    ready = [e.unit for e in events if isinstance(e, StretchReady)]
    assert ready.index(("norm#model", ONCE)) < ready.index(("norm", 2))
    assert live.states.waits_for(norm) == ()


def test_a_node_that_holds_a_song_which_does_not_fit_is_refused(live: LiveEngine, monkeypatch) -> None:
    made = graph(
        {"song": "small.tone", "split": "small.split", "best": "control.best", "by": "score.overlap"},
        "song.out -> split.audio; song.out -> best.mixture; split.out -> best.candidates[0]; by.scorer -> best.scorer",
    )
    monkeypatch.setattr(plans, "memory_bytes", lambda: 100_000)
    live.show(made, SONG)
    live.want(Address("best", "stems"), LOOP)
    events = until(live, lambda events: any(isinstance(e, Refused) for e in events))
    refused = next(e for e in events if isinstance(e, Refused))
    assert "best (control.best) holds the song in memory" in refused.message and "parts" in refused.message


def test_what_cannot_be_computed_is_refused_with_the_reason(live: LiveEngine) -> None:
    made = graph({"loud": "small.scale"})
    live.show(made, SONG)
    live.want(LOUD, LOOP)
    events = until(live, lambda events: any(isinstance(e, Refused) for e in events))
    refused = [e for e in events if isinstance(e, Refused)]
    assert refused[0].address == LOUD and "audio" in refused[0].message
    assert live.read(LOUD, LOOP) is None


NORM = graph({"song": "small.tone", "norm": "small.normalise"}, "song.out -> norm.audio")
NORMED = Address("norm", "out")
EARLY = (Fraction(12), Fraction(14))


def with_slow_song(seconds: float) -> Graph:
    """A whole-track node behind one that takes its time for each tile."""
    return graph(
        {"song": "small.tone", "slow": ("small.slow", {"seconds": seconds}), "norm": "small.normalise"},
        "song.out -> slow.audio; slow.out -> norm.audio",
    )


def test_a_preview_comes_before_the_song_is_done(live: LiveEngine) -> None:
    live.show(with_slow_song(0.3), SONG)
    live.want(NORMED, EARLY)
    events = until_all_is_there(live, NORMED)
    kinds = [type(e) for e in events]
    ready = [k for k, e in enumerate(events) if isinstance(e, StretchReady) and e.unit.node == "norm"]
    assert kinds.index(PreviewReady) < ready[0]


def test_a_preview_is_the_stretch_computed_as_if_it_were_the_song(live: LiveEngine) -> None:
    live.show(with_slow_song(0.0), SONG)
    live.want(NORMED, EARLY)
    until(live, lambda _: live.preview(NORMED) is not None)
    preview = live.preview(NORMED)
    assert preview is not None and preview.stretch == (10, 15)
    value = preview.read(NORMED, (Fraction(2), Fraction(4)))
    alone = run(NORM, ["norm"], seconds=5.0).audio("norm", (Fraction(2), Fraction(4)))
    assert isinstance(value, Audio) and np.array_equal(value.samples, alone)
    other = preview.read(Address("song", "out"), (Fraction(0), Fraction(1)))
    assert isinstance(other, Audio) and other.span.total == 5 * RATE


def test_a_preview_never_enters_the_store(live: LiveEngine) -> None:
    quiet_then_loud = graph({"song": "small.tone", "norm": "small.normalise"}, "song.out -> norm.audio")
    live.show(quiet_then_loud, SONG)
    live.want(NORMED, EARLY)
    until_all_is_there(live, NORMED)
    expected = run(NORM, ["norm"], seconds=45.0).audio("norm")
    assert np.array_equal(heard(live, NORMED, (Fraction(0), SONG.total)), expected)
    assert isinstance(live.store, MemoryStore)
    spans = {v.span.total for v in live.store._values.values() if isinstance(v, Audio)}
    assert spans == {45 * RATE}


def test_where_nothing_waits_for_the_song_there_is_no_preview(live: LiveEngine) -> None:
    computed(live, CHAIN, first=EARLY)
    assert live.preview(LOUD) is None
    computed(live, NORM, NORMED, EARLY)
    before = CALLS["peak_of"]
    computed(live, NORM.with_knob("song", "frequency", 100.0), NORMED, (Fraction(31), Fraction(33)))
    assert CALLS["peak_of"] == before


def test_an_edit_takes_the_preview_away(live: LiveEngine) -> None:
    live.show(with_slow_song(0.02), SONG)
    live.want(NORMED, EARLY)
    until(live, lambda _: live.preview(NORMED) is not None)
    live.cancel()
    live.show(with_slow_song(0.03), SONG)
    assert live.preview(NORMED) is None


def test_a_jump_does_not_begin_the_whole_track_node_again(live: LiveEngine) -> None:
    made = graph(
        {"song": "small.tone", "norm": "small.normalise", "slow": ("small.slow", {"seconds": 0.5})},
        "song.out -> norm.audio; norm.out -> slow.audio",
    )
    slow = Address("slow", "out")
    before = CALLS.copy()
    ON_CALL.clear()
    live.show(made, SONG)
    live.want(slow, (Fraction(0), Fraction(45)))
    assert ON_CALL.wait(10)
    for second in (1, 2, 3, 4):
        live.want(slow, (Fraction(second), Fraction(45)))
    until_all_is_there(live, slow)
    assert (CALLS - before)["slow"] == 5


def test_an_excerpt_of_a_file_is_its_stretch(tmp_path: Path) -> None:
    song = Bindings.open({"song": write_song(tmp_path / "song.wav", seconds=25.0)})
    excerpt = Excerpt.of(song, (Fraction(10), Fraction(20)))
    path = song.files["song"].path
    with excerpt.sound(path) as cut:
        assert cut.frames == 10 * RATE
        assert np.array_equal(cut.read(5, 100), song.sound(path).read(10 * RATE + 5, 10 * RATE + 100))
    assert excerpt.files["song"].digest != song.files["song"].digest
    assert excerpt.total == 10
    with Excerpt.of(song, (Fraction(20), Fraction(30))).sound(path) as cut:
        assert cut.frames == 10 * RATE and not cut.read(5 * RATE).any(), "silence where the file is over"
    song.close()


def test_stretches_are_ready_as_their_tiles_finish(live: LiveEngine) -> None:
    live.show(CHAIN, SONG)
    assert live.ready(LOUD) == ()
    live.want(LOUD, LOOP)
    until_all_is_there(live, LOUD)
    assert live.ready(LOUD) == ((Fraction(0), SONG.total),)


def test_an_edge_has_another_lineage_only_when_what_it_is_computed_from_changes(live: LiveEngine) -> None:
    live.show(CHAIN, SONG)
    smooth, loud = live.lineage(Address("smooth", "out")), live.lineage(LOUD)
    assert smooth != loud and "" not in (smooth, loud)
    live.show(CHAIN.with_knob("loud", "factor", 2.5), SONG)
    assert live.lineage(Address("smooth", "out")) == smooth and live.lineage(LOUD) != loud
    live.show(CHAIN, SONG)
    assert live.lineage(LOUD) == loud
    live.show(graph({"loud": "small.scale"}), SONG)
    assert live.lineage(LOUD) == ""


def grouped(made: Graph) -> Graph:
    """The chain with its smoothing node in a group."""
    group = Group(
        nodes={"smooth": made.nodes["smooth"]},
        inputs={"audio": (Address("smooth", "audio"),)},
        outputs={"out": Address("smooth", "out")},
    )
    edges = [("song.out", "refine.audio"), ("refine.out", "half.audio"), ("half.out", "loud.audio")]
    nodes = {i: n for i, n in made.nodes.items() if i != "smooth"} | {"refine": Node("group:refine")}
    return Graph(nodes=nodes, edges=frozenset(Edge.parse(*ends) for ends in edges), groups={"refine": group})


def test_what_is_listened_to_is_followed_into_a_group_and_back(live: LiveEngine) -> None:
    smooth, inside = Address("smooth", "out"), Address("refine/smooth", "out")
    computed(live, CHAIN, smooth)
    before = CALLS.copy()
    assert live.show(grouped(CHAIN), SONG) == {"smooth": "refine/smooth"}
    events = until_all_is_there(live, inside)
    assert live.has(inside) and not live.has(smooth)
    assert not [e for e in events if isinstance(e, Refused)]
    assert live.show(CHAIN, SONG) == {"refine/smooth": "smooth"}
    until_all_is_there(live, smooth)
    assert before == CALLS


def test_a_wish_for_a_node_that_is_gone_waits_until_it_is_back(live: LiveEngine) -> None:
    changed = CHAIN.with_knob("loud", "factor", 5.0)
    computed(live, CHAIN)
    live.show(CHAIN.without_nodes(["loud"]), SONG)
    events = until(live, lambda _: live.states.surveyed >= 0)
    assert not [e for e in events if isinstance(e, Refused)]
    assert {state.status for state in live.states.values()} == {"cached"}
    live.show(changed, SONG)
    until_all_is_there(live, LOUD)
