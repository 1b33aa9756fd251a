"""The main screen: the parts of the window around the canvas, and what goes from the model to them and back.

The bench does what concerns the document on the canvas; files, sound and runs are commands that its owner adds
(`commands`), by the names of `model.commands`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import dearpygui.dearpygui as dpg

from midistems_graph.document.graph import Graph
from midistems_graph.editor.model import commands
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
from midistems_graph.editor.model.plane import Point, Rect
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.view.adding import added, found_types, hint_of, kinds_asked
from midistems_graph.editor.view.areas import Seams, make_area, place
from midistems_graph.editor.view.bars import StatusBar, TopBar
from midistems_graph.editor.view.canvas import Canvas
from midistems_graph.editor.view.clips import clipboard_commands
from midistems_graph.editor.view.edge_names import edge_names
from midistems_graph.editor.view.hands import Choose, Outside, hands_of
from midistems_graph.editor.view.hover import words_at
from midistems_graph.editor.view.inspector import Inspector
from midistems_graph.editor.view.key_list import open_keys
from midistems_graph.editor.view.layout import Layout
from midistems_graph.editor.view.log_list import LONGEST, open_log
from midistems_graph.editor.view.log_list import Said as LogLine
from midistems_graph.editor.view.looks import Looks
from midistems_graph.editor.view.menu import Menu, Row
from midistems_graph.editor.view.menus import rows_for
from midistems_graph.editor.view.minimap import Minimap
from midistems_graph.editor.view.notice import Notices
from midistems_graph.editor.view.pages import Why, page_of, worries
from midistems_graph.editor.view.palette import PALETTES
from midistems_graph.editor.view.pointer import Key, Pointer
from midistems_graph.editor.view.settings_panel import SettingsPanel
from midistems_graph.editor.view.sheet import Sheet
from midistems_graph.editor.view.textbox import TextBox
from midistems_graph.editor.view.tooltip import Tooltip
from midistems_graph.editor.view.window import Window
from midistems_graph.editor.view.writing import Writing


class Bench:
    """Window, canvas and panels of one document. `commands` are those that the owner does, by name."""

    def __init__(self, editor: Editor, settings: Settings) -> None:
        self.editor, self.settings = editor, settings
        self.window = Window(PALETTES[settings.theme], settings.ui_scale)
        self.looks = Looks(self)
        self.commands: dict[str, Callable[[], None]] = {
            "palette": lambda: self.ask_for_node(AskForNode(self._center_or_pointer())),
            "rename": lambda: self.writing.begin_chosen(),
            **self.looks.commands,
            "answer": self._answer_notice,
            "shortcuts": lambda: open_keys(self.menu, self.window.size, self.settings.shortcuts, self.do),
            "log": lambda: open_log(self.menu, self.window.size, self._log),
            **clipboard_commands(editor, self._center_or_pointer),
        }
        self.audition: Callable[[Audition], None] = lambda _: None
        self.beside: Callable[[], int] = lambda: self.settings_area if self.settings_panel.is_open else self.side_area
        """Which area stands beside the canvas: the inspector's, or what takes its place."""
        self.changed: Callable[[], None] = lambda: None
        """Called when the document is another one than before."""
        self.arranged: Callable[[], None] = lambda: None
        self.recolored: Callable[[], None] = lambda: None
        self.why: Why = lambda _: ()
        self.keys: list[Callable[[Key], bool]] = []
        """Parts that are asked before the shortcuts whether a key is meant for them."""
        self.file = "untitled"
        self.folder: Path | None = None
        """The folder of the graph file, below which files that the graph names lie."""
        self.choose_file: Choose = lambda folder, chosen: self.say("files cannot be chosen here", wrong=True)
        self._graph, self._path = editor.state.graph, editor.state.path
        self._listening = 0.0
        self._inspected: object = None
        self._log: deque[LogLine] = deque(maxlen=LONGEST)

    def open(
        self, title: str = "midistems-graph", *, visible: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        width, height = size or self.settings.window
        self.window.open(title, width, height, visible=visible)
        self.window.resized = self.arrange
        root, palette, scale = self.window.root, self.window.palette, self.window.scale
        self._seams = Seams()
        self.canvas_area = make_area(root)
        self.canvas = Canvas(self.canvas_area, palette, scale)
        self.top_area, self.status_area, self.side_area = make_area(root), make_area(root), make_area(root)
        self.transport_area, self.listening_area, self.desk_area = make_area(root), make_area(root), make_area(root)
        self.top = TopBar(self.top_area, palette, self.do, self.hint)
        self.status = StatusBar(self.status_area, palette, lambda: self.do("cancel"))
        outside = Outside(
            self._menu_at_pointer, self._ask, self._choose, self._say_wrong, lambda: self.folder, self._go_to
        )
        hands = hands_of(self.editor, self.edit, outside)
        self.inspector = Inspector(self.side_area, palette, scale, hands)
        self.settings_area, self.found_area = make_area(root), make_area(root)
        self.settings_panel = SettingsPanel(self.settings_area, self.looks.hands)
        self.menu = Menu(palette, scale, self.canvas.measure)
        self.sheet = Sheet(palette, scale, self.arrange)
        self.notices = Notices(palette, scale, self.canvas.measure, self.arrange)
        self.textbox = TextBox(scale)
        self.writing = Writing(self.editor, self.canvas, self.textbox, self.edit)
        self.minimap = Minimap(self.canvas, self._look_around, shown=self.settings.minimap)
        self.pointer = Pointer(self.canvas, self.take, self.press)
        self.pointer.menu = self.menu
        self.tooltip = Tooltip(self.canvas)
        self.canvas.look(self.editor.state.view)
        self.arrange()
        self.looks.paint()
        self.refresh()
        self.tell()

    def close(self) -> None:
        self.window.close()

    def show_document(self, graph: Graph, file: str = "untitled") -> None:
        """Begin with another document."""
        self.menu.close()
        self.textbox.cancel()
        self.sheet.close()
        self.notices.withdraw()
        self.editor.open(graph)
        self._match_view()
        self.editor.look_at_all()
        self.file = file
        self.canvas.forget_marks()
        self.refresh()
        self.tell()

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
        if self.menu.key(key.name) or self.sheet.key(key) or self.settings_panel.key(key):
            return
        if self.textbox.is_open:
            if key.name == "Escape":
                self.textbox.cancel()
            return
        if not key.typing and any(takes(key) for takes in self.keys):
            return
        if key.name == "Escape" and not key.typing:
            self.take(Event("key", key="Escape"))
            return
        shortcuts = self.settings.shortcuts
        name = shortcuts.command(key.name, ctrl=key.ctrl, shift=key.shift, alt=key.alt, typing=key.typing)
        if name and not (self.sheet.page and commands.COMMANDS[name].about in commands.ON_CANVAS):
            self.do(name)

    def do(self, name: str) -> None:
        """Do a command by its name, the model's or one of `commands`."""
        try:
            if not commands.run(self.editor, name):
                own = self.commands.get(name)
                if own is None:
                    raise Refused(f"{commands.COMMANDS[name].title} is not part of this version")
                own()
            elif name in commands.WRITTEN:
                self.refresh()
                self.writing.begin_chosen()
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
                self.writing.begin(effect.item)
            case ContextMenu():
                rows = rows_for(self.editor, effect.hit, self.hint)
                self._open_menu(effect.at, lambda _: rows, self.do, width=300)
            case Audition():
                self.audition(effect)

    def ask_for_node(self, asked: AskForNode) -> None:
        """Open the search for node types; what is chosen is added, and wired to the port that was dragged."""
        kinds = kinds_asked(self.editor, asked)

        def rows(query: str) -> Sequence[Row]:
            return found_types(self.editor, asked, kinds, query, self.settings.recent_types, self.window.palette)

        def chosen(type_id: str) -> None:
            self.settings = self.settings.with_recent_type(type_id)
            self.edit(lambda: added(self.editor, type_id, asked))

        self._open_menu(asked.at, rows, chosen, search=hint_of(asked, kinds), width=400)

    def say(self, sentence: str, *, wrong: bool = False) -> None:
        """A sentence in the status bar, kept in the log."""
        if sentence and sentence != self.status.said:
            self._log.append(LogLine(time.strftime("%H:%M:%S"), " ".join(sentence.split()), wrong))
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
        if editor.gesture is None or state.graph is self._graph:
            self.minimap.show(editor.scene)
        inspected = state.graph, state.path, state.selection, editor.insight.iterations(state.path)
        if editor.gesture is None and self._inspected != inspected:
            self._inspected = inspected
            self.inspector.show(page_of(editor, self.why))
        labels = state.breadcrumb if state.path else ()
        shown, count = editor.insight.iterations(state.path)
        if count > 1:
            labels = (*labels[:-1], f"{labels[-1]}  {shown} of {count}")
        self.top.show(self.file, editor.dirty, labels, lambda depth: self._go(depth))
        wire = editor.overlay.wire
        if wire is not None and not wire.allowed and wire.sentence:
            self.tooltip.show(wire.sentence, self.canvas.pixel(wire.end), self.window.palette.bad, self.window.size)
        else:
            self._show_hover()
        if editor.gesture is None and (state.graph is not self._graph or state.path != self._path):
            edited, self._graph, self._path = state.graph is not self._graph, state.graph, state.path
            self.tell()
            if edited:
                self.changed()

    def _show_hover(self) -> None:
        """What is known of the port or the edge under the pointer."""
        editor, hit, canvas = self.editor, self.editor.state.hover, self.canvas
        idle = editor.gesture is None and not self.menu.is_open and self.sheet.page is None
        words = words_at(editor, hit, canvas.level(hit.id), named=canvas.names_edges) if idle else ""
        if words:
            p, at = self.window.palette, canvas.pixel(self.pointer.at)
            self.tooltip.show(words, at, p.soft, self.window.size)
        else:
            self.tooltip.hide()

    def tell_more(self) -> None:
        """What is known of nodes and edges is more than before."""
        self._inspected = None
        self.refresh()

    def tell(self) -> None:
        """What the rules say, on edges and cards."""
        self.canvas.set_names(edge_names(self.editor))
        self.canvas.set_worries(worries(self.editor))

    def arrange(self) -> None:
        """Put the parts where they belong after a change of size."""
        width, height = self.window.size
        strip = 0 if self.sheet.page else self._listening
        if self.sheet.page:
            self.tooltip.hide()
        layout = Layout.of(width, height, self.window.scale, inspector=True, listening=strip)
        place(self.top_area, layout.top)
        place(self.canvas_area, layout.canvas)
        seen = self.beside()
        for area in (self.side_area, self.settings_area, self.found_area):
            place(area, layout.inspector if area == seen else Rect(0, 0, 0, 0))
        place(self.listening_area, layout.listening)
        place(self.desk_area, layout.desk)
        place(self.transport_area, layout.transport)
        place(self.status_area, layout.status)
        self._place_canvas(layout.canvas)
        self.inspector.place(layout.inspector.width)
        self.top.place(layout.top.width)
        self.status.place(layout.status.width)
        self.minimap.place(layout.canvas)
        page = Rect(layout.canvas.left, layout.canvas.top, layout.inspector.right, layout.canvas.bottom)
        self.notices.place(page if self.sheet.page else layout.canvas)
        self.sheet.place(Rect(page.left, page.top + self.notices.height, page.right, page.bottom))
        self.layout = layout
        self.draw_seams()
        self.arranged()

    def _place_canvas(self, area: Rect) -> None:
        """Give the canvas its room; who saw the whole graph sees it still."""
        editor, bounds = self.editor, self.editor.scene.bounds
        before = editor.state.view
        fitted = before.is_near(editor.state.looking_at(bounds).view)
        saw_all = bounds is not None and before.encloses(bounds)
        self.canvas.place(area)
        self._match_view()
        lost = saw_all and bounds is not None and not editor.state.view.encloses(bounds)
        if (fitted or lost) and editor.gesture is None:
            editor.look_at_all()
            self.canvas.look(editor.state.view)

    def _match_view(self) -> None:
        """The model looks through a window of the shape that the canvas has."""
        self.editor.state = replace(self.editor.state, view=self.canvas.camera.seen)

    def draw_seams(self) -> None:
        self._seams.draw(self.layout, self.window.palette.line)

    def show_listening(self, height: float) -> None:
        """Give the strip under the canvas a height, 0 hides it."""
        if height != self._listening:
            self._listening = height
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

    def _menu_at_pointer(self, rows: Sequence[Row], chosen: Callable[[str], None]) -> None:
        x, y = dpg.get_mouse_pos(local=False)
        self.menu.open((x, y), lambda _: rows, chosen, width=260, inside=self.window.size)

    def _ask(self, hint: str, verb: str, typed: Callable[[str], None]) -> None:
        """Have a line typed at the pointer."""
        x, y = dpg.get_mouse_pos(local=False)

        def rows(text: str) -> Sequence[Row]:
            return (Row(text, f"{verb} {text}".strip(), enabled=bool(text.strip())),)

        self.menu.open((x, y), rows, typed, search=hint, width=260, inside=self.window.size)

    def _choose(self, folder: bool, chosen: Callable[[Path], None]) -> None:
        self.choose_file(folder, chosen)

    def _say_wrong(self, sentence: str) -> None:
        self.say(sentence, wrong=True)

    def _go_to(self, node_id: str) -> None:
        """Select a node and bring it to the middle."""
        self.editor.select(node_id)
        self.refresh()

    def _answer_notice(self) -> None:
        if not self.notices.answer(0):
            raise Refused("there is no notice to answer")
