"""Sound files, read by the stretch: what a file says of itself, and its samples as float32 [channels, frames].

    with open_sound(path) as sound:
        sound.rate, sound.channels, sound.frames, sound.layout, sound.tags
        samples = sound.read(start, stop)

Promises: `frames` is exactly what can be read; a stretch has the same samples whether it is read alone or
as a part of the whole; samples beyond full scale, NaN and infinities are handed on as they are
(`check_finite` finds the latter). A reader belongs to one thread at a time.

Files are opened by libsndfile where it can (WAV, RF64, W64, AIFF, CAF, FLAC, Ogg Vorbis and Opus, MP3) and by
`midistems_graph.audio.media` otherwise (AAC, MP4, Matroska, WebM).
"""

from __future__ import annotations

import mmap
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import blake3
import numpy as np
import soundfile

from midistems_graph.audio.timeline import Timeline, read_timeline
from midistems_graph.audio.values import LAYOUTS, Float32

# fmt: off
SOUND_EXTENSIONS = frozenset({  # libsndfile's
    ".wav", ".wave", ".rf64", ".bwf", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3",
    ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd",
})
MEDIA_EXTENSIONS = frozenset({  # those of the `media` extra
    ".m4a", ".m4b", ".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".mka", ".webm", ".aac", ".wma", ".wmv",
    ".avi", ".ac3", ".eac3", ".wv", ".ape", ".tta", ".mpg", ".ts",
})
# fmt: on

SPEAKERS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {  # libsndfile's SF_CHANNEL_MAP_*: 2 L, 3 R, 4 C, 9 and 10 rear, 11 LFE, 14 and 15 side
        "mono": (1,),
        "stereo": (2, 3),
        "quad": (2, 3, 9, 10),
        "5.0": (2, 3, 4, 9, 10),
        "5.1": (2, 3, 4, 11, 9, 10),
        "7.1": (2, 3, 4, 11, 9, 10, 14, 15),
    }
)
"""Channel layouts with known speakers, in the order of their channels."""

VORBIS_ORDER: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {
        3: (0, 2, 1),
        5: (0, 2, 1, 3, 4),
        6: (0, 2, 1, 5, 3, 4),
        7: (0, 2, 1, 6, 5, 3, 4),
        8: (0, 2, 1, 7, 5, 6, 3, 4),
    }
)
"""By channel count: where Ogg Vorbis and Opus keep each channel of the usual order (L, R, C, LFE, rear, side).

Vorbis I specification, 4.3.9. libsndfile hands them over as they are in the file.
"""

TAGS = ("title", "artist", "album", "comment", "date", "tracknumber", "genre", "copyright", "software", "license")
"""The tags that are read and written; each container keeps those it has a place for."""

_GET_CHANNEL_MAP = 0x1100  # SFC_GET_CHANNEL_MAP_INFO, which python-soundfile does not name
_BLOCK_VALUES = 1 << 16  # libvorbis keeps the values of one write on the stack
_HASHED_BYTES = 1 << 20  # at once: enough for all cores
_SIZE_TOLERANCE = 256  # bytes by which headers of sloppy writers may be wrong
_STREAMED_SIZES = {0x7FFFF000, 0x7FFFFFFF, 0xFFFFF000, 0xFFFFFFFF}  # written by those who stream and cannot know


class SoundFileError(Exception):
    """A sound file that cannot be read, or not written as asked; the message is one sentence for the user.

    SoundFileError
      CannotWrite      the disk or the folder refuses (in `midistems_graph.audio.writing`)
        DiskFull       there is no room
    """


class SoundReader(ABC):
    """An open sound file.

    rate      samples per second
    frames    length in samples, at least 1
    layout    `mono`, `stereo`, `5.1`, ... or `N channels`
    format    container and coding, such as `FLAC/PCM_24`
    tags      those of `TAGS` that the file has
    timeline  where it lies on a timeline
    """

    path: Path
    rate: int
    channels: int
    frames: int
    layout: str
    format: str
    tags: Mapping[str, str]
    timeline: Timeline = Timeline()

    def read(self, start: int = 0, stop: int | None = None) -> Float32:
        """The samples [channels, stop - start] of a stretch; without `stop`, to the end.

        Raises ValueError for a stretch outside the file and SoundFileError where the file breaks off.
        """
        stop = self.frames if stop is None else stop
        if not 0 <= start <= stop <= self.frames:
            raise ValueError(f"{self.path.name} has samples 0 to {self.frames}, not {start} to {stop}")
        out = np.empty((self.channels, stop - start), np.float32)
        if start < stop:
            self._go_to(start)
        step = block_frames(self.channels)
        for lo in range(0, stop - start, step):
            block = out[:, lo : lo + step]
            got = self._next(block)
            if got < block.shape[1]:
                raise breaks_off(self.path, (start + lo + got) / self.rate, self.frames / self.rate)
        return out

    @abstractmethod
    def close(self) -> None:
        """Let the file go."""

    @abstractmethod
    def _go_to(self, frame: int) -> None:
        """Make `frame` the next one to be read."""

    @abstractmethod
    def _next(self, out: Float32) -> int:
        """Fill [channels, n] with the next samples; how many there were."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_sound(path: str | Path, track: int = 0) -> SoundReader:
    """Open a sound file, or sound track number `track` of a film or container.

    Raises SoundFileError with a sentence for the user when the file is missing, a folder, unreadable, empty,
    not sound, truncated, or needs the `media` extra.
    """
    path = Path(path)
    _check_readable(path)
    if track == 0:
        try:
            sound = _LibsndfileReader(path)
        except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a `.raw` file, which has no header
            if path.suffix.lower() not in MEDIA_EXTENSIONS:
                raise not_sound(path) from error
        else:
            kind = sound.format.partition("/")[0]
            if not (kind == "OGG" and _ogg_is_chained(path)) and not (kind == "MP3" and not _mp3_tells_length(path)):
                return sound
            sound.close()
    from midistems_graph.audio.media import MediaReader

    return MediaReader(path, track)


def is_sound(path: str | Path) -> bool:
    """Whether a file's extension is one that `open_sound` knows, for looking through folders."""
    return Path(path).suffix.lower() in SOUND_EXTENSIONS | MEDIA_EXTENSIONS


def content_digest(path: str | Path) -> str:
    """blake3 of a sound file's bytes (64 hex digits). Raises SoundFileError."""
    path = Path(path)
    _check_readable(path)
    return file_digest(path)


def file_digest(path: Path) -> str:
    """blake3 of any file's bytes (64 hex digits), hashed on all cores, a block in memory at a time. Raises OSError."""
    hasher, block = blake3.blake3(max_threads=blake3.blake3.AUTO), bytearray(_HASHED_BYTES)
    with path.open("rb", buffering=0) as file:
        while got := file.readinto(block):
            hasher.update(memoryview(block)[:got])
    return hasher.hexdigest()


def check_finite(samples: Float32, start: int, rate: int, path: str | Path) -> None:
    """Raise SoundFileError naming the first NaN or infinity of samples [channels, n] that begin at `start`."""
    bad = ~np.isfinite(samples).all(axis=0)
    if bad.any():
        at = (start + int(bad.argmax())) / rate
        raise SoundFileError(
            f"{Path(path).name} holds a value that is not a number (NaN or infinity) at {at:.3f} s; "
            "export it again, or cut that place out."
        )


def name_for_c(path: Path) -> str | bytes:
    """A path as libsndfile takes it: the system's own bytes, which need not be text, except on Windows."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def breaks_off(path: Path, seconds: float, promised: float | None = None) -> SoundFileError:
    """The error for a truncated file."""
    of = "" if promised is None else f" of {promised:.2f} s"
    return SoundFileError(f"{path.name} is truncated: it breaks off at {seconds:.2f} s{of}; get a complete copy.")


def not_sound(path: Path) -> SoundFileError:
    """The error for a file that nothing can decode."""
    return SoundFileError(f"{path.name} is not a sound file that can be read, or it is damaged.")


def block_frames(channels: int) -> int:
    """Frames per block of reading and writing: 32k for stereo, fewer for more channels."""
    return max(1, _BLOCK_VALUES // max(2, channels))


class _LibsndfileReader(SoundReader):
    def __init__(self, path: Path) -> None:
        self.path = path
        self._sound = sound = soundfile.SoundFile(name_for_c(path))
        try:
            self.rate, self.channels, self.frames = sound.samplerate, sound.channels, sound.frames
            self.layout = _layout(sound)
            self._order = VORBIS_ORDER.get(self.channels) if sound.format == "OGG" else None
            self.format = f"{sound.format}/{sound.subtype}"
            self.tags = MappingProxyType(_tags(sound))
            self.timeline = read_timeline(sound)
            if _is_truncated(path, sound):
                raise breaks_off(path, self.frames / self.rate)
            if not self.frames:
                raise SoundFileError(f"{path.name} holds no sound: it has a header, but not one sample.")
            if sound.format == "OGG" and _ogg_has_hole(path):
                raise SoundFileError(f"{path.name} is damaged: a piece in its middle is missing; get a complete copy.")
        except BaseException:
            sound.close()
            raise
        self._scratch = np.empty((block_frames(self.channels), self.channels), np.float32)

    def close(self) -> None:
        self._sound.close()

    def _go_to(self, frame: int) -> None:
        if self._sound.format != "OGG":
            self._sound.seek(frame)
            return
        # Seeking in Ogg Vorbis gives other samples than reading on (libsndfile 1.2.2), so read up to the place.
        if frame < self._sound.tell():
            self._sound.close()
            self._sound = soundfile.SoundFile(name_for_c(self.path))
        while (gap := frame - self._sound.tell()) > 0:
            if not len(self._sound.read(out=self._scratch[:gap])):
                raise breaks_off(self.path, self._sound.tell() / self.rate, self.frames / self.rate)

    def _next(self, out: Float32) -> int:
        try:
            got = self._sound.read(out=self._scratch[: out.shape[1]])
        except soundfile.LibsndfileError:  # FLAC: a frame is cut or damaged
            return 0
        out[:, : len(got)] = got.T if self._order is None else got.T[list(self._order)]
        return len(got)


def _check_readable(path: Path) -> None:
    """Raise SoundFileError unless the path is a file with something in it that may be read."""
    if path.is_dir():
        raise SoundFileError(f"{path.name} is a folder, not a sound file.")
    if path.exists() and not path.is_file():
        raise SoundFileError(f"{path.name} is not a regular file.")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise SoundFileError(f"There is no file {path}.") from None
    except PermissionError:
        raise SoundFileError(f"You may not read {path}: ask its owner for the permission.") from None
    except OSError as error:
        raise SoundFileError(f"{path} cannot be read: {error.strerror}.") from error
    if empty:
        raise SoundFileError(f"{path.name} is empty (0 bytes).")


def _layout(sound: Any) -> str:
    """The layout that the file's channel mask names; without a mask, the usual one of the channel count."""
    channels = sound.channels
    ids = soundfile._ffi.new("int[]", channels)
    size = soundfile._ffi.sizeof(ids)
    if soundfile._snd.sf_command(sound._file, _GET_CHANNEL_MAP, ids, size) and channels > 2 and any(ids):
        found = tuple({14: 9, 15: 10}.get(i, i) if channels < 8 else i for i in ids)  # sides serve as rears
        return next((name for name, map_ in SPEAKERS.items() if map_ == found), f"{channels} channels")
    return LAYOUTS.get(channels, f"{channels} channels")


def _tags(sound: Any) -> dict[str, str]:
    """The tags; those of an old MP3 (ID3v1) are Latin-1, all others UTF-8."""
    tags = {}
    for name in TAGS:
        raw = soundfile._snd.sf_get_string(sound._file, soundfile._str_types[name])
        if raw:
            text = soundfile._ffi.string(raw)
            try:
                tags[name] = text.decode("utf-8")
            except UnicodeDecodeError:
                tags[name] = text.decode("latin-1")
    return {name: text for name, text in tags.items() if text}


def _is_truncated(path: Path, sound: Any) -> bool:
    """Whether a file is shorter than its header says (libsndfile only notes that in its log)."""
    if sound.format == "OGG":
        page = _last_ogg_page(path)
        return not (len(page) > 5 and page[5] & 4)  # it says of itself that it is the last
    sizes = re.findall(r"(?im)^ *(?:riff|riff size|data|data size|ssnd) *: (\d+) \(should be (\d+)\)", sound.extra_info)
    return any(int(said) > int(is_) + _SIZE_TOLERANCE and int(said) not in _STREAMED_SIZES for said, is_ in sizes)


def _ogg_is_chained(path: Path) -> bool:
    """Whether an Ogg file holds several streams, of which libsndfile reads the first (recordings of radio do)."""
    with path.open("rb") as file:
        first = file.read(18)
    return first[14:18] != _last_ogg_page(path)[14:18]  # the number of the stream


def _ogg_has_hole(path: Path) -> bool:
    """Whether pages of an Ogg file are missing, which libsndfile passes over; streams number theirs (RFC 3533)."""
    numbers: dict[bytes, int] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(b"OggS")
        while at >= 0 and at + 27 <= len(data):
            stream, number = data[at + 14 : at + 18], int.from_bytes(data[at + 18 : at + 22], "little")
            if number != numbers.setdefault(stream, number - 1) + 1:
                return True
            numbers[stream] = number
            segments = data[at + 27 : at + 27 + data[at + 26]]
            at = data.find(b"OggS", at + 27 + len(segments) + sum(segments))
    return False


def _last_ogg_page(path: Path) -> bytes:
    """The file from its last page on; empty where there is none."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 17)))  # a page has at most 65307 bytes
        tail = file.read()
    start = tail.rfind(b"OggS")
    return tail[start:] if start >= 0 else b""


def _mp3_tells_length(path: Path) -> bool:
    """Whether an MP3 file begins with a length header; without one, libsndfile guesses, and stops too early."""
    with path.open("rb") as file:
        head = file.read(10)
        tag = head.startswith(b"ID3")  # a tag block, whose size has 7 bits per byte
        file.seek(10 + sum(byte << 7 * i for i, byte in enumerate(reversed(head[6:]))) if tag else 0)
        frame = file.read(256)
    return b"Xing" in frame or b"Info" in frame
