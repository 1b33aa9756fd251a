"""Colours of spectrograms: shades from 0 to 1 as red, green and blue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ANCHORS = (
    (0, 0, 4),
    (28, 16, 68),
    (79, 18, 123),
    (129, 37, 129),
    (181, 54, 122),
    (229, 80, 100),
    (251, 135, 97),
    (254, 194, 135),
    (252, 253, 191),
)
"""Black, violet, orange, pale yellow: evenly rising in lightness, so that louder always looks brighter."""

LIGHT_ANCHORS = (
    (251, 252, 253),
    (217, 224, 242),
    (184, 195, 230),
    (157, 162, 214),
    (137, 128, 192),
    (120, 93, 164),
    (101, 58, 128),
    (76, 26, 86),
    (34, 6, 40),
)
"""The same for a light ground: white to violet to nearly black, so that louder always looks darker."""

SIGNED_ANCHORS = ((120, 200, 255), (30, 95, 190), (16, 16, 24), (190, 70, 20), (255, 200, 110))
"""Blue below the middle, dark at it, orange above: for differences."""

SIGNED_ANCHORS_LIGHT = ((8, 60, 150), (110, 165, 225), (246, 247, 249), (240, 160, 90), (160, 60, 0))
"""The same for a light ground."""


def coloured(
    shade: npt.NDArray[np.floating], anchors: tuple[tuple[int, int, int], ...] = ANCHORS
) -> npt.NDArray[np.uint8]:
    """Shades [...] from 0 to 1 as colours, uint8 [..., 3]; what lies outside has the colour of the nearer end."""
    places = np.linspace(0, 1, len(anchors))
    return np.stack([np.interp(shade, places, [a[c] for a in anchors]) for c in range(3)], axis=-1).astype(np.uint8)
