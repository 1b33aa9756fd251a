"""The timeline of a run: when each unit was at work, recorded by a watcher and drawn as an SVG."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from midistems_graph.document.boxes import fit
from midistems_graph.engine.plan import Unit
from midistems_graph.engine.reports import Status, Watcher
from midistems_graph.pages.axis import Scale
from midistems_graph.pages.frame import text

WIDTH, LEFT, ROW, FOOT = 1180.0, 190.0, 18.0, 24.0


@dataclass
class Recorded:
    """A watcher that notes when units begin and end, and tells another one all the same."""

    inner: Watcher
    began: float = field(default_factory=time.perf_counter)
    bars: dict[str, list[tuple[float, float, Status]]] = field(default_factory=dict)
    _started: dict[Unit, float] = field(default_factory=dict)

    def unit_started(self, unit: Unit) -> None:
        self._started[unit] = time.perf_counter() - self.began
        self.inner.unit_started(unit)

    def unit_progress(self, unit: Unit, done: float) -> None:
        self.inner.unit_progress(unit, done)

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        now = time.perf_counter() - self.began
        self.bars.setdefault(unit.node, []).append((self._started.pop(unit, now), now, status))
        self.inner.unit_finished(unit, status, seconds)


def timeline(bars: Mapping[str, list[tuple[float, float, Status]]]) -> str:
    """A row per node in the order in which they began, a bar per unit."""
    if not bars:
        return ""
    end = max(stop for spans in bars.values() for _, stop, _ in spans)
    scale = Scale(0.0, max(end, 1e-3), LEFT, WIDTH - 8)
    height = ROW * len(bars) + FOOT
    parts = [f'<svg class=timeline viewBox="0 0 {WIDTH:g} {height:g}" role="img">']
    for value, words in scale.ticks:
        x = scale.at(value)
        parts.append(f'<path class=grid d="M{x:.1f} 0V{height - FOOT + 4:g}"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 6:g}" text-anchor=middle>{words} s</text>')
    for row, node in enumerate(sorted(bars, key=lambda name: min(start for start, _, _ in bars[name]))):
        y = row * ROW
        parts.append(
            f'<text class=name x="{LEFT - 10:g}" y="{y + 13:g}" text-anchor=end>{text(fit(node, 11, LEFT - 20))}</text>'
        )
        for start, stop, status in sorted(bars[node]):
            kind = status if status in ("ran", "failed", "cancelled") else "cached"
            x, width = scale.at(start), max(scale.at(stop) - scale.at(start), 1.0)
            told = text(f"{node}: {status}, {start:.2f} to {stop:.2f} s")
            bar = f'class="{kind}" x="{x:.1f}" y="{y + 4:g}" width="{width:.1f}" height="11" rx="1.5"'
            parts.append(f"<rect {bar}><title>{told}</title></rect>")
    return "".join(parts) + "</svg>"
