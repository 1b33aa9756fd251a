"""`--set` on plain nodes, links, driven knobs and groups; knobs of writers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.settings import with_settings, with_writers_set
from midistems_graph.document.graph import Address, Graph, Group, Node
from midistems_graph.node import installed

LIBRARY = installed()


def _graph() -> Graph:
    inner = Group(
        nodes={"gain": Node("filter.gain"), "save": Node("io.save")},
        knobs={"level": (Address("gain", "gain"),)},
        inputs={"a": (Address("gain", "signal"),)},
        outputs={"b": Address("gain", "out")},
    )
    graph = Graph(groups={"g": inner}, links=((Address("one", "gain"), Address("two", "gain")),))
    for name in ("one", "two", "driven"):
        graph = graph.with_node(name, Node("filter.gain"))
    graph = graph.with_node("number", Node("control.number")).with_node("loop", Node("group:g"))
    return graph.with_node("save", Node("io.save")).with_edge("number.out", "driven.gain")


@pytest.mark.parametrize(("text", "value"), [("-3", -3.0), ("2.5", 2.5), ("1e1", 10.0)])
def test_text_becomes_a_value_of_the_knobs_own_type(text: str, value: float) -> None:
    assert with_settings(_graph(), LIBRARY, [f"one.gain={text}"]).nodes["one"].knobs["gain"] == value


def test_linked_knobs_are_set_together() -> None:
    nodes = with_settings(_graph(), LIBRARY, ["two.gain=6"]).nodes
    assert nodes["one"].knobs == nodes["two"].knobs == {"gain": 6.0}


def test_published_knobs_and_the_count_of_a_group_can_be_set() -> None:
    nodes = with_settings(_graph(), LIBRARY, ["loop.level=6", "loop.repeat=4"]).nodes
    assert nodes["loop"].knobs == {"level": 6.0, "repeat": 4}


def test_a_knob_that_the_graph_publishes_is_set_by_its_name() -> None:
    ends = (Address("one", "gain"), Address("loop", "level"))
    nodes = with_settings(replace(_graph(), knobs={"loud": ends}), LIBRARY, ["loud=-6"]).nodes
    assert nodes["two"].knobs == {"gain": -6.0} and nodes["loop"].knobs == {"level": -6.0}
    with pytest.raises(Refused, match="did you mean loud"):
        with_settings(replace(_graph(), knobs={"loud": ends}), LIBRARY, ["lud=-6"])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("driven.gain=1", "number.out drives"),
        ("loop.levl=1", "did you mean level"),
        ("loop.level=1000", "'level' cannot be 1000.0; allowed: -120 to 60 dB"),
        ("loop.repeat=0", "'repeat' cannot be 0"),
        ("loop/gain.gain=1", "publishes"),
        ("one.gain[2]=1", "no places"),
        ("one=1", "is no knob; write node.knob"),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_reason(setting: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        with_settings(_graph(), LIBRARY, [setting])
    assert refused.value.code is Exit.USAGE and setting in str(refused.value)


def test_a_format_is_set_on_every_writer_within_groups_too() -> None:
    graph = with_writers_set(_graph(), LIBRARY, "format", "flac")
    assert graph.nodes["save"].knobs == graph.groups["g"].nodes["save"].knobs == {"format": "flac"}
    assert "format" not in graph.nodes["one"].knobs
