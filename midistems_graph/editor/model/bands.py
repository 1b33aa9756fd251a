"""Bands of frequencies as people write them: `300-3000`, `2k to 6.5k Hz`."""

from __future__ import annotations

import re

Band = tuple[float, float]

OWN_HZ = (20.0, 20_000.0)
"""The range of a band of one's own."""

SUGGESTED: tuple[tuple[str, Band], ...] = (
    ("Sub bass", (20.0, 60.0)),
    ("Kick and bass", (40.0, 160.0)),
    ("Body of a voice", (150.0, 600.0)),
    ("Telephone", (300.0, 3400.0)),
    ("Presence", (2000.0, 6000.0)),
    ("Sibilants", (5000.0, 10_000.0)),
    ("Air", (10_000.0, 20_000.0)),
)

_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)\s*(k?)", re.IGNORECASE)


def read(text: str) -> Band | None:
    """The band that a text names, in Hz; None unless it holds two frequencies."""
    found = [float(number.replace(",", ".")) * (1000 if kilo else 1) for number, kilo in _NUMBER.findall(text)]
    return (found[0], found[1]) if len(found) == 2 else None


def short(band: Band) -> str:
    """A band for a button: `300-3k`."""
    return "-".join(f"{hertz / 1000:.3g}k" if hertz >= 1000 else f"{hertz:.3g}" for hertz in band)
