from __future__ import annotations

import numpy as np
import pytest

from midistems_graph.audio.colormap import ANCHORS, LIGHT_ANCHORS, SIGNED_ANCHORS, SIGNED_ANCHORS_LIGHT, coloured


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB colours, 0 to 100."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


@pytest.mark.parametrize(("anchors", "sign"), [(ANCHORS, 1), (LIGHT_ANCHORS, -1)])
def test_equal_steps_of_level_are_equal_steps_of_lightness(anchors, sign):  # type: ignore[no-untyped-def]
    steps = sign * np.diff(lightness(coloured(np.linspace(0, 1, 17), anchors)))
    assert steps.min() > 0.5 * steps.mean() and steps.max() < 1.6 * steps.mean()


@pytest.mark.parametrize("anchors", [SIGNED_ANCHORS, SIGNED_ANCHORS_LIGHT])
def test_differences_are_as_strong_on_both_sides(anchors):  # type: ignore[no-untyped-def]
    middle = lightness(coloured(np.array([0.5]), anchors))
    away = np.abs(lightness(coloured(np.array([0, 0.25, 0.75, 1]), anchors)) - middle)
    assert away[0] > away[1] > 10 and away[3] > away[2] > 10
