import numpy as np
import pytest
from made_songs import RATE, noise, part

from midistems_graph.audio.stft import stft
from midistems_graph.audio.values import Audio, Magnitude, Mask, Number, Phase, Stems, StftSettings, Value
from midistems_graph.editor.pictures.thumbnail import thumbnail

SONG = noise(100_000)
SHORT = part(SONG, 20_000, 60_000)
BINS = stft(SHORT, StftSettings())
MAGNITUDE = Magnitude(np.abs(BINS.bins), SHORT.span, BINS.stft)


@pytest.mark.parametrize(
    "value",
    [
        SHORT,
        Stems({"drums": SHORT, "bass": SHORT}),
        BINS,
        MAGNITUDE,
        Mask(MAGNITUDE.bins / MAGNITUDE.bins.max(), SHORT.span, BINS.stft),
        Phase(np.angle(BINS.bins), SHORT.span, BINS.stft),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_timed_value_has_one(value: Value) -> None:
    picture = thumbnail(value)
    assert picture is not None
    assert picture.shape == (96, 160, 4) and picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 1


def test_other_values_have_none() -> None:
    assert thumbnail(Number(1.0)) is None
    assert thumbnail(part(SONG, 5, 5)) is None


def test_a_rising_tone_grows_to_the_right_and_fills_the_height() -> None:
    rising = np.linspace(0, 0.5, RATE) * np.sin(np.arange(RATE))
    picture = thumbnail(Audio.of(rising, RATE), 100, 50)
    assert picture is not None
    heights = (picture[..., 3] > 0).sum(axis=0)
    assert heights[0] <= 2 and heights[-1] >= 49 and (np.diff(heights.astype(int)) >= -1).all()


def test_silence_is_a_line() -> None:
    picture = thumbnail(Audio.of(np.zeros((2, 1000)), RATE), 60, 40)
    assert picture is not None
    assert ((picture[..., 3] > 0).sum(axis=0) == 1).all()


def test_stems_have_a_lane_each() -> None:
    silent = SHORT.with_samples(np.zeros_like(SHORT.samples))
    picture = thumbnail(Stems({"voice": SHORT, "rest": silent}), 100, 80)
    assert picture is not None
    inked = picture[..., 3] > 0
    assert inked[:40].sum() > 1000 and (inked[40:].sum(axis=0) == 1).all()
