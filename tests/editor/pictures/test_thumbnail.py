from fractions import Fraction

import numpy as np
import pytest
from made_songs import RATE, noise, part

from midistems_graph.audio.stft import stft
from midistems_graph.audio.values import (
    Audio,
    Curves,
    Magnitude,
    Mask,
    Number,
    Phase,
    Span,
    Stems,
    StftSettings,
    Timed,
    Value,
)
from midistems_graph.document.graph import Address
from midistems_graph.editor.pictures.painting import Picture
from midistems_graph.editor.pictures.thumbnail import thumbnail

SONG = noise(100_000)
WHOLE = part(SONG, 0, 100_000)
BINS = stft(WHOLE, StftSettings())
MAGNITUDE = Magnitude(np.abs(BINS.bins), WHOLE.span, BINS.stft)
INK = (1, 2, 3)


class Edge:
    """An edge that holds one value for a whole song; `computed` is how much of it is there."""

    def __init__(self, value: Value, computed: float = 1.0) -> None:
        self.value, self.computed = value, computed

    def read(self, address: Address, stretch: tuple[Fraction, Fraction]) -> Value | None:
        if not isinstance(self.value, Timed):
            return self.value
        whole = self.value.span
        if stretch[1] > Fraction(whole.total, whole.rate) * Fraction(self.computed):
            return None
        return self.value.crop(Span.of_seconds(*stretch, Fraction(whole.total, whole.rate), whole.rate))


def picture_of(value: Value, width: int = 160, height: int = 96, computed: float = 1.0) -> Picture | None:
    seconds = Fraction(value.span.total, value.rate) if isinstance(value, Timed) else Fraction(1)
    return thumbnail(Edge(value, computed), Address("a", "out"), seconds, width, height, INK)


@pytest.mark.parametrize(
    "value",
    [
        WHOLE,
        Stems({"drums": WHOLE, "bass": WHOLE}),
        BINS,
        MAGNITUDE,
        Mask(MAGNITUDE.bins / MAGNITUDE.bins.max(), WHOLE.span, BINS.stft),
        Phase(np.angle(BINS.bins), WHOLE.span, BINS.stft),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_timed_value_has_one(value: Value) -> None:
    picture = picture_of(value)
    assert picture is not None
    assert picture.shape == (96, 160, 4) and picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 1


def test_other_values_have_none() -> None:
    assert picture_of(Number(1.0)) is None


def test_what_is_computed_in_part_has_none() -> None:
    assert picture_of(WHOLE, computed=0.5) is None


def test_a_rising_tone_grows_to_the_right_and_fills_the_height() -> None:
    rising = np.linspace(0, 0.5, 20 * RATE) * np.sin(np.arange(20 * RATE))
    picture = picture_of(Audio.of(rising, RATE), 100, 50)
    assert picture is not None
    heights = picture[..., 3].sum(axis=0) / 255
    assert heights[0] <= 2.5 and heights[-1] >= 48.5 and (np.diff(heights) >= -1).all()


def test_figures_over_time_are_curves_with_a_lane_for_each_unit() -> None:
    values = np.stack([np.linspace(100, 200, 101), np.full(101, 0.5)]).astype(np.float32)
    curves = Curves(values, ("pitch", "sure"), ("Hz", ""), Span.whole(51_200, RATE), 512)
    picture = picture_of(curves, 100, 80)
    assert picture is not None
    upper, lower = (picture[rows, :, 3].argmax(axis=0) for rows in (slice(0, 40), slice(40, 80)))
    assert upper[0] > 30 and upper[-1] < 10 and (np.diff(upper) <= 0).all() and np.ptp(lower) == 0


def test_silence_is_a_line() -> None:
    picture = picture_of(Audio.of(np.zeros((2, 1000)), RATE), 60, 40)
    assert picture is not None
    assert picture[..., 3].sum(axis=0) / 255 == pytest.approx(1.2, abs=0.02)


def test_stems_have_a_lane_each() -> None:
    silent = WHOLE.with_samples(np.zeros_like(WHOLE.samples))
    picture = picture_of(Stems({"voice": WHOLE, "rest": silent}), 100, 80)
    assert picture is not None
    ink = picture[..., 3] / 255
    assert ink[:40].sum() > 1000 and ink[40:].sum(axis=0) == pytest.approx(1.2, abs=0.02)
