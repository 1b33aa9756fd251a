"""Stems that are computed by themselves, so that whoever reads only some of them spares the others.

A node type may say how it makes each of its stems alone (`apart`): a separator that has a network for each, and
whatever does with each stem of a set what it would do with a single sound, or only names it. Such a node becomes a
node of the plan for each stem, which reads only what that stem is made of, and is itself what puts them together. A
node that says which stems of a set it reads (`picks`) gets those alone. So a stem has the same key whatever else is
wanted of the separator, now or later, through however many nodes it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from midistems_graph.audio.values import Stems
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import LOCAL
from midistems_graph.node.definition import Port
from midistems_graph.rules.knobs import Watched, WiredKnobRead

if TYPE_CHECKING:
    from midistems_graph.engine.plan import PlanNode

T = TypeVar("T")

STEM, STEMS, OUT = "#stem:", "#stems:", "#out:"
"""What the address of a node for one stem, some stems, or one output alone has after that of the graph's node."""


def told_apart(nodes: Mapping[str, PlanNode]) -> dict[str, PlanNode]:
    """The nodes of a plan, in topological order, with those for single stems and outputs among them."""
    if all(node.type.apart is None for node in nodes.values()):
        return dict(nodes)
    found = _Found()
    for node in nodes.values():
        read = {port: tuple(shown(source, found.nodes) for source in each) for port, each in node.inputs.items()}
        wired = {knob: shown(source, found.nodes) for knob, source in node.wired.items()}
        node = replace(node, inputs=read, wired=wired)
        for each in _by_stem(node, found) or _by_what_is_read(node, found):
            found.nodes[each.address] = each
    return found.nodes


def shown(source: Source, nodes: Mapping[str, PlanNode]) -> Source:
    """Where an output is really computed: in a node for it alone if there is one."""
    alone = f"{source.node}{OUT}{source.port}"
    return Source(alone, source.port) if alone in nodes else source


def owner(address: str) -> str:
    """The graph's own node that a node of the plan belongs to."""
    return address.partition("#")[0]


@dataclass(frozen=True)
class _Found:
    """The nodes so far; by address the stems that they are known to give, and where each is computed if by itself."""

    nodes: dict[str, PlanNode] = field(default_factory=dict)
    stems: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parts: dict[str, Mapping[str, Source]] = field(default_factory=dict)

    def alone(self, source: Source, stem: str) -> Source:
        """Where a stem of a set is had by itself: taken out of it, if it is made with others."""
        if source.node in self.parts:
            return self.parts[source.node][stem]
        made = _together(self.nodes[source.node], [source], [stem])
        self.nodes[made.address] = made
        return Source(made.address, "out")


def _by_stem(node: PlanNode, found: _Found) -> list[PlanNode]:
    """A node for each stem, then the node itself; nothing where it has none alone, or none was told apart above it."""
    ports = {port.name for port in node.type.inputs if "stems" in port.kinds}
    sets = [source for port, sources in node.inputs.items() if port in ports for source in sources]
    rule = node.type.apart
    stems = (rule and _said(rule, node, tuple(found.stems.get(source.node, ()) for source in sets))) or {}
    found.stems[node.address] = tuple(stems) or _declared(node)
    if len(stems) < 2 or (sets and not any(source.node in found.parts for source in sets)):
        return []
    made = []
    for stem, how in stems.items():
        takes, inputs = iter(how.takes), dict(node.inputs)
        for port in filter(ports.__contains__, node.inputs):
            taken = [(source, next(takes)) for source in node.inputs[port]]
            inputs[port] = tuple(found.alone(source, name) for source, name in taken if name is not None)
        address = f"{node.address}{STEM}{stem}"
        made.append(replace(node, address=address, knobs={**node.knobs, **how.knobs}, inputs=inputs))
    parts = {stem: Source(each.address, "out") for stem, each in zip(stems, made, strict=True)}
    complete = _is_complete(node, [found.nodes[source.node] for source in sets])
    found.parts[node.address] = parts
    return [*made, replace(_together(node, parts.values(), parts, complete), address=node.address)]


def _declared(node: PlanNode) -> tuple[str, ...]:
    """The stems that a node's type says it makes, on its one output."""
    stems = node.type.stems if node.type.single_output else ()
    return (_said(stems, node) or ()) if callable(stems) else stems


def _is_complete(node: PlanNode, sets: Sequence[PlanNode] = ()) -> bool:
    """Whether the stems of a node cover all of what they are stems of: as it says, or else as those that arrive do."""
    says = node.type.complete
    if callable(says):
        return bool(_said(says, node))
    return says or (bool(sets) and all(map(_is_complete, sets)))


def _said(rule: Callable[..., T], node: PlanNode, *more: object) -> T | None:
    """What a rule of a node's type says; nothing where it asks for a knob that an edge drives."""
    with suppress(WiredKnobRead):
        return rule(Watched(node.knobs, node.wired), *more)
    return None


def _together(node: PlanNode, sources: Iterable[Source], stems: Iterable[str], complete: bool = False) -> PlanNode:
    """What only puts stems of a node together, from sets that have them."""
    stems = tuple(stems)
    which = f"{STEM}{stems[0]}" if len(stems) == 1 else f"{STEMS}{stems}"  # names may hold any sign
    return replace(
        node,
        address=node.address + which,
        type=replace(
            node.type,
            function=_put_together,
            inputs=(Port("parts", ("stems",), variadic=True),),
            knobs=(),
            stems=stems,
            complete=complete,
            context=LOCAL,
            scratch=0.0,
            resident=None,
            segments=None,
            reduce=None,
            reduces=None,
            libraries=(),
            facts=None,
            apart=None,
            picks=None,
            derived=True,
            takes_run=False,
        ),
        knobs={"stems": stems, "complete": complete},
        inputs={"parts": tuple(sources)},
        wired={},
        functions={},
        files={},
        reach=LOCAL.reach(node.rate),
        whole=False,
        mode="derived",
        derived=1,
        called=(),
    )


def _put_together(parts: tuple[Stems, ...], *, stems: tuple[str, ...], complete: bool) -> Stems:
    audio = {name: one for part in parts for name, one in part.audio.items() if name in stems}
    return Stems(audio, complete)


def _by_what_is_read(node: PlanNode, found: _Found) -> list[PlanNode]:
    """A node that reads only the stems that it needs, where these are computed by themselves, with what puts them
    together before it. One with several outputs stays as it is, and has a node beside it for each output that needs
    less."""
    picks = node.type.picks
    ports = tuple(node.outputs) if picks else ()
    made = [] if len(ports) == 1 else [node]
    for port in ports:
        inputs = dict(node.inputs)
        for name, sources in node.inputs.items():
            if picks is None or len(sources) != 1 or sources[0].node not in found.parts:
                continue
            above, parts = found.nodes[sources[0].node], found.parts[sources[0].node]
            stems = _said(picks, node, port.name, tuple(parts)) or ()
            if 0 < len(stems) < len(parts):
                some = [parts[stem] for stem in stems]
                if len(some) > 1:  # a single one needs no set to be put together
                    made.append(_together(above, some, stems))
                    some = [Source(made[-1].address, "out")]
                inputs[name] = tuple(some)
        if len(ports) == 1:
            made.append(replace(node, inputs=inputs))
        elif inputs != node.inputs:
            made.append(replace(node, address=f"{node.address}{OUT}{port.name}", inputs=inputs))
    return made
