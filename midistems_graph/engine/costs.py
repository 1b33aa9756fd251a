"""What node types cost on this machine: seconds of work and bytes of results per sample of sound, kept from run to run.

    costs = Costs.read()
    costs.of(node)        what a node cost with these knobs and this provider, or else with any

They lie in the user's state, apart from any store, and are measured anew all the time: what was measured before counts
half once as much sound has come since, or an hour of it. Seconds are those of the clock, less the share in which the
machine worked for other programs. Of a run as a whole the most memory that the program took is kept in the same way,
per byte of what was estimated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import blake3
import platformdirs

from midistems_graph.engine.keys import libraries
from midistems_graph.engine.locks import lock
from midistems_graph.engine.plan import Plan, PlanNode

FORMAT = 2
FADES = 3600 * 44100 * 2.0
"""Samples, channels counted singly, after which what was measured before counts half at the latest."""


def costs_file() -> Path:
    """Where costs are kept."""
    return platformdirs.user_state_path("midistems-graph") / "costs.json"


@dataclass(frozen=True)
class Cost:
    """What units took together: samples that they worked on (`signal_samples`), seconds, bytes of results.

    Beside them `starts` times networks were loaded first, in `starting` seconds.
    """

    samples: float = 0.0
    seconds: float = 0.0
    nbytes: float = 0.0
    starts: float = 0.0
    starting: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, factor: float) -> Cost:
        return Cost(*(one * factor for one in astuple(self)))

    def faster(self, share: float) -> Cost:
        """The same in a share of the seconds."""
        return replace(self, seconds=self.seconds * share, starting=self.starting * share)

    def for_samples(self, samples: float) -> Cost:
        """The same rates for so many samples."""
        return self * (samples / self.samples)

    @property
    def start(self) -> float:
        """Seconds until networks are loaded, once."""
        return self.starting / self.starts if self.starts else 0.0


class Kind(NamedTuple):
    """What a cost is known by: the node type, and a digest of its version, knobs, libraries and provider."""

    type: str
    exact: str

    @classmethod
    def of(cls, node: PlanNode) -> Self:
        models = sorted(node.files.items()) if node.runs_networks else []  # another song costs the same
        called = sorted((called.id, sorted(knobs.items())) for called, knobs in node.called)
        told = (node.type.version, sorted(node.knobs.items()), libraries(node), models, called)
        return cls(node.type.id, blake3.blake3(repr(told).encode()).hexdigest()[:16])

    @classmethod
    def of_run(cls, plan: Plan) -> Self:
        """What the memory of a run is known by: its nodes, however many of them work at a time."""
        told = sorted(map(cls.of, plan.nodes.values()))
        return cls("", blake3.blake3(repr(told).encode()).hexdigest()[:16])


@dataclass(frozen=True)
class Costs:
    """All that is known, by kind."""

    known: Mapping[Kind, Cost]

    @classmethod
    def read(cls, path: Path | None = None) -> Self:
        """What is kept; nothing where there is no file, or one that is not ours."""
        known: dict[Kind, Cost] = {}
        with suppress(OSError, ValueError, TypeError, KeyError):
            data = json.loads((path or costs_file()).read_text(encoding="utf-8"))
            if data["format"] == FORMAT:
                for kind, exact, *figures in data["costs"]:
                    cost = Cost(*map(float, figures))
                    if cost.samples > 0 and min(astuple(cost)) >= 0:
                        known[Kind(str(kind), str(exact))] = cost
        return cls(known)

    def of(self, node: PlanNode) -> Cost | None:
        """What a node cost with its knobs, or else what its type cost with any; None if it never ran."""
        kind = Kind.of(node)
        if kind in self.known:
            return self.known[kind]
        alike = [cost for other, cost in self.known.items() if other.type == kind.type]
        return sum(alike, Cost()) if alike else None

    def with_more(self, measured: Iterable[tuple[Kind, Cost]]) -> Costs:
        """These with what was measured since."""
        known = dict(self.known)
        for kind, more in measured:
            before = known.get(kind, Cost())
            known[kind] = before * 0.5 ** (more.samples / min(before.samples or 1, FADES)) + more
        return Costs(known)


def remember(measured: Iterable[tuple[Kind, Cost]], path: Path | None = None) -> None:
    """Add what a run measured to what is kept, other runs beside it. A state that cannot be written stays as it is."""
    more = [(kind, cost) for kind, cost in measured if cost.samples]
    path = path or costs_file()
    with suppress(OSError):
        if not more:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            lock(fd, wait=True)
            costs = Costs.read(path).with_more(more)
            rows = [[*kind, *(float(f"{one:.6g}") for one in astuple(cost))] for kind, cost in costs.known.items()]
            made = path.with_suffix(f".{os.getpid()}.tmp")
            try:
                made.write_text(json.dumps({"format": FORMAT, "costs": sorted(rows)}, indent=0), encoding="utf-8")
                made.replace(path)
            finally:
                made.unlink(missing_ok=True)
        finally:
            os.close(fd)
