"""Where a sound file lies on a timeline, and what its song is counted in: time reference, tempo, markers.

Broadcast Wave (EBU Tech 3285) keeps in its `bext` chunk at which sample since midnight a file begins; that is where
programs for editing put it back. Markers are cue points, the tempo stands in a loop chunk. What tags tell is added by
`midistems_graph.audio.tagged`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import soundfile

from midistems_graph.audio.values import Span

_GET_BROADCAST, _SET_BROADCAST = 0x10F0, 0x10F1  # SFC_*, which python-soundfile does not name
_GET_CUE_COUNT, _GET_CUE, _SET_CUE = 0x10CD, 0x10CE, 0x10CF
_GET_LOOP = 0x10E0
_BROADCAST = struct.Struct("=256s32s32s10s8s2xIIh64s5h180s2xI256s")  # SF_BROADCAST_INFO
_CUE = struct.Struct("=iIiiiI256s")  # what SF_CUES holds of each point
_LOOP = struct.Struct("=hhifi6i")  # SF_LOOP_INFO
MOST_CUES = 100
"""Markers of one file."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A named place: `at` counts samples from the file's beginning."""

    at: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a file says of its place in time.

    origin     samples from the timeline's beginning to the file's; 0 where the file does not tell
    tempo      beats per minute; 0 where it is not known
    markers    in order
    rate       samples per second in which origin and markers are counted
    """

    origin: int = 0
    tempo: float = 0.0
    markers: tuple[Marker, ...] = ()
    rate: int = 44100

    def of(self, span: Span) -> Timeline:
        """The same of a stretch of the song, counted in the stretch's own samples."""
        factor = Fraction(span.rate, self.rate)
        places = ((round(marker.at * factor) - span.start, marker.name) for marker in self.markers)
        inside = tuple(Marker(at, name) for at, name in places if 0 <= at < span.frames)
        return Timeline(round(self.origin * factor) + span.start, self.tempo, inside, span.rate)


def read_timeline(sound: Any) -> Timeline:
    """What an open libsndfile file says."""
    return Timeline(_origin(sound), _tempo(sound), _markers(sound), sound.samplerate)


def write_timeline(sound: Any, timeline: Timeline) -> None:
    """Tell a WAV or AIFF file that is being written where it lies; before its first sample.

    AIFF has no time reference. Of markers libsndfile writes the names into AIFF only; see `chunks.labels` for WAV.
    """
    low, high = timeline.origin & 0xFFFFFFFF, timeline.origin >> 32
    nothing = (0, 0, 0, 0, 0)
    raw = _BROADCAST.pack(b"", b"midistems-graph", b"", b"", b"", low, high, 1, b"", *nothing, b"", 0, b"")
    _command(sound, _SET_BROADCAST, bytearray(raw))
    if timeline.markers:
        markers = timeline.markers[:MOST_CUES]
        data = int.from_bytes(b"data", "little")
        cues = [_CUE.pack(n, 0, data, 0, 0, marker.at, _name(marker)) for n, marker in enumerate(markers, 1)]
        room = bytes(_CUE.size * (MOST_CUES - len(cues)))
        _command(sound, _SET_CUE, bytearray(struct.pack("=I", len(cues)) + b"".join(cues) + room))


def _name(marker: Marker) -> bytes:
    """A name of at most 255 bytes, which do not break off within a letter."""
    return marker.name.encode()[:255].decode(errors="ignore").encode()


def _origin(sound: Any) -> int:
    raw = bytearray(_BROADCAST.size)
    if not _command(sound, _GET_BROADCAST, raw):
        return 0
    _, _, _, _, _, low, high, *_ = _BROADCAST.unpack(raw)
    return int(low | high << 32)


def _tempo(sound: Any) -> float:
    raw = bytearray(_LOOP.size)
    if not _command(sound, _GET_LOOP, raw):
        return 0.0
    bpm = float(_LOOP.unpack(raw)[3])
    return bpm if math.isfinite(bpm) and 1 <= bpm <= 1000 else 0.0


def _markers(sound: Any) -> tuple[Marker, ...]:
    raw = bytearray(4 + _CUE.size * MOST_CUES)
    count = bytearray(4)
    if not _command(sound, _GET_CUE_COUNT, count) or not 0 < struct.unpack("=I", count)[0] <= MOST_CUES:
        return ()
    if not _command(sound, _GET_CUE, raw):
        return ()
    points = [_CUE.unpack_from(raw, 4 + _CUE.size * i) for i in range(struct.unpack_from("=I", raw)[0])]
    named = (Marker(point[5], point[6].split(b"\0")[0].decode(errors="replace")) for point in points)
    return tuple(sorted(named, key=lambda marker: marker.at))


def _command(sound: Any, command: int, data: bytearray) -> int:
    address = soundfile._ffi.cast("void *", soundfile._ffi.from_buffer(data))
    return int(soundfile._snd.sf_command(sound._file, command, address, len(data)))
