"""The page to begin with: what one can do, recent files, and presets with their pictures. Made for the keyboard.

Typing finds, the arrows go from one to the next, Enter takes it, Escape shows the canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.model.welcome import MARGIN, PICTURE_HEIGHT, Offer, Placed, placed
from midistems_graph.editor.view.palette import Palette, mixed
from midistems_graph.editor.view.pointer import Key
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.small_graph import draw_small
from midistems_graph.editor.view.themes import TEXT_SIZE

HEAD = 84.0
"""Height of the title and the line to type in."""

EDITING = frozenset("ACVXZ")
"""With Ctrl these belong to the text that is typed."""

Measure = Callable[[str, float], float]


class Welcome:
    """The page; `scenes` are the presets' pictures by the ids of their offers, `chosen` gets the id of an offer.

    `command` takes keys that are not for the page.
    """

    name = "welcome"

    def __init__(
        self,
        offers: Sequence[Offer],
        scenes: Mapping[str, Scene],
        measure: Measure,
        chosen: Callable[[str], None],
        command: Callable[[Key], None],
    ) -> None:
        self.offers, self._scenes, self._measure = offers, scenes, measure
        self._choose, self._command = chosen, command
        self._query, self._at = "", offers[0].id if offers else ""
        self._items: dict[str, int] = {}
        self._placed = Placed((), (), 0)
        self._draw = self._list = self._ground = 0

    @property
    def at(self) -> str:
        """The offer that Enter takes."""
        return self._at

    def build(self, parent: int, size: tuple[float, float], palette: Palette, scale: float) -> None:
        self._size, self._palette, self._scale = size, palette, scale
        dpg.add_text("midistems-graph", parent=parent, pos=[int(MARGIN * scale), int(18 * scale)], color=palette.text)
        dpg.add_text(
            "Wire a cascade of separations, hear every edge.",
            parent=parent,
            pos=[int((MARGIN + 130) * scale), int(18 * scale)],
            color=palette.faint,
        )
        self._field = int(
            dpg.add_input_text(
                parent=parent,
                hint="type to find, arrows and Enter to open",
                default_value=self._query,
                width=int(320 * scale),
                pos=[int(MARGIN * scale), int(44 * scale)],
                callback=lambda _, text: self.search(text),
            )
        )
        self._list = int(
            dpg.add_child_window(
                parent=parent,
                pos=[0, int(HEAD * scale)],
                width=int(size[0]),
                height=int(size[1] - HEAD * scale),
                border=False,
            )
        )
        self._draw = int(dpg.add_drawlist(100, 100, parent=self._list))
        with dpg.item_handler_registry() as clicks:
            dpg.add_item_clicked_handler(0, callback=self._clicked)
        dpg.bind_item_handler_registry(self._draw, clicks)
        self._redraw()
        dpg.focus_item(self._field)

    def key(self, key: Key) -> bool:
        match key.name:
            case "Enter":
                self.choose(self._at)
            case "Up" | "Down" | "Left" | "Right":
                if key.typing and self._query and key.name in ("Left", "Right"):
                    return True
                self._go(self._placed.beside(self._at, key.name))
            case "Escape":
                return False
            case _ if (key.ctrl and key.name not in EDITING) or key.name.startswith("F"):
                self._command(Key(key.name, key.ctrl, key.shift, key.alt))
            case _ if not key.typing:
                dpg.focus_item(self._field)
        return True

    def tick(self) -> bool:
        """The pointer chooses what it moves onto."""
        at = dpg.get_mouse_pos(local=False)
        if at != getattr(self, "_pointer", at) and (under := self._under()):
            self._go(under, scroll=False)
        self._pointer = at
        return False

    def search(self, text: str) -> None:
        """Show what answers what was typed."""
        self._query = text
        self._redraw()

    def choose(self, offer_id: str) -> None:
        if self._placed.rect(offer_id) is not None:
            self._choose(offer_id)

    def _clicked(self) -> None:
        if under := self._under():
            self.choose(under)

    def _under(self) -> str:
        if not self._draw or not dpg.is_item_hovered(self._draw):
            return ""
        (x, y), (left, top) = dpg.get_mouse_pos(local=False), dpg.get_item_rect_min(self._draw)
        return self._placed.at((x - left) / self._scale, (y - top) / self._scale)

    def _go(self, offer_id: str, *, scroll: bool = True) -> None:
        if offer_id == self._at:
            return
        before, self._at = self._at, offer_id
        for changed in (before, offer_id):
            self._draw_offer(changed)
        rect = self._placed.rect(offer_id)
        if scroll and rect is not None:
            room, seen = dpg.get_item_height(self._list) or 0, dpg.get_y_scroll(self._list)
            top, bottom = (rect.top - 40) * self._scale, (rect.bottom + 16) * self._scale
            if top < seen or bottom > seen + room:
                dpg.set_y_scroll(self._list, max(top if top < seen else bottom - room, 0))

    def _redraw(self) -> None:
        s = self._scale
        self._placed = placed(self.offers, self._query, self._size[0] / s - 12)
        if self._placed.rect(self._at) is None:
            self._at = self._placed.offers[0][0].id if self._placed.offers else ""
        dpg.delete_item(self._draw, children_only=True)
        self._items.clear()
        width, height = int(self._size[0] - 14 * s), int(max(self._placed.height * s, 40))
        dpg.configure_item(self._draw, width=width, height=height)
        for title, x, y in self._placed.headings:
            self._write((x + 2) * s, (y + 8) * s, title, self._palette.faint, TEXT_SIZE - 1)
        if not self._placed.offers:
            self._write(MARGIN * s, 8 * s, "nothing is called that", self._palette.soft, TEXT_SIZE)
        for offer, _ in self._placed.offers:
            self._items[offer.id] = int(dpg.add_draw_node(parent=self._draw))
            self._draw_offer(offer.id)

    def _draw_offer(self, offer_id: str) -> None:
        found = next(((offer, rect) for offer, rect in self._placed.offers if offer.id == offer_id), None)
        if found is None:
            return
        offer, rect = found
        into = self._items[offer_id]
        dpg.delete_item(into, children_only=True)
        pixels = Rect(*(side * self._scale for side in rect))
        if offer.graph is None:
            self._draw_row(offer, pixels, into)
        else:
            self._draw_card(offer, pixels, into)

    def _draw_row(self, offer: Offer, rect: Rect, into: int) -> None:
        p, s = self._palette, self._scale
        if offer.id == self._at:
            fill = mixed(p.ground, p.accent, 0.28)
            dpg.draw_rectangle(rect[:2], rect[2:], fill=fill, color=fill, rounding=4, parent=into)
        size = TEXT_SIZE * s
        y = rect.top + (rect.height - size) / 2 - 1
        hint = self._fit(offer.hint, size - 2, rect.width * 0.55)
        wide = self._measure(hint, size - 2)
        self._write(
            rect.left + 10 * s, y, self._fit(offer.title, size, rect.width - wide - 34 * s), p.text, parent=into
        )
        self._write(rect.right - wide - 10 * s, y + 1, hint, p.faint, TEXT_SIZE - 2, into)

    def _draw_card(self, offer: Offer, rect: Rect, into: int) -> None:
        p, s = self._palette, self._scale
        chosen = offer.id == self._at
        fill = mixed(p.panel, p.accent, 0.12) if chosen else p.panel
        edge = p.accent if chosen else p.line
        dpg.draw_rectangle(rect[:2], rect[2:], fill=fill, color=edge, rounding=6, parent=into)
        picture = Rect(rect.left, rect.top, rect.right, rect.top + PICTURE_HEIGHT * s)
        if offer.id in self._scenes:
            draw_small(self._scenes[offer.id], picture.grown(-10 * s), into, p)
        dpg.draw_line((rect.left + 1, picture.bottom), (rect.right - 1, picture.bottom), color=p.line, parent=into)
        room, size = rect.width - 24 * s, TEXT_SIZE * s
        self._write(rect.left + 12 * s, picture.bottom + 9 * s, self._fit(offer.title, size, room), p.text, parent=into)
        for number, line in enumerate(wrapped(offer.note, room, lambda text: self._measure(text, size - 2), 3)):
            y = picture.bottom + (30 + 17 * number) * s
            self._write(rect.left + 12 * s, y, line, p.soft, TEXT_SIZE - 2, into)

    def _write(
        self, x: float, y: float, text: str, color: object, size: float = TEXT_SIZE, parent: int | None = None
    ) -> None:
        dpg.draw_text((x, y), seen(text), size=size * self._scale, color=color, parent=parent or self._draw)

    def _fit(self, text: str, size: float, room: float) -> str:
        return wrapped(text, room, lambda part: self._measure(part, size), 1)[0] if text else ""


def wrapped(text: str, room: float, measure: Callable[[str], float], most: int) -> list[str]:
    """A text in lines that fit; the last one ends in … if there is more."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        line, rest = words[0], words[1:]
        while rest and measure(f"{line} {rest[0]}") <= room:
            line, rest = f"{line} {rest[0]}", rest[1:]
        if (rest and len(lines) == most - 1) or measure(line) > room:
            while len(line) > 1 and measure(line + "…") > room:
                line = line[:-1]
            line = line.rstrip(" .,;:") + "…"
        lines.append(line)
        words = rest
    return lines or [""]
