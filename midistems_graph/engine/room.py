"""Room on the disk: what a plan will write, about, and what is free where it goes."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from midistems_graph.audio.writing import FORMATS
from midistems_graph.engine.plan import Plan
from midistems_graph.engine.sizes import edge_sizes

FLOAT_BITS = 32
PACKED = 0.7
"""What FLAC leaves of loud music; quiet stems take less."""

LOSSY = 3.0
"""Bits per sample and channel that a lossy file takes at most."""


def written_bytes(plan: Plan) -> int:
    """About how many bytes the writers of a plan put into the output folder."""
    edges = edge_sizes(plan)
    seconds = float(plan.window[1] - plan.window[0])
    channels = max((bound.channels for bound in plan.bindings.files.values()), default=2) or 2
    total = 0.0
    for node in plan.nodes.values():
        if node.type.writes and "format" in node.knobs:
            samples = seconds * node.rate * channels * sum(edges[source] for source in node.sources)
            total += samples * _bits(str(node.knobs["format"])) / 8
    return int(total)


def free_bytes(folder: Path) -> int | None:
    """What is free on the disk of a folder, which may not be there yet; None where the system does not tell."""
    for path in (folder, *folder.absolute().parents):
        with suppress(OSError):
            return shutil.disk_usage(path).free
    return None


def _bits(name: str) -> float:
    found = FORMATS.get(name)
    if found is None:
        return FLOAT_BITS
    if not found.bits:
        return LOSSY
    return found.bits * (PACKED if found.container == "FLAC" else 1.0)
