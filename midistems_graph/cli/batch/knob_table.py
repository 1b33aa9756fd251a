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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.settings import with_settings
from midistems_graph.cli.songs import Song
from midistems_graph.document.graph import Graph
from midistems_graph.node.library import NodeLibrary

Settings = tuple[str, ...]
"""Knobs of one song, as `--set` takes them."""


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
    rows = list(_rows(file))
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
        for name in (os.path.realpath(songs[found[0]].path),) if found else _meant(row, file):
            if name in settings:
                raise _refused(file, row.line, f"{row.song!r} has a row already, in line {settings[name].line}")
            settings[name] = row
    return lambda song: next((settings[name].settings for name in _names(song) if name in settings), ())


def _rows(file: Path) -> Iterator[Row]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise Refused(Exit.USAGE, f"--knobs {file} cannot be read: {reason}") from None
    first = text.partition("\n")[0]
    lines = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count), skipinitialspace=True)
    head = [cell.strip() for cell in next(lines, [])]
    if len(head) < 2:
        raise _refused(file, 1, "write a line of names first, such as song,hpss.n_fft")
    for cells in lines:
        row = [cell.strip() for cell in cells]
        if not any(row):
            continue
        if len(row) > len(head):
            raise _refused(file, lines.line_num, f"it has {len(row)} cells, but the first line names {len(head)}")
        if not row[0]:
            raise _refused(file, lines.line_num, "its first cell names no song")
        pairs = zip(head[1:], row[1:], strict=False)
        yield Row(lines.line_num, row[0], tuple(f"{knob}={value}" for knob, value in pairs if value))


def _names(song: Song) -> set[str]:
    """What a row may call a song."""
    return {song.path.name, song.name, os.path.realpath(song.path)}


def _meant(row: Row, file: Path) -> set[str]:
    """The names that a row may mean: what stands there, and the paths that it may be."""
    if "/" not in row.song and os.sep not in row.song:
        return {row.song}
    return {os.path.realpath(file.parent / row.song), os.path.realpath(row.song)}


def _refused(file: Path, line: int, sentence: str) -> Refused:
    return Refused(Exit.USAGE, f"--knobs {file}, line {line}: {sentence}")
