"""Kinds are inferred through generic nodes, groups and bypassed nodes, and never guessed."""

from small_graphs import LIBRARY, graph, group

from midistems_graph.document.flatten import flatten
from midistems_graph.rules.kinds import in_order, resolve_kinds


def kinds(node_text, edge_text="", **fields):
    return resolve_kinds(flatten(graph(node_text, edge_text, **fields)), LIBRARY)


def test_fixed_outputs_have_their_kind():
    assert kinds("hpss=separate.hpss") == {("hpss", "out"): "stems", ("hpss", "separator"): "separator"}


def test_every_field_of_a_named_tuple_is_an_output():
    assert kinds("x=separate.halves") == {("x", "harmonic"): "audio", ("x", "percussive"): "audio"}


def test_generic_outputs_follow_their_inputs_through_chains():
    found = kinds("z=io.load; y=filter.gain; x=filter.gain", "z.out->y.signal; y.out->x.signal")
    assert found["x", "out"] == "audio"


def test_any_connected_port_of_the_variable_binds_it():
    assert kinds("h=separate.hpss; b=blend.blend", "h.out->b.b")["b", "out"] == "stems"


def test_what_nothing_feeds_is_unknown():
    assert kinds("g=filter.gain; x=other.pack; h=filter.gain", "x.out->h.signal") == {}


def test_generic_nodes_of_a_circle_are_unknown():
    assert kinds("a=filter.gain; b=filter.gain", "a.out->b.signal; b.out->a.signal") == {}


def test_a_group_that_is_called_receives_audio():
    inner = group("g=filter.gain", inputs={"in": "g.signal"}, outputs={"out": "g.out"})
    outer = group("i=group:inner; h=filter.gain", "i.out->h.signal", inputs={"in": "i.in"}, outputs={"out": "h.out"})
    found = kinds(
        "f=group:outer; loop=blend.loop", "f.separator->loop.separator", groups={"inner": inner, "outer": outer}
    )
    assert (found["f", "separator"], found["f/h", "out"]) == ("separator", "audio")


def test_the_order_puts_every_node_after_what_feeds_it_and_circles_last():
    flat = flatten(
        graph(
            "c=filter.gain; b=filter.gain; a=io.load; x=filter.gain; y=filter.gain",
            "a.out->b.signal; b.out->c.signal; x.out->y.signal; y.out->x.signal",
        )
    )
    assert in_order(flat)[:3] == ["a", "b", "c"]
    assert set(in_order(flat)[3:]) == {"x", "y"}
