"""How nodes stand: on their cards, on edges, and in the inspector. What runs is told by the engine behind the ears.

The engine speaks of flattened nodes; a card shows the sum of what is inside of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from midistems_graph.audio.output_timing import lower_priority
from midistems_graph.document.graph import Address, Graph
from midistems_graph.editor.model.bodies import Path, all_edges
from midistems_graph.editor.model.reasons import in_words
from midistems_graph.editor.program.measuring import figure_of, level_of, null_of
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.jobs import guarded
from midistems_graph.editor.view.marks import Mark, Phase, spoken, spoken_bytes, spoken_level, summed
from midistems_graph.editor.view.pages import FAILED

log = logging.getLogger(__name__)

_Asked = tuple[Graph, Path, str, Phase]

Figures = tuple[Mapping[Address, float], float | None, str]
"""Levels of the outputs of a node in dB, how well they add up, and what it measured in words."""


class Standing:
    """Shows at a bench how the nodes of its graph stand; `ears` is None while no song is bound."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ears: Ears | None = None
        self.computed: Callable[[str], None] = lambda node_id: None
        """Called with each node of the canvas that is computed from now on."""
        self._flat: dict[str, Mark] = {}
        self._began: dict[str, float] = {}
        self._levels: dict[Address, float] = {}
        self._prefix: str | None = None
        self._asked: _Asked | None = None
        self._reason = ""
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="figures", initializer=lower_priority)
        bench.why = self.why

    def bind(self, ears: Ears | None) -> None:
        """Other ears, for another song: nothing is known yet."""
        self.ears = ears
        self.forget()

    def forget(self) -> None:
        """Another document."""
        self._flat.clear()
        self._levels.clear()
        self._began.clear()
        self._prefix = None

    def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)

    def take(self, marks: Mapping[str, Mark]) -> None:
        """Show what changed, by flattened address."""
        prefix = self.bench.editor.insight.prefix(self.bench.editor.state.path)
        for address, mark in marks.items():
            self._keep(address, mark)
        if marks or prefix != self._prefix:
            if prefix != self._prefix:
                self.bench.canvas.forget_marks()
            self._prefix = prefix
            self._show()
            self.bench.tell_more()

    @property
    def left(self) -> float | None:
        """Seconds that the slowest node at work still takes, if that can be told."""
        known = [mark.seconds for mark in self._flat.values() if mark.phase == "running" and mark.seconds]
        return max(known, default=None)

    def why(self, item: str) -> tuple[tuple[str, str], ...]:
        """What the inspector says about a node or an edge of the canvas, or (nothing named) about all of it."""
        marks = self._on_canvas()
        if not item:
            return (*_to_do(marks), *((node, mark.sentence) for node, mark in marks.items() if mark.phase == "failed"))
        level = self.bench.canvas.level(item)
        if level is not None:
            return (("level", spoken_level(level)),)
        mark = marks.get(item)
        if mark is None or self.ears is None:
            return ()
        if mark.phase == "failed":
            return ((FAILED, mark.sentence),)
        node = self.bench.editor.state.body.nodes.get(item)
        if node is not None and node.is_locked:
            return (("status", "locked to what it gave for this song"),)
        told = [("status", mark.words)] if mark.words else []
        if reason := self._reason_of(item, mark.phase):
            told.append(("runs because" if mark.phase == "dirty" else "ran because", reason))
        return tuple(told)

    def _reason_of(self, node_id: str, phase: Phase) -> str:
        """Why a node of the canvas runs or ran; asked for on the worker, shown as soon as it is known."""
        editor, ears = self.bench.editor, self.ears
        asked = editor.state.graph, editor.state.path, node_id, phase
        if self._asked == asked or ears is None:
            return self._reason
        self._asked, self._reason = asked, ""
        box = editor.scene.boxes.get(node_id)
        spot = next((p for p in box.shape.ports if p.side == "out"), None) if box else None
        flat = editor.insight.flat_source(editor.state.path, spot.address(node_id)) if spot else None
        if flat is not None:
            live = ears.live
            self._worker.submit(guarded, lambda: self._told(asked, in_words(live.states.reason(flat))))
        return ""

    def _told(self, asked: _Asked, reason: str) -> None:
        def show() -> None:
            if reason and self._asked == asked:
                self._reason = reason
                self.bench.tell_more()

        self.bench.window.jobs.post(show)

    def _keep(self, address: str, mark: Mark) -> None:
        old = self._flat.get(address, Mark())
        if mark.phase == "running":
            began = self._began.setdefault(address, time.monotonic())
            took = time.monotonic() - began
            if mark.done > 0.05 and took > 0.3:
                mark = replace(mark, seconds=took * (1 - mark.done) / mark.done)
        elif mark.phase == "cached":
            began, kept = self._began.pop(address, 0.0), old if old.phase == "cached" else Mark()
            mark = replace(
                mark, seconds=time.monotonic() - began if began else kept.seconds, null=kept.null, figure=kept.figure
            )
            if old.phase != "cached":
                self._measure(address)
        else:
            self._began.pop(address, None)
        if mark.phase != "cached":
            self._levels = {port: level for port, level in self._levels.items() if port.node != address}
        self._flat[address] = mark

    def _on_canvas(self) -> dict[str, Mark]:
        """The marks of the cards that are on the canvas."""
        editor = self.bench.editor
        prefix = editor.insight.prefix(editor.state.path)
        inner: dict[str, list[Mark]] = {}
        for address, mark in self._flat.items() if prefix is not None else ():
            if address.startswith(prefix or ""):
                inner.setdefault(address[len(prefix or "") :].partition("/")[0].partition("[")[0], []).append(mark)
        return {node_id: summed(marks) for node_id, marks in inner.items() if node_id in editor.state.body.nodes}

    def _show(self) -> None:
        canvas, editor = self.bench.canvas, self.bench.editor
        marks = self._on_canvas()
        for node_id, mark in marks.items():
            item = canvas.nodes.get(node_id)
            if item is None:
                continue
            if mark.phase == "cached" and item.mark.phase != "cached":
                self.computed(node_id)
            marks[node_id] = replace(mark, picture=item.mark.picture)
        canvas.set_marks(marks)
        levels = {}
        for edge in all_edges(editor.state.body) if self._levels else ():
            flat = editor.insight.flat_source(editor.state.path, edge.source)
            if flat in self._levels:
                levels[str(edge)] = self._levels[flat]
        canvas.set_levels(levels)

    def _measure(self, address: str) -> None:
        """Have the figures of a node that was computed made on the worker."""
        ears, map_ = self.ears, self.bench.editor.insight.map
        node = map_.flat.nodes.get(address) if map_ else None
        node_type = self.bench.editor.library.get(node.type) if node else None
        if ears is None or map_ is None or node_type is None:
            return
        heard = [Address(address, port.name) for port in node_type.outputs if set(port.kinds) & {"audio", "stems"}]
        into = {edge.target.port: edge.source for edge in map_.flat.edges if edge.target.node == address}
        whole = into.get(node_type.sums_to or ("mixture" if node_type.complete else ""))
        told = [Address(address, p.name) for p in node_type.outputs if set(p.kinds) <= {"scores", "number", "text"}]
        live, total = ears.live, ears.bindings.total

        def work() -> None:
            try:
                levels = {port: level for port in heard if (level := level_of(live, port, total)) is not None}
                null = null_of(live, whole, heard, total) if whole is not None and heard else None
                figure = figure_of(live, told[0], total) if told else ""
            except Exception:
                log.exception("no figures of %s", address)
                return
            self.bench.window.jobs.post(lambda: self._measured(address, (levels, null, figure)))

        self._worker.submit(work)

    def _measured(self, address: str, figures: Figures) -> None:
        mark = self._flat.get(address)
        if mark is None or mark.phase != "cached":
            return
        levels, null, figure = figures
        self._levels |= levels
        self._flat[address] = replace(mark, null=null, figure=figure)
        self._show()
        self.bench.tell_more()


def _to_do(marks: Mapping[str, Mark]) -> tuple[tuple[str, str], ...]:
    """How much is out of date, and what it is thought to cost."""
    dirty = [mark for mark in marks.values() if mark.phase == "dirty"]
    if not dirty:
        return ()
    seconds, nbytes = sum(mark.seconds or 0.0 for mark in dirty), sum(mark.nbytes or 0 for mark in dirty)
    told = [f"{len(dirty)} nodes" if len(dirty) > 1 else "1 node"]
    told += [f"about {spoken(seconds)}"] if seconds else []
    told += [spoken_bytes(nbytes)] if nbytes else []
    return (("to compute", ", ".join(told)),)
