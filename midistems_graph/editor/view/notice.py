"""A strip above the canvas that says something and offers what can be done about it; it stops nobody from working.

A page that is open makes room for it; the canvas, which can be moved, lies below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.view.palette import Palette, mixed
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import TEXT_SIZE

HEIGHT = 34


@dataclass(frozen=True)
class Notice:
    """A sentence and the buttons beside it, each with what it does. One with the same `about` takes its place."""

    about: str
    sentence: str
    answers: tuple[tuple[str, Callable[[], object]], ...] = ()


class Notices:
    """The first notice that nobody answered yet; others wait behind it, those that only say something last.

    `turned` is called when one comes or goes.
    """

    def __init__(
        self, palette: Palette, scale: float, measure: Callable[[str, float], float], turned: Callable[[], None]
    ) -> None:
        self.palette, self.scale, self._measure, self._turned = palette, scale, measure, turned
        self._waiting: list[Notice] = []
        self._area = Rect(0, 0, 1, 1)
        self._window = self._theme = 0

    @property
    def shown(self) -> Sequence[Notice]:
        """The notice that is seen, then those behind it."""
        return tuple(self._waiting)

    @property
    def height(self) -> float:
        """Pixels that the strip takes now."""
        return HEIGHT * self.scale if self._waiting else 0.0

    def say(self, notice: Notice) -> None:
        others = [one for one in self._waiting if one.about != notice.about]
        self._waiting = sorted((*others, notice), key=lambda one: not one.answers)
        self._redraw()
        self._turned()

    def withdraw(self, about: str = "") -> None:
        """It is no longer so; without a name nothing is so any more."""
        kept = [one for one in self._waiting if about and one.about != about]
        if kept != self._waiting:
            self._waiting = kept
            self._redraw()
            self._turned()

    def place(self, area: Rect) -> None:
        """Where the canvas lies, in pixels."""
        if area != self._area:
            self._area = area
            self._redraw()

    def recolor(self, palette: Palette) -> None:
        self.palette = palette
        self._redraw()

    def answer(self, number: int) -> bool:
        """Press a button of the notice that is seen; False if there is none."""
        if not self._waiting:
            return False
        notice = self._waiting[0]
        self.withdraw(notice.about)
        if notice.answers:
            notice.answers[number][1]()
        return True

    def _redraw(self) -> None:
        if self._window:
            window, self._window = self._window, 0
            dpg.delete_item(window)
            dpg.delete_item(self._theme)
        if not self._waiting:
            return
        notice, p, left, top = self._waiting[0], self.palette, self._area.left, self._area.top
        labels = [label for label, _ in notice.answers] or ["All right"]
        buttons = sum(self._measure(label, TEXT_SIZE * self.scale) + 26 * self.scale for label in labels)
        room = self._area.width - buttons - 30 * self.scale
        with (
            dpg.window(
                no_title_bar=True,
                no_resize=True,
                no_move=True,
                no_scrollbar=True,
                no_saved_settings=True,
                no_focus_on_appearing=True,
                pos=[int(left), int(top)],
                width=int(self._area.width),
                height=int(HEIGHT * self.scale),
                min_size=[50, 20],
            ) as self._window,
            dpg.group(horizontal=True),
        ):
            for number, label in enumerate(labels):
                dpg.add_button(label=label, callback=self._answerer(number))
            dpg.add_text(seen(self._fitted(notice.sentence, room)), color=p.text)
        with dpg.theme() as self._theme, dpg.theme_component(dpg.mvAll):
            dpg.add_theme_color(dpg.mvThemeCol_WindowBg, mixed(p.panel, p.warn, 0.22))
            dpg.add_theme_color(dpg.mvThemeCol_Border, mixed(p.panel, p.warn, 0.4))
            dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, 8 * self.scale, 5 * self.scale)
            dpg.add_theme_style(dpg.mvStyleVar_WindowRounding, 0)
        dpg.bind_item_theme(self._window, self._theme)

    def _fitted(self, sentence: str, room: float) -> str:
        sentence = " ".join(sentence.split())
        while len(sentence) > 10 and self._measure(sentence, TEXT_SIZE * self.scale) > room:
            sentence = sentence[:-2].rstrip() + "…"
        return sentence

    def _answerer(self, number: int) -> Callable[[], None]:
        return lambda: (self.answer(number), None)[1]
