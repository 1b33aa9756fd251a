"""The timeline of a run in the Chrome trace format: what was at work when, on which thread.

    spans = Spans()
    execute(..., spans=spans)
    path.write_text(spans.as_json(), encoding="utf-8")

Perfetto (ui.perfetto.dev) and chrome://tracing open the file. A row is a thread; a bar is a unit, or a derived
node within one, with the stretch of the song, whether it ran or was cached, and bytes.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from midistems_graph.engine.plan import ONCE, Interval

Fact = str | int | float


@dataclass
class Spans:
    """What threads did, noted by themselves."""

    began: float = field(default_factory=time.perf_counter)
    _events: list[dict[str, object]] = field(default_factory=list)
    _threads: dict[int, str] = field(default_factory=dict)

    @contextmanager
    def span(self, node: str, interval: Interval, tile: int = ONCE) -> Iterator[dict[str, Fact]]:
        """Note how long the block takes; the facts that it puts into the dictionary are told with it."""
        facts: dict[str, Fact] = {"from": float(interval[0]), "to": float(interval[1])}
        if tile != ONCE:
            facts["tile"] = tile
        start = time.perf_counter()
        try:
            yield facts
        finally:
            took = time.perf_counter() - start
            thread = threading.current_thread()
            self._threads[threading.get_native_id()] = thread.name
            self._events.append(  # one step for Python, so no lock is needed
                {
                    "name": node,
                    "cat": str(facts.get("status", "")),
                    "ph": "X",
                    "ts": round((start - self.began) * 1e6, 1),
                    "dur": round(took * 1e6, 1),
                    "pid": os.getpid(),
                    "tid": threading.get_native_id(),
                    "args": facts,
                }
            )

    def as_json(self) -> str:
        """The file: one event a line, in the order of time, after the names of the threads."""
        names = [
            {"name": "thread_name", "ph": "M", "pid": os.getpid(), "tid": thread, "args": {"name": name}}
            for thread, name in sorted(self._threads.items())
        ]
        events = sorted(self._events, key=lambda event: float(str(event["ts"])))
        lines = ",\n".join(json.dumps(event) for event in (*names, *events))
        return f'{{"displayTimeUnit": "ms", "traceEvents": [\n{lines}\n]}}\n'
