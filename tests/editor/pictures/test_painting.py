import numpy as np
import pytest
from made_songs import RATE

from midistems_graph.audio.values import Audio
from midistems_graph.editor.pictures.painting import Look, Scale, as_floats, paint, paint_difference, row_edges, row_of
from midistems_graph.editor.pictures.spectrogram import SpectrogramPyramid, Strip


def strip_of(audio: Audio, width: int = 40, seconds: float = 1.0) -> Strip:
    pyramid = SpectrogramPyramid(audio.span)
    pyramid.add(audio)
    return pyramid.query(0, seconds, width)


def tone(hz: float, level: float = 0.5, rate: int = RATE) -> Audio:
    return Audio.of(level * np.sin(2 * np.pi * hz * np.arange(rate) / rate), rate)


@pytest.mark.parametrize("scale", ["linear", "log", "mel"])
@pytest.mark.parametrize("hz", [110.0, 1000.0, 9000.0])
def test_a_tone_is_in_its_row(scale: Scale, hz: float) -> None:
    look = Look(scale)
    picture = paint(strip_of(tone(hz)), look, 300)
    brightness = picture[:, 20, :3].sum(axis=1, dtype=int)
    loudest = np.flatnonzero(brightness == brightness.max())
    row = row_of(hz, look, 300, RATE)
    bin_width = RATE / 4096
    slack = max(1, abs(row_of(hz + bin_width, look, 300, RATE) - row))
    assert loudest.min() - slack <= row <= loudest.max() + slack
    assert brightness[row] > 2 * np.median(brightness)


@pytest.mark.parametrize("scale", ["linear", "log", "mel"])
def test_every_bin_reaches_the_picture(scale: Scale) -> None:
    look, n_bins = Look(scale, lowest_hz=20), 2049
    for number in (40, 700, 2000):
        codes = np.zeros((3, n_bins), np.uint8)
        codes[:, number] = 255
        picture = paint(Strip(codes, np.ones(3, np.bool_), "level", RATE), look, 64)
        rows = np.flatnonzero(picture[:, 1, :3].sum(axis=1) > 12)
        hz = number * RATE / 4096
        edges = row_edges(look, 64, RATE)[::-1]
        assert len(rows)
        assert edges[rows[-1] + 1] <= hz + 11 and edges[rows[0]] >= hz - 11


def test_mel_and_log_scales_are_the_known_ones() -> None:
    assert np.allclose(row_edges(Look("log", 100, 800), 3, RATE), [100, 200, 400, 800])
    middle = row_edges(Look("mel", 0, 4000), 2, RATE)[1]
    assert 2595 * np.log10(1 + middle / 700) == pytest.approx(2595 * np.log10(1 + 4000 / 700) / 2)


def test_levels_follow_the_range() -> None:
    """A sine of full scale is white with a ceiling of 0 dB, and black with a floor above it."""
    strip, row = strip_of(tone(1000, 1.0)), row_of(1000, Look(), 200, RATE)
    assert paint(strip, Look(ceiling_db=-3), 200)[row, 20, :3].tolist() == [252, 253, 191]
    quiet = strip_of(tone(1000, 0.01))
    assert paint(quiet, Look(floor_db=-39, ceiling_db=0), 200)[..., :3].max() <= 4
    assert paint(quiet, Look(floor_db=-45, ceiling_db=0), 200)[row, 20, :3].max() > 10


def test_beyond_the_song_and_half_the_rate_pictures_are_transparent() -> None:
    picture = paint(strip_of(tone(1000), seconds=2.0), Look("linear", 0, RATE), 200)
    assert not picture[:98].any() and not picture[:, 22:].any()
    assert (picture[102:, :19, 3] == 255).all()


@pytest.mark.parametrize("look", [Look(lowest_hz=0), Look("mel", 500, 400), Look(floor_db=-20, ceiling_db=-20)])
def test_empty_ranges_are_refused(look: Look) -> None:
    with pytest.raises(ValueError, match=r"scale has nothing|must lie below"):
        paint(strip_of(tone(1000)), look, 100)


def test_textures_get_floats() -> None:
    floats = as_floats(paint(strip_of(tone(1000)), Look(), 10))
    assert floats.dtype == np.float32 and floats.shape == (40 * 10 * 4,) and floats.max() <= 1


def test_two_pictures_share_the_axes_of_different_rates() -> None:
    loud, quiet = strip_of(tone(3000, 0.5)), strip_of(tone(3000, 0.05, rate=22050))
    look = Look("linear", 0, RATE / 2)
    louder = paint_difference(loud, quiet, look, 220)
    row = row_of(3000, look, 220, RATE)
    assert louder[row, 20, 0] > 150 > louder[row, 20, 2]
    assert not louder[:100].any() and louder[120:, :, 3].any()
