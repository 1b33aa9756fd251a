"""Groups flatten and repeats unroll into stable addresses; what cannot be unfolded is refused in one sentence."""

from dataclasses import replace

import pytest

from midistems_graph.document.flatten import MAX_NODES, Unfolding, flatten, with_links
from midistems_graph.document.graph import Address, Edge, Graph, Group, Lock, Node


def nodes(**types):
    return {name: node if isinstance(node, Node) else Node(node) for name, node in types.items()}


def edges(*texts):
    return frozenset(Edge.parse(*text.split(" -> ")) for text in texts)


def addresses(**texts):
    return {name: tuple(map(Address.parse, text.split())) for name, text in texts.items()}


def instance(group, state="on", **knobs):
    return Node(f"group:{group}", knobs=knobs, state=state)


def wires(flat):
    return {str(edge) for edge in flat.edges}


CLEAN = Group(
    nodes=nodes(split="separate.hpss", pick="stems.pick"),
    edges=edges("split.out -> pick.stems"),
    inputs=addresses(audio="split.mixture"),
    outputs={"out": Address.parse("pick.out")},
    knobs=addresses(margin="split.margin"),
)
LOOP = Group(
    nodes=nodes(step="blend.step"),
    inputs=addresses(audio="step.audio", mixture="step.mixture"),
    outputs={"out": Address.parse("step.out")},
    carry={"audio": "out"},
    repeat=3,
)


def graph(edge_texts=(), groups=None, links=(), **types):
    return Graph(
        nodes=nodes(**types), edges=edges(*edge_texts), groups=groups or {"clean": CLEAN, "loop": LOOP}, links=links
    )


AROUND = ("load.out -> g.audio", "g.out -> save.audio")


def test_a_graph_without_groups_stays_as_it_is():
    plain = graph(["a.out -> b.audio[1]"], a="io.load", b="blend.mix")
    flat = flatten(plain)
    assert (flat.nodes, wires(flat), flat.aliases) == (plain.nodes, {"a.out -> b.audio[1]"}, {})


def test_an_instance_becomes_its_inner_nodes():
    flat = flatten(graph(AROUND, load="io.load", g=instance("clean"), save="io.save"))
    assert set(flat.nodes) == {"load", "g/split", "g/pick", "save"}
    assert wires(flat) == {"load.out -> g/split.mixture", "g/split.out -> g/pick.stems", "g/pick.out -> save.audio"}
    assert flat.aliases["g.out"] == Address("g/pick", "out")


def test_two_instances_share_nothing_but_their_definition():
    flat = flatten(graph(a=instance("clean", margin=2.0), b=instance("clean")))
    assert flat.nodes["a/split"].knobs == {"margin": 2.0} and flat.nodes["b/split"].knobs == {}


def test_nested_instances_publish_through():
    outer = Group(
        nodes=nodes(inner=instance("clean")),
        inputs=addresses(audio="inner.audio"),
        outputs={"out": Address.parse("inner.out")},
        knobs=addresses(softness="inner.margin"),
    )
    sample = graph(
        AROUND, {"clean": CLEAN, "outer": outer}, load="io.load", g=instance("outer", softness=4.0), save="io.save"
    )
    flat = flatten(sample)
    assert flat.nodes["g/inner/split"].knobs == {"margin": 4.0}
    assert {"load.out -> g/inner/split.mixture", "g/inner/pick.out -> save.audio"} < wires(flat)


def test_a_repeat_carries_from_one_iteration_to_the_next():
    flat = flatten(graph([*AROUND, "load.out -> g.mixture"], load="io.load", g=instance("loop"), save="io.save"))
    assert wires(flat) == {
        "load.out -> g[1]/step.audio",
        "load.out -> g[1]/step.mixture",
        "g[1]/step.out -> g[2]/step.audio",
        "load.out -> g[2]/step.mixture",
        "g[2]/step.out -> g[3]/step.audio",
        "load.out -> g[3]/step.mixture",
        "g[3]/step.out -> save.audio",
    }
    assert flat.aliases["g[2].out"] == Address("g[2]/step", "out")


@pytest.mark.parametrize("count", [1, 2, 4.0])
def test_an_instance_sets_its_own_repeat(count):
    assert len(flatten(graph(g=instance("loop", repeat=count))).nodes) == count


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "3", float("inf"), float("nan")])
def test_a_repeat_that_is_no_count_is_refused(count):
    with pytest.raises(Unfolding, match="whole number from 1"):
        flatten(graph(g=instance("loop", repeat=count)))


def test_an_edge_drives_a_published_knob():
    assert wires(flatten(graph(["n.out -> g.margin"], n="control.number", g=instance("clean")))) >= {
        "n.out -> g/split.margin"
    }


def test_linked_knobs_take_the_value_of_the_first():
    links = ((Address("a", "margin"), Address("b", "margin")),)
    flat = flatten(
        graph(
            links=links, a=Node("separate.hpss", knobs={"margin": 2.0}), b=Node("separate.hpss", knobs={"margin": 3.0})
        )
    )
    assert flat.nodes["b"].knobs == {"margin": 2.0}


def test_an_unset_link_changes_nothing():
    links = ((Address("a", "margin"), Address("b", "margin")),)
    body = graph(links=links, a="separate.hpss", b=Node("separate.hpss", knobs={"margin": 3.0}))
    assert with_links(body) == body.nodes


def test_links_to_what_does_not_exist_are_left_to_the_rules():
    links = ((Address("a", "margin"), Address("gone", "margin")), ())
    assert set(with_links(graph(links=links, a=Node("separate.hpss", knobs={"margin": 2.0})))) == {"a"}


def test_a_link_reaches_into_an_instance():
    links = ((Address("a", "margin"), Address("g", "margin")),)
    flat = flatten(graph(links=links, a=Node("separate.hpss", knobs={"margin": 2.0}), g=instance("clean")))
    assert flat.nodes["g/split"].knobs == {"margin": 2.0}


def test_a_bypassed_instance_shows_its_input():
    flat = flatten(graph(AROUND, load="io.load", g=instance("clean", "bypassed"), save="io.save"))
    assert set(flat.nodes) == {"load", "save"} and wires(flat) == {"load.out -> save.audio"}


def test_an_output_of_a_bypassed_instance_prefers_the_input_of_its_name():
    two = Group(
        nodes=nodes(x="a.a", y="a.a"),
        inputs=addresses(left="x.in", right="y.in"),
        outputs={"right": Address.parse("y.out")},
    )
    sample = graph(
        ["a.out -> g.left", "b.out -> g.right", "g.right -> save.audio"],
        {"two": two},
        a="io.load",
        b="io.load",
        g=instance("two", "bypassed"),
        save="io.save",
    )
    assert wires(flatten(sample)) == {"b.out -> save.audio"}


def test_an_edge_into_a_published_knob_is_not_passed_by_a_bypass():
    named = Group(
        nodes=nodes(x="a.a"),
        inputs=addresses(audio="x.in"),
        outputs={"level": Address.parse("x.out")},
        knobs=addresses(level="x.level"),
    )
    sample = graph(
        ["a.out -> g.audio", "n.out -> g.level", "g.level -> save.audio"],
        {"named": named},
        a="io.load",
        n="control.number",
        g=instance("named", "bypassed"),
        save="io.save",
    )
    assert wires(flatten(sample)) == {"a.out -> save.audio"}


def test_bypassed_instances_that_feed_each_other_are_refused():
    sample = graph(
        ["a.out -> b.audio", "b.out -> a.audio"], a=instance("clean", "bypassed"), b=instance("clean", "bypassed")
    )
    with pytest.raises(Unfolding, match="leads back to itself"):
        flatten(sample)


def test_a_muted_instance_mutes_its_nodes():
    flat = flatten(graph(AROUND, load="io.load", g=instance("clean", "muted"), save="io.save"))
    assert {a: n.state for a, n in flat.nodes.items()} == {
        "load": "on",
        "g/split": "muted",
        "g/pick": "muted",
        "save": "on",
    }


def test_an_instance_stays_as_a_leaf_where_it_is_used_as_a_function():
    flat = flatten(graph(["g.separator -> l.separator"], g=instance("clean"), l="blend.loop"))
    assert set(flat.nodes) == {"g", "g/split", "g/pick", "l"} and "g.separator -> l.separator" in wires(flat)


def test_a_group_may_pass_on_that_an_instance_is_a_function():
    outer = Group(nodes=nodes(inner=instance("clean")), outputs={"tool": Address.parse("inner.separator")})
    sample = graph(["g.tool -> l.separator"], {"clean": CLEAN, "outer": outer}, g=instance("outer"), l="blend.loop")
    flat = flatten(sample)
    assert "g/inner" in flat.nodes and "g/inner.separator -> l.separator" in wires(flat)


def test_an_output_called_separator_is_an_output():
    outer = Group(nodes=nodes(h="separate.hpss"), outputs={"separator": Address.parse("h.separator")})
    flat = flatten(graph(["g.separator -> l.separator"], {"outer": outer}, g=instance("outer"), l="blend.loop"))
    assert set(flat.nodes) == {"g/h", "l"} and wires(flat) == {"g/h.separator -> l.separator"}


def test_what_names_no_port_is_kept_for_the_rules():
    kept = {"load.out -> g.sound", "load.out -> g.audio[0]", "g.sound -> save.audio", "gone.out -> load.x"}
    assert wires(flatten(graph(kept, load="io.load", g=instance("clean"), save="io.save"))) >= kept


def test_two_edges_into_one_input_are_both_led_inside():
    flat = flatten(graph(["a.out -> g.audio", "b.out -> g.audio"], a="io.load", b="io.load", g=instance("clean")))
    assert {"a.out -> g/split.mixture", "b.out -> g/split.mixture"} < wires(flat)


def test_edges_come_in_an_order_of_their_own():
    texts = [f"n{i}.out -> mix.audio[{i}]" for i in range(30)]
    types = {f"n{i}": "io.load" for i in range(30)} | {"mix": "blend.mix"}
    assert flatten(graph(texts, **types)).edges == flatten(graph(texts[::-1], **types)).edges
    assert [str(e) for e in flatten(graph(texts, **types)).edges] == sorted(texts)


def test_bodies_are_kept_with_the_settings_of_their_instance():
    flat = flatten(graph(g=instance("clean", margin=2.0), l=instance("loop", repeat=2)))
    assert set(flat.bodies) == {"", "g/", "l[1]/", "l[2]/"}
    assert flat.bodies["g/"].nodes["split"].knobs == {"margin": 2.0}


def test_a_missing_group():
    with pytest.raises(Unfolding, match="'g' uses the group 'gone', which is not defined; defined: clean, loop"):
        flatten(graph(g=instance("gone")))


def test_a_knob_that_is_not_published():
    with pytest.raises(Unfolding, match="'clean' publishes no knob 'colour'; it publishes margin"):
        flatten(graph(g=instance("clean", colour=1)))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"inputs": addresses(x="gone.audio")}, "input 'x'"),
        ({"outputs": {"x": Address.parse("gone.out")}}, "output 'x'"),
        ({"knobs": addresses(x="gone.level")}, "knob 'x'"),
        ({"carry": {"in": "out"}}, "carries its output 'out' to its input 'in'"),
    ],
)
def test_a_group_that_speaks_of_what_it_does_not_have(fields, named):
    with pytest.raises(Unfolding, match=named):
        flatten(graph(groups={"bad": Group(nodes=nodes(a="io.load"), **fields)}, g=instance("bad", x=1)))


def test_a_group_that_contains_itself():
    a, b = (Group(nodes=nodes(inner=instance(other))) for other in ("b", "a"))
    with pytest.raises(Unfolding, match="contains itself: a -> b -> a"):
        flatten(graph(groups={"a": a, "b": b}, g=instance("a")))


def chain(depth, **fields):
    """Groups g0 to g(depth - 1), each holding the next as given."""
    last = {f"g{depth - 1}": Group(nodes=nodes(leaf="a.a"))}
    return {f"g{i}": Group(**{k: v(i) for k, v in fields.items()}) for i in range(depth - 1)} | last


def test_groups_too_deep():
    with pytest.raises(Unfolding, match="nested more than 50 deep"):
        flatten(graph(groups=chain(60, nodes=lambda i: nodes(inner=instance(f"g{i + 1}"))), g=instance("g0")))


def refused_with_culprit(sample, culprit="bomb"):
    with pytest.raises(Unfolding, match=rf"more than {MAX_NODES:,} nodes.*{culprit!r}"):
        flatten(sample)


def test_two_to_the_thirtieth_is_refused():
    groups = chain(31, nodes=lambda i: nodes(a=instance(f"g{i + 1}"), b=instance(f"g{i + 1}")))
    refused_with_culprit(graph(groups=groups | {"clean": CLEAN}, ok=instance("clean"), bomb=instance("g0")))


def test_a_large_repeat_is_refused():
    refused_with_culprit(graph(ok=instance("clean"), bomb=instance("loop", repeat=2**30)))


def test_a_large_repeat_of_nothing_is_refused():
    refused_with_culprit(graph(groups={"empty": Group()}, bomb=instance("empty", repeat=2**30)))


def test_a_large_repeat_by_a_link_is_refused():
    links = ((Address("n", "count"), Address("bomb", "repeat")),)
    refused_with_culprit(graph(links=links, n=Node("a.a", knobs={"count": 2**30}), bomb=instance("loop")))


def test_a_large_repeat_by_a_published_knob_is_refused():
    outer = Group(nodes=nodes(inner=instance("loop")), knobs=addresses(times="inner.repeat"))
    refused_with_culprit(graph(groups={"loop": LOOP, "outer": outer}, bomb=instance("outer", times=2**30)))


def test_a_repeat_up_to_the_limit_is_unfolded():
    assert len(flatten(graph(g=instance("loop", repeat=MAX_NODES - 1))).nodes) == MAX_NODES - 1


def test_inputs_that_multiply_on_their_way_inside_feed_each_port_once():
    twice = chain(
        40,
        nodes=lambda i: nodes(inner=instance(f"g{i + 1}")),
        inputs=lambda i: addresses(a="inner.a inner.b", b="inner.a inner.b"),
    )
    leaf = {"g39": Group(nodes=nodes(leaf="a.a"), inputs=addresses(a="leaf.a", b="leaf.b"))}
    flat = flatten(graph(["load.out -> g.a"], twice | leaf, load="io.load", g=instance("g0")))
    assert sorted(str(e.target)[-6:] for e in flat.edges) == ["leaf.a", "leaf.b"]


def test_an_edge_drives_a_knob_published_through_two_groups():
    outer = Group(nodes=nodes(inner=instance("clean")), knobs=addresses(softness="inner.margin"))
    sample = graph(["n.out -> g.softness"], {"clean": CLEAN, "outer": outer}, n="control.number", g=instance("outer"))
    assert "n.out -> g/inner/split.margin" in wires(flatten(sample))


def test_a_repeat_carries_into_nested_groups():
    outer = Group(
        nodes=nodes(inner=instance("clean")),
        inputs=addresses(audio="inner.audio"),
        outputs={"out": Address.parse("inner.out")},
        carry={"audio": "out"},
        repeat=2,
    )
    flat = flatten(
        graph(["load.out -> g.audio"], {"clean": CLEAN, "outer": outer}, load="io.load", g=instance("outer"))
    )
    assert {
        "load.out -> g[1]/inner/split.mixture",
        "g[1]/inner/pick.out -> g[2]/inner/split.mixture",
    } < wires(flat)


def test_a_bypassed_instance_passes_what_the_group_around_it_receives():
    outer = Group(
        nodes=nodes(inner=instance("clean", "bypassed")),
        inputs=addresses(audio="inner.audio"),
        outputs={"out": Address.parse("inner.out")},
        carry={"audio": "out"},
        repeat=3,
    )
    sample = graph(AROUND, {"clean": CLEAN, "outer": outer}, load="io.load", g=instance("outer"), save="io.save")
    assert wires(flatten(sample)) == {"load.out -> save.audio"}


def locked(node, **outputs):
    return replace(node, lock=Lock("ab" * 32, outputs))


def locks(flat):
    return {address: dict(node.lock.outputs) for address, node in flat.nodes.items() if node.is_locked}


def test_of_a_locked_instance_those_nodes_are_locked_that_its_outputs_show():
    flat = flatten(graph(AROUND, load="io.load", g=locked(instance("clean"), out="1f"), save="io.save"))
    assert locks(flat) == {"g/pick": {"out": "1f"}}
    assert flat.aliases["g.out"] == Address("g/pick", "out")
    assert locks(flatten(graph(AROUND, load="io.load", g=locked(instance("loop"), out="1f"), save="io.save"))) == {
        "g[3]/step": {"out": "1f"}
    }
    off = graph(AROUND, load="io.load", g=locked(instance("clean", "bypassed"), out="1f"), save="io.save")
    assert locks(flatten(off)) == {}


def test_the_lock_of_an_outer_instance_counts_before_that_of_an_inner_one():
    outer = Group(
        nodes=nodes(inner=locked(instance("clean"), out="1f")),
        inputs=addresses(audio="inner.audio"),
        outputs={"out": Address.parse("inner.out")},
    )
    around = {"groups": {"clean": CLEAN, "outer": outer}, "load": "io.load", "save": "io.save"}
    assert locks(flatten(graph(AROUND, g=instance("outer"), **around))) == {"g/inner/pick": {"out": "1f"}}
    assert locks(flatten(graph(AROUND, g=locked(instance("outer"), out="2f"), **around))) == {
        "g/inner/pick": {"out": "2f"}
    }


def test_a_lock_reaches_no_node_outside_and_a_bypassed_one_inside_gives_it():
    passes = Group(
        nodes=nodes(inner=instance("clean", "bypassed"), loud=Node("filter.gain", state="bypassed")),
        inputs=addresses(audio="inner.audio loud.signal"),
        outputs={"out": Address.parse("inner.out"), "loud": Address.parse("loud.out")},
    )
    groups = {"clean": CLEAN, "passes": passes}
    flat = flatten(
        graph(AROUND, groups, load="io.load", save="io.save", g=locked(instance("passes"), out="1f", loud="2f"))
    )
    assert locks(flat) == {"g/loud": {"out": "2f"}}
