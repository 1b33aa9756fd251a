"""Knobs of single songs from a table (`--knobs songs.csv`): a row per song, a column per knob, checked like `--set`.

    song,hpss.n_fft,blend.gain_db
    Album/01 Intro.flac,8192,
    second,,-3

The first column is a path (from the table's folder, or from where the program runs), a file's name, or its name without
the extension. An empty cell leaves a knob as it is. Cells are kept apart by commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.settings import check_settable, with_settings
from midistems_graph.cli.songs import Song
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.node.library import NodeLibrary

Settings = tuple[str, ...]
"""Knobs of one song, as `--set` takes them."""


_Line = tuple[int, list[str]]
"""Its number in the file, and its cells."""


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    line: int
    song: str
    settings: Settings


def knobs_of_songs(
    file: Path, songs: Sequence[Song], graph: Graph, library: NodeLibrary, *, all_there: bool = True
) -> Callable[[Song], Settings]:
    """What a table sets for a song. Raises Refused, with the line, for what is no knob, value or song.

    `all_there`: every row must name one of `songs`; otherwise more of them may come.
    """
    head, *lines = _lines(file)
    _check_head(file, head, graph, library)
    rows = list(_rows(file, head, lines))
    for row in rows:
        with_settings(graph, library, row.settings, f"--knobs {file}, line {row.line}:")
    called: dict[str, list[int]] = {}
    for place, song in enumerate(songs):
        for name in _names(song):
            called.setdefault(name, []).append(place)
    settings: dict[str, Row] = {}
    for row in rows:
        found = sorted({place for name in _meant(row, file) for place in called.get(name, ())})
        if not found and all_there:
            raise _refused(file, row.line, f"no song is called {row.song!r}; write a path, or a file's name")
        if len(found) > 1:
            both = " and ".join(str(songs[place].path) for place in found[:2])
            raise _refused(file, row.line, f"{row.song!r} may be {both}; write a path")
        for name in (_path(songs[found[0]].path),) if found else _meant(row, file):
            if name in settings:
                raise _refused(file, row.line, f"{row.song!r} has a row already, in line {settings[name].line}")
            settings[name] = row
    return lambda song: next((settings[name].settings for name in _names(song) if name in settings), ())


def _lines(file: Path) -> list[_Line]:
    """The lines of a table that are not empty, the first one in any case."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8; save it as CSV UTF-8"
        raise Refused(Exit.USAGE, f"--knobs {file} cannot be read: {reason}") from None
    first = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count), skipinitialspace=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise _refused(file, reader.line_num, f"it cannot be read as cells: {error}") from None
    return [*lines[:1], *(line for line in lines[1:] if any(line[1]))] or [(1, [])]


def _check_head(file: Path, head: _Line, graph: Graph, library: NodeLibrary) -> None:
    """Refuse a column that is no knob, or the same as another, whatever stands below it."""
    _, names = head
    if len(names) < 2:
        raise _refused(file, 1, "write a line of names first, such as song,hpss.n_fft")
    for place, name in enumerate(names[1:], 2):
        try:
            if name:
                check_settable(graph, library, name)
        except DocumentError as error:
            hint = "the first column names the song, the others a knob each"
            raise _refused(file, 1, f"column {place}: {error} ({hint})") from None
        if name and name in names[1 : place - 1]:
            raise _refused(file, 1, f"two columns are called {name}; leave one of them out")


def _rows(file: Path, head: _Line, lines: Sequence[_Line]) -> Iterator[Row]:
    _, names = head
    for number, cells in lines:
        if not cells[0]:
            raise _refused(file, number, "its first cell names no song")
        pairs = list(zip(chain(names, repeat("")), cells, strict=False))[1:]
        lost = next((value for knob, value in pairs if value and not knob), "")
        if lost:
            raise _refused(file, number, f"{lost!r} stands in a column without a name; write NODE.KNOB above it")
        yield Row(number, cells[0], tuple(f"{knob}={value}" for knob, value in pairs if value))


def _names(song: Song) -> tuple[str, ...]:
    """What a row may call a song, the most exact first."""
    return _path(song.path), _composed(song.path.name), _composed(song.name)


def _meant(row: Row, file: Path) -> set[str]:
    """The names that a row may mean: what stands there, and the paths that it may be."""
    if "/" not in row.song and os.sep not in row.song:
        return {_composed(row.song)}
    return {_path(file.parent / row.song), _path(Path(row.song))}


def _path(path: Path) -> str:
    return _composed(os.path.realpath(path))


def _composed(name: str) -> str:
    """The same for a letter with its accent and for the two apart, as macOS may write them."""
    return unicodedata.normalize("NFC", name)


def _refused(file: Path, line: int, sentence: str) -> Refused:
    return Refused(Exit.USAGE, f"--knobs {file}, line {line}: {sentence}")
