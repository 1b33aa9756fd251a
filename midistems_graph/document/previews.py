"""Previews of edges that a `.mgraph` file carries, so that who opens it hears something before it is computed.

A preview is sound of one edge, or of one stem on it, on a stretch of one song, as a small Ogg file. It is listened to
and nothing else: it is no part of what a graph computes, and counts only as long as the edge is computed from what it
was made from. The other encoding, JSON, carries none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import blake3

from midistems_graph.document.flatten import flatten
from midistems_graph.document.graph import DIGEST, DocumentError, Graph
from midistems_graph.document.identity import node_part

MOST = 64
MOST_SECONDS = 120
MOST_BYTES = 4 * 2**20
"""Of the sound of one preview."""

LONGEST_SONG = 24 * 3600
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class EdgePreview:
    """Sound of an edge (`refine/hpss.out`) on the seconds [start, start + seconds) of a song of `total` seconds.

    `made_of` is a digest of what the edge was computed from, `song` that of the song's content and `rate` its samples
    per second; `sound` is an Ogg file. `stem` names the stem that it is of, if the edge carries stems.
    """

    edge: str
    made_of: str
    song: str
    start: int
    seconds: int
    total: int
    rate: int
    sound: bytes
    stem: str = ""

    def __post_init__(self) -> None:
        """Raises DocumentError for what no preview has."""
        sizes = 0 <= self.start < self.start + self.seconds <= self.total <= LONGEST_SONG
        if not sizes or not 0 < self.seconds <= MOST_SECONDS or not 8000 <= self.rate <= 384_000:
            raise DocumentError(f"the preview of {self.edge:.60} is no stretch of a song ({MOST_SECONDS} s at most)")
        if len(self.sound) > MOST_BYTES:
            raise DocumentError(f"the preview of {self.edge:.60} is too large; {MOST_BYTES >> 20} MiB are allowed")
        if len(self.stem) > LONGEST_NAME:
            raise DocumentError(f"the preview of {self.edge:.60} has a stem whose name is too long")
        if not (DIGEST.match(self.made_of) and DIGEST.match(self.song)):
            raise DocumentError(f"the preview of {self.edge:.60} does not tell what it was made from")


_FIELDS: Mapping[str, type] = {
    "edge": str,
    "made_of": str,
    "song": str,
    "start": int,
    "seconds": int,
    "total": int,
    "rate": int,
    "sound": bytes,
    "stem": str,
}


def previews_data(previews: tuple[EdgePreview, ...]) -> list[dict[str, Any]]:
    """Previews as msgpack takes them."""
    fields = [[name for name in sorted(_FIELDS) if name != "stem" or preview.stem] for preview in previews]
    return [{name: getattr(one, name) for name in own} for one, own in zip(previews, fields, strict=True)]


def previews_from(data: object) -> tuple[EdgePreview, ...]:
    """Previews from what msgpack gave. Raises DocumentError for anything else."""
    if not isinstance(data, list) or len(data) > MOST:
        raise DocumentError(f"previews: they are no list of {MOST} at most; export the file again")
    for item in data:
        fits = isinstance(item, dict) and {*item, "stem"} == _FIELDS.keys()
        if not fits or any(type(value) is not _FIELDS[name] for name, value in item.items()):
            raise DocumentError("previews: one of them is damaged; export the file again")
    return tuple(EdgePreview(**item) for item in data)


def made_of(graph: Graph, nodes: list[str]) -> dict[str, str]:
    """A digest of all that each of some flattened nodes is computed from, itself included; none for one not there."""
    flat = flatten(graph)
    feeds: dict[str, list[tuple[str, str]]] = {}
    for edge in flat.edges:
        feeds.setdefault(edge.target.node, []).append((str(edge.source), str(edge.target)))
    found = {}
    for address in nodes:
        todo, above = [address], {}
        while todo:
            node = todo.pop()
            if node in above or node not in flat.nodes:
                continue
            wires = sorted(feeds.get(node, ()))
            above[node] = [node_part(flat.nodes[node]), wires]
            todo += [source.rpartition(".")[0] for source, _ in wires]
        if above:
            content = json.dumps(above, sort_keys=True, allow_nan=False)
            found[address] = blake3.blake3(content.encode()).hexdigest()
    return found
