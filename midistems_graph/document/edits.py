"""Edits of several nodes at once: rename, paste, and groups made and taken apart. Each returns a new graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from midistems_graph.document.graph import Address, Body, Edge, Group

B = TypeVar("B", bound=Body)


def rename_nodes(body: B, names: Mapping[str, str]) -> B:
    """The same with other ids for some nodes, everywhere they are named.

    `names` maps old ids to new ones, which must not meet each other or ids that stay.
    """
    if not names:
        return body

    def moved(address: Address) -> Address:
        return replace(address, node=names.get(address.node, address.node))

    def all_moved(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(map(moved, addresses))

    renamed = replace(
        body,
        nodes={names.get(i, i): node for i, node in body.nodes.items()},
        edges=frozenset(Edge(moved(e.source), moved(e.target)) for e in body.edges),
        links=tuple(map(all_moved, body.links)),
        view=replace(body.view, nodes={names.get(i, i): at for i, at in body.view.nodes.items()}),
    )
    if isinstance(renamed, Group):
        renamed = replace(
            renamed,
            inputs={name: all_moved(ends) for name, ends in renamed.inputs.items()},
            outputs={name: moved(end) for name, end in renamed.outputs.items()},
            knobs={name: all_moved(ends) for name, ends in renamed.knobs.items()},
        )
    return renamed
