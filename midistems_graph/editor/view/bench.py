"""The main screen: the parts of the window around the canvas, and what goes from the model to them and back.

The bench does what concerns the document on the canvas; files, sound and runs are commands that its owner adds
(`commands`), by the names of `model.commands`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import dearpygui.dearpygui as dpg

from midistems_graph.document.graph import Edge, Graph
from midistems_graph.editor.model import clipboard, commands, decor, knobs, nodes
from midistems_graph.editor.model.edit import Edit, Refused
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.events import (
    AskForNode,
    Audition,
    ContextMenu,
    EditText,
    Effect,
    Entered,
    Event,
    Said,
)
from midistems_graph.editor.model.palette import Palette as Search
from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.settings import Settings, Theme
from midistems_graph.editor.view.bars import StatusBar, TopBar
from midistems_graph.editor.view.canvas import Canvas
from midistems_graph.editor.view.inspector import Hands, Inspector
from midistems_graph.editor.view.layout import Layout
from midistems_graph.editor.view.menu import Menu, Row
from midistems_graph.editor.view.menus import rows_for
from midistems_graph.editor.view.minimap import Minimap
from midistems_graph.editor.view.pages import Why, page_of
from midistems_graph.editor.view.palette import PALETTES, wire_color
from midistems_graph.editor.view.pointer import Key, Pointer
from midistems_graph.editor.view.textbox import TextBox
from midistems_graph.editor.view.themes import flat_theme
from midistems_graph.editor.view.tooltip import Tooltip
from midistems_graph.editor.view.window import Window


class Bench:
    """Window, canvas and panels of one document. `commands` are those that the owner does, by name."""

    def __init__(self, editor: Editor, settings: Settings) -> None:
        self.editor, self.settings = editor, settings
        self.window = Window(PALETTES[settings.theme], settings.ui_scale)
        self.commands: dict[str, Callable[[], None]] = {
            "palette": lambda: self.ask_for_node(AskForNode(self._center_or_pointer())),
            "rename": self._rename,
            "copy": self._copy,
            "cut": self._cut,
            "paste": lambda: self._paste(incoming=False),
            "paste_wired": lambda: self._paste(incoming=True),
            "minimap": lambda: self.minimap.toggle(),
            "theme": self._switch_theme,
            "shortcuts": self._show_shortcuts,
        }
        self.audition: Callable[[Audition], None] = lambda _: None
        self.changed: Callable[[], None] = lambda: None
        """Called when the document is another one than before."""
        self.arranged: Callable[[], None] = lambda: None
        self.recolored: Callable[[], None] = lambda: None
        self.why: Why = lambda _: ""
        self.file = "untitled"
        self._graph = editor.state.graph
        self._listening = False

    def open(
        self, title: str = "midistems-graph", *, visible: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        width, height = size or self.settings.window
        self.window.open(title, width, height, visible=visible)
        self.window.resized = self.arrange
        root, palette, scale = self.window.root, self.window.palette, self.window.scale
        self.canvas_area = _area(root)
        self.canvas = Canvas(self.canvas_area, palette)
        self.top_area, self.status_area, self.side_area = _area(root), _area(root), _area(root)
        self.transport_area, self.listening_area, self.desk_area = _area(root), _area(root), _area(root)
        self.top = TopBar(self.top_area, palette, self.do, self.hint)
        self.status = StatusBar(self.status_area, palette, lambda: self.do("cancel"))
        hands = Hands(
            self._set_knob, self._type_knob, self._reset_knob, self.editor.seal, self._rename_to, self._browse
        )
        self.inspector = Inspector(self.side_area, palette, scale, hands)
        self.menu = Menu(palette, scale, self.canvas.measure)
        self.textbox = TextBox(scale)
        self.minimap = Minimap(self.canvas, self._look_around, shown=self.settings.minimap)
        self.pointer = Pointer(self.canvas, self.take, self.press)
        self.pointer.menu = self.menu
        self.tooltip = Tooltip(self.canvas)
        self._paint_areas()
        self.arrange()
        self.refresh()
        self.canvas.set_names(self._stem_names())

    def close(self) -> None:
        self.window.close()

    def show_document(self, graph: Graph, file: str = "untitled") -> None:
        """Begin with another document."""
        self.menu.close()
        self.textbox.cancel()
        self.editor.open(graph)
        self.file = file
        self.canvas.forget_marks()
        self.refresh()
        self.canvas.set_names(self._stem_names())

    # What people do

    def take(self, event: Event) -> None:
        """Hand a pointer event to the model and show what follows."""
        if event.kind in ("down", "double"):
            self.textbox.finish()
        for effect in self.editor.handle(event):
            self.answer(effect)
        self.refresh()

    def press(self, key: Key) -> None:
        """Do what a key stands for."""
        if self.menu.key(key.name):
            return
        if self.textbox.is_open:
            if key.name == "Escape":
                self.textbox.cancel()
            return
        if key.name == "Escape" and not key.typing:
            self.take(Event("key", key="Escape"))
            return
        shortcuts = self.settings.shortcuts
        name = shortcuts.command(key.name, ctrl=key.ctrl, shift=key.shift, alt=key.alt, typing=key.typing)
        if name:
            self.do(name)

    def do(self, name: str) -> None:
        """Do a command by its name, the model's or one of `commands`."""
        try:
            if not commands.run(self.editor, name):
                own = self.commands.get(name)
                if own is None:
                    raise Refused(f"{commands.COMMANDS[name].title} is not part of this version")
                own()
        except Refused as refused:
            self.say(str(refused), wrong=True)
        self.refresh()

    def edit(self, make: Callable[[], Edit]) -> bool:
        """Make an edit a step of the history, or say why not."""
        try:
            self.editor.apply(make())
        except Refused as refused:
            self.say(str(refused), wrong=True)
            return False
        finally:
            self.refresh()
        return True

    def answer(self, effect: Effect) -> None:
        """Do what the model asks of the view."""
        match effect:
            case Said():
                self.say(effect.sentence, wrong=True)
            case AskForNode():
                self.ask_for_node(effect)
            case Entered():
                self.editor.look_at_all()
            case EditText():
                self._edit_text(effect.item)
            case ContextMenu():
                rows = rows_for(self.editor, effect.hit, self.hint)
                self._open_menu(effect.at, lambda _: rows, self.do, width=300)
            case Audition():
                self.audition(effect)

    def ask_for_node(self, asked: AskForNode) -> None:
        """Open the search for node types; what is chosen is added, and wired to the port that was dragged."""
        search = Search.of(self.editor.library, self.editor.state.graph)
        kinds = self._kinds_of(asked)

        def rows(query: str) -> Sequence[Row]:
            recent = self.settings.recent_types
            found = search.search(query, recent=recent, kinds=kinds, side=asked.side or None)
            palette = self.window.palette
            return [Row(e.id, e.title, e.id, wire_color(min(e.gives or {""}), palette), note=e.summary) for e in found]

        hint = (
            f"add a node that {'takes' if asked.side == 'out' else 'gives'} {' or '.join(kinds)}"
            if kinds
            else "add a node"
        )
        self._open_menu(asked.at, rows, lambda type_id: self._add(type_id, asked), search=hint, width=400)

    def say(self, sentence: str, *, wrong: bool = False) -> None:
        """A sentence in the status bar."""
        self.status.say(sentence, wrong=wrong)

    def hint(self, name: str) -> str:
        """A command with its key, for menus and tooltips."""
        return ", ".join(self.settings.shortcuts.chords(name)[:1])

    # What is shown

    def refresh(self) -> None:
        """Show the model as it is now."""
        editor, state = self.editor, self.editor.state
        self.canvas.look(state.view)
        self.canvas.show(editor.scene)
        self.canvas.choose(state.selection)
        self.canvas.point_at(state.hover)
        self.canvas.float_above(editor.overlay)
        self.minimap.show(editor.scene)
        if editor.gesture is None:
            self.inspector.show(page_of(editor, self.why))
        labels = state.breadcrumb if state.path else ()
        self.top.show(self.file, editor.dirty, labels, lambda depth: self._go(depth))
        wire = editor.overlay.wire
        if wire is not None and not wire.allowed and wire.sentence:
            self.tooltip.show(wire.sentence, self.canvas.pixel(wire.end), self.window.palette.bad, self.window.size)
        else:
            self.tooltip.hide()
        if state.graph is not self._graph and editor.gesture is None:
            self._graph = state.graph
            self.canvas.set_names(self._stem_names())
            self.changed()

    def arrange(self) -> None:
        """Put the parts where they belong after a change of size."""
        width, height = self.window.size
        layout = Layout.of(width, height, self.window.scale, inspector=True, listening=self._listening)
        place(self.top_area, layout.top)
        place(self.canvas_area, layout.canvas)
        place(self.side_area, layout.inspector)
        place(self.listening_area, layout.listening)
        place(self.desk_area, layout.desk)
        place(self.transport_area, layout.transport)
        place(self.status_area, layout.status)
        self.canvas.place(layout.canvas)
        self.status.place(layout.status.width)
        self.minimap.place(layout.canvas)
        self.layout = layout
        self.arranged()

    def show_listening(self, shown: bool) -> None:
        if shown != self._listening:
            self._listening = shown
            self.arrange()

    # Parts

    def _open_menu(
        self,
        at: Point,
        rows: Callable[[str], Sequence[Row]],
        chosen: Callable[[str], None],
        *,
        search: str | None = None,
        width: float = 340,
    ) -> None:
        pixel = self.canvas.pixel(at)
        self.menu.open(pixel, rows, chosen, search=search, width=width, inside=self.window.size)

    def _add(self, type_id: str, asked: AskForNode) -> None:
        self.settings = self.settings.with_recent_type(type_id)
        editor = self.editor

        def make() -> Edit:
            if asked.port is None:
                return nodes.add_node(editor.state, editor.library, type_id, asked.at)
            return nodes.add_wired(editor.state, editor.library, type_id, asked.at, asked.port, asked.side or "out")

        self.edit(make)

    def _kinds_of(self, asked: AskForNode) -> tuple[str, ...]:
        if asked.port is None:
            return ()
        known = self.editor.insight.kind(self.editor.state.path, asked.port) if asked.side == "out" else ""
        box = self.editor.scene.boxes.get(asked.port.node)
        spot = box.shape.port(asked.side or "out", asked.port.port, asked.port.index) if box else None
        return (known,) if known else spot.kinds if spot else ()

    def _edit_text(self, item: str) -> None:
        rect, body = self.editor.scene.rect(item), self.editor.state.body
        if rect is None:
            return
        kind, _, number = item.partition(":")
        at = self.canvas.pixel((rect.left, rect.top))
        width = max(rect.width / self.canvas.scale, 180)
        if item in body.nodes:
            label = body.nodes[item].label or item
            self.textbox.open(
                at, width, label, lambda text: self.edit(lambda: nodes.rename(self.editor.state, item, text))
            )
        elif kind in ("frame", "note"):
            text = body.view.frames[int(number)].title if kind == "frame" else body.view.notes[int(number)].text
            lines = 1 if kind == "frame" else max(len(text.splitlines()), 3)
            self.textbox.open(
                at, width, text, lambda typed: self.edit(lambda: decor.write(self.editor.state, item, typed)), lines
            )

    def _rename(self) -> None:
        chosen = self.editor.state.selection
        if len(chosen.ids) != 1:
            raise Refused("select one node, frame or note to change its name")
        self._edit_text(next(iter(chosen.ids)))

    def _go(self, depth: int) -> None:
        self.editor.enter(self.editor.state.path[:depth])
        self.refresh()

    def _look_around(self, middle: Point) -> None:
        view = self.editor.state.view
        x, y = view.center
        self.editor.state = replace(self.editor.state, view=view.moved(middle[0] - x, middle[1] - y))
        self.refresh()

    def _center_or_pointer(self) -> Point:
        at = self.pointer.at
        return at if self.canvas.camera.seen.holds(at) else self.canvas.camera.seen.center

    # Knobs

    def _set_knob(self, name: str, value: object) -> None:
        editor = self.editor
        self.edit(lambda: knobs.set_knob(editor.state, editor.library, editor.state.selection.nodes, name, value))

    def _type_knob(self, name: str, text: str) -> None:
        editor = self.editor
        self.edit(lambda: knobs.type_knob(editor.state, editor.library, editor.state.selection.nodes, name, text))
        self.editor.seal()

    def _reset_knob(self, name: str) -> None:
        self.edit(lambda: knobs.reset_knob(self.editor.state, self.editor.state.selection.nodes, name))

    def _rename_to(self, label: str) -> None:
        chosen = self.editor.state.selection.nodes
        if len(chosen) == 1:
            self.edit(lambda: nodes.rename(self.editor.state, next(iter(chosen)), label))

    def _browse(self, name: str) -> None:
        self.say(f"type the name of the file for {name}, relative to the folder of the graph")

    # Clipboard, theme, help

    def _copy(self) -> None:
        dpg.set_clipboard_text(clipboard.copy(self.editor.state))

    def _cut(self) -> None:
        text, edit = clipboard.cut(self.editor.state, self.editor.insight)
        dpg.set_clipboard_text(text)
        self.editor.apply(edit)

    def _paste(self, *, incoming: bool) -> None:
        text = dpg.get_clipboard_text() or ""
        self.editor.apply(clipboard.paste(self.editor.state, text, self._center_or_pointer(), incoming=incoming))

    def _switch_theme(self) -> None:
        theme: Theme = "light" if self.window.palette.is_dark else "dark"
        self.settings = replace(self.settings, theme=theme)
        palette = PALETTES[theme]
        self.window.use(palette, self.settings.ui_scale)
        self.canvas.recolor(palette)
        self.canvas.set_names(self._stem_names())
        self.inspector.recolor(palette, self.window.scale)
        self.top.recolor(palette)
        self.status.recolor(palette)
        self.minimap.recolor()
        self.menu.palette = palette
        self._paint_areas()
        self.recolored()

    def _paint_areas(self) -> None:
        p = self.window.palette
        padded = {
            self.top_area: (10, 7),
            self.side_area: (14, 12),
            self.status_area: (12, 3),
            self.transport_area: (12, 9),
            self.listening_area: (0, 0),
            self.desk_area: (14, 8),
        }
        for area, padding in padded.items():
            dpg.bind_item_theme(area, flat_theme(p.panel, padding))
        dpg.bind_item_theme(self.canvas_area, flat_theme(p.ground))

    def _show_shortcuts(self) -> None:
        rows: list[Row] = []
        for about, title, chords in self.settings.shortcuts.listed():
            if chords:
                rows.append(Row(f"{about} {title}", title, chords))

        def found(query: str) -> Sequence[Row]:
            return [row for row in rows if query.lower() in f"{row.id} {row.hint}".lower()]

        by_title = {f"{c.about} {c.title}": c.name for c in commands.COMMANDS.values()}
        width, _ = self.window.size
        self.menu.open(
            (width / 2 - 220, 90),
            found,
            lambda row: self.do(by_title[row]),
            search="commands and their keys",
            width=440,
            inside=self.window.size,
        )

    def _stem_names(self) -> dict[str, str]:
        """What is written on edges that carry stems."""
        editor, names = self.editor, {}
        for wire in editor.scene.wires.values():
            if wire.kind == "stems" and (name := stems_on(editor, wire.edge)):
                names[wire.id] = name
        return names


def stems_on(editor: Editor, edge: Edge) -> str:
    """The names of the stems on an edge, at most four of them."""
    flat = editor.insight.flat_source(editor.state.path, edge.source)
    known = editor.insight.formats.get((flat.node, flat.port)) if flat else None
    if known is None or not known.stems:
        return ""
    more = f" +{len(known.stems) - 4}" if len(known.stems) > 4 else ""
    return " · ".join(known.stems[:4]) + more


def _area(root: int) -> int:
    return int(
        dpg.add_child_window(
            parent=root, no_scrollbar=True, no_scroll_with_mouse=True, border=False, always_use_window_padding=True
        )
    )


def place(item: int, rect: Rect) -> None:
    """Put a part of the window where it belongs; without an area it is hidden."""
    shown = rect.width >= 1 and rect.height >= 1
    dpg.configure_item(
        item,
        pos=[int(rect.left), int(rect.top)],
        width=max(int(rect.width), 1),
        height=max(int(rect.height), 1),
        show=shown,
    )
