"""Locking nodes and groups: what they give for the song is kept beside the graph file and read in their place."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from midistems_graph.document.flatten import FUNCTIONS, Flat
from midistems_graph.document.graph import Address, Graph, Lock, Node
from midistems_graph.editor.model.bodies import Path as Way
from midistems_graph.editor.model.bodies import body_at, group_at, path_of, with_body
from midistems_graph.editor.model.edit import Edit, Refused, named
from midistems_graph.editor.model.journal import is_open_elsewhere
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.jobs import guarded
from midistems_graph.engine.locked import CannotLock, keep, mentioned, sweep

_LOOK_SECONDS = 0.3
"""Between two looks at whether what is to be locked is there."""


@dataclass(frozen=True)
class _Asked:
    """A node that is to be locked when its outputs are there: where it stands, what its outputs are called and were
    computed from when it was asked."""

    ears: Ears
    path: Way
    node: str
    outputs: tuple[Address, ...]
    lineages: tuple[str, ...]
    folder: Path


class Locking:
    """Adds the command `lock` to a bench; `ears` gives the ears of the bound song, if there are any."""

    def __init__(self, bench: Bench, ears: Callable[[], Ears | None]) -> None:
        self.bench, self._ears = bench, ears
        self._waiting: list[_Asked] = []
        self._looked = 0.0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="locks")
        self._known: dict[Path, set[str]] = {}
        """What documents of this window were locked to at any time, by the folder of their files."""
        bench.commands["lock"] = self._toggle

    def close(self) -> None:
        """End when what is being written is whole; with the history goes what nothing is locked to any more."""
        self._writer.shutdown(wait=True, cancel_futures=True)
        for folder, digests in self._known.items():
            if not is_open_elsewhere(folder):
                sweep(folder, digests)

    def opened(self, folder: Path) -> None:
        """A document lies in a folder."""
        with suppress(OSError):
            self._known.setdefault(folder, set()).update(mentioned(folder))

    def tick(self, ears: Ears) -> None:
        """Before every frame: lock what waited for being computed."""
        if not self._waiting or time.monotonic() < self._looked + _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        self._waiting = [asked for asked in self._waiting if asked.ears is ears and not self._try(asked)]

    def _toggle(self) -> None:
        editor = self.bench.editor
        body, chosen = editor.state.body, sorted(editor.state.selection.nodes & editor.state.body.nodes.keys())
        if not chosen:
            raise Refused("select the nodes that are to be locked")
        if all(body.nodes[node].lock for node in chosen):
            graph = _with_locks(editor.state.graph, editor.state.path, dict.fromkeys(chosen))
            editor.apply(Edit(graph, f"unlock {named(chosen)}"))
            return
        asked = [self._ask(node) for node in chosen if not body.nodes[node].lock]
        for one in asked:
            if not self._try(one):
                self._waiting.append(one)
                for address in one.outputs:
                    one.ears.live.want(address, (Fraction(0), one.ears.bindings.total), 2)
        if self._waiting:
            self.bench.say(f"{named([one.node for one in self._waiting])} is computed for the whole song, then locked")

    def _ask(self, node_id: str) -> _Asked:
        """What is needed to lock a node of the canvas. Raises Refused."""
        ears, editor, folder = self._ears(), self.bench.editor, self.bench.folder
        node = editor.state.body.nodes[node_id]
        if ears is None or not ears.bindings.files:
            raise Refused("no song is open; press Ctrl+O and choose a sound file")
        if folder is None:
            raise Refused("save the graph first; what a locked node gives is kept beside its file")
        outputs = self._outputs(node_id, node)
        return _Asked(ears, editor.state.path, node_id, outputs, tuple(map(ears.live.lineage, outputs)), folder)

    def _outputs(self, node_id: str, node: Node) -> tuple[Address, ...]:
        editor = self.bench.editor
        prefix, known = editor.insight.prefix(editor.state.path), editor.insight.map
        if prefix is None or known is None:
            raise Refused(f"{node_id} cannot be computed yet; connect what feeds it")
        graph = editor.state.graph
        places = sum(group_at(graph, path_of(inside)) == editor.state.group for inside in known.flat.bodies)
        if places > 1:
            raise Refused(f"{node_id} stands in {places} places and in each gives another sound; unpack the group")
        ports = self._ports(prefix + node_id, node, known.flat)
        if not ports:
            raise Refused(f"{node_id} gives nothing that could be locked; lock the node that feeds it")
        return tuple(Address(prefix + node_id, port) for port in ports)

    def _ports(self, address: str, node: Node, flat: Flat) -> list[str]:
        """What is locked of a node, or of an instance of a group: what comes from nodes inside of it."""
        if node.group is None:
            node_type = self.bench.editor.library.get(node.type)
            return [p.name for p in node_type.outputs if p.name not in FUNCTIONS] if node_type else []
        inside = (f"{address}/", f"{address}[")
        shown = {
            port: flat.aliases.get(f"{address}.{port}")
            for port in self.bench.editor.state.graph.groups[node.group].outputs
        }
        return [p for p, at in shown.items() if at and at.node.startswith(inside) and at.port not in FUNCTIONS]

    def _try(self, asked: _Asked) -> bool:
        """Begin to lock a node if all it gives is there; False if one has to wait."""
        live, whole = asked.ears.live, (Fraction(0), asked.ears.bindings.total)
        if any(whole not in live.ready(address) for address in asked.outputs):
            return False

        def work() -> None:
            values = {address.port: live.read(address, whole) for address in asked.outputs}
            there = {port: value for port, value in values.items() if value is not None}
            try:
                if len(there) < len(values):
                    raise CannotLock(f"{asked.node} was lost from the store in the meantime; lock it again")
                lock = keep(there, asked.ears.bindings.song_digest, asked.folder)
                self._known.setdefault(asked.folder, set()).update(lock.outputs.values())
            except CannotLock as error:
                sentence = str(error)
                self.bench.window.jobs.post(lambda: self.bench.say(sentence, wrong=True))
            else:
                self.bench.window.jobs.post(lambda: self._lock(asked, lock))

        self._writer.submit(guarded, work)
        return True

    def _lock(self, asked: _Asked, lock: Lock) -> None:
        """The values are kept: let the node give them, if it still gives the same."""
        same = tuple(map(asked.ears.live.lineage, asked.outputs)) == asked.lineages
        if self._ears() is not asked.ears or not same:
            self.bench.say(f"{asked.node} was changed in the meantime and is not locked; lock it again", wrong=True)
            return
        graph = _with_locks(self.bench.editor.state.graph, asked.path, {asked.node: lock})
        self.bench.edit(lambda: Edit(graph, f"lock {asked.node}"))
        for address in asked.outputs:
            asked.ears.live.forget(address)
        self.bench.say(f"{asked.node} is locked; edits above it change it no more")


def _with_locks(graph: Graph, path: Way, locks: dict[str, Lock | None]) -> Graph:
    body = body_at(graph, path)
    nodes = {i: replace(body.nodes[i], lock=lock) for i, lock in locks.items()}
    return with_body(graph, path, replace(body, nodes={**body.nodes, **nodes}))
