"""Finished pyramids on disk, so that opening a song again shows its pictures at once.

One file per pyramid, named by a digest of the edge's content and of how it is shown. A file is written beside its
place and then moved there, so whoever looks finds it whole or not at all; reading maps it. When the folder holds
more than its limit, files go that were not used for longest. Everything here can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import blake3
import numpy as np
import numpy.typing as npt
import platformdirs

from midistems_graph.audio.values import Span, StftSettings
from midistems_graph.editor.pictures.building import done
from midistems_graph.editor.pictures.spectrogram import SpectrogramPyramid
from midistems_graph.editor.pictures.strength import Channel, Measure
from midistems_graph.editor.pictures.waveform import WaveformPyramid

LIMIT_BYTES = 2 << 30
FORMAT = "1"
"""Raised when the arrays mean something else."""

_ORPHANED = 3600.0
"""Seconds after which an unfinished file belongs to nobody."""


def default_folder() -> Path:
    """`MIDISTEMS_PICTURES` if set, otherwise `pictures` in the user's cache folder of this program."""
    told = os.environ.get("MIDISTEMS_PICTURES")
    return Path(told) if told else platformdirs.user_cache_path("midistems-graph") / "pictures"


def content_key(digests: Iterable[str]) -> str:
    """One digest for an edge from those of its tiles, in the order of time (and the stem's name, if one is shown)."""
    return _hashed(*digests)


class PictureCache:
    """Pyramids by the digest of an edge's content. May be shared by threads and processes.

    It never stands in the way: what cannot be read is missing, what cannot be written is not kept.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = default_folder() if folder is None else folder
        self.limit_bytes = limit_bytes

    def waveform(self, content: str, span: Span, channels: int) -> WaveformPyramid | None:
        """The finished waveform of an edge, if it is kept."""
        points = self._read(_waveform_key(content, span, channels))
        with contextlib.suppress(ValueError):  # not what such a song has
            return None if points is None else WaveformPyramid(span, channels, points)
        return None

    def spectrogram(
        self,
        content: str,
        span: Span,
        settings: StftSettings | None = None,
        channel: Channel = "mean",
        measure: Measure = "level",
    ) -> SpectrogramPyramid | None:
        """The finished spectrogram of an edge, if it is kept."""
        columns = self._read(_spectrogram_key(content, span, settings or StftSettings(), channel, measure))
        with contextlib.suppress(ValueError):
            return None if columns is None else SpectrogramPyramid(span, settings, channel, measure, columns=columns)
        return None

    def keep(self, content: str, pyramid: WaveformPyramid | SpectrogramPyramid) -> bool:
        """Write a pyramid, if it is finished; whether it was written."""
        if done(pyramid) < 1:
            return False
        if isinstance(pyramid, WaveformPyramid):
            return self._write(_waveform_key(content, pyramid.span, pyramid.channels), pyramid.points)
        key = _spectrogram_key(content, pyramid.span, pyramid.settings, pyramid.channel, pyramid.measure)
        return self._write(key, pyramid.columns)

    def _read(self, key: str) -> npt.NDArray[Any] | None:
        path = self.folder / f"{key}.npy"
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            os.utime(path)
        except (OSError, ValueError, EOFError):
            return None
        return np.asarray(array)

    def _write(self, key: str, array: npt.NDArray[Any]) -> bool:
        if array.nbytes > self.limit_bytes:
            return False
        path = self.folder / f"{key}.npy"
        temporary = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.tmp")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                np.save(file, array, allow_pickle=False)
            self._make_room(temporary.stat().st_size)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            return False
        return True

    def _make_room(self, nbytes: int) -> None:
        """Delete the files that were not used for longest until `nbytes` more fit."""
        files = []
        for path in self.folder.glob("*.npy"):
            with contextlib.suppress(FileNotFoundError):
                files.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        for orphan in self.folder.glob("*.tmp"):
            with contextlib.suppress(OSError):
                if time.time() - orphan.stat().st_mtime > _ORPHANED:
                    orphan.unlink()
        held = sum(size for _, size, _ in files) + nbytes
        for _, size, path in sorted(files):
            if held <= self.limit_bytes:
                return
            with contextlib.suppress(OSError):  # mapped, on Windows
                path.unlink(missing_ok=True)
                held -= size


def _waveform_key(content: str, span: Span, channels: int) -> str:
    return _hashed("waveform", FORMAT, content, span.total, span.rate, channels)


def _spectrogram_key(content: str, span: Span, settings: StftSettings, channel: Channel, measure: Measure) -> str:
    stft = (settings.n_fft, settings.hop, settings.window)
    return _hashed("spectrogram", FORMAT, content, span.total, span.rate, *stft, channel, measure)


def _hashed(*parts: object) -> str:
    return blake3.blake3("\0".join(str(part) for part in parts).encode()).hexdigest()
