"""A sweep or an ablation map at work: the command that a person would type, in a process of its own.

So a search that takes hours holds up neither the window nor the sound; one that was ended goes on in its folder with
the same command.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from midistems_graph.audio.demo import demo_path

_PROGRESS = re.compile(r"(\d+) of (\d+)  ")
_WIDE = "1000"
"""Columns of a terminal that breaks no sentence."""


@dataclass(frozen=True)
class SearchOrder:
    """What is tried: the knobs of a graph file with their values as text, or what each of its nodes adds.

    score       the figure that counts: si_sdr, node.figure, and :min where low is good
    truth       the folder of the true stems, if they are known
    inputs      files and folders for further inputs of the graph
    """

    kind: Literal["sweep", "ablate"]
    graph: Path
    song: Path
    folder: Path
    score: str
    values: Mapping[str, str] = field(default_factory=dict)
    truth: Path | None = None
    inputs: Mapping[str, Path] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """What one would type after `midistems-graph`."""
        song = "demo" if self.song == demo_path() else str(self.song)
        words = [self.kind, str(self.graph), song, "--score", self.score, "-o", str(self.folder)]
        words += [word for knob, values in self.values.items() for word in ("--vary", f"{knob}={values}")]
        words += [word for name, path in self.inputs.items() for word in ("--input", f"{name}={path}")]
        return words + (["--reference", str(self.truth)] if self.truth is not None and song != "demo" else [])


class SearchProcess:
    """The process of an order, which begins with it. Close it at the end."""

    def __init__(self, order: SearchOrder) -> None:
        self.order = order
        self.done = self.of = 0
        self._said: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "midistems_graph.cli.main", *order.words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "COLUMNS": _WIDE, "PYTHONIOENCODING": "utf-8"},
        )
        self._reader = threading.Thread(target=self._read, name="search", daemon=True)
        self._reader.start()

    @property
    def is_over(self) -> bool:
        return not self._reader.is_alive() and self._process.poll() is not None

    @property
    def problem(self) -> str:
        """What it said last when it ended without having done what was asked; empty otherwise."""
        failed = self.is_over and self._process.returncode != 0
        return self._said[-1].removeprefix("midistems-graph: ") if failed and self._said else ""

    def cancel(self) -> None:
        """End it; what was tried is kept in its folder."""
        if self._process.poll() is None:
            self._process.terminate()

    def close(self) -> None:
        """End it and wait until it is gone."""
        self.cancel()
        self._reader.join()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                if found := _PROGRESS.match(line):
                    self.done, self.of = int(found[1]), int(found[2])
                elif line.strip():
                    self._said.append(line.strip())
