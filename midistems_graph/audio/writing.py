"""Sound files, written block by block, so that a song of any length needs the memory of a block.

    with SoundWriter(path, rate=44100, channels=2, frames=n, format="flac") as writer:
        writer.write(block)  # float32 [channels, any number of frames]

Either the whole file appears under its name or nothing does: samples go to a hidden file beside it, which takes
the name when everything is on the disk. An exception inside `with` removes it.

The same samples give the same bytes, except in Ogg files, whose stream number is random by design. Nothing is
clipped in silence: `peak` and `overs` tell what exceeded full scale, and `FORMATS[name].clips` whether that hurts.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import soundfile

from midistems_graph.audio.chunks import add_to_flac, append_chunks, cues, labels, mime_type, place_in_comments
from midistems_graph.audio.files import (
    SPEAKERS,
    TAGS,
    VORBIS_ORDER,
    SoundFileError,
    block_frames,
    check_finite,
    name_for_c,
)
from midistems_graph.audio.id3 import id3_tag, put_before
from midistems_graph.audio.timeline import MOST_CUES, Timeline, write_timeline
from midistems_graph.audio.values import LAYOUTS, Float32

_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_ANY_RATE = range(1, 655_351)
_WAV_LIMIT = (1 << 32) - (1 << 20)  # bytes of samples; the rest is for the header and the tags
_SYSTEM_ERROR = 2  # SF_ERR_SYSTEM: the file is there, but its header cannot be written
_SET_CHANNEL_MAP, _SET_ADD_PEAK_CHUNK = 0x1101, 0x1050  # SFC_*, which python-soundfile does not name


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write sound.

    bits       of a sample; 0 where the coding is lossy
    clips      whether what is beyond full scale is lost, or distorts when played
    quality    libsndfile's compression level of a lossy format, 0 (best) to 1
    """

    extension: str
    container: str
    subtype: str
    bits: int
    clips: bool
    max_channels: int
    rates: range | tuple[int, ...] = _ANY_RATE
    quality: float | None = None


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "wav": Format(".wav", "WAV", "FLOAT", 32, False, 1024),
        "wav24": Format(".wav", "WAV", "PCM_24", 24, True, 1024),
        "wav16": Format(".wav", "WAV", "PCM_16", 16, True, 1024),
        "flac": Format(".flac", "FLAC", "PCM_24", 24, True, 8),
        "flac16": Format(".flac", "FLAC", "PCM_16", 16, True, 8),
        "aiff": Format(".aiff", "AIFF", "PCM_24", 24, True, 1024),
        "ogg": Format(".ogg", "OGG", "VORBIS", 0, True, 32, range(1, 200_001), quality=0.3),
        "opus": Format(".opus", "OGG", "OPUS", 0, True, 8, _OPUS_RATES, quality=0.6),
        "mp3": Format(".mp3", "MP3", "MPEG_LAYER_III", 0, True, 2, _MP3_RATES, quality=0.0),
    }
)
"""The formats by name. Quality: Vorbis q7 (about 220 kbit/s in stereo), Opus about 210, MP3 V0 (about 250)."""


class CannotWrite(SoundFileError):
    """The disk or the folder refuses; the message is one sentence for the user."""


class DiskFull(CannotWrite):
    """There is no room: nothing else can be written there either."""


class SoundWriter:
    """A sound file that is being written.

    frames    how many samples per channel will come: `commit` checks it, and it decides between WAV and RF64
    format    a name of `FORMATS`
    layout    `stereo`, `5.1`, ...: kept in WAV files as a channel mask
    tags      those of `TAGS`; each format keeps the ones that it has a place for
    timeline  where the file begins on its timeline, tempo and markers; as far as the format has a place for them
    cover     a picture, JPEG or PNG; kept by all but Ogg files
    seed      of the dither of 16-bit files. Give each stem of a set another one, so that their noises stay apart

    A sample between two 16-bit steps gets triangular dither of +-1 step before it is rounded. One that is a
    step already needs no rounding and gets none: digital silence stays silent, and a 16-bit recording that
    was not changed is written unchanged. The noise depends on the seed and the place in the file, not on the blocks.

    Raises SoundFileError if the format cannot hold the sound and CannotWrite if the file cannot be created.
    """

    peak: float
    """The largest absolute sample so far; full scale is 1."""
    overs: int
    """How many samples so far were beyond full scale."""

    def __init__(
        self,
        path: str | Path,
        *,
        rate: int,
        channels: int,
        frames: int,
        format: str = "wav",
        layout: str = "",
        tags: Mapping[str, str] | None = None,
        timeline: Timeline = Timeline(),  # noqa: B008 (frozen)
        cover: bytes = b"",
        seed: int = 0,
    ) -> None:
        self.path = Path(path)
        self.rate, self.channels, self.frames, self.written = rate, channels, frames, 0
        self.peak, self.overs = 0.0, 0
        self._format = _checked(self.path.name, format, rate, channels, frames)
        self._noise = np.random.PCG64(seed)
        self._tags = {name: tags[name] for name in TAGS if tags and tags.get(name)}
        self._timeline, self._cover = timeline, cover if mime_type(cover) else b""
        self._part = self.path.with_name(f".{self.path.name}.part-{secrets.token_hex(4)}")
        try:
            self._part.touch(exist_ok=False)
        except OSError as error:
            raise _refused(self.path, error) from error
        layout = layout or LAYOUTS.get(channels, "")
        self._container = _container(self._format, frames, channels, layout)
        self._open: bool = True
        try:
            self._sound = self._create(layout, tags or {}, timeline)
        except BaseException:
            self._part.unlink()
            raise

    def write(self, block: Float32) -> None:
        """Append float32 [channels, frames].

        Raises ValueError for another shape or more frames than announced, SoundFileError at a value that is
        not finite, CannotWrite when the disk is full.
        """
        if block.ndim != 2 or block.shape[0] != self.channels or self.written + block.shape[1] > self.frames:
            left = self.frames - self.written
            raise ValueError(f"{self.path.name} takes {self.channels} channels, {left} frames; not {block.shape}")
        step = block_frames(self.channels)  # one large write crashes the Vorbis encoder
        for lo in range(0, block.shape[1], step):
            self._write(block[:, lo : lo + step])

    def commit(self) -> None:
        """Put the file in its place: complete, checked and on the disk. Raises CannotWrite."""
        try:
            if self.written != self.frames:
                raise ValueError(f"{self.path.name} got {self.written} of {self.frames} frames")
            self._sound.close()
            if self._container == "RF64":
                _blank_peak_time(self._part)
            self._add_what_libsndfile_leaves_out()
            if soundfile.info(name_for_c(self._part)).frames != self.frames:
                raise _disk_full(self.path)
            sync(self._part)
            self._part.replace(self.path)
            sync(self.path.parent)
        except (OSError, soundfile.LibsndfileError) as error:
            raise _refused(self.path, error) from error
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop what was written; does nothing after `commit`."""
        if self._open:
            self._open = False
            self._sound.close()
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception: type[BaseException] | None, *_: object) -> None:
        if exception is not None:
            self.abort()
        elif self._open:
            self.commit()

    def _create(self, layout: str, tags: Mapping[str, str], timeline: Timeline) -> Any:
        """The libsndfile object on the hidden file."""
        try:
            sound = soundfile.SoundFile(
                name_for_c(self._part),
                "w",
                self.rate,
                self.channels,
                format=self._container,
                subtype=self._format.subtype,
                compression_level=self._format.quality,
                bitrate_mode="VARIABLE" if self._container == "MP3" else None,
            )
        except soundfile.LibsndfileError as error:
            raise _refused(self.path, error) from error
        command, ffi = soundfile._snd.sf_command, soundfile._ffi
        command(sound._file, _SET_ADD_PEAK_CHUNK, ffi.NULL, 0)  # it would stamp the clock
        if self._container in ("WAVEX", "RF64") and layout in SPEAKERS and self.channels == len(SPEAKERS[layout]):
            ids = ffi.new("int[]", SPEAKERS[layout])
            command(sound._file, _SET_CHANNEL_MAP, ids, ffi.sizeof(ids))
        if self._format.container in ("WAV", "AIFF"):
            write_timeline(sound, timeline)
        for name in TAGS if self._container != "MP3" else ():  # libsndfile knows Latin-1 alone there
            if tags.get(name):
                _set_tag(sound, name, tags[name])
        return sound

    def _add_what_libsndfile_leaves_out(self) -> None:
        """The cover, names of markers in WAV files, the place of FLAC files, tags of MP3 files."""
        place, cover = self._timeline, self._cover
        match self._format.container:
            case "MP3":
                put_before(self._part, id3_tag(self._tags, tempo=place.tempo, cover=cover))
            case "FLAC":
                add_to_flac(self._part, place_in_comments(place), cover)
            case "WAV" | "AIFF" as container:
                markers = place.markers[:MOST_CUES] if container == "WAV" else ()
                tag = id3_tag(self._tags, tempo=place.tempo, cover=cover) if cover else b""
                name = b"id3 " if container == "WAV" else b"ID3 "
                chunks = {
                    b"cue ": cues(markers) if self._container == "RF64" else b"",
                    b"LIST": labels(markers),
                    name: tag,
                }
                append_chunks(self._part, {name: content for name, content in chunks.items() if content})

    def _write(self, block: Float32) -> None:
        peak = float(np.abs(block).max())
        if not np.isfinite(peak):
            check_finite(block, self.written, self.rate, self.path)
        if peak > 1:
            self.overs += int(np.count_nonzero(np.abs(block) > 1))
        self.peak = max(self.peak, peak)
        if self._container == "OGG" and self.channels in VORBIS_ORDER:
            block = block[np.argsort(VORBIS_ORDER[self.channels])]
        data = np.ascontiguousarray(block.T, np.float32)
        try:
            self._sound.write(self._steps(data) if self._format.bits in (16, 24) else data)
        except (soundfile.LibsndfileError, AssertionError) as error:  # it asserts that everything was written
            raise _disk_full(self.path) from error
        self.written += block.shape[1]

    def _steps(self, data: Float32) -> npt.NDArray[Any]:
        """Samples [frames, channels] as the integers of the format."""
        full = float(1 << (self._format.bits - 1))
        scaled = data * np.float32(full)
        if self._format.bits == 16:
            words = self._noise.random_raw(data.size).view(np.uint32).reshape(*data.shape, 2)
            noise = (words[..., 0].astype(np.float32) - words[..., 1].astype(np.float32)) * np.float32(2**-32)
            scaled += np.where(scaled == np.rint(scaled), np.float32(0), noise)
        steps: npt.NDArray[np.int32] = np.clip(np.rint(scaled), -full, full - 1).astype(np.int32)
        return steps.astype(np.int16) if self._format.bits == 16 else steps << 8  # libsndfile takes 24 bits in 32


def _checked(name: str, format: str, rate: int, channels: int, frames: int) -> Format:
    """The format, if it can hold the sound; SoundFileError otherwise."""
    if format not in FORMATS:
        raise SoundFileError(f"{name}: there is no format {format!r}; choose one of {', '.join(FORMATS)}.")
    found = FORMATS[format]
    if channels > found.max_channels:
        raise SoundFileError(
            f"{name}: {format} holds up to {found.max_channels} channels, not {channels}; use wav, or fewer channels."
        )
    if rate not in found.rates:
        rates = found.rates
        allowed = ", ".join(map(str, rates)) if isinstance(rates, tuple) else f"{rates[0]} to {rates[-1]}"
        raise SoundFileError(f"{name}: {format} has rates of {allowed} Hz, not {rate}; resample, or use wav.")
    if found.container == "AIFF" and frames * channels * 3 > _WAV_LIMIT:
        raise SoundFileError(f"{name}: aiff holds up to 4 GiB, which this sound exceeds; use wav or flac.")
    if frames < 1 or channels < 1:
        raise SoundFileError(f"{name}: there is no sound to write.")
    return found


def _container(format: Format, frames: int, channels: int, layout: str) -> str:
    """Plain WAV for what every program reads, WAVEX for surround layouts, RF64 beyond 4 GiB."""
    if format.container != "WAV":
        return format.container
    if frames * channels * format.bits // 8 > _WAV_LIMIT:
        return "RF64"
    return "WAVEX" if channels > 2 and layout in SPEAKERS else "WAV"


def _set_tag(sound: Any, name: str, text: str) -> None:
    soundfile._snd.sf_set_string(sound._file, soundfile._str_types[name], text.encode())


def _blank_peak_time(path: Path) -> None:
    """Zero the clock in the PEAK chunk of a float RF64 file, which libsndfile cannot be told to leave out."""
    with path.open("r+b") as file:
        at = 12
        while True:
            file.seek(at)
            chunk, size = file.read(4), int.from_bytes(file.read(4), "little")
            if chunk == b"PEAK":
                file.seek(at + 12)
                file.write(bytes(4))
            if chunk in (b"PEAK", b"data", b""):
                return
            at += 8 + size + size % 2


def sync(path: Path) -> None:
    """Have a file, or a folder's list of names, written to the disk."""
    if path.is_dir() and os.name != "posix":
        return  # only POSIX can sync a folder
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refused(path: Path, error: Exception) -> CannotWrite:
    """Why the disk or the folder refuses, as a sentence."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return CannotWrite(f"{path.name} cannot be written: there is no folder {path.parent}.")
    if isinstance(error, PermissionError):
        return CannotWrite(f"{path.name} cannot be written: you may not write in {path.parent}; choose another folder.")
    if isinstance(error, IsADirectoryError):
        return CannotWrite(f"{path.name} cannot be written: a folder has that name in {path.parent}.")
    if isinstance(error, soundfile.LibsndfileError) and error.code == _SYSTEM_ERROR:
        return _disk_full(path)
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return CannotWrite(f"{path.name} cannot be written in {path.parent}: {reason.rstrip('.')}.")


def _disk_full(path: Path) -> CannotWrite:
    return DiskFull(f"{path.name} could not be written in full in {path.parent}: the disk is full, or gone.")
