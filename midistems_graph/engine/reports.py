"""What is told of a run: to a watcher while it lasts, of each node and of each failure when it is over."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass, field
from typing import Literal, Protocol

from midistems_graph.audio.writing import DiskFull
from midistems_graph.engine.apart import owner
from midistems_graph.engine.outputs import CannotWrite, OutputRefused
from midistems_graph.engine.plan import PlanNode, Unit
from midistems_graph.engine.store import StoreError
from midistems_graph.node.contract import CheckFailed, NodeError

log = logging.getLogger(__name__)

Status = Literal["ran", "cached", "derived", "up to date", "skipped", "bypassed", "failed", "cancelled"]

SIGNIFICANCE: tuple[Status, ...] = (
    "skipped",
    "bypassed",
    "derived",
    "up to date",
    "cached",
    "ran",
    "cancelled",
    "failed",
)
"""Of several tiles of a node the most significant status is shown: the last of these."""

_WEIGHT = {status: weight for weight, status in enumerate(SIGNIFICANCE)}


NO_MEMORY = (
    "there is not enough memory for it; run with a smaller --jobs, close other programs, or begin workers of a cluster "
    "with more --memory"
)

Cure = Literal["", "again", "room"]
"""What can help: trying again (a network share that was away, memory that others had), room on the disk, or nothing."""

_PASSING = frozenset(
    {
        errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOLCK, errno.ENOMEM,
        errno.ESTALE, errno.ETIMEDOUT, errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTDOWN,
        errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETRESET, errno.ENETUNREACH,
    }
)  # fmt: skip
"""Numbers of errors that a system reports of devices and networks which may be back in a moment."""


class Watcher(Protocol):
    """Told what happens, from worker threads; must be quick."""

    def unit_started(self, unit: Unit) -> None: ...

    def unit_progress(self, unit: Unit, done: float) -> None: ...

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None: ...


class Silent:
    """A watcher that looks away."""

    def unit_started(self, unit: Unit) -> None: ...

    def unit_progress(self, unit: Unit, done: float) -> None: ...

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None: ...


@dataclass
class NodeReport:
    """What became of one node: the most significant status of its units, their cost, why, and what it says of it.

    `seconds` were spent now, `worth` is what its results took when they were computed, now or earlier.
    """

    status: Status
    seconds: float = 0.0
    nbytes: int = 0
    reason: str = ""
    worth: float = 0.0
    units: dict[Status, int] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, status: Status, seconds: float, nbytes: int, reason: str) -> None:
        more = _WEIGHT[status] > _WEIGHT[self.status]
        if reason and (more or not self.reason):
            self.reason = reason
        if more:
            self.status = status
        self.seconds += seconds
        self.nbytes += nbytes
        self.units[status] = self.units.get(status, 0) + 1


@dataclass(frozen=True)
class Failure:
    """A node that failed, with its sentence. `kind` tells a node's refusal from a check that does not hold, from an
    output that cannot be written and from a fault of ours."""

    node: str
    message: str
    kind: Literal["node", "check", "output", "fault"]
    cure: Cure = ""


class DerivedFailed(Exception):
    """A derived node failed within a unit that reads it: the failure is that node's. The cause is what it raised."""

    def __init__(self, unit: Unit, node: PlanNode) -> None:
        super().__init__(unit.node)
        self.unit, self.node = unit, node


def cure_of(error: BaseException) -> Cure:
    """What can help against an error, as far as its kind and what caused it tell."""
    while True:
        match error:
            case MemoryError():
                return "again"
            case DiskFull():
                return "room"
            case OSError(errno=number) if number in _PASSING:
                return "again"
        if error.__cause__ is None:
            return ""
        error = error.__cause__


def failure_of(unit: Unit, node: PlanNode, error: BaseException) -> Failure:
    """What an exception of a unit says to people; a fault of ours goes to the log with its traceback."""
    name = named(unit)
    match error:
        case DerivedFailed(__cause__=BaseException() as cause):
            return failure_of(error.unit, error.node, cause)
        case CheckFailed():
            return Failure(name, str(error), "check")
        case NodeError() | StoreError():
            return Failure(name, str(error), "node", cure_of(error))
        case OutputRefused() | CannotWrite():
            return Failure(name, str(error), "output", cure_of(error))
        case MemoryError():
            return Failure(name, NO_MEMORY, "node", "again")
        case OSError() if cure_of(error):
            return Failure(name, f"a file could not be read or written ({error.strerror})", "node", "again")
    log.error("node %s (%s) broke", unit.node, node.type.id, exc_info=error)
    return Failure(name, f"{type(error).__name__}: {error}", "fault")


def named(unit: Unit) -> str:
    """A unit's node as people know it."""
    return owner(unit.node)
