from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from midistems_graph.document.colors import NEUTRAL, STYLES, style_of

Array = npt.NDArray[np.float64]

VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
"""Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB."""


def linear(color: str) -> Array:
    rgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(color: str) -> float:
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def oklab(rgb: Array) -> Array:
    """Ottosson 2020, a space in which distances are about as large as they look."""
    to_cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.asarray(to_lab) @ np.cbrt(np.clip(np.asarray(to_cones) @ rgb, 0, None))


@pytest.mark.parametrize("vision", VISION)
def test_kinds_look_different_to_everybody(vision: str) -> None:
    seen = {kind: oklab(np.clip(VISION[vision] @ linear(style.color), 0, 1)) for kind, style in STYLES.items()}
    nearest = min((float(np.linalg.norm(seen[a] - seen[b])), a, b) for a, b in combinations(seen, 2))
    assert nearest[0] > 0.085, nearest


@pytest.mark.parametrize("kind", STYLES)
def test_kinds_stand_out_from_light_and_dark(kind: str) -> None:
    light = luminance(STYLES[kind].color) + 0.05
    assert 1.05 / light > 2.2 and light / (luminance("#1f2023") + 0.05) > 2.3


def test_any_kind_has_a_look() -> None:
    assert style_of("Audio") is STYLES["audio"]
    assert style_of("Pitch") is NEUTRAL
