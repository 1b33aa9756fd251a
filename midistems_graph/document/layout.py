"""Where boxes go that have no place yet: in layers from left to right, close together, wires straight.

The method of Sugiyama, Tagawa & Toda (1981), "Methods for visual understanding of hierarchical system
structures": longest-path layers, an order within each by barycentres, then positions. Wires that pass a
layer hold a lane in it, so that none runs through a box. Positions within a layer are the least-squares
fit to the neighbours that keeps order and distance (isotonic regression).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx

COLUMN_GAP = 72.0
ROW_GAP = 26.0
LANE = 12.0
"""Height of a wire that passes a layer; half as much space is between two."""

_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire between two boxes; `leaves` and `arrives` say how far below their upper edges."""

    source: str
    target: str
    leaves: float = 0.0
    arrives: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Upper left corners by id, the layer of each, and for each wire that passes layers its lanes there.

    A lane is (left, right, y); the wires are those that were given, by their index.
    """

    positions: dict[str, tuple[float, float]] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    lanes: dict[int, list[tuple[float, float, float]]] = field(default_factory=dict)


def arrange(sizes: Mapping[str, tuple[float, float]], wires: Sequence[Wire]) -> Layout:
    """Place boxes of these (width, height); wires name boxes. The same boxes get the same places."""
    if not sizes:
        return Layout()
    layer_of = _layers(sizes, wires)
    segments, items = _with_lanes(layer_of, wires)
    order = _ordered(items, segments)
    heights = {item: LANE if isinstance(item, tuple) else sizes[item][1] for layer in order for item in layer}
    tops = _tops(order, segments, heights)
    lefts, widths = [0.0], [max((sizes[i][0] for i in layer if isinstance(i, str)), default=0.0) for layer in order]
    for width in widths:
        lefts.append(lefts[-1] + width + COLUMN_GAP)
    lanes: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    for k, layer in enumerate(order):
        for item in layer:
            if isinstance(item, tuple):
                lanes[item[0]].append((lefts[k], lefts[k] + widths[k], tops[item] + LANE / 2))
    positions = {box: (lefts[k], round(tops[box], 1)) for box, k in layer_of.items()}
    return Layout(positions, layer_of, dict(lanes))


_Item = str | tuple[int, int]
"""A box by its id, or the lane (wire, layer)."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A piece of a wire between neighbouring layers."""

    left: _Item
    right: _Item
    leaves: float
    arrives: float


def _layers(boxes: Iterable[str], wires: Iterable[Wire]) -> dict[str, int]:
    """Layers by the longest path; boxes that feed more than they are fed stand close to what they feed."""
    import networkx as nx  # late: a fifth of a second that graphs with their places need not wait for

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(boxes))
    graph.add_edges_from(sorted({(w.source, w.target) for w in wires if w.source != w.target}))
    _break_cycles(graph)
    layer_of = {box: k for k, layer in enumerate(nx.topological_generations(graph)) for box in layer}
    for box in reversed(list(nx.lexicographical_topological_sort(graph))):
        if graph.out_degree(box) > graph.in_degree(box):
            layer_of[box] = min(layer_of[after] for after in graph.successors(box)) - 1
    return layer_of


def _break_cycles(graph: nx.DiGraph[str]) -> None:
    """Take out the edges that lead back to where a depth-first walk came from: drawings may hold mistakes."""
    open_, done = set(), set()
    for root in list(graph):
        if root in done:
            continue
        walk = [(root, iter(sorted(graph.successors(root))))]
        open_.add(root)
        while walk:
            box, following = walk[-1]
            after = next(following, None)
            if after is None:
                walk.pop()
                open_.discard(box)
                done.add(box)
            elif after in open_:
                graph.remove_edge(box, after)
            elif after not in done:
                open_.add(after)
                walk.append((after, iter(sorted(graph.successors(after)))))


def _with_lanes(layer_of: Mapping[str, int], wires: Sequence[Wire]) -> tuple[list[_Segment], list[list[_Item]]]:
    """Wires cut into segments between neighbouring layers, and what stands in each layer."""
    items: list[list[_Item]] = [[] for _ in range(max(layer_of.values()) + 1)]
    for box in sorted(layer_of):
        items[layer_of[box]].append(box)
    segments = []
    for i, wire in enumerate(wires):
        first, last = layer_of[wire.source], layer_of[wire.target]
        if last <= first:
            continue
        left: _Item = wire.source
        leaves = wire.leaves
        for k in range(first + 1, last):
            items[k].append((i, k))
            segments.append(_Segment(left, (i, k), leaves, LANE / 2))
            left, leaves = (i, k), LANE / 2
        segments.append(_Segment(left, wire.target, leaves, wire.arrives))
    return segments, items


def _ordered(items: list[list[_Item]], segments: list[_Segment]) -> list[list[_Item]]:
    """An order within layers with few crossings: barycentres, swept to and fro, the best one kept."""
    before, after = defaultdict(list), defaultdict(list)
    for segment in segments:
        before[segment.right].append((segment.left, segment.leaves))
        after[segment.left].append((segment.right, segment.arrives))
    order = [list(layer) for layer in items]
    best, fewest = order, _crossings(order, segments)
    for sweep in range(_SWEEPS):
        neighbours = after if sweep % 2 else before
        layers = reversed(range(len(order) - 1)) if sweep % 2 else range(1, len(order))
        order = [list(layer) for layer in order]
        for k in layers:
            rank = {item: i for i, item in enumerate(order[k + 1 if sweep % 2 else k - 1])}
            own = {item: i for i, item in enumerate(order[k])}
            order[k].sort(key=lambda item: _barycentre(neighbours[item], rank, own[item]))
        crossings = _crossings(order, segments)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _barycentre(ends: list[tuple[_Item, float]], rank: Mapping[_Item, int], otherwise: int) -> float:
    """The mean rank of neighbours, ports counting as fractions of one."""
    return sum(rank[item] + offset / 1e4 for item, offset in ends) / len(ends) if ends else float(otherwise)


def _crossings(order: list[list[_Item]], segments: list[_Segment]) -> int:
    layer_of = {item: k for k, layer in enumerate(order) for item in layer}
    rank = {item: i for layer in order for i, item in enumerate(layer)}
    between: dict[int, list[tuple[tuple[int, float], tuple[int, float]]]] = defaultdict(list)
    for s in segments:
        between[layer_of[s.left]].append(((rank[s.left], s.leaves), (rank[s.right], s.arrives)))
    return sum(_inversions([right for _, right in sorted(pairs)]) for pairs in between.values())


def _inversions(ends: Sequence[tuple[int, float]]) -> int:
    """Pairs in the wrong order, counted by merging."""
    if len(ends) < 2:
        return 0
    half = len(ends) // 2
    low, high = ends[:half], ends[half:]
    count = _inversions(low) + _inversions(high)
    low, high = sorted(low), sorted(high)
    j = 0
    for end in low:
        while j < len(high) and high[j] < end:
            j += 1
        count += j
    return count


def _tops(order: list[list[_Item]], segments: list[_Segment], heights: Mapping[_Item, float]) -> dict[_Item, float]:
    """Upper edges that make wires straight; lanes pull hardest, so that long wires stay level."""
    pulls: dict[_Item, list[tuple[_Item, float, float]]] = defaultdict(list)
    for s in segments:
        lanes = isinstance(s.left, tuple) + isinstance(s.right, tuple)
        weight = (1.0, 4.0, 16.0)[lanes]
        pulls[s.right].append((s.left, s.leaves - s.arrives, weight))
        pulls[s.left].append((s.right, s.arrives - s.leaves, weight))
    stacked: dict[_Item, float] = {}
    for layer in order:
        top = 0.0
        for i, item in enumerate(layer):
            stacked[item] = top
            top += heights[item] + (_gap(item, layer[i + 1]) if i + 1 < len(layer) else 0.0)
    tops = dict(stacked)
    for sweep in range(4 * _SWEEPS):
        for layer in order if sweep % 2 == 0 else reversed(order):
            wanted, weights = [], []
            for item in layer:
                weight = sum(w for _, _, w in pulls[item])
                mean = sum(w * (tops[end] + shift) for end, shift, w in pulls[item]) / weight if weight else tops[item]
                wanted.append(mean - stacked[item])
                weights.append(weight or 0.01)
            for item, level in zip(layer, _rising(wanted, weights), strict=True):
                tops[item] = level + stacked[item]
    _level_lanes(order, tops, heights)
    highest = min(tops.values())
    return {item: top - highest for item, top in tops.items()}


def _gap(upper: _Item, lower: _Item) -> float:
    """The space between neighbours in a layer."""
    lanes = isinstance(upper, tuple) + isinstance(lower, tuple)
    return (ROW_GAP, ROW_GAP / 2, LANE / 2)[lanes]


def _level_lanes(order: list[list[_Item]], tops: dict[_Item, float], heights: Mapping[_Item, float]) -> None:
    """Bring the lanes of each wire to one level, as far as the neighbours in their layers leave room."""
    chains: dict[int, list[tuple[_Item, _Item | None, _Item | None]]] = defaultdict(list)
    for layer in order:
        for i, item in enumerate(layer):
            if isinstance(item, tuple):
                after = layer[i + 1] if i + 1 < len(layer) else None
                chains[item[0]].append((item, layer[i - 1] if i else None, after))
    for chain in [*chains.values(), *reversed(chains.values())]:
        run: list[_Item] = []
        low, high = -inf, inf
        for lane, above, below in chain:
            least = -inf if above is None else tops[above] + heights[above] + _gap(above, lane)
            most = inf if below is None else tops[below] - heights[lane] - _gap(lane, below)
            if run and max(low, least) > min(high, most):
                _set_level(run, tops, low, high)
                run, low, high = [], -inf, inf
            run.append(lane)
            low, high = max(low, least), min(high, most)
        _set_level(run, tops, low, high)


def _set_level(run: list[_Item], tops: dict[_Item, float], low: float, high: float) -> None:
    level = min(max(sum(tops[lane] for lane in run) / len(run), low), high)
    tops.update(dict.fromkeys(run, level))


def _rising(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The sequence that never falls and is closest in weighted squares: pool adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        count = 1
        while pools and pools[-1][0] > value:
            below, mass, more = pools.pop()
            value = (value * weight + below * mass) / (weight + mass)
            weight, count = weight + mass, count + more
        pools.append((value, weight, count))
    return [value for value, _, count in pools for _ in range(count)]
