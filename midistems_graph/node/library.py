"""The node library: all node types that the installed packs offer, by id."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType, ModuleType

from midistems_graph.node.definition import DefinitionError, NodeType

ENTRY_POINT = "midistems_graph.packs"


@dataclass(frozen=True)
class NodeLibrary:
    """Node types by id, sorted. Build one from packs with `installed`, or from a list in a test."""

    types: Mapping[str, NodeType]

    @classmethod
    def of(cls, node_types: Iterator[NodeType] | list[NodeType]) -> NodeLibrary:
        """A library of the given node types; raises DefinitionError when two share an id."""
        found: dict[str, NodeType] = {}
        for node_type in node_types:
            if found.setdefault(node_type.id, node_type) is not node_type:
                raise DefinitionError(f"two node types are called {node_type.id!r}; an id must be unique")
        return cls(MappingProxyType(dict(sorted(found.items()))))

    def __getitem__(self, type_id: str) -> NodeType:
        return self.types[type_id]

    def __iter__(self) -> Iterator[NodeType]:
        return iter(self.types.values())

    def __contains__(self, type_id: str) -> bool:
        return type_id in self.types

    def __len__(self) -> int:
        return len(self.types)

    def get(self, type_id: str) -> NodeType | None:
        return self.types.get(type_id)


@cache
def installed() -> NodeLibrary:
    """Every node type of every installed pack (packages named under the entry point `midistems_graph.packs`)."""
    packs = sorted(entry_points(group=ENTRY_POINT), key=lambda point: point.name)
    return NodeLibrary.of(node_type for point in packs for node_type in nodes_in(point.load()))


def nodes_in(package: ModuleType) -> Iterator[NodeType]:
    """The node types that the modules of a package define, each once, in the order of the modules' names."""
    seen: set[int] = set()
    modules = [package]
    for info in pkgutil.walk_packages(getattr(package, "__path__", []), package.__name__ + "."):
        modules.append(importlib.import_module(info.name))
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, NodeType) and id(value) not in seen:
                seen.add(id(value))
                yield value
