"""Which songs a command line means, and which files each of them binds to the graph's inputs.

A SONG is a sound file, a folder (the sound files directly in it, by name), a pattern (`Music/**/*.flac`,
quoted) or `demo`, the song that comes with the program (a file called demo is `./demo`).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import blake3

from midistems_graph.audio.demo import demo_folder, demo_mixture
from midistems_graph.audio.files import SoundFileError, is_sound
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.engine.augment import REFERENCE
from midistems_graph.engine.binding import SONG, sound_files
from midistems_graph.engine.naming import folded
from midistems_graph.engine.receipt_book import read_receipt

DEMO = "demo"


@dataclass(frozen=True)
class Song:
    """A song of the command line. `folder` is where it lies below the folder that was searched, with `/`."""

    path: Path
    is_demo: bool = False
    folder: str = ""

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def shown(self) -> str:
        """What people are told that it is: its path, since many albums have a song called `01 Intro`."""
        return DEMO if self.is_demo else str(self.path)


def find_songs(
    words: Sequence[str],
    inputs: Mapping[str, Path],
    output: Path | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> list[Song]:
    """The songs of a command line, each file once; `--input song=FILE` stands for one as well.

    Files that cannot be read are found out later, song by song. What a pattern finds in the output folder is no song.
    `say` gets a sentence on what else is passed over. Raises Refused if there is none.
    """
    songs = [song for word in words for song in songs_of(word, output, say)]
    if not songs and SONG in inputs:
        songs = [Song(inputs[SONG])]
    if not songs:
        raise Refused(Exit.USAGE, "no song is given; name a sound file, a folder, or demo")
    once: dict[str, Song] = {}
    for song in songs:
        once.setdefault(os.path.realpath(song.path), song)
    return list(once.values())


@dataclass(frozen=True)
class Sources:
    """Where the further inputs and the true stems of songs are found; `folders` are the inputs that want a folder."""

    inputs: Mapping[str, Path]
    folders: frozenset[str]
    reference: Path | None
    several: bool

    def inputs_of(self, song: Song) -> dict[str, Path]:
        """What is bound for a song. For several songs further inputs are paired by name. Raises Refused."""
        further = {name: self._paired(name, path, song) for name, path in self.inputs.items() if name != SONG}
        return {SONG: song.path, **further}

    def reference_of(self, song: Song) -> Path | None:
        """The folder of a song's true stems: one that is called like the song, or the given one for a single song.

        None if nobody knows them, or the graph has an input of that name that is bound already.
        """
        if REFERENCE in self.inputs:
            return None
        if song.is_demo:
            return demo_folder()
        if self.reference is None:
            return None
        if not self.reference.is_dir():
            raise Refused(Exit.INPUT, f"--reference {self.reference} is no folder; name the folder of the true stems")
        own = self.reference / song.name
        return own if own.is_dir() else None if self.several else self.reference

    def beside(self, song: Song) -> dict[str, Path]:
        """The files and folders beside a song that its results hang on, as far as they can be found."""
        try:
            found, reference = self.inputs_of(song), self.reference_of(song)
        except Refused:
            return {}
        del found[SONG]
        return {**found, REFERENCE: reference} if reference is not None else found

    def _paired(self, name: str, given: Path, song: Song) -> Path:
        option = f"--input {name}={given}"
        if not given.exists():
            raise Refused(Exit.INPUT, f"{option}: there is no such file or folder")
        if not given.is_dir():
            if self.several:
                raise Refused(
                    Exit.USAGE,
                    f"{option} is one file for several songs; name a folder whose files are called like the songs",
                )
            return given
        if name in self.folders:
            own = given / song.name
            return own if own.is_dir() else given
        matches = [file for file in sounds_in(given, option) if file.stem == song.name]
        if not matches:
            raise Refused(Exit.INPUT, f"{option}: no sound file in it is called {song.name}, like the song")
        return matches[0]


def sounds_in(folder: Path, option: str) -> list[Path]:
    """The sound files of a folder that an option names. Raises Refused where the system does not give them."""
    try:
        return sound_files(folder)
    except OSError as error:
        raise Refused(Exit.INPUT, f"{option} cannot be read: {error.strerror or error}") from None


def songs_of(word: str, output: Path | None = None, say: Callable[[str], object] = lambda _: None) -> list[Song]:
    """What one SONG of the command line means. Raises Refused where that is nothing."""
    path = Path(word)
    if word == DEMO:
        return [Song(demo_song(), is_demo=True)]
    if path.is_dir() or (not path.exists() and glob.has_magic(word)):
        try:
            found = listed(word, output, say)
        except OSError as error:
            raise Refused(Exit.INPUT, f"{word} cannot be read: {error.strerror or error}") from None
        if not found and path.is_dir():
            raise Refused(Exit.INPUT, f"the folder {word} holds no sound files; for files deeper use '{path}/**/*'")
        if not found:
            remedy = "; write [[] for a bracket that belongs to a name" if "[" in word else ""
            raise Refused(Exit.INPUT, f"no sound file matches {word}{remedy}")
        if path.is_dir() and next(_matches(path, "*/**/*", output, lambda _: None), None):
            say(f"{word}: sound files in the folders below are not taken; for those as well write '{path}/**/*'")
        return found
    return [Song(path, folder=path.absolute().parent.name)]


def shard_of(song: Song, count: int) -> int:
    """Which of so many shards a song belongs to, from 1 on: by its folder and name, wherever the library lies.

    So each song stays where it is while others come and go.
    """
    name = f"{song.folder}/{song.path.name}".encode(errors="surrogateescape")
    return 1 + int.from_bytes(blake3.blake3(name).digest(8), "big") % count


def part_of(songs: Iterable[Song], shard: tuple[int, int] | None) -> list[Song]:
    """Those that belong to a shard, such as the second of eight; all of them without one."""
    return [song for song in songs if shard is None or shard_of(song, shard[1]) == shard[0]]


def listed(word: str, output: Path | None = None, say: Callable[[str], object] = lambda _: None) -> list[Song]:
    """The songs in a folder, or those that a pattern finds, by name.

    A pattern passes over the output folder and over what earlier runs wrote below the folder that it begins in, as
    their receipts tell; `say` gets a sentence on the latter.
    """
    if Path(word).is_dir():
        return [Song(file) for file in sound_files(Path(word))]
    root, pattern = _searched(word)
    earlier: list[Path] = []
    found = sorted(_matches(root, pattern, output, earlier.append))
    if earlier:
        example = f"to run that, write '{root / min(earlier).parent / '*'}'"
        say(f"{word}: what earlier runs wrote is passed over (files: {len(earlier)}); {example}")
    return [Song(root / path, folder=path.parent.as_posix().removeprefix(".")) for path in found]


def _searched(pattern: str) -> tuple[Path, str]:
    """The folder that a pattern begins in, and the rest of it. What is there as it stands is a name: `Hits [Live]`."""
    *folders, last = Path(os.path.expanduser(pattern)).parts  # noqa: PTH111 - in quotes no shell does it
    root = Path()
    for place, part in enumerate(folders):
        if glob.has_magic(part) and not (root / part).exists():
            return root, str(Path(*folders[place:], last))
        root /= part
    return root, last


def _matches(root: Path, pattern: str, output: Path | None, earlier: Callable[[Path], object]) -> Iterator[Path]:
    """The sound files that a pattern finds below a folder, relative to it; `earlier` gets those of earlier runs."""
    own = "" if output is None else os.path.join(os.path.realpath(output), "")  # noqa: PTH118 - with a slash at its end
    wrote = cache(lambda folder: {folded(PurePosixPath(name)) for name in read_receipt(root / folder)[0].outputs})
    for path in map(Path, glob.iglob(pattern, root_dir=root, recursive=True)):  # noqa: PTH207 - passes over hidden ones
        if not is_sound(path) or not (root / path).is_file():
            continue
        if own and os.path.realpath(root / path).startswith(own):
            continue
        if any(folded(PurePosixPath(path.relative_to(at).as_posix())) in wrote(at) for at in path.parents[:-1]):
            earlier(path)
        else:
            yield path


def demo_song() -> Path:
    """The file of the song that comes with the program; raises Refused."""
    try:
        return demo_mixture()
    except (OSError, SoundFileError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Refused(Exit.OUTPUT, f"the demo song cannot be made: {reason}") from error
