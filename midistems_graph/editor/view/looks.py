"""How a bench looks: theme, size of the interface, and the settings that change them in the place of the inspector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.view.areas import Paint
from midistems_graph.editor.view.palette import CLEAR, PALETTES, Palette
from midistems_graph.editor.view.settings_panel import SettingsHands
from midistems_graph.editor.view.themes import flat_theme

if TYPE_CHECKING:
    from midistems_graph.editor.view.bench import Bench


class Looks:
    """Dresses a bench. What is chosen holds at once."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._paint = Paint()
        self.hands = SettingsHands(lambda: bench.settings, self.use, bench.do, self.switch_settings)

    @property
    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "minimap": lambda: self.use(replace(self.bench.settings, minimap=not self.bench.settings.minimap)),
            "theme": lambda: self.use(self.bench.settings.with_other_theme()),
            "larger": lambda: self.use(self.bench.settings.scaled(1)),
            "smaller": lambda: self.use(self.bench.settings.scaled(-1)),
            "settings": self.switch_settings,
        }

    def use(self, settings: Settings) -> None:
        """Other settings; what concerns the look is seen at once."""
        bench = self.bench
        old, bench.settings = bench.settings, settings
        if settings.minimap != old.minimap:
            bench.minimap.switch(settings.minimap)
        if (settings.theme, settings.ui_scale) != (old.theme, old.ui_scale):
            self._dress(PALETTES[settings.theme], settings.ui_scale)
            if bench.settings_panel.is_open:
                self._open_settings()

    def switch_settings(self) -> None:
        """The settings take the place of the inspector, or give it back."""
        bench = self.bench
        bench.sheet.close()
        if bench.settings_panel.is_open:
            bench.settings_panel.close()
        else:
            self._open_settings()
        bench.arrange()

    def paint(self) -> None:
        """All parts lie on the ground of the window, with lines between: what is not filled costs no time."""
        bench, s = self.bench, self.bench.window.scale
        padded = {
            bench.top_area: (10, 7),
            bench.side_area: (14, 12),
            bench.settings_area: (14, 12),
            bench.found_area: (14, 12),
            bench.status_area: (12, 3),
            bench.transport_area: (12, 9),
            bench.listening_area: (0, 0),
            bench.desk_area: (14, 8),
            bench.canvas_area: (0, 0),
        }
        self._paint.apply({area: flat_theme(CLEAR, (x * s, y * s)) for area, (x, y) in padded.items()})
        bench.draw_seams()

    def _open_settings(self) -> None:
        bench = self.bench
        bench.settings_panel.open(bench.window.palette, bench.window.scale, bench.layout.inspector.width)

    def _dress(self, palette: Palette, scale: float) -> None:
        """All parts in other colours, at another scale."""
        bench = self.bench
        bench.window.use(palette, scale)
        for part in (bench.menu, bench.notices, bench.textbox):
            part.scale = scale
        bench.menu.palette = palette
        bench.canvas.recolor(palette, scale)
        bench.tell()
        bench.inspector.recolor(palette, scale)
        bench.top.recolor(palette)
        bench.status.recolor(palette)
        bench.minimap.recolor()
        bench.notices.recolor(palette)
        bench.sheet.recolor(palette, scale)
        bench.arrange()
        self.paint()
        bench.recolored()
