"""Rules of single nodes: their type is installed, in a version that fits; bypassing and calling is possible."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from midistems_graph.document.flatten import SEPARATOR
from midistems_graph.document.graph import Address
from midistems_graph.rules.kinds import bodies_of, inner_inputs, possible_kinds
from midistems_graph.rules.problems import (
    BypassImpossible,
    GroupNoFunction,
    NewerNodeVersion,
    Problem,
    UnknownNodeType,
    VersionMismatch,
)
from midistems_graph.rules.site import Site


def types_known(site: Site) -> Iterator[UnknownNodeType]:
    for address, node in site.flat.nodes.items():
        if node.group is None and node.type not in site.library:
            close = get_close_matches(node.type, site.library.types, 1)
            hint = f"; did you mean {close[0]!r}?" if close else "; install the pack that has it or remove the node"
            yield UnknownNodeType(
                address, "", f"the node {address!r} is of the type {node.type!r}, which no installed pack has{hint}"
            )


def versions_fit(site: Site) -> Iterator[Problem]:
    """A newer version warns always, an older one only of another major version; smaller steps keep their meaning."""
    for address, node in site.flat.nodes.items():
        node_type = site.type_of(address)
        if node_type is None or not node.version or node.version == node_type.version:
            continue
        said = f"the node {address!r} was made with {node.type} {node.version}, and {node_type.version} is installed"
        written, installed = _numbers(node.version), _numbers(node_type.version)
        if written > installed:
            yield NewerNodeVersion(address, "", f"{said}; update the pack, or listen whether it still sounds the same")
        elif written[:1] != installed[:1]:
            yield VersionMismatch(address, "", f"{said}; listen whether it still sounds the same, then save the graph")


def _numbers(version: str) -> tuple[int, ...]:
    """`1.10.0` -> (1, 10, 0); what is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def bypass_possible(site: Site) -> Iterator[BypassImpossible]:
    """Every used output of a bypassed node needs a connected input of its kind."""
    for address, node in site.flat.nodes.items():
        node_type = site.type_of(address)
        if node_type is None or node.state != "bypassed":
            continue
        arriving = [site.gives(edge.source) for edge in site.into.get(address, ()) if node_type.input(edge.target.port)]
        for port in node_type.outputs:
            kinds = possible_kinds(port, address, site.kinds)
            if site.used[address, port.name] and not any(set(kinds) & set(gives) for gives in arriving):
                yield BypassImpossible(
                    address,
                    port.name,
                    f"the node {address!r} is bypassed, but no {' or '.join(kinds)} is connected that it could pass on "
                    f"to its output {port.name!r}; connect one or switch the node on",
                )


def functions_callable(site: Site) -> Iterator[Problem]:
    """A group that is used as a separator has one input, which takes audio, and one output that gives stems."""
    for address, node in site.flat.nodes.items():
        if node.group is None or not site.flat.bodies:
            continue
        if node.state == "bypassed":
            yield BypassImpossible(
                address,
                SEPARATOR,
                f"the group instance {address!r} is bypassed, so it cannot be used as a separator; switch it on",
            )
            continue
        _, group = bodies_of(site.flat, address)[0]
        takes = [n for n in group.inputs if all("audio" in k for k in _input_kinds(site, address, n))]
        gives = [n for n in group.outputs if "stems" in site.gives(_shown(site, address, n))]
        if len(group.inputs) != 1 or len(takes) != 1 or len(gives) != 1:
            yield GroupNoFunction(
                address,
                SEPARATOR,
                f"the group {node.group!r} cannot be used as a separator: it has {len(group.inputs)} inputs, "
                f"{len(takes)} of audio, and {len(gives)} outputs of stems; give it one of each",
            )


def _input_kinds(site: Site, instance: str, name: str) -> Iterator[tuple[str, ...]]:
    """The kinds that each inner port takes that an input of an instance feeds."""
    for node, port_name in inner_inputs(site.flat, instance, name):
        node_type = site.type_of(node)
        port = node_type.input(port_name) if node_type else None
        yield port.kinds if port else ()


def _shown(site: Site, instance: str, output: str) -> Address:
    return site.flat.aliases.get(f"{instance}.{output}", Address(instance, output))
