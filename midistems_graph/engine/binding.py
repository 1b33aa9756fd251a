"""What a run binds to a graph's inputs: files and folders, opened once, known by content.

The axis of a run is that of the input `song`: its rate and length. A graph without a bound `song`
(tests, generators) runs on an axis given as seconds and rate.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import blake3

from midistems_graph.audio.files import SoundFileError, SoundReader, content_digest, is_sound, open_sound
from midistems_graph.audio.tagged import tagged
from midistems_graph.audio.timeline import Timeline
from midistems_graph.audio.values import Float32, Value
from midistems_graph.models.library import ModelLibrary, ModelMissing
from midistems_graph.node.contract import InputName, ModelName
from midistems_graph.node.knob import FileRule

SONG = "song"

_NOWHERE_ELSE = frozenset("\\:\0")  # what some system takes for a drive, a root or the end of a name


class InputProblem(Exception):
    """An input cannot be read; the sentence names the file and the remedy."""


def not_bound(name: str) -> str:
    """What is said where something needs an input of the graph that no file or folder is given for."""
    return (
        f"nothing is given for the graph's input {name!r}; add --input {name}=FILE, or choose it in the editor under "
        "Files of further inputs"
    )


@dataclass(frozen=True)
class BoundFile:
    """A file or folder on disk with its content digest and, for sound, rate, channels and length in samples."""

    path: Path
    digest: str
    rate: int = 0
    channels: int = 0
    frames: int = 0
    layout: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    timeline: Timeline = field(default_factory=Timeline)
    cover: bytes = b""

    @classmethod
    def open(cls, path: Path) -> BoundFile:
        """Look at a sound file or a folder of them; raises InputProblem."""
        try:
            if path.is_dir():
                return cls.open_folder(path)
            with open_sound(path) as sound:
                shape = sound.rate, sound.channels, sound.frames, sound.layout
                more = tagged(path, sound.timeline)
                return cls(path, content_digest(path), *shape, sound.tags, more.timeline, more.cover)
        except SoundFileError as error:
            raise InputProblem(str(error)) from error
        except OSError as error:
            raise InputProblem(f"{path} cannot be read: {error.strerror or error}") from error

    @classmethod
    def open_folder(cls, path: Path) -> BoundFile:
        """A folder of sound files: its digest covers the names and contents of all of them."""
        files = sound_files(path)
        if not files:
            raise InputProblem(f"the folder {path} holds no sound files")
        hasher = blake3.blake3()
        for file in files:
            hasher.update(os.fsencode(file.name) + f"\0{content_digest(file)}\0".encode())
        with open_sound(files[0]) as sound:
            rate, channels, frames, layout = sound.rate, sound.channels, sound.frames, sound.layout
        return cls(path, hasher.hexdigest(), rate, channels, frames, layout)


def sound_files(folder: Path) -> list[Path]:
    """The sound files directly in a folder, by name; hidden ones (macOS leaves `._song.wav`) are none."""
    return sorted(p for p in folder.iterdir() if is_sound(p) and not p.name.startswith(".") and p.is_file())


PASSED, PASSED_SECONDS = 4, 40
"""How many stretches of a file that cannot go back are kept, and how long each may be: a few tiles, as many threads
are at work on neighbouring ones."""


class SharedReader(SoundReader):
    """An open sound file that several threads may read; each read goes on where the last one ended if it can."""

    def __init__(self, path: Path, track: int) -> None:
        self._reader = open_sound(path, track)
        self._lock = threading.Lock()
        self._at = 0
        self._passed: dict[int, Float32] = {}
        for name in ("path", "rate", "channels", "frames", "layout", "format", "tags", "timeline"):
            setattr(self, name, getattr(self._reader, name))

    def read(self, start: int = 0, stop: int | None = None) -> Float32:
        with self._lock:
            if not self.format.startswith("OGG"):
                return self._reader.read(start, stop)
            return self._read_on(start, self.frames if stop is None else stop)

    def _read_on(self, start: int, stop: int) -> Float32:
        """Ogg goes back only by decoding from the beginning: what a thread skips is kept for those that it passed."""
        for place, passed in self._passed.items():
            if place <= start and stop <= place + passed.shape[1]:
                if stop - start == passed.shape[1]:
                    del self._passed[place]
                return passed[:, start - place : stop - place]
        if 0 < start - self._at <= PASSED_SECONDS * self.rate:
            self._passed[self._at] = self._reader.read(self._at, start)
            if len(self._passed) > PASSED:
                del self._passed[next(iter(self._passed))]
        self._at = stop
        return self._reader.read(start, stop)

    def close(self) -> None:
        """Left open: `Bindings.close` ends it."""

    def end(self) -> None:
        with self._lock:
            self._reader.close()

    def _go_to(self, frame: int) -> None:
        raise NotImplementedError("reads go to the reader inside")

    def _next(self, out: Float32) -> int:
        raise NotImplementedError("reads go to the reader inside")


@dataclass(frozen=True)
class Bindings:
    """The bound inputs of one run, its time axis, and the folder that the graph file stands in."""

    files: Mapping[str, BoundFile] = field(default_factory=dict)
    rate: int = 44100
    total: Fraction = Fraction(0)
    folder: Path | None = None
    song_name: str = "song"
    locked: dict[str, Value] = field(default_factory=dict)
    """What locked nodes were found to hold, by digest: verified once."""
    _readers: dict[tuple[Path, int], SharedReader] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, paths: Mapping[str, Path], folder: Path | None = None) -> Bindings:
        """Bind input names to files; the file bound to `song` gives the axis. Raises InputProblem."""
        files = {name: BoundFile.open(path) for name, path in paths.items()}
        song = files.get(SONG) or next(iter(files.values()), None)
        if song is None:
            raise InputProblem("no song is given; name a sound file after the graph")
        return cls(files, song.rate, Fraction(song.frames, song.rate), folder, paths.get(SONG, song.path).stem)

    @property
    def tags(self) -> Mapping[str, str]:
        """The song's tags: title, artist and the like."""
        return self.files[SONG].tags if SONG in self.files else {}

    @property
    def cover(self) -> bytes:
        """The picture that the song comes with, JPEG or PNG; empty if it has none."""
        return self.files[SONG].cover if SONG in self.files else b""

    @property
    def timeline(self) -> Timeline:
        """Where the song lies on its timeline, in samples of the song."""
        return self.files[SONG].timeline if SONG in self.files else Timeline()

    @property
    def song_digest(self) -> str:
        """The content digest of the bound song, or nothing."""
        return self.files[SONG].digest if SONG in self.files else ""

    @property
    def of_song(self) -> Bindings:
        """The bindings of the whole song, where these may be a stretch of it."""
        return self

    def part(self, digest: str, value: Value) -> tuple[str, Value]:
        """What these bindings have of a value of the whole song, and what tells it from others. Raises InputProblem."""
        return digest, value

    def sound(self, path: Path, track: int = 0) -> SoundReader:
        """A file's open reader, shared by all threads: formats that cannot seek are decoded once, in order."""
        with self._lock:
            if (path, track) not in self._readers:
                self._readers[path, track] = SharedReader(path, track)
            return self._readers[path, track]

    def close(self) -> None:
        """Let all files go."""
        with self._lock:
            while self._readers:
                self._readers.popitem()[1].end()

    def below_graph(self, name: str) -> Path:
        """A file that a graph names, within the graph file's own folder; raises InputProblem."""
        if self.folder is None:
            raise InputProblem(f"the graph reads {name!r}, but has not been saved to a folder yet")
        root = Path(os.path.realpath(self.folder))
        if not name or Path(name).is_absolute() or ".." in Path(name).parts or not _NOWHERE_ELSE.isdisjoint(name):
            raise InputProblem(
                f"the graph may not read {name!r}; only files in or below its own folder, named relative to it"
            )
        path = Path(os.path.realpath(root / name))  # unlike `resolve`, it bears links that lead in a circle
        if not path.is_relative_to(root):
            raise InputProblem(f"the graph may not read {name!r}; the link leads out of its folder")
        if not (path.is_file() or path.is_dir()):
            raise InputProblem(f"the graph reads {name!r}, but there is no such file or folder beside it")
        return path

    def named(self, rule: FileRule, name: str) -> BoundFile:
        """What a knob of a node names: a bound input, a model, or a file below the graph; raises InputProblem."""
        if isinstance(rule, ModelName):
            try:
                model = ModelLibrary.default().find(name)
                return BoundFile(model.folder, model.digest)
            except ModelMissing as error:
                raise InputProblem(str(error)) from None
        if isinstance(rule, InputName):
            if name not in self.files:
                raise InputProblem(not_bound(name))
            bound = self.files[name]
            if rule.folder != bound.path.is_dir():
                raise InputProblem(
                    f"the input {name!r} needs a {'folder' if rule.folder else 'sound file'}, not {bound.path}"
                )
            return bound
        return BoundFile.open(self.below_graph(name))
