"""Bands of frequencies, as people write them."""

from __future__ import annotations

import pytest

from midistems_graph.editor.model.bands import SUGGESTED, read, short


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("300-3000", (300, 3000)),
        ("2k to 6.5k Hz", (2000, 6500)),
        ("40 160", (40, 160)),
        ("0,5k - 1K", (500, 1000)),
        ("300", None),
        ("1 2 3", None),
        ("all", None),
    ],
)
def test_a_band_is_two_frequencies(text: str, band: tuple[float, float] | None) -> None:
    assert read(text) == band


def test_what_a_button_says_is_read_again() -> None:
    assert short((300, 3000)) == "300-3k" and short((62.5, 12_500)) == "62.5-12.5k"
    for _, band in SUGGESTED:
        assert read(short(band)) == band
