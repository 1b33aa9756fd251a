"""What a run adds to a graph: writers behind wanted ports, comparisons with true stems."""

from __future__ import annotations

import pytest

from midistems_graph.document.graph import Address, DocumentError, Edge, Graph, Group, Node
from midistems_graph.engine.augment import (
    MIXTURE,
    REFERENCE,
    all_ends,
    folder_inputs,
    only,
    with_levels,
    with_reference,
)
from midistems_graph.node import installed
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import errors

LIBRARY = installed()


def _split() -> Graph:
    graph = Graph().with_node("load", Node("io.load")).with_node("hpss", Node("separate.hpss"))
    graph = graph.with_node("save", Node("io.save")).with_node("stft", Node("transform.stft"))
    graph = graph.with_node("loud", Node("measure.loudness"))
    graph = graph.with_edge("load.out", "hpss.mixture").with_edge("hpss.out", "save.stems")
    return graph.with_edge("load.out", "stft.audio").with_edge("load.out", "loud.audio")


def _looped() -> Graph:
    """Three rounds of a gain in a group."""
    inner = Group(
        nodes={"gain": Node("filter.gain")},
        inputs={"a": (Address("gain", "signal"),)},
        outputs={"b": Address("gain", "out")},
        carry={"a": "b"},
        repeat=3,
    )
    graph = Graph(groups={"g": inner}).with_node("load", Node("io.load")).with_node("loop", Node("group:g"))
    return graph.with_node("save", Node("io.save")).with_edge("load.out", "loop.a").with_edge("loop.b", "save.stems")


def test_without_a_choice_writers_and_open_measures_are_wanted() -> None:
    wanted = all_ends(_split(), LIBRARY)
    assert wanted is not None and {port.node for port in wanted.ports} == {"save", "loud"}


@pytest.mark.parametrize("name", ["load", "hpss", "hpss.out", "stft", "loud", "save"])
def test_what_is_wanted_alone_is_a_sound_graph(name: str) -> None:
    wanted = only(_split(), LIBRARY, [name])
    assert not errors(check(wanted.graph, LIBRARY, wanted=[port.node for port in wanted.ports]))


def test_a_spectrogram_is_turned_back_before_it_is_written() -> None:
    wanted = only(_split(), LIBRARY, ["stft.out"])
    assert "transform.istft" in {node.type for node in wanted.graph.nodes.values()}


def test_a_node_of_one_round_of_a_repeat_can_be_wanted() -> None:
    wanted = only(_looped(), LIBRARY, ["loop[2]/gain"])
    assert not errors(check(wanted.graph, LIBRARY, wanted=[port.node for port in wanted.ports]))
    assert not wanted.graph.groups.keys() & {node.group for node in wanted.graph.nodes.values()}
    (end,) = wanted.ports
    (edge,) = wanted.graph.edges_into(end.node)
    assert edge.source == Address("loop[2]/gain", "out")


def test_a_group_can_be_wanted_by_its_instance() -> None:
    wanted = only(_looped(), LIBRARY, ["loop"])
    assert not errors(check(wanted.graph, LIBRARY, wanted=[port.node for port in wanted.ports]))


@pytest.mark.parametrize(("name", "words"), [("hps", "hpss"), ("hpss.nope", "no output 'nope'"), ("stft.x", "out")])
def test_what_does_not_exist_is_refused_with_what_does(name: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        only(_split(), LIBRARY, [name])


def test_what_is_neither_heard_nor_a_figure_is_refused() -> None:
    graph = _split().with_node("mag", Node("transform.magnitude")).with_edge("stft.out", "mag.spectrogram")
    with pytest.raises(DocumentError, match="magnitude"):
        only(graph, LIBRARY, ["mag"])


def test_a_written_set_is_compared_with_true_stems_and_so_is_the_mixture() -> None:
    ends = all_ends(_split(), LIBRARY)
    assert ends is not None
    wanted = with_reference(ends, LIBRARY, ["Song (harmonic)", "mixture"], all_figures=True)
    assert {port.node for port in wanted.ports} == {"save", "loud", "compare_save", MIXTURE}
    assert REFERENCE in wanted.graph.inputs and folder_inputs(wanted.graph, LIBRARY) == {REFERENCE}
    assert not errors(check(wanted.graph, LIBRARY))
    assert wanted.graph.nodes["compare_save"].type == "measure.everything"
    assert wanted.graph.nodes["compare_copies"].knobs["names"] == ("harmonic",)


def test_a_set_without_any_of_the_true_stems_is_not_compared() -> None:
    ends = all_ends(_split(), LIBRARY)
    assert ends is not None and with_reference(ends, LIBRARY, ["flute"]) == ends


def test_edges_that_are_kept_are_measured_beside_what_is_written() -> None:
    ends = all_ends(_split(), LIBRARY)
    assert ends is not None
    kept = [Address("hpss", "out"), Address("load", "out"), Address("stft", "out"), Address("group/x", "out")]
    levels = with_levels(ends, LIBRARY, kept)
    assert [str(port) for port in levels.ports[len(ends.ports) :]] == ["load-out.lufs"]
    wanted = with_reference(levels, LIBRARY, ["harmonic"], kept)
    assert {port.node for port in wanted.ports} >= {"compare_hpss-out", "compare_save", MIXTURE}
    assert not errors(check(wanted.graph, LIBRARY, wanted=[port.node for port in wanted.ports]))


def test_kept_edges_inside_groups_are_measured_too() -> None:
    split = Group(
        nodes={"hpss": Node("separate.hpss"), "pick": Node("stems.pick"), "loud": Node("filter.gain")},
        edges=frozenset({Edge.parse("hpss.out", "pick.stems"), Edge.parse("pick.stem", "loud.signal")}),
        inputs={"mixture": (Address("hpss", "mixture"),)},
        outputs={"out": Address("loud", "out")},
    )
    graph = Graph(groups={"split": split}).with_node("load", Node("io.load")).with_node("in", Node("group:split"))
    graph = graph.with_node("save", Node("io.save"))
    graph = graph.with_edge("load.out", "in.mixture").with_edge("in.out", "save.stems")
    ends = all_ends(graph, LIBRARY)
    assert ends is not None
    kept = [Address("in/loud", "out"), Address("in/hpss", "out"), Address("in/gone", "out")]
    levels = with_levels(ends, LIBRARY, kept)
    assert [port.node for port in levels.ports[1:]] == ["in/loud-out"]
    wanted = with_reference(levels, LIBRARY, ["harmonic", "percussive"], kept)
    assert "compare_in/hpss-out" in {port.node for port in wanted.ports}
    assert not errors(check(wanted.graph, LIBRARY, wanted=[port.node for port in wanted.ports]))
