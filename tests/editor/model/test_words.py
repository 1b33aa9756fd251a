"""What is said of knobs and of reasons."""

from __future__ import annotations

from midistems_graph.document.graph import Graph, Node
from midistems_graph.editor.model.knob_words import told_knobs
from midistems_graph.editor.model.reasons import in_words
from midistems_graph.editor.model.shape import MOST_KNOB_LINES, shape_of, sides_of
from midistems_graph.node.library import installed


def test_a_node_tells_what_it_is_set_to_other_than_the_default() -> None:
    library = installed()
    assert told_knobs(Node("filter.gain"), library) == ()
    assert told_knobs(Node("filter.gain", knobs={"gain": 0.0}), library) == ()
    assert told_knobs(Node("filter.gain", knobs={"gain": -6.0}), library) == ("gain -6 dB",)
    assert told_knobs(Node("nobody.has_this", knobs={"on": True}), library) == ("on yes",)


def test_knobs_take_room_from_the_picture_and_never_make_the_box_higher() -> None:
    node = Node("separate.hpss")
    sides = sides_of(node, Graph(), installed())
    plain = shape_of("hpss", node, sides)
    told = shape_of("hpss", node, sides, told=tuple(f"knob number {k} 12345 Hz" for k in range(6)))
    assert told.height == plain.height and len(told.knobs) == MOST_KNOB_LINES
    assert told.knobs[-1].endswith("+4")
    assert plain.thumbnail is not None and told.thumbnail is not None
    assert plain.thumbnail.top < told.thumbnail.top < told.thumbnail.bottom == plain.thumbnail.bottom


def test_reasons_are_sentences() -> None:
    lines = ["input mixture: 1234 -> 5678", "knob n_fft: 2048 -> 4096"]
    assert in_words(lines) == "what flows into mixture changed; n fft went from 2048 to 4096"
    assert in_words(["it has not been computed before"]) == "it has not been computed before"
    stretch = "stretch: 10 to 13.8 s -> 0 to 10 s"
    assert in_words([lines[1], stretch]) == "n fft went from 2048 to 4096"
    assert in_words([stretch]) == "this stretch has not been computed before" and in_words([]) == ""
