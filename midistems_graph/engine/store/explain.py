"""Why a unit runs although something like it ran before: readable differences between facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from midistems_graph.engine.store.base import UnitRecord

NEVER = "it has not been computed before"


def differences(
    node_type: str, facts: Mapping[str, str], earlier: Iterable[tuple[UnitRecord, str | None]]
) -> list[str]:
    """What sets `facts` apart from the nearest of the earlier records of the same node and song.

    Each earlier record comes with the reason why its result is gone, or None while it is there. The
    nearest one is of the same tile if possible, has the fewest differences, and is the newest.
    """
    wanted = {"node type": node_type, **facts}
    best: tuple[tuple[bool, int, float], list[str], str | None] | None = None
    for record, lost in earlier:
        had = {"node type": record.node_type, **record.facts}
        lines = _differences(had, wanted)
        rank = (had.get("tile") != wanted.get("tile"), len(lines), -record.made)
        if best is None or rank < best[0]:
            best = rank, lines, lost
    if best is None:
        return [NEVER]
    _, lines, lost = best
    return lines or ([lost] if lost else [])


def _differences(had: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    lines = []
    for name in sorted(had.keys() | wanted.keys()):
        old, new = had.get(name), wanted.get(name)
        if old is None:
            lines.append(f"{name}: {_short(new)} is new")
        elif new is None:
            lines.append(f"{name}: {_short(old)} is gone")
        elif old != new:
            lines.append(f"{name}: {_short(old)} -> {_short(new)}")
    return lines


def _short(text: str | None) -> str:
    """Digests by their first eight digits; everything else as it is."""
    return re.sub(r"\b([0-9a-f]{8})[0-9a-f]{56}\b", r"\1", text or "nothing")
