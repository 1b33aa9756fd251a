"""Stems that are computed by themselves, so that whoever reads only some of them spares the others.

A separator that has a network of its own for each stem (`apart` in its node type) becomes a node of the plan for each
of them, and is itself what puts them together. A node that takes one stem out of a set (`picks`) reads that alone for
an output that needs no others. So a stem has the same key whatever else is wanted of the separator, now or later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

from midistems_graph.audio.values import Audio, Stems
from midistems_graph.engine.wiring import Source
from midistems_graph.node.contract import LOCAL
from midistems_graph.node.definition import NodeType, Port

if TYPE_CHECKING:
    from midistems_graph.engine.plan import PlanNode

STEM, OUT = "#stem:", "#out:"
"""What the address of a node for one stem, or for one output alone, has after that of the graph's node."""


def told_apart(nodes: Mapping[str, PlanNode]) -> dict[str, PlanNode]:
    """The nodes of a plan, in topological order, with those for single stems and outputs among them."""
    if all(node.type.apart is None for node in nodes.values()):
        return dict(nodes)
    made: dict[str, PlanNode] = {}
    for node in nodes.values():
        read = {port: tuple(shown(source, made) for source in sources) for port, sources in node.inputs.items()}
        wired = {knob: shown(source, made) for knob, source in node.wired.items()}
        node = replace(node, inputs=read, wired=wired)
        for each in (*_by_stem(node), *_by_output(node, made)):
            made[each.address] = each
    return made


def shown(source: Source, nodes: Mapping[str, PlanNode]) -> Source:
    """Where an output is really computed: in a node for it alone if there is one."""
    alone = f"{source.node}{OUT}{source.port}"
    return Source(alone, source.port) if alone in nodes else source


def owner(address: str) -> str:
    """The graph's own node that a node of the plan belongs to."""
    return address.partition("#")[0]


def _by_stem(node: PlanNode) -> Iterator[PlanNode]:
    """A node for each stem, then the node itself; or the node as it is."""
    parts = node.type.apart(SimpleNamespace(**node.knobs)) if node.type.apart else {}
    if len(parts) < 2:
        yield node
        return
    for stem, knobs in parts.items():
        yield replace(node, address=f"{node.address}{STEM}{stem}", knobs={**node.knobs, **knobs})
    yield replace(
        node,
        type=_together(node, tuple(parts)),
        knobs={},
        inputs={"parts": tuple(Source(f"{node.address}{STEM}{stem}", "out") for stem in parts)},
        wired={},
        functions={},
        files={},
        reach=LOCAL.reach(node.rate),
        whole=False,
        mode="derived",
        derived=1,
    )


def _together(node: PlanNode, stems: tuple[str, ...]) -> NodeType:
    """The type of a node that only puts its stems together."""
    complete = node.type.complete
    complete = complete(SimpleNamespace(**node.knobs)) if callable(complete) else complete

    def put_together(parts: tuple[Stems, ...]) -> Stems:
        audio: dict[str, Audio] = {}
        for part in parts:
            audio |= part.audio
        return Stems(audio, complete)

    return replace(
        node.type,
        function=put_together,
        inputs=(Port("parts", ("stems",), variadic=True),),
        knobs=(),
        stems=stems,
        complete=complete,
        context=LOCAL,
        scratch=0.0,
        resident=None,
        reduce=None,
        reduces=None,
        libraries=(),
        facts=None,
        apart=None,
        derived=True,
        takes_run=False,
    )


def _by_output(node: PlanNode, made: Mapping[str, PlanNode]) -> Iterator[PlanNode]:
    """A node for each output that needs only some of the stems that arrive, if these are computed by themselves."""
    arriving = [source for sources in node.inputs.values() for source in sources]
    above = made.get(arriving[0].node) if len(arriving) == 1 else None
    if node.type.picks is None or above is None or "parts" not in above.inputs:
        return
    parts = {source.node.removeprefix(f"{above.address}{STEM}"): source for source in above.inputs["parts"]}
    for port in node.outputs:
        stems = node.type.picks(SimpleNamespace(**node.knobs), port.name, tuple(parts))
        if len(stems) == 1:  # a single one needs no set to be put together
            inputs = dict.fromkeys(node.inputs, (parts[stems[0]],))
            yield replace(node, address=f"{node.address}{OUT}{port.name}", inputs=inputs)
