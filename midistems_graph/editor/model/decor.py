"""Frames and notes: made, named, coloured, written."""

from __future__ import annotations

from dataclasses import replace

from midistems_graph.document.graph import Frame, Note
from midistems_graph.editor.model.arrange import rects_of
from midistems_graph.editor.model.edit import Edit, Refused, edited
from midistems_graph.editor.model.plane import GRID, Point, Rect, snapped
from midistems_graph.editor.model.selection import Selection, number
from midistems_graph.editor.model.state import EditorState
from midistems_graph.node.library import NodeLibrary

MARGIN = 2 * GRID
LONGEST_TEXT = 10_000
UNWRITTEN = "note"
"""What a note says before somebody writes it."""


def frame_selection(state: EditorState, library: NodeLibrary, title: str = "frame") -> Edit:
    """Put a frame around the selected nodes."""
    around = Rect.around(rects_of(state, library, state.selection.nodes).values())
    if around is None:
        raise Refused("select the nodes that the frame is to hold first")
    left, top = snapped(around.left - MARGIN), snapped(around.top - MARGIN - GRID)
    right, bottom = snapped(around.right + MARGIN), snapped(around.bottom + MARGIN)
    view = state.body.view
    made = Frame(title, left, top, right - left, bottom - top)
    body = replace(state.body, view=replace(view, frames=(*view.frames, made)))
    return edited(state, body, "frame the selection", Selection.of(frames=[len(view.frames)]))


def add_note(state: EditorState, at: Point, text: str = UNWRITTEN) -> Edit:
    """Put a note on the canvas."""
    view = state.body.view
    made = Note(text[:LONGEST_TEXT], snapped(at[0]), snapped(at[1]))
    body = replace(state.body, view=replace(view, notes=(*view.notes, made)))
    return edited(state, body, "add a note", Selection.of(notes=[len(view.notes)]))


def write(state: EditorState, item: str, text: str) -> Edit:
    """Give a note its text or a frame its title; a note without text goes."""
    view, i = state.body.view, number(item)
    text = text[:LONGEST_TEXT]
    if item.startswith("frame:") and i < len(view.frames):
        frames = (*view.frames[:i], replace(view.frames[i], title=text), *view.frames[i + 1 :])
        return edited(state, replace(state.body, view=replace(view, frames=frames)), "name a frame")
    if item.startswith("note:") and i < len(view.notes):
        kept = (replace(view.notes[i], text=text),) if text.strip() else ()
        notes = (*view.notes[:i], *kept, *view.notes[i + 1 :])
        return edited(state, replace(state.body, view=replace(view, notes=notes)), "write a note")
    raise Refused("that frame or note is gone")


def colour(state: EditorState, color: str) -> Edit:
    """Give the selected frames a colour (`#rrggbb`, empty for the usual one)."""
    if not state.selection.frames:
        raise Refused("no frame is selected; click the title of one first")
    chosen = state.selection.frames
    view = state.body.view
    frames = tuple(replace(f, color=color) if i in chosen else f for i, f in enumerate(view.frames))
    return edited(state, replace(state.body, view=replace(view, frames=frames)), "colour a frame")
