"""What a run of the program gave: the document of `--json`, and the exit code.

Figures that are not finite (the peak of silence) or not known are null. The schema is `result.schema.json`.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midistems_graph.cli.codes import Exit, Refused, of_batch, worst
from midistems_graph.cli.plain_text import clean


@dataclass
class Report:
    """Filled song by song, closed once with `conclude`. One that is not `aloud` only keeps what went wrong.

    `peaks` are the most that other processes of the run have had, in bytes.
    """

    outputs: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    forecast: list[dict[str, Any]] = field(default_factory=list)
    together: dict[str, Any] = field(default_factory=dict)
    verified: list[dict[str, Any]] = field(default_factory=list)
    departures: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    songs: list[Exit] = field(default_factory=list)
    ended: list[Exit] = field(default_factory=list)
    batch: list[dict[str, Any]] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    aloud: bool = True
    began: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.began

    @property
    def exit_code(self) -> Exit:
        return worst([*self.ended, of_batch(self.songs)])

    def problem(self, sentence: str, song: str = "") -> None:
        """Keep a sentence for the document, and say it on stderr."""
        said = f"{song}: {sentence}" if song else sentence
        if said not in self.problems:
            self.problems.append(said)
            if self.aloud:
                print(f"run-graph: {clean(said)}", file=sys.stderr)

    def refuse(self, refused: Refused) -> None:
        """The whole run ends with this."""
        self.ended.append(refused.code)
        for sentence in refused.sentences:
            self.problem(sentence)

    def conclude(self, *, as_json: bool) -> int:
        """Print the document if it is asked for; the exit code."""
        if as_json:
            print(json.dumps(self.document(), ensure_ascii=True, allow_nan=False, indent=1))
        return int(self.exit_code)

    def document(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        names = ("batch", "forecast", "together", "verified", "departures")
        further = {name: part for name in names if (part := getattr(self, name))}
        return {
            "outputs": self.outputs,
            "nodes": self.nodes,
            "scores": self.scores,
            **further,
            "problems": self.problems,
            "seconds": round(self.seconds, 3),
            "peak_memory_bytes": max(filter(None, [peak_memory(), *self.peaks]), default=None),
            "exit_code": int(self.exit_code),
        }


def finite(value: float | None) -> float | None:
    """A figure as JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None


def peak_memory() -> int | None:
    """The most memory that this process has had, in bytes; None where the system does not tell (Windows)."""
    with suppress(OSError):  # Linux; its `ru_maxrss` counts what the process took that began this one
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        if found := re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE):
            return int(found[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
