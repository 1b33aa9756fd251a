import os
from pathlib import Path

import numpy as np
from made_songs import noise

from midistems_graph.audio.values import StftSettings
from midistems_graph.editor.pictures.cache import PictureCache, content_key
from midistems_graph.editor.pictures.spectrogram import SpectrogramPyramid
from midistems_graph.editor.pictures.waveform import WaveformPyramid

SONG = noise(100_000)
KEY = content_key(["a" * 64, "b" * 64])


def spectrogram() -> SpectrogramPyramid:
    pyramid = SpectrogramPyramid(SONG.span)
    pyramid.add(SONG)
    return pyramid


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    cache, bins, wave = PictureCache(tmp_path / "pictures"), spectrogram(), WaveformPyramid(SONG.span, 2)
    wave.add(SONG)
    assert cache.keep(KEY, bins) and cache.keep(KEY, wave)
    again, wave_again = cache.spectrogram(KEY, SONG.span), cache.waveform(KEY, SONG.span, 2)
    assert again is not None and wave_again is not None
    assert np.array_equal(again.query(0.5, 1.5, 77).codes, bins.query(0.5, 1.5, 77).codes)
    assert np.array_equal(wave_again.query(0.1, 2.0, 50).high, wave.query(0.1, 2.0, 50).high)
    assert again.coverage.count == again.units


def test_other_content_or_settings_are_other_pictures(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    cache.keep(KEY, spectrogram())
    assert cache.spectrogram(content_key(["a" * 64]), SONG.span) is None
    assert cache.spectrogram(KEY, SONG.span, StftSettings(2048, 512)) is None
    assert cache.spectrogram(KEY, SONG.span, channel="mid") is None


def test_unfinished_pyramids_are_not_kept(tmp_path: Path) -> None:
    assert not PictureCache(tmp_path).keep(KEY, SpectrogramPyramid(SONG.span))
    assert list(tmp_path.iterdir()) == []


def test_damaged_files_are_missing(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    cache.keep(KEY, spectrogram())
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    assert cache.spectrogram(KEY, SONG.span) is None
    file.write_bytes(b"")
    assert cache.spectrogram(KEY, SONG.span) is None


def test_the_folder_keeps_its_limit_and_drops_what_was_not_used(tmp_path: Path) -> None:
    pyramid = spectrogram()
    cache = PictureCache(tmp_path, limit_bytes=int(2.5 * (pyramid.columns.nbytes + 128)))
    for number, name in enumerate(("old", "used", "new")):
        if name == "new":
            assert cache.spectrogram("old", SONG.span) is not None  # used again: now `used` is the oldest
        assert cache.keep(name, pyramid)
        for file in tmp_path.iterdir():
            os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns - 10**9 * (3 - number)))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= cache.limit_bytes
    kept = [name for name in ("old", "used", "new") if cache.spectrogram(name, SONG.span) is not None]
    assert kept == ["old", "new"]


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = PictureCache(tmp_path / "file" / "pictures")
    assert not cache.keep(KEY, spectrogram())
    assert cache.spectrogram(KEY, SONG.span) is None
