"""Which songs a command line means, and which files each of them binds to the graph's inputs.

A SONG is a sound file, a folder (the sound files directly in it, by name), a pattern (`Music/**/*.flac`,
quoted) or `demo`, the song that comes with the program (a file called demo is `./demo`).
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from midistems_graph.audio.demo import demo_folder, write_demo_mixture
from midistems_graph.audio.files import is_sound
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.engine.binding import SONG, sound_files

DEMO = "demo"


@dataclass(frozen=True)
class Song:
    """A song with all that is bound for it; `reference` is a folder of its true stems, if there are any."""

    path: Path
    inputs: Mapping[str, Path]
    reference: Path | None = None
    is_demo: bool = False

    @property
    def name(self) -> str:
        return self.path.stem


def find_songs(
    words: Sequence[str], inputs: Mapping[str, Path], folders: frozenset[str], reference: Path | None
) -> list[Song]:
    """The songs of a command line, each file once. Files that cannot be read are found out later, song by song.

    `inputs` are the further ones: for several songs (or a folder in place of a file) they are paired by
    name. `folders` names those inputs that a graph wants as folders. Raises Refused.
    """
    paths = list(_paths(words))
    if not paths and SONG in inputs:
        paths = [(inputs[SONG], False)]
    if not paths:
        raise Refused(Exit.USAGE, "no song is given; name a sound file, a folder, or demo")
    several = len(paths) > 1
    songs: dict[Path, Song] = {}
    for path, is_demo in paths:
        bound = {
            name: _paired(name, given, path, name in folders, several) for name, given in inputs.items() if name != SONG
        }
        true = demo_folder() if is_demo else _reference_of(path, reference, several)
        songs.setdefault(path.resolve(), Song(path, {SONG: path, **bound}, true, is_demo))
    return list(songs.values())


def _paths(words: Sequence[str]) -> Iterator[tuple[Path, bool]]:
    for word in words:
        path = Path(word)
        if word == DEMO:
            yield _demo(), True
        elif path.is_dir():
            found = sound_files(path)
            if not found:
                raise Refused(Exit.INPUT, f"the folder {word} holds no sound files; for files deeper use '{word}/**/*'")
            yield from ((file, False) for file in found)
        elif not path.exists() and glob.has_magic(word):
            matches = sorted(Path(match) for match in glob.iglob(word, recursive=True))  # noqa: PTH207 - absolute too
            sounds = [match for match in matches if match.is_file() and is_sound(match)]
            if not sounds:
                raise Refused(Exit.INPUT, f"no sound file matches {word}")
            yield from ((match, False) for match in sounds)
        else:
            yield path, False


def _demo() -> Path:
    path = platformdirs.user_cache_path("midistems-graph") / "demo" / "Demo.wav"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_demo_mixture(path)
    except OSError as error:
        raise Refused(Exit.INPUT, f"the demo song cannot be made at {path}: {error.strerror or error}") from error
    return path


def _paired(name: str, given: Path, song: Path, folder_wanted: bool, several: bool) -> Path:
    """What a further input is for one song."""
    if not given.exists():
        raise Refused(Exit.INPUT, f"--input {name}={given}: there is no such file or folder")
    if not given.is_dir():
        if several:
            raise Refused(
                Exit.USAGE,
                f"--input {name}={given} is one file for several songs; "
                "name a folder whose files are called like the songs",
            )
        return given
    if folder_wanted:
        own = given / song.stem
        return own if own.is_dir() else given
    matches = [file for file in sound_files(given) if file.stem == song.stem]
    if not matches:
        raise Refused(Exit.INPUT, f"--input {name}={given}: no sound file in it is called {song.stem}, like the song")
    return matches[0]


def _reference_of(song: Path, reference: Path | None, several: bool) -> Path | None:
    """The folder of a song's true stems: one that is called like the song, or the given one for a single song."""
    if reference is None:
        return None
    if not reference.is_dir():
        raise Refused(Exit.INPUT, f"--reference {reference} is no folder; name the folder of the true stems")
    own = reference / song.stem
    return own if own.is_dir() else None if several else reference
