"""Stem mixers kept in the document: with the node whose edge is mixed, in the view of its graph or group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from midistems_graph.document.graph import Address, Body, Channel, Graph
from midistems_graph.editor.audition.stem_mixers import Channels
from midistems_graph.editor.model.bodies import body_at, group_at, path_of, valid_path
from midistems_graph.editor.model.edit import Edit
from midistems_graph.editor.model.insight import Insight
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears

B = TypeVar("B", bound=Body)


class Mixes:
    """Takes mixers from the document of a bench to the desk, and what somebody mixed back, one step for each gesture.

    `is_held` tells whether a gesture still goes on.
    """

    def __init__(self, bench: Bench, is_held: Callable[[], bool]) -> None:
        self.bench, self._is_held = bench, is_held
        self._graph: Graph | None = None
        self._ears: Ears | None = None
        self._channels: Channels = {}

    def tick(self, ears: Ears) -> None:
        """Before every frame."""
        mixers, editor = ears.desk.mixers, self.bench.editor
        if ears is not self._ears or editor.state.graph is not self._graph:
            self._ears, self._graph = ears, editor.state.graph
            self._channels = mixers.channels = kept(editor.state.graph, editor.insight)
        elif mixers.channels is not self._channels and not self._is_held():
            self._channels = mixers.channels
            graph = with_mixers(editor.state.graph, mixers.channels)
            self.bench.edit(lambda: Edit(graph, "mix stems"))
            self._graph = editor.state.graph


def kept(graph: Graph, insight: Insight) -> Channels:
    """The mixers of a document by flattened edge: those of a group count for all its instances."""
    if not any(body.view.mixers for body in (graph, *graph.groups.values())) or insight.map is None:
        return {}
    found: dict[Address, dict[str, Channel]] = {}
    for prefix in insight.map.flat.bodies:
        for port, channels in body_at(graph, path_of(prefix)).view.mixers.items():
            at = Address(prefix + port.node, port.port)
            found[insight.map.flat.aliases.get(str(at), at)] = dict(channels)
    return found


def with_mixers(graph: Graph, channels: Channels) -> Graph:
    """The document with mixers by flattened edge; channels that nobody touched are left out."""
    mixers: dict[str | None, dict[Address, dict[str, Channel]]] = {}
    for address, stems in channels.items():
        prefix, _, node = address.node.rpartition("/")
        path = path_of(prefix)
        touched = {stem: channel for stem, channel in stems.items() if channel != Channel()}
        if touched and valid_path(graph, path) == path and node in body_at(graph, path).nodes:
            group = group_at(graph, path)
            mixers.setdefault(group, {})[replace(address, node=node)] = touched
    groups = {name: _with_mixers(group, mixers.get(name, {})) for name, group in graph.groups.items()}
    return replace(_with_mixers(graph, mixers.get(None, {})), groups=groups)


def _with_mixers(body: B, mixers: Mapping[Address, Mapping[str, Channel]]) -> B:
    return body if body.view.mixers == mixers else replace(body, view=replace(body.view, mixers=mixers))
