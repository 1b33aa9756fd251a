"""Scores of one graph over several songs: a row for each song, a column for each edge that is measured.

So nobody tunes a cascade to one song: a knob that helps one and hurts two is seen at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from midistems_graph.editor.runs.job import Came, Job, State


@dataclass(frozen=True)
class Cell:
    """A figure with its unit; `detail` says what it is the mean of, `ranks` that the higher one is the better."""

    value: float
    unit: str = "dB"
    detail: str = ""
    ranks: bool = False


@dataclass(frozen=True)
class ScoreTable:
    """Columns by name, cells by song and column, the songs in their order, and how each one stands."""

    songs: tuple[Path, ...] = ()
    columns: tuple[str, ...] = ()
    cells: Mapping[tuple[Path, str], Cell] = field(default_factory=dict)
    states: Mapping[Path, State] = field(default_factory=dict)

    def mean(self, column: str) -> float | None:
        """Over all songs that have it."""
        values = [cell.value for (_, name), cell in self.cells.items() if name == column]
        return fmean(values) if values else None

    def worst(self, column: str) -> Path | None:
        """The song that is lowest in a column of several, where that tells something."""
        found = {song: cell.value for (song, name), cell in self.cells.items() if name == column and cell.ranks}
        return min(found, key=found.__getitem__) if len(found) > 1 else None


def score_table(songs: Sequence[Path], jobs: Sequence[tuple[Job, State]]) -> ScoreTable:
    """The table of the last job of each song."""
    states = {job.song: state for job, state in jobs}
    cells: dict[tuple[Path, str], Cell] = {}
    for song in songs:
        came = states[song].came if song in states else None
        if came is not None:
            cells |= {(song, column): cell for column, cell in cells_of(came).items()}
    columns = dict.fromkeys(column for song in songs for (own, column) in cells if own == song)
    return ScoreTable(tuple(songs), tuple(columns), cells, states)


def cells_of(came: Came) -> dict[str, Cell]:
    """The figures of one song: for each measured set the mean SI-SDR and by how much it is above the mixture's."""
    found: dict[str, Cell] = {}
    for writer, scores in came.scores.items():
        if scores:
            detail = ", ".join(f"{stem} {value:.1f}" for stem, value in sorted(scores.items()))
            found[f"{writer}: SI-SDR"] = Cell(fmean(scores.values()), detail=detail, ranks=True)
            gains = [value - came.mixture[stem] for stem, value in scores.items() if stem in came.mixture]
            if gains:
                found[f"{writer}: gained"] = Cell(
                    fmean(gains), detail="above what the mixture itself scores", ranks=True
                )
    for figure in came.figures:
        row = f" {figure.row}" if figure.row else ""
        name = "" if figure.name == "value" else f": {figure.name}"
        found[f"{figure.node}{row}{name}"] = Cell(figure.value, figure.unit)
    return found
