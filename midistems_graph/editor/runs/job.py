"""One graph on one song: what is asked for, how far it is, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from midistems_graph.document.graph import Address, Graph
from midistems_graph.engine.outputs import Output
from midistems_graph.engine.run import Score

Status = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Job:
    """A graph on a song.

    name        what the graph is called
    folder      where the graph file lies, below which are the files that it names
    output      the folder for stems; without one nothing is written and only scores are made
    reference   the folder of the true stems, if they are known
    inputs      files or folders for the graph's further inputs
    edges       are measured beside what the graph writes: how loud they are, and how near to the true stems
    """

    song: Path
    graph: Graph
    name: str
    folder: Path | None = None
    output: Path | None = None
    reference: Path | None = None
    inputs: Mapping[str, Path] = field(default_factory=dict)
    edges: tuple[Address, ...] = ()


@dataclass(frozen=True)
class Came:
    """What a run gave: files, SI-SDR in dB by writer and stem, that of the mixture by stem, figures of measures."""

    outputs: tuple[Output, ...] = ()
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    mixture: Mapping[str, float] = field(default_factory=dict)
    figures: tuple[Score, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class State:
    """How a job stands: `done` is 0 to 1, `left` the seconds that remain if known, `said` what went wrong."""

    status: Status = "waiting"
    done: float = 0.0
    left: float | None = None
    said: tuple[str, ...] = ()
    came: Came | None = None

    @property
    def is_over(self) -> bool:
        return self.status in ("done", "failed", "cancelled")
