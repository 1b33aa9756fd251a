"""Each lint speaks when it should, and a clean graph hears nothing."""

from small_graphs import LIBRARY, graph, group

from midistems_graph.rules.describe import Format
from midistems_graph.rules.lint import lint


def lints(node_text, edge_text="", inputs=None, **fields):
    return lint(graph(node_text, edge_text, **fields), LIBRARY, inputs)


def only(node_text, edge_text="", inputs=None, **fields):
    (found,) = lints(node_text, edge_text, inputs, **fields)
    return found


def test_a_clean_graph():
    assert lints("load=io.load; g=filter.gain; s=io.save", "load.out->g.signal; g.out->s.audio") == []


TWO_RATES = (
    "a=io.load; r=filter.resample(rate=22050); d=stems.residual; s=io.save",
    "a.out->r.audio; a.out->d.mixture; r.out->d.part; d.out->s.audio",
)


def test_rates_that_differ_at_one_node():
    found = only(*TWO_RATES, {"song": Format("audio", 48000, 2)})
    assert (found.node, found.port) == ("d", "part") and "48000" in found.message and "22050" in found.message


def test_unknown_rates_do_not_differ():
    assert lints(*TWO_RATES) == []


def test_a_node_that_changes_rates_may_get_several():
    back = (
        "a=io.load; r=filter.resample(rate=22050); l=filter.like; d=stems.residual; s=io.save",
        "a.out->r.audio; a.out->l.like; r.out->l.audio; a.out->d.mixture; l.out->d.part; d.out->s.audio",
    )
    assert lints(*back, {"song": Format("audio", 48000, 2)}) == []


def test_masks_of_other_stft_settings():
    found = only(
        "a=io.load; s=spectral.stft; t=spectral.stft(n_fft=1024); m=spectral.mask; p=spectral.apply; i=spectral.istft;"
        "save=io.save",
        "a.out->s.audio; a.out->t.audio; t.out->m.mixture; t.out->m.part; s.out->p.spectrogram; m.out->p.mask;"
        "p.out->i.spectrogram; i.out->save.audio",
    )
    assert found.node == "p" and "n_fft 2048" in found.message and "n_fft 1024" in found.message


SPREAD = (
    "a=io.load; p=separate.part; c=consistency.spread; k=stems.pick; s=io.save",
    "a.out->p.mixture; a.out->c.mixture; p.out->c.stems; c.out->k.stems; k.out->s.audio",
)


def test_an_incomplete_set_made_consistent():
    found = only(*SPREAD)
    assert found.port == "stems" and "vocals" in found.message


def test_a_complete_set_made_consistent():
    assert lints(SPREAD[0].replace("separate.part", "separate.hpss"), SPREAD[1]) == []


def test_gain_before_subtracting():
    edges = "a.out->g.signal; a.out->d.mixture; g.out->d.part; d.out->s.audio"
    nodes = "a=io.load; g=filter.gain(gain=-3.0); d=stems.residual; s=io.save"
    assert "'g'" in only(nodes, edges).message
    assert [p.node for p in lints(nodes.replace("filter.gain", "filter.gain!"), edges)] == ["g"]  # the left-over alone


def test_results_that_nothing_uses():
    assert only("a=io.load; h=separate.hpss", "a.out->h.mixture").node == "h"


def test_a_measure_is_a_result():
    assert lints("a=io.load; r=measure.rms", "a.out->r.audio") == []


def test_what_a_called_group_gives_is_used():
    inside = group("h=separate.hpss", inputs={"in": "h.mixture"}, outputs={"out": "h.out"})
    edges = "a.out->l.mixture; f.separator->l.separator; l.out->s.audio"
    assert lints("a=io.load; f=group:g; l=blend.loop; s=io.save", edges, groups={"g": inside}) == []


def test_bypassed_and_muted_left_overs():
    edges = "a.out->g.signal; g.out->h.signal; h.out->s.audio"
    found = lints("a=io.load; g=filter.gain!; h=filter.gain~; s=io.save", edges)
    assert [(p.node, p.message.split("; ")[0]) for p in found] == [
        ("g", "the node 'g' is bypassed"),
        ("h", "the node 'h' is muted"),
    ]


def test_a_muted_group_is_named_once():
    inside = group(
        "g=filter.gain; h=filter.gain", "g.out->h.signal", inputs={"in": "g.signal"}, outputs={"out": "h.out"}
    )
    nodes, edges = "a=io.load; i=group:g~; s=io.save", "a.out->i.in; i.out->s.audio"
    assert only(nodes, edges, groups={"g": inside}).node == "i"


def test_twins():
    nodes = "a=io.load; g=filter.gain; h=filter.gain(gain=0.0); b=blend.blend; s=io.save"
    edges = "a.out->g.signal; a.out->h.signal; g.out->b.a; h.out->b.b; b.out->s.audio"
    assert only(nodes, edges).node == "h"
    assert lints(nodes.replace("gain=0.0", "gain=1.0"), edges) == []


def test_twins_below_twins():
    nodes = "a=io.load; b=io.load; g=filter.gain; h=filter.gain; m=blend.blend; s=io.save"
    edges = "a.out->g.signal; b.out->h.signal; g.out->m.a; h.out->m.b; m.out->s.audio"
    assert [p.node for p in lints(nodes, edges)] == ["b", "h"]
