"""Containers with several sound tracks, or with the picture of a film, written through PyAV (extra `media`).

    with MediaWriter(path, tracks=[Track("mixture", 2), Track("drums", 2)], rate=44100, codec="aac") as writer:
        writer.write(0, block)  # float32 [channels, frames]

Time 0 of every track is the container's; what the coding puts before it is marked to be skipped. A picture and its
subtitles are copied packet by packet, never decoded. What is written is not atomic: the path is an unfinished file's.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from midistems_graph.audio.files import SoundFileError
from midistems_graph.audio.values import LAYOUTS, Float32

Codec = Literal["aac", "alac", "flac"]

_SAMPLES = {"aac": "fltp", "alac": "s32p", "flac": "s32"}  # what each encoder takes
_AAC_RATES = (7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_BLOCK = 1 << 15


@dataclass(frozen=True, slots=True)
class Track:
    """One sound track: what players call it, and its channels."""

    name: str
    channels: int
    layout: str = ""


class MediaWriter:
    """A container that is being written; the path's suffix says which (`.mp4`, `.mov`, `.mkv`).

    picture    a film whose first picture track is copied, with chapters and those subtitles that the container can hold
    start      seconds of silence before the tracks begin
    cover      a picture of the record, JPEG or PNG
    left_out   subtitles of the film that could not be copied, by language or number

    Raises SoundFileError without PyAV, and where the container or the coding cannot hold the sound.
    """

    def __init__(
        self,
        path: Path,
        *,
        tracks: Sequence[Track],
        rate: int,
        codec: Codec = "aac",
        kbits: int = 256,
        tags: Mapping[str, str] | None = None,
        picture: Path | None = None,
        start: Fraction = Fraction(0),
        cover: bytes = b"",
    ) -> None:
        self.left_out: list[str] = []
        self._av = av = _av(path)
        if codec == "aac" and rate not in _AAC_RATES:
            raise SoundFileError(f"AAC has no rate of {rate} Hz; resample to 44100 or 48000, or choose alac.")
        self.path, self._rate, self._codec = path, rate, codec
        self._film: Any = None
        self._container: Any = None
        try:
            self._film = None if picture is None else av.open(f"file:{picture}")
            self._container = av.open(f"file:{path}", "w", options={"fflags": "+bitexact"})
            self._container.metadata.update(tags or {})
            self._pictures = self._copied()
            self._streams = [self._stream(track, kbits) for track in tracks]
            if cover:
                self._put_cover(cover)
            begins = Fraction(0) if self._film is None else Fraction(self._film.start_time or 0, av.time_base)
            self._at = [round(begins * rate) for _ in tracks]
        except av.FFmpegError as error:
            self.close()
            raise SoundFileError(f"{(picture or path).name} cannot be written as {path.suffix}: {error}.") from error
        except BaseException:
            self.close()
            raise
        for number, track in enumerate(tracks):  # players heed silence, but not every kind of delay
            self.write(number, np.zeros((track.channels, round(start * rate)), np.float32))

    def write(self, track: int, block: Float32) -> None:
        """Append float32 [channels, frames] to a track."""
        for first in range(0, block.shape[1], _BLOCK):
            self._encode(track, block[:, first : first + _BLOCK])
        self._copy_until(Fraction(self._at[track], self._rate))

    def finish(self) -> None:
        """Write what the encoders hold back, and the rest of the picture."""
        for stream in self._streams:
            for packet in stream.encode(None):
                self._container.mux(packet)
        self._copy_until(None)

    def close(self) -> None:
        """Let the files go."""
        for container in (self._container, self._film):
            if container is not None:
                container.close()
        self._container = self._film = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception: type[BaseException] | None, *_: object) -> None:
        try:
            if exception is None:
                self.finish()
        finally:
            self.close()

    def _stream(self, track: Track, kbits: int) -> Any:
        layout = track.layout if track.layout in LAYOUTS.values() else LAYOUTS.get(track.channels)
        if layout is None:
            raise SoundFileError(f"{track.name} has {track.channels} channels, which {self.path.suffix} cannot name.")
        options = {"flags": "+bitexact"}
        stream = self._container.add_stream(self._codec, rate=self._rate, options=options)
        stream.layout = layout
        stream.format = _SAMPLES[self._codec]
        if self._codec == "aac":
            stream.bit_rate = 1000 * kbits
        stream.metadata["title"] = track.name
        stream.metadata["handler_name"] = track.name
        return stream

    def _encode(self, track: int, block: Float32) -> None:
        stream, kind = self._streams[track], _SAMPLES[self._codec]
        samples = np.ascontiguousarray(block)
        if kind.startswith("s32"):
            full = float(1 << 23)  # 24 bits that count, in 32
            samples = np.clip(np.rint(samples * full), -full, full - 1).astype(np.int32) << 8
        packed = samples if kind.endswith("p") else np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = self._av.AudioFrame.from_ndarray(packed, format=kind, layout=stream.layout.name)
        frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), self._at[track]
        self._at[track] += block.shape[1]
        for packet in stream.encode(frame):
            self._container.mux(packet)

    def _copied(self) -> Iterator[Any]:
        """The packets of the film's picture, on their new track."""
        if self._film is None:
            return iter(())
        if not self._film.streams.video:
            raise SoundFileError(
                f"{Path(self._film.name).name} has no picture; save the sound as a sound file instead."
            )
        originals = [self._film.streams.video[0]]
        for number, subtitles in enumerate(self._film.streams.subtitles, 1):
            fits = subtitles.codec_context.name in self._container.supported_codecs
            (originals if fits else self.left_out).append(
                subtitles if fits else subtitles.language or f"track {number}"
            )
        copies = {}
        for original in originals:
            copies[original.index] = copy = self._container.add_stream_from_template(original)
            copy.metadata.update(original.metadata)
        self._container.set_chapters(self._film.chapters())

        def packets() -> Iterator[Any]:
            for packet in self._film.demux(*originals):
                if packet.dts is not None:  # the last ones are empty
                    packet.stream = copies[packet.stream.index]
                    yield packet

        return packets()

    def _put_cover(self, cover: bytes) -> None:
        """A picture as a track of one packet that is marked as attached."""
        with self._av.open(BytesIO(cover)) as image:
            original = image.streams.video[0]
            copy = self._container.add_stream_from_template(original)
            copy.disposition = self._av.stream.Disposition.attached_pic
            packet = next(packet for packet in image.demux(original) if packet.size)
            packet.stream, packet.pts, packet.dts = copy, 0, 0
            self._container.mux(packet)

    def _copy_until(self, seconds: Fraction | None) -> None:
        for packet in self._pictures:
            at = packet.dts * packet.time_base  # muxing counts it anew
            self._container.mux(packet)
            if seconds is not None and at >= seconds:
                return


def add_stem_box(path: Path, names: Sequence[str]) -> None:
    """Make an MP4 file of a mixture and four stems one that DJ programs take for stems: the box `moov/udta/stem`.

    It holds JSON with name and colour of each stem and the settings of a compressor and a limiter, both switched off
    (Native Instruments, "Stem file format", version 1).
    """
    colours = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7")
    described = {
        "version": 1,
        "mastering_dsp": {
            "compressor": {
                "enabled": False, "ratio": 3, "output_gain": 0.5, "release": 0.3, "attack": 0.003, "input_gain": 0.5,
                "threshold": 0, "hp_cutoff": 300, "dry_wet": 50,
            },
            "limiter": {"enabled": False, "release": 0.05, "threshold": 0, "ceiling": -0.35},
        },
        "stems": [{"name": name, "color": colour} for name, colour in zip(names, colours, strict=True)],
    }  # fmt: skip
    stem = _box(b"stem", json.dumps(described).encode())
    with path.open("r+b") as file:
        size = path.stat().st_size
        for kind, start, length in _boxes(file, 0, size):
            if kind == b"moov" and start + length == size:  # behind the samples, so that nothing else moves
                file.seek(start + 8)
                moov = file.read(length - 8)
                file.seek(start)
                file.write(_box(b"moov", _with_child(moov, stem)))
                return
    raise SoundFileError(f"{path.name} is not laid out as a stem file can be.")


def stem_box(path: Path) -> Mapping[str, Any]:
    """What a stem file says of its stems; empty if it is none."""
    with path.open("rb") as file:
        start, stop = 0, path.stat().st_size
        for wanted in (b"moov", b"udta", b"stem"):
            found = next(((s, n) for kind, s, n in _boxes(file, start, stop) if kind == wanted), None)
            if found is None:
                return {}
            start, stop = found[0] + 8, found[0] + found[1]
        file.seek(start)
        described: Mapping[str, Any] = json.loads(file.read(stop - start))
        return described


def _with_child(moov: bytes, stem: bytes) -> bytes:
    """The content of `moov` with a box in its `udta`, which is made if there is none."""
    at = 0
    while at < len(moov):
        length, kind = struct.unpack_from(">I4s", moov, at)
        if kind == b"udta":
            return moov[:at] + _box(b"udta", moov[at + 8 : at + length] + stem) + moov[at + length :]
        at += length
    return moov + _box(b"udta", stem)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _boxes(file: Any, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and length of the boxes of a stretch of an MP4 file (ISO/IEC 14496-12)."""
    while start + 8 <= stop:
        file.seek(start)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        length = length or stop - start
        if length < 8:
            return
        yield kind, start, length
        start += length


def _av(path: Path) -> Any:
    try:
        import av
    except ImportError:
        raise SoundFileError(f'To write {path.suffix} files, install: pip install "midistems-graph[media]"') from None
    return av
