"""Strokes that are there already: which ones are under the pointer or in a box, and what they are when they are moved
or pulled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from math import ceil

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


def strokes_within(strokes: Sequence[Stroke], seconds: tuple[float, float], hz: tuple[float, float]) -> frozenset[int]:
    """The numbers of the strokes that a box of moments and frequencies meets (a harmonic one by any overtone)."""
    found = []
    for number, stroke in enumerate(strokes):
        first, last = stroke.reach
        pitches = [pitch for _, pitch in stroke.places]
        low, high = min(pitches), max(pitches)
        overtone = max(ceil(hz[0] / high), 1) if stroke.shape == "harmonic" else 1
        if first <= seconds[1] and last >= seconds[0] and overtone * low <= hz[1] and overtone * high >= hz[0]:
            found.append(number)
    return frozenset(found)


def all_moved(strokes: Mapping[int, Stroke], seconds: float, pitched: Callable[[float], float]) -> dict[int, Stroke]:
    """Several strokes at another time and pitch, together: none begins before the song."""
    first = min((float(moment) for stroke in strokes.values() for moment, _ in stroke.places), default=0.0)
    return {number: moved(stroke, max(seconds, -first), pitched) for number, stroke in strokes.items()}


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


def change_strokes(state: EditorState, library: NodeLibrary, port: Address, changed: Mapping[int, Stroke]) -> Edit:
    """Other strokes in the place of some that a paint node has. Raises Refused if one is not there."""
    drawn = _drawn(state, port, changed)
    strokes = tuple(str(changed[k]) if k in changed else text for k, text in enumerate(drawn))
    edit = set_knob(state, library, {port.node}, KNOB, strokes)
    return replace(edit, label=f"change {_counted([stroke.shape for stroke in changed.values()])}", key="")


def remove_strokes(state: EditorState, library: NodeLibrary, port: Address, numbers: Collection[int]) -> Edit:
    """A paint node without some of its strokes. Raises Refused if one is not there."""
    drawn = _drawn(state, port, numbers)
    edit = set_knob(state, library, {port.node}, KNOB, tuple(s for k, s in enumerate(drawn) if k not in numbers))
    return replace(edit, label=f"delete {_counted([Stroke.parse(drawn[k]).shape for k in numbers])}", key="")


def _counted(shapes: Sequence[str]) -> str:
    return shapes[0] if len(shapes) == 1 else f"{len(shapes)} strokes"


def _drawn(state: EditorState, port: Address, numbers: Collection[int]) -> tuple[str, ...]:
    drawn = strokes_of(state, port)
    if not numbers or not all(0 <= number < len(drawn) for number in numbers):
        raise Refused("there is no such stroke any more; choose one on the spectrogram")
    return drawn
