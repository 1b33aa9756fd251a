"""The colours of the interface. One palette makes the dark and the light look; values on wires keep their own table.

Few colours, and each always means the same: accent = chosen or playing, red = failed or refused, amber = out of
date, green = done or allowed, grey = the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from midistems_graph.document.colors import style_of

Color = tuple[int, int, int, int]

CLEAR: Color = (0, 0, 0, 0)
"""Nothing is drawn at all."""


def rgb(text: str, alpha: int = 255) -> Color:
    """A colour that is written #rrggbb."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16), alpha


def mixed(a: Color, b: Color, share: float) -> Color:
    """A colour between two; 0 is the first, 1 the second."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def faded(color: Color, alpha: int) -> Color:
    return (*color[:3], alpha)


@dataclass(frozen=True)
class Palette:
    """Colours by what they are for. `ground` is what the canvas is, `panel` what stands beside it."""

    name: str
    ground: Color
    grid: Color
    grid_strong: Color
    panel: Color
    raised: Color
    raised_hover: Color
    line: Color
    node: Color
    node_title: Color
    group_title: Color
    text: Color
    soft: Color
    faint: Color
    accent: Color
    good: Color
    warn: Color
    bad: Color

    @property
    def is_dark(self) -> bool:
        return sum(self.ground[:3]) < 384


DARK = Palette(
    name="dark",
    ground=rgb("#16181c"),
    grid=rgb("#1e2126"),
    grid_strong=rgb("#25292f"),
    panel=rgb("#1b1e23"),
    raised=rgb("#282c33"),
    raised_hover=rgb("#333842"),
    line=rgb("#2f343c"),
    node=rgb("#24282e"),
    node_title=rgb("#30363f"),
    group_title=rgb("#3a3650"),
    text=rgb("#e4e7ec"),
    soft=rgb("#a3abb8"),
    faint=rgb("#6d7684"),
    accent=rgb("#5aa9ff"),
    good=rgb("#4fc17f"),
    warn=rgb("#e6b04a"),
    bad=rgb("#f2665e"),
)

LIGHT = Palette(
    name="light",
    ground=rgb("#f1f3f5"),
    grid=rgb("#e8ebee"),
    grid_strong=rgb("#dde1e6"),
    panel=rgb("#fafbfc"),
    raised=rgb("#e9ecf0"),
    raised_hover=rgb("#dce1e8"),
    line=rgb("#d0d6dd"),
    node=rgb("#ffffff"),
    node_title=rgb("#e3e8ee"),
    group_title=rgb("#e4def5"),
    text=rgb("#1b2027"),
    soft=rgb("#515b68"),
    faint=rgb("#8b95a3"),
    accent=rgb("#1668d6"),
    good=rgb("#1c8a4c"),
    warn=rgb("#a86a00"),
    bad=rgb("#c9302c"),
)

STEM_INKS = ((78, 160, 230), (232, 125, 60), (90, 185, 120), (200, 105, 195), (205, 170, 60), (105, 125, 225))
"""Curves of stems, in turn; readable on both grounds."""

PALETTES = {palette.name: palette for palette in (DARK, LIGHT)}


@lru_cache(maxsize=256)
def wire_color(kind: str, palette: Palette, quiet: bool = False) -> Color:
    """The colour of a kind of value, a little lighter on a dark ground so that it carries."""
    color = rgb(style_of(kind).color)
    if palette.is_dark:
        color = mixed(color, rgb("#ffffff"), 0.14)
    return mixed(color, palette.ground, 0.6) if quiet else color
