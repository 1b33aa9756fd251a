"""What edges hold, for those who listen and look: values of the store by edge and stretch, with nothing computed
but what is derived, or comes straight from a file."""

from __future__ import annotations

import math
from collections import OrderedDict
from fractions import Fraction

from midistems_graph.audio.values import Value
from midistems_graph.document.graph import Address
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import in_store
from midistems_graph.engine.live.plans import UNSOUND, Plans, Step
from midistems_graph.engine.plan import TILE, Interval, PlanNode
from midistems_graph.engine.store import Store
from midistems_graph.node.contract import Cancelled, NodeError

_READERS = 64
"""How many finished stretches are kept open for reading."""


class Evicted(Exception):
    """The store had a stretch and has it no more: compute it again."""


class Reading:
    """Reads edges of the graph that is shown; any thread may."""

    def __init__(self, plans: Plans, store: Store) -> None:
        self._plans, self._store = plans, store
        self._readers: OrderedDict[tuple[int, Address, Interval], Executor] = OrderedDict()
        self._tops: dict[Address, Executor] = {}
        self._missing: dict[tuple[int, Address, Interval], int] = {}
        self.progress = 0
        """Counts what was computed; what was missing is looked for again only after more was."""

    def forget(self) -> None:
        """The graph is another one."""
        self._readers.clear()
        self._missing.clear()
        self._tops.clear()

    def read(self, address: Address, stretch: Interval) -> Value | None:
        """What an edge holds on a stretch of the song (seconds); None while it is not computed. Raises Evicted."""
        plans, (start, stop) = self._plans, stretch
        total = plans.bindings.total
        tiles = (start // TILE * TILE, min(-(-stop // TILE) * TILE, total))
        whole = (Fraction(0), total)
        with plans.lock:
            version, progress = plans.version, self.progress
            reader = self._readers.get((version, address, whole)) or self._readers.get((version, address, tiles))
            if reader is None and self._missing.get((version, address, tiles)) == progress:
                return None
        try:
            if reader is None and (top := self._top(version, address)) is not None:
                return top.glance(top.plan.outputs[0], stretch)
            if reader is None:
                reader = self._reader(version, address, tiles)
            if reader is None:
                self._missing[version, address, tiles] = progress
                return None
            return reader.value(reader.plan.outputs[0], stretch)
        except (NodeError, Cancelled):
            with plans.lock:
                for known in (tiles, whole):
                    self._readers.pop((version, address, known), None)
            raise Evicted from None
        except UNSOUND:
            return None

    def ready(self, address: Address) -> tuple[Interval, ...]:
        """The stretches of the song, in tiles, on which an edge can be read now."""
        plans = self._plans
        try:
            version = plans.version
            plan = plans.plan(Step(version, address))
        except UNSOUND:
            return ()
        source = plan.nodes[plan.outputs[0].node]
        if _has_nothing_above(source):
            return (plan.window,)
        there = in_store(plan, self._store)
        if len(there) == len(plan.units):  # one reader is quicker than one for each tile
            self._reader(version, address, plan.window)
            return (plan.window,)
        tiles = [
            (number * TILE, min((number + 1) * TILE, plan.total)) for number in range(math.ceil(plan.total / TILE))
        ]
        needed = plan.reads if source.mode == "derived" else plan.covering
        return tuple(tile for tile in tiles if all(unit in there for unit in needed(source, tile)))

    def _reader(self, version: int, address: Address, tiles: Interval) -> Executor | None:
        """A plan of which nothing is left to compute, to be read from; None if there is something left."""
        plans = self._plans
        executor = Executor(plans.plan(Step(version, address, tiles)), plans.library, store=self._store, jobs=1)
        if not executor.is_done():
            return None
        with plans.lock:
            self._readers[version, address, tiles] = executor
            if len(self._readers) > _READERS:
                self._readers.popitem(last=False)
        return executor

    def _top(self, version: int, address: Address) -> Executor | None:
        """For a node that nothing feeds, what can compute any stretch of it at once."""
        plans = self._plans
        known = self._tops.get(address)
        if known is not None:
            return known
        plan = plans.plan(Step(version, address))
        if not _has_nothing_above(plan.nodes[plan.outputs[0].node]):
            return None
        top = Executor(plan, plans.library, store=self._store, jobs=1)
        with plans.lock:
            if version == plans.version:
                self._tops[address] = top
        return top


def executed(plans: Plans, step: Step, store: Store) -> Executor | None:
    """A step carried out on this thread; None if something of it failed. Raises what `UNSOUND` names."""
    executor = Executor(plans.plan(step), plans.library, store=store, jobs=1)
    executor.run()
    return None if executor.failures or executor.cancelled else executor


def _has_nothing_above(node: PlanNode) -> bool:
    """Whether a node needs nothing but itself (and files), so that any stretch of it is there at once."""
    return node.mode == "tiled" and not node.sources
