"""Files keep their place: what is written is read back, by us and by the chunk's own definition."""

from __future__ import annotations

import io
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from midistems_graph.audio import writing
from midistems_graph.audio.files import open_sound
from midistems_graph.audio.tagged import tagged
from midistems_graph.audio.timeline import Marker, Timeline
from midistems_graph.audio.values import Span
from midistems_graph.audio.writing import SoundWriter

PLACE = Timeline(5_000_000_001, 0.0, (Marker(10, "Verse"), Marker(500, "Füllung")), 48000)


def write(path: Path, timeline: Timeline, channels: int = 2, **more: Any) -> Path:
    samples = np.zeros((channels, 1000), np.float32)
    with SoundWriter(path, rate=48000, channels=channels, frames=1000, timeline=timeline, **more) as writer:
        writer.write(samples)
    return path


def bext_reference(path: Path) -> int:
    """The time reference by EBU Tech 3285: two 32-bit words, 338 bytes into the chunk."""
    raw = path.read_bytes()
    (reference,) = struct.unpack_from("<Q", raw, raw.index(b"bext") + 8 + 338)
    return int(reference)


def cue_places(path: Path) -> list[int]:
    """The sample of every cue point: a count, then 24 bytes each (Multimedia Programming Interface, 1991)."""
    raw = path.read_bytes()
    at = raw.index(b"cue ") + 8
    return [struct.unpack_from("<I", raw, at + 4 + 24 * i + 20)[0] for i in range(struct.unpack_from("<I", raw, at)[0])]


@pytest.mark.parametrize("format", ["wav", "wav24", "wav16"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_wav_files_keep_place_and_markers(format: str, channels: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", PLACE, channels, format=format)
    assert bext_reference(path) == PLACE.origin
    with open_sound(path) as sound:
        assert sound.timeline.origin == PLACE.origin
        assert sound.timeline.markers == PLACE.markers
        assert sound.frames == 1000 and not sound.read().any()


def test_files_beyond_four_gibibytes_keep_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_WAV_LIMIT", 100)
    path = write(tmp_path / "a.wav", PLACE)
    assert path.read_bytes()[:4] == b"RF64"
    assert bext_reference(path) == PLACE.origin
    assert struct.unpack_from("<Q", path.read_bytes(), 20) == (path.stat().st_size - 8,)
    assert cue_places(path) == [10, 500] and "Füllung\0".encode() in path.read_bytes()
    with open_sound(path) as sound:
        assert sound.timeline.origin == PLACE.origin


def test_aiff_files_keep_markers(tmp_path: Path) -> None:
    with open_sound(write(tmp_path / "a.aiff", PLACE, format="aiff")) as sound:
        assert sound.timeline.markers == PLACE.markers


@pytest.mark.parametrize("format", ["flac", "flac16"])
def test_flac_files_keep_place_tempo_and_markers_in_their_comments(format: str, tmp_path: Path) -> None:
    place = Timeline(PLACE.origin, 128.5, (Marker(96, "Verse"), Marker(480, "Füllung"), Marker(960)), 48000)
    path = write(tmp_path / "a.flac", place, format=format, tags={"title": "Lied"})
    with open_sound(path) as sound:
        assert sound.tags == {"title": "Lied"} and sound.frames == 1000 and not sound.read().any()
        assert tagged(path, sound.timeline).timeline == place


@pytest.mark.parametrize("format", ["wav", "wav16", "aiff", "flac", "mp3"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_cover_goes_along(format: str, kind: str, tmp_path: Path) -> None:
    raw = io.BytesIO()
    Image.new("RGB", (33, 21), (200, 30, 30)).save(raw, kind)
    path = write(tmp_path / f"a.{format[:4]}", PLACE, format=format, cover=raw.getvalue(), tags={"title": "Lied"})
    found = tagged(path, Timeline())
    assert found.cover == raw.getvalue()
    with open_sound(path) as sound:
        assert sound.tags["title"] == "Lied" and np.abs(sound.read()).max() < 1e-4
        assert format in ("flac", "mp3") or sound.timeline.markers == PLACE.markers


def test_what_is_no_picture_is_no_cover(tmp_path: Path) -> None:
    assert tagged(write(tmp_path / "a.flac", PLACE, format="flac", cover=b"<svg onload=x>"), PLACE).cover == b""


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a.wav", "a.aiff", "a.m4a", "a.ogg"])
@given(raw=st.binary(max_size=200))
@settings(max_examples=30)
def test_tags_that_are_nonsense_are_passed_over(name: str, raw: bytes) -> None:
    heads = {
        "flac": b"fLaC\x04\x00\x00\x30",
        "mp3": b"ID3\x04\x00\x00\x00\x00\x01\x48APIC",
        "wav": b"RIFF\xff\0\0\0WAVEid3 ",
        "aiff": b"FORM\0\0\0\xffAIFFID3 ",
        "m4a": b"\0\0\0\x20ftypM4A ",
        "ogg": b"OggS\0\x02",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(heads[name.partition(".")[2]] + raw)
        found = tagged(path, PLACE)
    assert found.timeline.origin == PLACE.origin and found.timeline.markers == PLACE.markers


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
