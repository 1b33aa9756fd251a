"""How each kind of value looks, on pictures and in the editor.

The colours were searched for so that any two stay apart with full colour vision, protanopia,
deuteranopia and tritanopia (simulated as in Machado, Oliveira & Fernandes 2009), and stand out from white
and from a dark ground. Widths and dashes help: sets of signals are thick, single figures and texts thin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Style:
    """A colour as #rrggbb, the width of an edge in pixels, and its dashes as SVG writes them."""

    color: str
    width: float = 2.0
    dash: str = ""


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "audio": Style("#3c78ff"),
        "stems": Style("#1e4be1", 3.5),
        "spectrogram": Style("#ff8700", 2.5),
        "magnitude": Style("#b42d0f"),
        "phase": Style("#ab1b5a"),
        "mask": Style("#1ea587"),
        "curves": Style("#008790", 1.5),
        "features": Style("#8787d2", 2.5),
        "scores": Style("#3cc378", 1.5),
        "number": Style("#5a6cbd", 1.5, "5 4"),
        "text": Style("#a2abcf", 1.5, "5 4"),
        "separator": Style("#e14b3c", 2.0, "9 4"),
        "scorer": Style("#1b637e", 2.0, "9 4"),
    }
)
"""Kinds of value in small letters."""

NEUTRAL = Style("#8a94a3")
"""Kinds that are not known here."""


def style_of(kind: str) -> Style:
    """The look of a kind, whatever its capitals."""
    return STYLES.get(kind.lower(), NEUTRAL)
