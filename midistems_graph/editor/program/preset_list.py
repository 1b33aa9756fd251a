"""The presets as they are offered: first those that run as the program is, then those whose models are not here yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from midistems_graph.document.files import load
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.document.presets import presets
from midistems_graph.engine.binding import SONG
from midistems_graph.models.library import ModelLibrary
from midistems_graph.node.contract import ModelName
from midistems_graph.node.library import NodeLibrary

FIRST = ("four_stems", "vocal_and_backing")
"""What most people come for."""


@dataclass(frozen=True)
class OfferedPreset:
    """A preset with its graph; `lacks` are the models that it names and that are not here."""

    name: str
    path: Path
    graph: Graph
    lacks: tuple[str, ...]

    @property
    def needs(self) -> str:
        """What has to be got first, in a few words; empty if it runs."""
        return f"needs the model {', '.join(self.lacks)}" if self.lacks else ""


def preset_list(library: NodeLibrary) -> list[OfferedPreset]:
    """All presets that can be read. Of those that run, what a song alone is enough for comes first."""
    models = frozenset(ModelLibrary.default())
    found = []
    for preset in presets():
        try:
            graph = load(preset.path)
        except DocumentError:
            continue
        lacks = tuple(dict.fromkeys(name for name in _models(graph, library) if name not in models))
        found.append(OfferedPreset(preset.name, preset.path, graph, lacks))
    return sorted(found, key=_rank)


def _rank(one: OfferedPreset) -> tuple[bool, int, bool, str]:
    first = FIRST.index(one.name) if one.name in FIRST else len(FIRST)
    further = any(not slot.optional for name, slot in one.graph.inputs.items() if name != SONG)
    return bool(one.lacks), first, further, one.name


def _models(graph: Graph, library: NodeLibrary) -> Iterator[str]:
    """The models that the nodes of a graph and of its groups name."""
    for body in (graph, *graph.groups.values()):
        for node in body.nodes.values():
            node_type = library.get(node.type)
            for knob in node_type.knobs if node_type else ():
                if isinstance(knob.file, ModelName) and (name := str(node.knobs.get(knob.name, knob.default))):
                    yield name
