"""What the inspector does to the knobs and the title of what is selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from midistems_graph.editor.model import knobs, nodes
from midistems_graph.editor.model.edit import Edit
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.inspector import KnobRow, inspect
from midistems_graph.editor.model.knob_words import with_unit
from midistems_graph.editor.model.wiring import disconnect
from midistems_graph.editor.view.knob_controls import Hands
from midistems_graph.editor.view.menu import Row

EditThis = Callable[[Callable[[], Edit]], bool]
"""Makes an edit a step of the history, or says why not."""

Choose = Callable[[bool, Callable[[Path], None]], None]
"""Lets a file (or, if so, a folder) be chosen."""


@dataclass(frozen=True)
class Outside:
    """What the hands need of the bench.

    A menu at the pointer, a line typed there (its hint, what is done with it), files chosen, sentences said, a node
    shown.
    """

    open_menu: Callable[[Sequence[Row], Callable[[str], None]], None]
    ask: Callable[[str, str, Callable[[str], None]], None]
    choose: Choose
    say: Callable[[str], None]
    folder: Callable[[], Path | None]
    go: Callable[[str], None]


def hands_of(editor: Editor, edit: EditThis, outside: Outside) -> Hands:
    """The hands of a panel that shows what an editor has selected."""

    def set_knob(name: str, value: object) -> None:
        state, library = editor.state, editor.library
        if chosen := state.selection.nodes:
            edit(lambda: knobs.set_knob(state, library, chosen, name, value))
        else:
            edit(lambda: knobs.set_published(state, library, name, row_of(name).turns, value))

    def type_knob(name: str, text: str) -> None:
        state, library = editor.state, editor.library
        if chosen := state.selection.nodes:
            edit(lambda: knobs.type_knob(state, library, chosen, name, text))
        else:
            edit(lambda: knobs.set_published(state, library, name, row_of(name).turns, text))
        editor.seal()

    def rename(label: str) -> None:
        chosen = editor.state.selection.nodes
        if len(chosen) == 1:
            edit(lambda: nodes.rename(editor.state, next(iter(chosen)), label))

    def row_of(name: str) -> KnobRow:
        return next(row for row in inspect(editor.state, editor.insight).knobs if row.name == name)

    def browse(name: str) -> None:
        folder = outside.folder()
        if folder is None:
            outside.say("save the graph first; files that it names lie in or below its folder")
            return

        def chosen(path: Path) -> None:
            try:
                type_knob(name, path.resolve().relative_to(folder.resolve()).as_posix())
            except ValueError:
                outside.say(f"{path.name} is not in or below the folder of the graph; copy it to {folder} first")

        outside.choose(row_of(name).control == "folder", chosen)

    def menu(name: str) -> None:
        row = row_of(name)

        def chosen(action: str) -> None:
            if action == "rename":
                outside.ask("the name of the knob", "call it", renamed)
            elif action == "see":
                outside.go(row.turns[0].node)
            else:
                edit(lambda: done_to(editor, row, action))

        def renamed(wanted: str) -> None:
            edit(lambda: knobs.rename_published(editor.state, row.name, wanted))

        outside.open_menu(knob_actions(editor, row), chosen)

    return Hands(set_knob, type_knob, browse, menu, editor.seal, rename, outside.go)


def knob_actions(editor: Editor, row: KnobRow) -> list[Row]:
    """What can be done with a knob beside setting it."""
    chosen, rows = editor.state.selection.nodes, []
    if row.driven_by is not None:
        rows.append(Row("disconnect", "Disconnect the edge that drives it"))
    else:
        default = with_unit(row.knob, row.knob.default)
        rows.append(Row("reset", f"Reset to {default}" if default else "Reset", enabled=not row.is_default))
    if len(chosen) > 1:
        rows.append(Row("link", f"Let these {len(chosen)} share one value"))
    if row.linked:
        rows.append(Row("unlink", "Share its value no longer"))
    if len(chosen) == 1:
        where = "group" if editor.state.path else "graph"
        rows.append(Row("publish", "Publish it no longer" if row.published else f"Publish it on the {where}"))
    if row.turns:
        rows += [] if editor.state.path else [Row("rename", "Give it another name")]
        rows.append(Row("up", "Move it up", enabled=next(iter(editor.state.body.knobs)) != row.name))
        rows += [Row("hide", "Publish it no longer"), Row("see", f"See {row.turns[0].node}")]
    return rows


def done_to(editor: Editor, row: KnobRow, action: str) -> Edit:
    """The edit of one of the actions."""
    state, chosen = editor.state, editor.state.selection.nodes
    match action:
        case "link":
            return knobs.link(state, editor.library, chosen, row.name)
        case "unlink":
            return knobs.unlink(state, chosen, row.name)
        case "publish":
            return knobs.publish(state, editor.library, next(iter(chosen)), row.name)
        case "up":
            return knobs.move_up(state, row.name)
        case "hide":
            return knobs.hide(state, row.name)
        case "disconnect" if row.driven_by is not None:
            return disconnect(state, [row.driven_by])
    if row.turns:
        return knobs.set_published(state, editor.library, row.name, row.turns, row.knob.default)
    return knobs.reset_knob(state, chosen, row.name)
