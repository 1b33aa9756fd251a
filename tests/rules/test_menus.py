"""What an edge that is being drawn may end at; the answers agree with `may_connect`."""

from small_graphs import LIBRARY, graph, group

from midistems_graph.rules.check import may_connect
from midistems_graph.rules.menus import compatible_targets, types_giving, types_taking

GROUPS = {"g": group("x=filter.gain; r=measure.rms", inputs={"in": "x.signal r.audio"}, outputs={"out": "x.out"})}
SAMPLE = graph(
    "load=io.load; hpss=separate.hpss; g=filter.gain; b=blend.blend; rms=measure.rms; mix=blend.mix; i=group:g;"
    "pick=stems.pick",
    "load.out->hpss.mixture; load.out->b.a; load.out->mix.audio[0]; hpss.out->pick.stems; load.out->g.signal",
    groups=GROUPS,
)


def targets(source):
    return [str(a) for a in compatible_targets(SAMPLE, LIBRARY, source)]


def test_audio_may_go_to_audio_ports_and_to_the_next_free_place():
    assert targets("load.out") == ["b.a", "b.b", "g.signal", "hpss.mixture", "i.in", "mix.audio[1]", "rms.audio"]


def test_a_bound_generic_port_takes_its_kind_alone():
    assert targets("hpss.out") == ["b.a", "g.signal", "pick.stems"]


def test_no_circle_arises():
    assert "hpss.mixture" not in targets("pick.out")


def test_the_output_of_a_group_is_followed_inside():
    assert "i.in" not in targets("i.out") and "g.signal" in targets("i.out")


def test_every_port_that_is_offered_may_be_connected():
    for source in ("load.out", "pick.out"):
        for target in targets(source):
            assert may_connect(SAMPLE, LIBRARY, source, target) is None, (source, target)


def test_an_unknown_output_offers_nothing():
    assert targets("load.sound") == targets("gone.out") == []


def test_node_types_for_a_filtered_menu():
    assert [t.id for t in types_taking(LIBRARY, "mask")] == ["spectral.apply"]
    assert "blend.loop" in [t.id for t in types_taking(LIBRARY, "separator")]
    assert [t.id for t in types_giving(LIBRARY, ("mask",))] == ["spectral.mask"]
    assert types_giving(LIBRARY, ("separator",)) == []
