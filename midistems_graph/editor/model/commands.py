"""Every command by name: what keys, menus and the palette of commands can do.

Those with a `run` are done by the editor; the others belong to the view (files, playing, panels), which
looks them up by name and does them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from midistems_graph.document.graph import Edge
from midistems_graph.editor.model import arrange, clipboard, decor, grouping, nodes, selecting, wiring
from midistems_graph.editor.model.bodies import all_edges
from midistems_graph.editor.model.edit import Edit, Refused
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.plane import GRID, Rect
from midistems_graph.editor.model.selection import Selection
from midistems_graph.editor.model.state import EditorState

Run = Callable[[Editor], Edit | None]


@dataclass(frozen=True)
class Command:
    """Something a person can ask for, with the words of menus and the group it stands in."""

    name: str
    title: str
    about: str
    run: Run | None = None


def _edit(function: Callable[[EditorState, Editor], Edit]) -> Run:
    return lambda editor: function(editor.state, editor)


def _select(function: Callable[[EditorState], Selection]) -> Run:
    def run(editor: Editor) -> None:
        editor.state = replace(editor.state, selection=function(editor.state))

    return run


def _align(side: arrange.Side) -> Run:
    return lambda editor: arrange.align(editor.state, editor.library, side)


def _distribute(axis: Literal["across", "down"]) -> Run:
    return lambda editor: arrange.distribute(editor.state, editor.library, axis)


def _nudge(columns: int, rows: int) -> Run:
    return lambda editor: nodes.move(editor.state, columns * GRID, rows * GRID)


def _undo(editor: Editor) -> None:
    if not editor.undo():
        raise Refused("there is nothing to undo")


def _redo(editor: Editor) -> None:
    if not editor.redo():
        raise Refused("there is nothing to do again")


def _enter(editor: Editor) -> None:
    chosen = [i for i in editor.state.selection.nodes if editor.state.body.nodes[i].group in editor.state.graph.groups]
    if len(chosen) != 1:
        raise Refused("select one instance of a group to enter it")
    editor.enter((*editor.state.path, chosen[0]))


def _leave(editor: Editor) -> None:
    if not editor.state.path:
        raise Refused("this is the outermost level")
    came_from = editor.state.path[-1]
    editor.enter(editor.state.path[:-1])
    editor.state = replace(editor.state, selection=Selection.of(nodes=[came_from]).within(editor.state.body))


def _unpack(state: EditorState, editor: Editor) -> Edit:
    if len(state.selection.nodes) != 1:
        raise Refused("select one instance of a group to unpack it")
    return grouping.unpack(state, next(iter(state.selection.nodes)))


def _look_at_selection(editor: Editor) -> None:
    rects = (editor.scene.rect(item) for item in editor.state.selection.ids)
    around = Rect.around(rect for rect in rects if rect is not None)
    editor.state = editor.state.looking_at(around or editor.scene.bounds)


_LIST = (
    Command("undo", "Undo", "edit", _undo),
    Command("redo", "Redo", "edit", _redo),
    Command("delete", "Delete and heal the edges", "edit", _edit(lambda s, e: nodes.delete(s, e.insight))),
    Command("delete_cut", "Delete with edges", "edit", _edit(lambda s, e: nodes.delete(s, e.insight, heal=False))),
    Command("duplicate", "Duplicate", "edit", _edit(lambda s, e: clipboard.duplicate(s))),
    Command(
        "duplicate_wired", "Duplicate with edges", "edit", _edit(lambda s, e: clipboard.duplicate(s, incoming=True))
    ),
    Command("disconnect", "Disconnect", "edit", _edit(lambda s, e: wiring.disconnect(s, _edges_of(s)))),
    Command("copy", "Copy", "edit"),
    Command("cut", "Cut", "edit"),
    Command("paste", "Paste", "edit"),
    Command("paste_wired", "Paste with edges", "edit"),
    Command("palette", "Add a node", "edit"),
    Command("rename", "Rename", "edit"),
    Command("bypass", "Bypass", "node", _edit(lambda s, e: nodes.toggle_state(s, "bypassed"))),
    Command("mute", "Mute", "node", _edit(lambda s, e: nodes.toggle_state(s, "muted"))),
    Command("lock", "Lock or unlock what it gives", "node"),
    Command("group", "Group", "node", _edit(lambda s, e: grouping.group_selection(s, e.library))),
    Command("unpack", "Unpack the group", "node", _edit(_unpack)),
    Command("enter", "Enter the group", "node", _enter),
    Command("leave", "Leave the group", "node", _leave),
    Command("iteration_before", "Iteration before", "node", lambda e: e.show_iteration(-1)),
    Command("iteration_next", "Next iteration", "node", lambda e: e.show_iteration(1)),
    Command("frame", "Frame the selection", "node", _edit(lambda s, e: decor.frame_selection(s, e.library))),
    Command("note", "Note", "node", _edit(lambda s, e: decor.add_note(s, s.view.center))),
    Command("select_all", "Select all", "select", _select(selecting.everything)),
    Command("select_none", "Select nothing", "select", _select(lambda s: Selection())),
    Command("invert", "Invert the selection", "select", _select(selecting.inverted)),
    Command("upstream", "Select what feeds it", "select", _select(lambda s: selecting.along(s, "upstream"))),
    Command("downstream", "Select what it feeds", "select", _select(lambda s: selecting.along(s, "downstream"))),
    Command("align_left", "Align left", "arrange", _align("left")),
    Command("align_right", "Align right", "arrange", _align("right")),
    Command("align_top", "Align top", "arrange", _align("top")),
    Command("align_bottom", "Align bottom", "arrange", _align("bottom")),
    Command("align_center", "Align centres in a column", "arrange", _align("center")),
    Command("align_middle", "Align centres in a row", "arrange", _align("middle")),
    Command("distribute_across", "Distribute across", "arrange", _distribute("across")),
    Command("distribute_down", "Distribute down", "arrange", _distribute("down")),
    Command("layout", "Lay out", "arrange", _edit(lambda s, e: arrange.auto_layout(s, e.library))),
    Command("nudge_left", "Move left", "arrange", _nudge(-1, 0)),
    Command("nudge_right", "Move right", "arrange", _nudge(1, 0)),
    Command("nudge_up", "Move up", "arrange", _nudge(0, -1)),
    Command("nudge_down", "Move down", "arrange", _nudge(0, 1)),
    Command("look_at_all", "See everything", "view", Editor.look_at_all),
    Command("look_at_selection", "See the selection", "view", _look_at_selection),
    Command("minimap", "Minimap", "view"),
    Command("theme", "Dark or light", "view"),
    Command("larger", "Larger interface", "view"),
    Command("smaller", "Smaller interface", "view"),
    Command("settings", "Settings", "view"),
    Command("views_shows", "Waveform, spectrogram or stem levels", "pictures"),
    Command("views_scale", "Scale of frequencies", "pictures"),
    Command("views_channel", "Channel", "pictures"),
    Command("views_range", "Range of levels", "pictures"),
    Command("views_brighter", "Brighter", "pictures"),
    Command("views_darker", "Darker", "pictures"),
    Command("views_compare", "Two edges and their difference", "pictures"),
    Command("views_large", "Large or small pictures", "pictures"),
    Command("views_all", "See the whole song", "pictures"),
    Command("paint", "Paint on the spectrogram", "pictures"),
    Command("paint_shape", "Another shape to paint", "pictures"),
    Command("paint_edit", "Change painted strokes", "pictures"),
    Command("paint_gain", "Another level to paint", "pictures"),
    Command("paint_width", "Another width to paint", "pictures"),
    Command("views_in", "Zoom in", "pictures"),
    Command("views_out", "Zoom out", "pictures"),
    Command("shortcuts", "Keys and gestures", "view"),
    Command("log", "What was said", "view"),
    Command("new", "New", "file"),
    Command("welcome", "Welcome", "file"),
    Command("songs", "Songs and scores", "file"),
    Command("next_song", "Next song", "sound"),
    Command("previous_song", "Previous song", "sound"),
    Command("separate", "Separate songs", "file"),
    Command("inputs", "Files of further inputs", "file"),
    Command("open", "Open", "file"),
    Command("save", "Save", "file"),
    Command("save_as", "Save as", "file"),
    Command("export", "Export", "file"),
    Command("import", "Import into this graph", "file"),
    Command("answer", "Take what a notice offers", "file"),
    Command("quit", "Quit", "file"),
    Command("play", "Play or pause", "sound"),
    Command("stop", "Stop", "sound"),
    Command("loop", "Loop on or off", "sound"),
    Command("half_speed", "Half speed", "sound"),
    Command("back", "One second back", "sound"),
    Command("forward", "One second on", "sound"),
    Command("compare", "A or B", "sound"),
    Command("hear_a", "Hear A", "sound"),
    Command("hear_b", "Hear B", "sound"),
    Command("difference", "Difference of A and B", "sound"),
    Command("boost", "Difference 20 dB louder", "sound"),
    Command("match", "A and B equally loud (LUFS)", "sound"),
    Command("mid", "Mid alone", "sound"),
    Command("side", "Side alone", "sound"),
    Command("band_low", "Below 250 Hz alone", "sound"),
    Command("band_middle", "250 Hz to 4 kHz alone", "sound"),
    Command("band_high", "Above 4 kHz alone", "sound"),
    Command("band_own", "A band of one's own alone", "sound"),
    Command("band_set", "Set the band of one's own", "sound"),
    Command("louder", "Louder", "sound"),
    Command("quieter", "Quieter", "sound"),
    Command("abx", "Blind test of A and B (ABX)", "sound"),
    Command("hear_x", "Hear X", "sound"),
    Command("answer_a", "X is A", "sound"),
    Command("answer_b", "X is B", "sound"),
    Command("stem_up", "Stem above", "sound"),
    Command("stem_down", "Stem below", "sound"),
    Command("stem_solo", "Solo the stem", "sound"),
    Command("stem_mute", "Mute the stem", "sound"),
    Command("stem_louder", "Stem 1 dB louder", "sound"),
    Command("stem_quieter", "Stem 1 dB quieter", "sound"),
    Command("stem_reset", "All stems as they are", "sound"),
    Command("export_sound", "Export what is heard", "sound"),
    Command("sound_device", "Sound device and buffer", "sound"),
    *(Command(f"hear_{i}", f"Play kept edge {i}", "sound") for i in range(10)),
    *(Command(f"keep_{i}", f"Keep the edge as {i}", "sound") for i in range(10)),
    Command("run", "Run", "run"),
    Command("search", "Try settings: a sweep, or what each node adds", "run"),
    Command("found", "What a sweep or an ablation map found", "run"),
    Command("cancel", "Cancel the run", "run"),
)

ON_CANVAS = frozenset({"edit", "node", "select", "arrange"})
"""Groups of commands that make sense only where the canvas is seen."""

WRITTEN = frozenset({"frame", "note"})
"""Commands that make something whose text is typed next."""

COMMANDS: Mapping[str, Command] = {command.name: command for command in _LIST}


def run(editor: Editor, name: str) -> bool:
    """Do a command by its name; False if it is one of the view's. Raises Refused with a sentence."""
    command = COMMANDS[name].run
    if command is None:
        return False
    editor.cancel()
    edit = command(editor)
    if edit is not None:
        editor.apply(edit)
    return True


def _edges_of(state: EditorState) -> frozenset[Edge]:
    """The selected edges, or all that touch the selected nodes."""
    if state.selection.edges:
        return state.selection.edges
    nodes = state.selection.nodes
    return frozenset(e for e in all_edges(state.body) if e.source.node in nodes or e.target.node in nodes)
