"""What can be wrong with a graph, one class per reason, each one sentence with the remedy.

    Problem
    ├── GroupProblem             groups cannot be unfolded
    ├── of a node
    │   ├── UnknownNode          an edge or a link names a node that does not exist
    │   ├── UnknownNodeType      no installed pack has it (the node stays as a placeholder)
    │   ├── NewerNodeVersion     warning: written for a newer version
    │   ├── VersionMismatch      warning: written for another major version
    │   ├── BypassImpossible     nothing to pass through
    │   └── GroupNoFunction      a group that is used as a separator, but is none
    ├── of a knob
    │   ├── UnknownKnob, KnobRefused
    │   ├── KnobEdgeKind         what an edge brings cannot drive it
    │   ├── KnobShapesPlan       an edge drives what must be known before the run
    │   ├── LinkMismatch         linked knobs that cannot share a value
    │   ├── UnboundInput         the name of a graph input that is not defined
    │   └── MissingModel         the name of a model that is not in the library
    ├── of ports and edges
    │   ├── UnknownPort, MissingInput, PortTaken
    │   ├── KindMismatch, GenericMismatch
    │   ├── IndexMissing, IndexRefused, VariadicGap
    │   └── Cycle
    ├── UnusedInput              warning: a graph input that nothing reads
    └── Lint                     warning: sound, but hardly meant so (see `lint`)

`node` is the flattened address (`refine/hpss`), or empty where a problem belongs to the whole graph.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

Severity = Literal["error", "warning"]

_ITERATION = re.compile(r"\[\d+\]/")


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, where, and what to do about it."""

    node: str
    port: str
    message: str
    severity: ClassVar[Severity] = "error"

    @property
    def concerned(self) -> frozenset[str]:
        """The addresses of all nodes that the problem breaks."""
        return frozenset({self.node} - {""})

    def __str__(self) -> str:
        return self.message


class GroupProblem(Problem):
    """Groups are missing, contain themselves, name what they do not have, or unfold into too many nodes."""


class UnknownNode(Problem):
    """An edge or a link names a node that does not exist."""


class UnknownNodeType(Problem):
    """No installed pack offers the type of a node."""


class NewerNodeVersion(Problem):
    """A node was written for a newer version of its type than the installed one."""

    severity = "warning"


class VersionMismatch(Problem):
    """A node was written for another major version of its type."""

    severity = "warning"


class BypassImpossible(Problem):
    """A bypassed node has no connected input of the kind of its output."""


class GroupNoFunction(Problem):
    """A group is used as a separator, but is not one Audio input and one Stems output."""


class UnknownKnob(Problem):
    """A node sets a knob that its type does not have."""


class KnobRefused(Problem):
    """A knob's value is of the wrong kind or out of range."""


class KnobEdgeKind(Problem):
    """An edge drives a knob that its kind of value cannot drive."""


class KnobShapesPlan(Problem):
    """An edge drives a knob that shapes the plan: context, rate, stems, repeats or files."""


class LinkMismatch(Problem):
    """Linked knobs have different kinds or ranges, or defaults that disagree while the link is unset."""


class UnboundInput(Problem):
    """A node reads a graph input that is not defined."""


class MissingModel(Problem):
    """A node uses a model that is not in the library, or is damaged there."""


class UnknownPort(Problem):
    """An edge names a port that the node does not have."""


class MissingInput(Problem):
    """A required input is not connected."""


class PortTaken(Problem):
    """Several edges end at one place."""


class KindMismatch(Problem):
    """The kind of value on an edge is not one that its target takes."""


class GenericMismatch(Problem):
    """Ports of a node that must agree on a kind receive different ones."""


class IndexMissing(Problem):
    """An edge ends at a variadic port without saying at which place."""


class IndexRefused(Problem):
    """An edge names a place of a port that has only one."""


class VariadicGap(Problem):
    """The places of a variadic port are not numbered 0, 1, 2 without gaps."""


@dataclass(frozen=True, order=True)
class Cycle(Problem):
    """Nodes feed one another in a circle; `nodes` are in order, each feeding the next, the last the first."""

    nodes: tuple[str, ...] = ()

    @property
    def concerned(self) -> frozenset[str]:
        return frozenset(self.nodes)


class UnusedInput(Problem):
    """A graph input is defined, but no node reads it."""

    severity = "warning"


class Lint(Problem):
    """The graph is sound, but hardly meant so."""

    severity = "warning"


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that are no mere warnings."""
    return [problem for problem in problems if problem.severity == "error"]


def relevant_to(problems: Iterable[Problem], wanted: Collection[str]) -> list[Problem]:
    """Those that concern some nodes (what is wanted and its ancestors) or the whole graph.

    A problem of a repeat is listed once, for its first iteration, and concerns them all. What is wrong
    inside a group concerns the instance as well, which is a node where it is used as a function.
    """
    nodes = {_anywhere(address) for address in wanted}
    return [p for p in problems if not p.concerned or any(nodes & _around(node) for node in p.concerned)]


def once_per_repeat(problems: Iterable[Problem]) -> list[Problem]:
    """The same without what differs from an earlier one in the number of an iteration alone."""
    first: dict[tuple[type, str, str], Problem] = {}
    for problem in problems:
        first.setdefault((type(problem), _anywhere(problem.node), _anywhere(problem.message)), problem)
    return list(first.values())


def _around(address: str) -> set[str]:
    """The node itself and the instances around it: `a/b/c` -> `a`, `a/b`, `a/b/c`."""
    parts = _anywhere(address).split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}


def _anywhere(text: str) -> str:
    """An address or a sentence without the numbers of iterations."""
    return _ITERATION.sub("/", text)
