"""Files keep their place: what is written is read back, by us and by the chunk's own definition."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.audio import writing
from midistems_graph.audio.files import open_sound
from midistems_graph.audio.timeline import Marker, Timeline
from midistems_graph.audio.values import Span
from midistems_graph.audio.writing import SoundWriter

PLACE = Timeline(5_000_000_001, 0.0, (Marker(10, "Verse"), Marker(500, "Füllung")), 48000)


def write(path: Path, timeline: Timeline, channels: int = 2, **settings: str) -> Path:
    samples = np.zeros((channels, 1000), np.float32)
    with SoundWriter(path, rate=48000, channels=channels, frames=1000, timeline=timeline, **settings) as writer:
        writer.write(samples)
    return path


def bext_reference(path: Path) -> int:
    """The time reference by EBU Tech 3285: two 32-bit words, 338 bytes into the chunk."""
    raw = path.read_bytes()
    (reference,) = struct.unpack_from("<Q", raw, raw.index(b"bext") + 8 + 338)
    return int(reference)


@pytest.mark.parametrize("format", ["wav", "wav24", "wav16"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_wav_files_keep_place_and_markers(format: str, channels: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", PLACE, channels, format=format)
    assert bext_reference(path) == PLACE.origin
    with open_sound(path) as sound:
        assert sound.timeline.origin == PLACE.origin
        assert [marker.at for marker in sound.timeline.markers] == [10, 500]


def test_files_beyond_four_gibibytes_keep_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_WAV_LIMIT", 100)
    path = write(tmp_path / "a.wav", PLACE)
    assert path.read_bytes()[:4] == b"RF64"
    assert bext_reference(path) == PLACE.origin
    with open_sound(path) as sound:
        assert sound.timeline.origin == PLACE.origin


def test_other_formats_say_nothing_and_are_written(tmp_path: Path) -> None:
    with open_sound(write(tmp_path / "a.flac", PLACE, format="flac")) as sound:
        assert sound.timeline == Timeline(rate=48000)


def test_the_same_samples_still_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, PLACE).read_bytes() for name in ("a.wav", "b.wav"))
    assert one == other


def test_a_window_at_another_rate_begins_later() -> None:
    half = PLACE.of(Span(200, 240, 1000, 24000))
    assert half == Timeline(2_500_000_000 + 200, 0.0, (), 24000)  # half a sample is rounded to even
    assert PLACE.of(Span(240, 260, 500, 24000)).markers == (Marker(10, "Füllung"),)


@given(st.integers(0, 2**50), st.integers(0, 5000), st.integers(1, 5000))
def test_stretches_lie_where_the_song_lies(origin: int, start: int, frames: int) -> None:
    whole = Timeline(origin, rate=44100)
    assert whole.of(Span(start, start + frames, start + frames, 44100)).origin == origin + start
