"""Sound tracks of films and containers (M4A, MP4, Matroska, WebM, ...), read through PyAV, the optional `media` extra.

The track is decoded once, when it is opened, into an unnamed temporary file of float32 samples (an hour of stereo at
48 kHz: 1.4 GB). So its length is exact and every stretch is read alike, which such containers alone do not give.

Time 0 is where the container's own time begins: a track that starts later than the film begins with silence; what
the encoder put before time 0 (priming) and after the end (padding) is cut. Containers that do not note the padding
(AAC in Matroska or in plain `.aac`) end up to one block of the coding later, and plain `.aac` keeps its priming.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from midistems_graph.audio.files import SPEAKERS, TAGS, SoundFileError, SoundReader, block_frames, breaks_off, not_sound
from midistems_graph.audio.values import Float32

_FORMATS = (  # no playlists: a file from a stranger must not name further files
    "mov,matroska,webm,aac,asf,avi,ac3,eac3,wv,ape,tta,mpeg,mpegts,mp3,ogg,flac,wav,aiff"
)
_SHORT = 0.25  # seconds that a track may end before the length that its container states


class MediaReader(SoundReader):
    """One sound track of a container, by number from 0."""

    def __init__(self, path: Path, track: int = 0) -> None:
        av = _av(path)
        self.path = path
        self._spool: Any = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        try:
            with av.open(f"file:{path}", options={"format_whitelist": _FORMATS}) as container:
                stream = _stream(path, container, track)
                codec = stream.codec_context
                self.rate, self.channels = codec.rate, codec.layout.nb_channels
                name = codec.layout.name.removesuffix("(side)")
                self.layout = name if name in SPEAKERS else f"{self.channels} channels"
                self.format = f"{container.format.name.split(',')[0]}/{codec.name}".upper()
                self.tags = MappingProxyType(_tags({**stream.metadata, **container.metadata}))
                self.frames = self._decode(av, container, stream)
                _check_length(path, self.frames, self.rate, stream)
        except BaseException as error:
            self._spool.close()
            if isinstance(error, av.FFmpegError):
                raise not_sound(path) from error
            raise
        self._scratch = np.empty((block_frames(self.channels), self.channels), np.float32)

    def close(self) -> None:
        self._spool.close()

    def _go_to(self, frame: int) -> None:
        self._spool.seek(frame * self.channels * 4)

    def _next(self, out: Float32) -> int:
        block = self._scratch[: out.shape[1]]
        got: int = self._spool.readinto(block.view(np.uint8).reshape(-1).data) // (4 * self.channels)
        out[:, :got] = block[:got].T
        return got

    def _decode(self, av: Any, container: Any, stream: Any) -> int:
        """Write the track to the temporary file; its length in samples."""
        packed = av.AudioResampler(format="flt")  # PyAV 18 crashes on planes of 8 and more channels
        begins = Fraction(max(container.start_time or 0, 0), av.time_base)
        early: int | None = None  # samples before time 0, still to be dropped
        frames = padding = 0
        try:
            for frame in container.decode(stream):
                if early is None:
                    at = 0 if frame.pts is None else round((frame.pts * frame.time_base - begins) * self.rate)
                    early, frames = max(0, -at), max(0, at)
                    self._spool.seek(frames * self.channels * 4)  # leaves zeros before it
                for part in packed.resample(frame):
                    samples = part.to_ndarray().reshape(-1, self.channels)[early:]
                    early -= min(early, part.samples)
                    self._spool.write(samples.data)
                    frames += len(samples)
                padding = _padding(frame)
        except av.FFmpegError as error:
            if not frames:
                raise
            raise breaks_off(self.path, frames / self.rate, _promised_seconds(stream)) from error
        return int(frames - padding)


def _av(path: Path) -> Any:
    try:
        import av
    except ImportError:
        raise SoundFileError(f'To read {path.name}, install: pip install "midistems-graph[media]"') from None
    return av


def _stream(path: Path, container: Any, track: int) -> Any:
    tracks = len(container.streams.audio)
    if not tracks:
        raise SoundFileError(f"{path.name} holds no sound track.")
    if not 0 <= track < tracks:
        allowed = "only track 0" if tracks == 1 else f"the tracks 0 to {tracks - 1}"
        raise SoundFileError(f"{path.name} has {allowed}, not {track}.")
    return container.streams.audio[track]


def _padding(frame: Any) -> int:
    """Samples at the end of the last decoded frame that are not part of the song: its duration is shorter."""
    if not frame.duration or frame.time_base * frame.rate > 2:  # Matroska counts milliseconds, too coarse to tell
        return 0
    return max(0, int(frame.samples) - round(Fraction(frame.duration * frame.time_base * frame.rate)))


def _check_length(path: Path, frames: int, rate: int, stream: Any) -> None:
    if frames < 1:
        raise SoundFileError(f"{path.name} holds no sound in this track.")
    promised = _promised_seconds(stream)
    if promised is not None and frames / rate < promised - _SHORT:
        raise breaks_off(path, frames / rate, promised)


def _promised_seconds(stream: Any) -> float | None:
    """The length that the container states for the track; None where it is a guess or not stated."""
    if stream.duration and stream.container.format.name.startswith("mov"):
        return float(stream.duration * stream.time_base)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # Matroska: 00:03:21.500000000
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def _tags(metadata: dict[str, str]) -> dict[str, str]:
    lower = {key.lower(): text for key, text in metadata.items()}
    lower.setdefault("tracknumber", lower.get("track", ""))
    return {name: lower[name] for name in TAGS if lower.get(name)}
