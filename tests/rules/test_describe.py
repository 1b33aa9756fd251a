"""Formats follow from the inputs and the node types alone; what is unknown stays unknown."""

from small_graphs import LIBRARY, graph

from midistems_graph.audio.values import StftSettings
from midistems_graph.document.graph import Graph, Node
from midistems_graph.node import installed
from midistems_graph.rules.describe import Format, describe
from midistems_graph.rules.site import Site

SONG = {"song": Format("audio", 48000, 2)}


def formats(node_text, edge_text="", inputs=SONG):
    return describe(Site.of(graph(node_text, edge_text), LIBRARY), inputs)


def test_an_input_gives_its_rate_and_channels_on():
    assert formats("load=io.load; g=filter.gain", "load.out->g.signal")["g", "out"] == Format("audio", 48000, 2)


def test_what_is_not_said_is_unknown():
    assert formats("load=io.load", inputs={})["load", "out"] == Format("audio")
    assert formats("x=other.pack; g=filter.gain", "x.out->g.signal") == {}


def test_a_separator_names_its_stems():
    found = formats("load=io.load; h=separate.hpss", "load.out->h.mixture")["h", "out"]
    assert found == Format("stems", 48000, 2, ("harmonic", "percussive"), complete=True)


def test_a_set_keeps_its_names_through_other_nodes():
    found = formats("load=io.load; p=separate.part; g=filter.gain", "load.out->p.mixture; p.out->g.signal")["g", "out"]
    assert found == Format("stems", 48000, 2, ("vocals",), complete=False)


def test_the_rate_rule_decides():
    assert formats("load=io.load; r=filter.resample(rate=22050)", "load.out->r.audio")["r", "out"].rate == 22050
    assert formats("r=filter.resample(rate=22050)", inputs={})["r", "out"].rate == 22050


def test_what_is_converted_while_it_is_loaded_has_the_rate_of_the_song():
    inputs = {**SONG, "tool": Format("stems", 44100, 1, ("vocals",), True)}
    found = describe(Site.of(Graph(nodes={"s": Node("io.load_stems", knobs={"folder": "tool"})}), installed()), inputs)
    assert found["s", "out"] == Format("stems", 48000, 1, ("vocals",), True)


def test_spectrograms_have_the_settings_of_their_maker():
    found = formats(
        "load=io.load; s=spectral.stft(n_fft=1024, hop=256); m=spectral.mask; i=spectral.istft",
        "load.out->s.audio; s.out->m.mixture; s.out->m.part; s.out->i.spectrogram",
    )
    assert found["s", "out"].stft == found["m", "out"].stft == StftSettings(1024, 256, "hann")
    assert found["m", "out"].kind == "mask"
    assert found["i", "out"] == Format("audio", 48000, 2)


def test_a_bypassed_node_gives_what_it_passes():
    found = formats("load=io.load; r=filter.resample!(rate=8000)", "load.out->r.audio")
    assert found["r", "out"].rate == 48000


def test_untimed_values_have_no_format_but_their_kind():
    assert formats("load=io.load; r=measure.rms", "load.out->r.audio")["r", "out"] == Format("number")


def test_a_refused_knob_leaves_the_defaults():
    assert formats("load=io.load; r=filter.resample(rate=1)", "load.out->r.audio")["r", "out"].rate == 44100
