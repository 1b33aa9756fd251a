"""What the files of a song depend on, told without opening it: by these a batch knows what it need not do again.

A file counts as the same while its size and its time of change are; times are compared for equality only, so that a
clock that was set, or one of another machine, does no harm. Whatever differs is looked at by content, as in any run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import blake3

from midistems_graph import __version__
from midistems_graph.document.graph import Graph, Node
from midistems_graph.document.identity import graph_hash
from midistems_graph.engine.binding import sound_files
from midistems_graph.engine.keys import library_version
from midistems_graph.models.library import ModelLibrary, ModelMissing
from midistems_graph.node.contract import InputName, ModelName
from midistems_graph.node.definition import NodeType
from midistems_graph.node.library import NodeLibrary

_ASKED = ("only", "window", "name", "on_exist")
"""Options that change what is written."""


def fingerprint(graph: Graph, library: NodeLibrary, folder: Path, options: argparse.Namespace) -> str:
    """blake3 of a graph with its knobs, of versions, models, files that it names, and of options.

    `folder` is that of the graph file.
    """
    nodes = [node for body in (graph, *graph.groups.values()) for node in body.nodes.values()]
    return _digest(
        {
            "program": __version__,
            "graph": graph_hash(graph),
            "asked": [str(getattr(options, name)) for name in _ASKED],
            "nodes": sorted({_versions(node, library[node.type]) for node in nodes if library.get(node.type)}),
            "files": sorted(_files(nodes, library, folder)),
        }
    )


def with_files(print_: str, further: Mapping[str, Path]) -> str:
    """The fingerprint with further files of a song, told by their looks."""
    return _digest({"all songs": print_, "own": {name: looks(path) for name, path in further.items()}})


def _digest(data: object) -> str:
    return blake3.blake3(json.dumps(data, sort_keys=True).encode()).hexdigest()


def looks(path: Path) -> Any:
    """Size in bytes and time of change in nanoseconds; of a folder, those of the sounds in it. None for nothing."""
    try:
        if path.is_dir():
            return [[str(file), looks(file)] for file in sound_files(path)]
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _versions(node: Node, node_type: NodeType) -> str:
    knobs = SimpleNamespace(**{**{knob.name: knob.default for knob in node_type.knobs}, **node.knobs})
    facts = dict(node_type.facts(knobs)) if node_type.facts else {}
    libraries = {name: library_version(name) for name in ("numpy", *node_type.libraries)}
    return json.dumps([node_type.id, node_type.version, libraries, facts], sort_keys=True)


def _files(nodes: Iterable[Node], library: NodeLibrary, folder: Path) -> list[str]:
    """The models and the files beside the graph that it names."""
    found = []
    for node in nodes:
        node_type = library.get(node.type)
        for knob in node_type.knobs if node_type else ():
            name = str(node.knobs.get(knob.name, knob.default))
            if isinstance(knob.file, ModelName):
                with suppress(ModelMissing):
                    found.append(f"{name} {ModelLibrary.default().find(name).digest}")
            elif knob.file is not None and not isinstance(knob.file, InputName) and name:
                found.append(f"{name} {looks(folder / name)}")
    return found
