"""Strokes that are there already: which one is under the pointer, and what it is when it is moved or pulled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from midistems_graph.audio.strokes import HIGHEST_DB, LOWEST_DB, Stroke
from midistems_graph.document.graph import Address
from midistems_graph.editor.model.edit import Edit, Refused
from midistems_graph.editor.model.knobs import set_knob
from midistems_graph.editor.model.paint import KNOB, strokes_of
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.library import NodeLibrary


def stroke_at(strokes: Sequence[Stroke], seconds: float, hz: float, near: tuple[float, float]) -> int | None:
    """The number of the stroke on a moment and a frequency, the last drawn first; `near` is a reach in both."""
    here = np.array([seconds]), np.array([hz])
    found = (k for k in reversed(range(len(strokes))) if strokes[k].covers(*here, near).any())
    return next(found, None)


def moved(stroke: Stroke, seconds: float, pitched: Callable[[float], float]) -> Stroke:
    """The stroke at another time and pitch; it does not begin before the song."""
    first = min(float(moment) for moment, _ in stroke.places)
    later = max(seconds, -first)
    places = [(float(moment) + later, pitched(hz)) for moment, hz in stroke.places]
    return Stroke.of(stroke.shape, stroke.gain_db, places, stroke.size)


def with_place(stroke: Stroke, number: int, seconds: float, hz: float) -> Stroke:
    """The stroke with one of its corners (or of the points of its path) elsewhere."""
    places = [(float(moment), pitch) for moment, pitch in stroke.places]
    places[number] = max(seconds, 0.0), hz
    return Stroke.of(stroke.shape, stroke.gain_db, places, stroke.size)


def with_gain(stroke: Stroke, gain_db: float) -> Stroke:
    return replace(stroke, gain_db=min(max(float(gain_db), LOWEST_DB), HIGHEST_DB))


def change_stroke(state: EditorState, library: NodeLibrary, port: Address, number: int, stroke: Stroke) -> Edit:
    """Another stroke in the place of one that a paint node has. Raises Refused if there is none."""
    drawn = _drawn(state, port, number)
    edit = set_knob(state, library, {port.node}, KNOB, (*drawn[:number], str(stroke), *drawn[number + 1 :]))
    return replace(edit, label=f"change {stroke.shape}", key="")


def remove_stroke(state: EditorState, library: NodeLibrary, port: Address, number: int) -> Edit:
    """A paint node without one of its strokes. Raises Refused if there is none."""
    drawn = _drawn(state, port, number)
    edit = set_knob(state, library, {port.node}, KNOB, (*drawn[:number], *drawn[number + 1 :]))
    return replace(edit, label="delete a stroke", key="")


def _drawn(state: EditorState, port: Address, number: int) -> tuple[str, ...]:
    drawn = strokes_of(state, port)
    if not 0 <= number < len(drawn):
        raise Refused("there is no such stroke any more; choose one on the spectrogram")
    return drawn
