"""Races between functions that do the same work: round-robin, so that a busy machine slows all alike.

Peak memory is what a call adds to the resident memory of the process at its highest (Linux: VmHWM; elsewhere
not measured).
"""

from __future__ import annotations

import gc
import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Figures:
    """Of one candidate: median and least seconds of a call, CPU seconds, MB that a call adds at its peak."""

    seconds: float
    least: float
    cpu: float
    peak_mb: float | None


def race(candidates: Mapping[str, Callable[[], object]], runs: int = 5) -> dict[str, Figures]:
    """Call every candidate in turn, `runs` times after one to warm up, which also measures its peak memory."""
    peaks = {name: peak_mb(call) for name, call in candidates.items()}
    walls: dict[str, list[float]] = {name: [] for name in candidates}
    cpus: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(runs):
        for name, call in candidates.items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            walls[name].append(time.perf_counter() - wall)
            cpus[name].append(time.process_time() - cpu)
    return {
        name: Figures(statistics.median(walls[name]), min(walls[name]), statistics.median(cpus[name]), peaks[name])
        for name in candidates
    }


def peak_mb(call: Callable[[], object]) -> float | None:
    """MB (2^20) that a second call adds to the resident memory at its highest, its result included."""
    call()
    gc.collect()
    try:
        _CLEAR.write_text("5")
        before = _status_mb("VmRSS")
        call()
        return max(0.0, _status_mb("VmHWM") - before)
    except OSError:
        return None


def table(title: str, figures: Mapping[str, Figures], ours: str) -> str:
    """Lines of text: every candidate's figures and how many times faster ours is."""
    lines = [title, f"{'':34}{'median ms':>10}{'min ms':>9}{'CPU ms':>9}{'peak MB':>9}  ours is faster by"]
    for name, figure in figures.items():
        peak = "-" if figure.peak_mb is None else f"{figure.peak_mb:.0f}"
        lines.append(
            f"{name:34}{figure.seconds * 1e3:10.1f}{figure.least * 1e3:9.1f}{figure.cpu * 1e3:9.1f}{peak:>9}"
            f"  {figure.seconds / figures[ours].seconds:.2f}x"
        )
    return "\n".join(lines)


def write_json(path: Path, races: Mapping[str, Mapping[str, Figures]], facts: Mapping[str, object]) -> None:
    """All figures of a script, with the machine and the facts that it names."""
    data = {
        "python": platform.python_version(),
        "machine": platform.platform(),
        **facts,
        "races": {title: {name: asdict(f) for name, f in figures.items()} for title, figures in races.items()},
    }
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _status_mb(field: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024
