from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_songs import RATE, noise, part

from midistems_graph.audio.files import open_sound
from midistems_graph.audio.values import Audio, Number, Span, Stems, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.pictures.sources import EdgeSource, FileSource, NotDrawable, ValueSource

SONG = noise(3 * RATE + 17)
EDGE = Address("split", "stems")


class HalfDone:
    """An edge of stems whose first two seconds are computed."""

    def read(self, address: Address, stretch: tuple[Fraction, Fraction]) -> Value | None:
        assert address == EDGE
        if stretch[1] > 2:
            return None
        sound = SONG.crop(Span.of_seconds(*stretch, Fraction(SONG.span.total, RATE), RATE))
        return Stems({"drums": sound, "rest": sound.with_samples(2 * sound.samples)})


@pytest.mark.parametrize(("stem", "gain"), [("drums", 1), ("rest", 2), ("", 3)])
def test_an_edge_is_read_to_the_sample(stem: str, gain: int) -> None:
    first = HalfDone().read(EDGE, (Fraction(0), Fraction(1)))
    assert first is not None
    source = EdgeSource.like(HalfDone(), EDGE, first, stem)
    assert source.span == SONG.span
    read = source.read(Span(1001, 50_003, SONG.span.total, RATE))
    assert isinstance(read, Audio)
    assert np.allclose(read.samples, gain * SONG.samples[:, 1001:50_003])
    assert source.read(Span(80_000, 100_000, SONG.span.total, RATE)) is None


def test_an_edge_of_numbers_has_no_picture() -> None:
    with pytest.raises(NotDrawable, match="carries number"):
        EdgeSource.like(HalfDone(), EDGE, Number(1.0))


def test_a_file_is_read_by_the_stretch(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", SONG.samples.T, RATE, subtype="FLOAT")
    with open_sound(tmp_path / "song.wav") as sound:
        source = FileSource(sound)
        assert source.span == SONG.span
        assert np.array_equal(source.read(part(SONG, 500, 900).span).samples, SONG.samples[:, 500:900])


def test_a_value_knows_its_own_stretch_only() -> None:
    source = ValueSource(part(SONG, 1000, 2000))
    assert source.span == SONG.span
    assert source.read(part(SONG, 1100, 1200).span) is not None
    assert source.read(part(SONG, 900, 1100).span) is None
