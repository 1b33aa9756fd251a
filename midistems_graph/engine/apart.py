"""Stems that are computed by themselves, so that whoever reads only some of them spares the others.

A separator that has a network of its own for each stem (`apart` in its node type) becomes a node of the plan for each
of them, and is itself what puts them together. A node that says which stems of a set it reads (`picks`) gets those
alone. So a stem has the same key whatever else is wanted of the separator, now or later.
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
        for each in _by_stem(node) if node.type.apart else _by_what_is_read(node, made):
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
    assert node.type.apart is not None
    parts = node.type.apart(SimpleNamespace(**node.knobs))
    if len(parts) < 2:
        yield node
        return
    for stem, knobs in parts.items():
        yield replace(node, address=f"{node.address}{STEM}{stem}", knobs={**node.knobs, **knobs})
    complete = node.type.complete
    complete = complete(SimpleNamespace(**node.knobs)) if callable(complete) else complete
    yield replace(
        node,
        type=_together(node.type, tuple(parts), complete),
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


def _together(separator: NodeType, stems: tuple[str, ...], complete: bool) -> NodeType:
    """The type of a node that only puts stems of a separator together."""

    def put_together(parts: tuple[Stems, ...]) -> Stems:
        audio: dict[str, Audio] = {}
        for part in parts:
            audio |= part.audio
        return Stems(audio, complete)

    return replace(
        separator,
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


def _by_what_is_read(node: PlanNode, made: Mapping[str, PlanNode]) -> Iterator[PlanNode]:
    """A node that reads only the stems that it needs, where these are computed by themselves. One with several outputs
    stays as it is, and has a node beside it for each output that needs less."""
    ports = tuple(node.outputs) if node.type.picks else ()
    if len(ports) != 1:
        yield node
    for port in ports:
        inputs = dict(node.inputs)
        for name, sources in node.inputs.items():
            if len(sources) == 1 and (above := made.get(sources[0].node)) and "parts" in above.inputs:
                some = _some(above, node, port.name)
                alone = len(some.inputs["parts"]) == 1  # a single one needs no set to be put together
                inputs[name] = some.inputs["parts"] if alone else (Source(some.address, "out"),)
                if not alone and some is not above:
                    yield some
        if len(ports) == 1:
            yield replace(node, inputs=inputs)
        elif inputs != node.inputs:
            yield replace(node, address=f"{node.address}{OUT}{port.name}", inputs=inputs)


def _some(above: PlanNode, reader: PlanNode, port: str) -> PlanNode:
    """What puts together the stems that an output of a reader needs; all of them where it knows none of them."""
    assert reader.type.picks is not None
    parts = {source.node.removeprefix(f"{above.address}{STEM}"): source for source in above.inputs["parts"]}
    stems = reader.type.picks(SimpleNamespace(**reader.knobs), port, tuple(parts))
    if not 0 < len(stems) < len(parts):
        return above
    address = f"{above.address}{STEM}{'+'.join(stems)}"
    read = {"parts": tuple(parts[stem] for stem in stems)}
    return replace(above, address=address, inputs=read, type=_together(above.type, stems, False))
