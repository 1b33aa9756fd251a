"""Knobs that are set, wired and linked; inputs of the graph."""

import pytest
from small_graphs import LIBRARY, graph, group, link, one

from midistems_graph.document.graph import InputSlot
from midistems_graph.rules.check import check
from midistems_graph.rules.problems import (
    KnobRefused,
    KnobShapesPlan,
    LinkMismatch,
    UnboundInput,
    UnknownKnob,
    UnknownNode,
    UnusedInput,
)

HPSS = "load=io.load; hpss=separate.hpss({}); n=control.number; t=control.text", "load.out->hpss.mixture"


def test_an_unknown_knob_is_named_with_the_closest_known_one():
    found = one(UnknownKnob, HPSS[0].format("margn=2.0"), HPSS[1])
    assert (found.node, found.port) == ("hpss", "margn") and "did you mean 'margin'?" in found.message


def test_a_refused_knob_names_value_and_range():
    message = one(KnobRefused, HPSS[0].format("margin=11.0"), HPSS[1]).message
    assert "'hpss'" in message and "11.0" in message and "1 to 10" in message


def test_a_knob_that_shapes_the_context_cannot_be_wired():
    found = one(KnobShapesPlan, HPSS[0].format(""), HPSS[1] + "; n.out->hpss.n_fft")
    assert found.port == "n_fft" and "context" in found.message


def test_other_knobs_of_the_same_node_can():
    assert check(graph(HPSS[0].format(""), HPSS[1] + "; n.out->hpss.margin"), LIBRARY) == []


def test_a_knob_that_shapes_the_rate_cannot_be_wired():
    found = one(KnobShapesPlan, "load=io.load; n=control.number; r=filter.resample", "load.out->r.audio; n.out->r.rate")
    assert "rate" in found.message


def test_a_knob_that_names_a_file_cannot_be_wired():
    assert "files" in one(KnobShapesPlan, "load=io.load; t=control.text; f=io.file", "t.out->f.path").message


def test_an_undefined_input_is_named_with_those_that_exist():
    found = one(UnboundInput, "load=io.load; dry=io.load(input='dry')")
    assert found.node == "dry" and "it has song" in found.message


def test_an_input_that_nothing_reads_warns():
    found = one(UnusedInput, "load=io.load", inputs={"song": InputSlot(), "dry": InputSlot()})
    assert found.severity == "warning" and "'dry'" in found.message


TWO = "load=io.load; a=separate.hpss({}); b=separate.hpss({}); g=filter.gain"
TWO_EDGES = "load.out->a.mixture; load.out->b.mixture; load.out->g.signal"


def test_linked_knobs_of_the_same_kind_and_range():
    assert check(graph(TWO.format("margin=2.0", ""), TWO_EDGES, links=(link("a.margin", "b.margin"),)), LIBRARY) == []


@pytest.mark.parametrize("other", ["g.gain", "a.n_fft"])
def test_linked_knobs_of_another_kind_or_range(other):
    found = one(LinkMismatch, TWO.format("", ""), TWO_EDGES, links=(link("b.margin", other),))
    assert "b.margin" in found.message and other in found.message


def test_an_unset_link_whose_knobs_disagree():
    message = one(LinkMismatch, TWO.format("", "margin=3.0"), TWO_EDGES, links=(link("a.margin", "b.margin"),)).message
    assert "1.0" in message and "3.0" in message


def test_a_link_to_what_does_not_exist():
    one(UnknownNode, TWO.format("", ""), TWO_EDGES, links=(link("a.margin", "gone.margin"),))
    one(UnknownKnob, TWO.format("", ""), TWO_EDGES, links=(link("a.margin", "b.gone"),))


def test_a_link_to_a_published_knob_is_followed_inside():
    groups = {"g": group("x=filter.gain", inputs={"in": "x.signal"}, knobs={"level": "x.gain"})}
    found = one(
        LinkMismatch,
        "load=io.load; a=separate.hpss(margin=2.0); i=group:g",
        "load.out->a.mixture; load.out->i.in",
        groups=groups,
        links=(link("a.margin", "i.level"),),
    )
    assert "i/x.gain" in found.message
