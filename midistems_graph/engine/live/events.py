"""What a `LiveEngine` tells: how nodes stand, what can be read now, what cannot be computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from midistems_graph.document.graph import Address
from midistems_graph.engine.plan import Unit

NodeStatus = Literal["dirty", "cached", "running", "failed", "left out"]


@dataclass(frozen=True)
class NodeState:
    """One node on the canvas: its status, the share of its units that is done (0 to 1), what the rest costs in
    seconds (None: not known), what went wrong or why it is left out, and the bytes that the rest would store."""

    status: NodeStatus
    done: float = 0.0
    seconds: float | None = None
    message: str = ""
    nbytes: int | None = None


@dataclass(frozen=True)
class NodeChanged:
    """A node has another state."""

    node: str
    state: NodeState


@dataclass(frozen=True)
class StretchReady:
    """A tile of a node (ONCE: its song) can be read now."""

    unit: Unit


@dataclass(frozen=True)
class PreviewReady:
    """Something can stand in for an edge until its whole-track nodes are done: `LiveEngine.preview`."""

    address: Address


@dataclass(frozen=True)
class Refused:
    """What is wanted cannot be computed; the sentence says why."""

    address: Address
    message: str


@dataclass(frozen=True)
class Idle:
    """There is nothing left to compute."""


Event = NodeChanged | StretchReady | PreviewReady | Refused | Idle
