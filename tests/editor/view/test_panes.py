from __future__ import annotations

import itertools

import pytest

from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.model.views import Shows, Views
from midistems_graph.editor.view.panes import RULER, Sight, panes_of

A, B = Take.of(Address("a", "out")), Take.of(Address("b", "out"))


def kinds(sight: Sight, shows: Shows = "both") -> list[str]:
    return [pane.kind for pane in panes_of(sight, Views(shows=shows), 200)]


def test_what_is_shown_follows_the_kind_of_value() -> None:
    assert kinds(Sight()) == []
    assert kinds(Sight(A, "audio")) == ["waveform", "spectrogram"]
    assert kinds(Sight(A, "audio"), "waveform") == ["waveform"]
    assert kinds(Sight(A, "mask")) == kinds(Sight(A, "mask"), "waveform") == ["spectrogram"]
    assert kinds(Sight(A, "stems"), "levels") == ["stems", "spectrogram"]
    assert kinds(Sight(A, "audio"), "levels") == ["waveform", "spectrogram"]


def test_two_edges_stand_above_each_other_with_their_difference() -> None:
    panes = panes_of(Sight(A, "audio", (A, B)), Views(), 318)
    assert [(pane.kind, pane.take) for pane in panes] == [("spectrogram", A), ("spectrogram", B), ("difference", A)]
    assert panes[2].other == B
    waves = panes_of(Sight(B, "audio", (A, B)), Views(shows="waveform"), 318)
    assert waves[2].kind == "waveform" and [part.gain for part in waves[2].take.parts] == [1.0, -1.0]


@pytest.mark.parametrize("height", [90, 200, 901])
@pytest.mark.parametrize("comparing", [False, True])
def test_panes_fill_the_strip_and_do_not_overlap(height: int, comparing: bool) -> None:
    panes = panes_of(Sight(A, "audio", (A, B) if comparing else None), Views(), height)
    assert panes[0].top == RULER and height - 1 <= panes[-1].bottom <= height
    assert all(0 <= below.top - above.bottom <= 1 for above, below in itertools.pairwise(panes))
    assert all(pane.height > 15 for pane in panes)
    assert len({pane.name for pane in panes}) == len(panes)
