"""Types, versions, bypassed nodes, groups as functions."""

from small_graphs import LIBRARY, graph, group, one

from midistems_graph.rules.check import check
from midistems_graph.rules.problems import (
    BypassImpossible,
    GroupNoFunction,
    MissingInput,
    NewerNodeVersion,
    UnknownNodeType,
    VersionMismatch,
)


def test_an_unknown_type_is_named_with_the_closest_known_one():
    assert "'separate.hpss'" in one(UnknownNodeType, "load=io.load; hpss=separate.hpps").message


def test_edges_of_an_unknown_type_are_not_judged():
    one(UnknownNodeType, "load=io.load; x=other.pack; rms=measure.rms", "load.out->x.a[3]; x.b->rms.audio")


def test_a_newer_version_warns():
    found = one(NewerNodeVersion, "load=io.load@1.10.0")
    assert found.severity == "warning" and "1.10.0" in found.message and "1.2.0" in found.message


def test_an_older_major_version_warns():
    assert one(VersionMismatch, "load=io.load@0.9.0").severity == "warning"


def test_an_older_minor_version_is_fine():
    assert check(graph("load=io.load@1.1.9"), LIBRARY) == []


def test_a_bypassed_node_passes_an_input_of_the_outputs_kind():
    found = check(
        graph("load=io.load; g=filter.gain!; rms=measure.rms", "load.out->g.signal; g.out->rms.audio"), LIBRARY
    )
    assert found == []


def test_a_bypassed_node_without_an_input_of_the_outputs_kind():
    found = one(
        BypassImpossible,
        "load=io.load; hpss=separate.hpss!; pick=stems.pick",
        "load.out->hpss.mixture; hpss.out->pick.stems",
    )
    assert (found.node, found.port) == ("hpss", "out") and "stems" in found.message


def test_a_bypassed_node_needs_only_what_it_passes():
    nodes, edges = "load=io.load; r=blend.blend!; rms=measure.rms", "load.out->r.b; r.out->rms.audio"
    assert check(graph(nodes, edges), LIBRARY) == []
    assert one(MissingInput, nodes.replace("!", ""), edges).port == "a"


FUNCTION = group(
    "g=filter.gain; hpss=separate.hpss",
    "g.out->hpss.mixture",
    inputs={"mixture": "g.signal"},
    outputs={"stems": "hpss.out"},
)
CALL = ("load=io.load; i=group:f; loop=blend.loop", "load.out->loop.mixture; i.separator->loop.separator")


def test_a_group_is_a_function():
    assert check(graph(*CALL, groups={"f": FUNCTION}), LIBRARY) == []


def test_a_repeated_group_is_a_function_through_nested_groups():
    outer = group("a=group:f", inputs={"mixture": "a.mixture"}, outputs={"stems": "a.stems"}, repeat=3)
    assert check(graph(*CALL, groups={"f": outer} | {"f": FUNCTION, "o": outer}), LIBRARY) == []
    nodes = CALL[0].replace("group:f", "group:o")
    assert check(graph(nodes, CALL[1], groups={"f": FUNCTION, "o": outer}), LIBRARY) == []


def test_a_group_without_stems_is_no_function():
    gain = group("g=filter.gain", inputs={"audio": "g.signal"}, outputs={"out": "g.out"})
    assert "0 outputs of stems" in one(GroupNoFunction, *CALL, groups={"f": gain}).message


def test_a_group_with_two_inputs_is_no_function():
    two = group(
        "b=blend.blend; hpss=separate.hpss",
        "b.out->hpss.mixture",
        inputs={"a": "b.a", "b": "b.b"},
        outputs={"stems": "hpss.out"},
    )
    assert "2 inputs" in one(GroupNoFunction, *CALL, groups={"f": two}).message


def test_a_bypassed_group_is_no_function():
    one(BypassImpossible, CALL[0].replace("group:f", "group:f!"), CALL[1], groups={"f": FUNCTION})
