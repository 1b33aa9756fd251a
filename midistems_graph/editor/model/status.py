"""How nodes stand in a run: to do, in the store, at work, done, failed; for the status strip of each box.

A run speaks of flattened nodes; on the canvas an instance of a group shows the sum of its inner nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from midistems_graph.document.graph import Body
from midistems_graph.engine.forecast import Forecast
from midistems_graph.engine.reports import Failure, NodeReport

Standing = Literal[
    "unknown", "skipped", "bypassed", "derived", "cached", "done", "dirty", "waiting", "running", "cancelled", "failed"
]

WEIGHT: tuple[Standing, ...] = (
    "unknown",
    "skipped",
    "bypassed",
    "derived",
    "cached",
    "done",
    "dirty",
    "waiting",
    "running",
    "cancelled",
    "failed",
)
"""Of several inner nodes a group shows the last of these."""

_OF_REPORT: Mapping[str, Standing] = {
    "ran": "done",
    "cached": "cached",
    "derived": "derived",
    "up to date": "cached",
    "skipped": "skipped",
    "bypassed": "bypassed",
    "failed": "failed",
    "cancelled": "cancelled",
}


@dataclass(frozen=True)
class NodeStatus:
    """One node: its standing, how much is done (0 to 1), seconds and bytes spent or expected, and a sentence.

    `seconds` and `nbytes` are None where nobody knows.
    """

    standing: Standing = "unknown"
    done: float = 0.0
    seconds: float | None = None
    nbytes: int | None = None
    sentence: str = ""


Statuses = Mapping[str, NodeStatus]
"""Flattened address -> status."""


def expected(forecast: Forecast) -> dict[str, NodeStatus]:
    """What a run would do: `dirty` nodes with the seconds and bytes they would cost."""
    found = {}
    for node in forecast.nodes:
        standing: Standing = "dirty"
        if node.mode == "derived":
            standing = "derived"
        elif node.units == node.cached and not node.writes:
            standing = "cached"
        done = node.cached / node.units if node.units else 1.0
        found[node.address] = NodeStatus(standing, done, node.seconds, node.nbytes)
    return found


def reported(reports: Mapping[str, NodeReport], failures: Iterable[Failure] = ()) -> dict[str, NodeStatus]:
    """What a run did, with the reason why each node ran and the sentence of those that failed."""
    found = {
        address: NodeStatus(_OF_REPORT[report.status], 1.0, report.seconds, report.nbytes, report.reason)
        for address, report in reports.items()
    }
    for failure in failures:
        found[failure.node] = NodeStatus("failed", 0.0, sentence=failure.message)
    return found


def on_canvas(statuses: Statuses, prefix: str, body: Body) -> dict[str, NodeStatus]:
    """The statuses of the nodes of a body whose flattened addresses begin with a prefix (`Insight.prefix`)."""
    inner: dict[str, list[NodeStatus]] = {}
    for address, status in statuses.items():
        if address.startswith(prefix):
            node = address[len(prefix) :].partition("/")[0].partition("[")[0].partition("#")[0]
            inner.setdefault(node, []).append(status)
    return {node_id: summed(inner[node_id]) for node_id in body.nodes if node_id in inner}


def summed(parts: Iterable[NodeStatus]) -> NodeStatus:
    """Several nodes as one: the weightiest standing, the mean of what is done, sums of what is known."""
    several = list(parts)
    if len(several) == 1:
        return several[0]
    worst = max(several, key=lambda s: WEIGHT.index(s.standing))
    seconds = [s.seconds for s in several if s.seconds is not None]
    nbytes = [s.nbytes for s in several if s.nbytes is not None]
    done = sum(s.done for s in several) / len(several)
    return NodeStatus(
        worst.standing, done, sum(seconds) if seconds else None, sum(nbytes) if nbytes else None, worst.sentence
    )
