"""The search for node types: a few letters, the best first; with a wire in hand, only what fits it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from midistems_graph.document.flatten import FUNCTIONS
from midistems_graph.document.graph import GROUP_PREFIX, Graph
from midistems_graph.editor.model.shape import Side, sides_of_group
from midistems_graph.node.definition import Port
from midistems_graph.node.library import NodeLibrary

MOST = 50
"""How many results are given."""


@dataclass(frozen=True)
class Entry:
    """A node type (or a group of the document) as it can be found."""

    id: str
    title: str
    summary: str
    tags: tuple[str, ...] = ()
    takes: frozenset[str] = frozenset()
    gives: frozenset[str] = frozenset()

    @cached_property
    def _words(self) -> tuple[tuple[str, float], ...]:
        """What is searched, in small letters, with its weight."""
        name = self.id.rpartition(".")[2].rpartition(":")[2].replace("_", " ").lower()
        room = self.id.partition(".")[0].lower()
        title = self.title.lower()
        return (
            (name, 0.98),
            (title, 1.0),
            *((tag.lower(), 0.72) for tag in self.tags),
            (room, 0.6),
            *((kind, 0.42) for kind in sorted(self.takes | self.gives)),
            (self.summary.lower(), 0.35),
        )

    def score(self, words: Sequence[str]) -> float:
        """How well it answers a query: each word must be found, the best place of each counts."""
        total, full_id = 0.0, ((self.id.lower(), 1.0),)
        for word in words:
            texts = full_id if "." in word or ":" in word else self._words
            best = max((weight * _match(word, text) for text, weight in texts), default=0.0)
            if best <= 0.0:
                return 0.0
            total += best
        return total / len(words)


@dataclass(frozen=True)
class Palette:
    """All that can be added to a graph."""

    entries: tuple[Entry, ...] = field(default_factory=tuple)

    @classmethod
    def of(cls, library: NodeLibrary, graph: Graph | None = None) -> Palette:
        """The node types of a library, and the groups of a graph."""
        entries = [Entry(t.id, t.title, t.summary, t.tags, _kinds(t.inputs), _kinds(t.outputs)) for t in library]
        for name, group in graph.groups.items() if graph else ():
            assert graph is not None
            sides = sides_of_group(group, graph, library)
            entries.append(
                Entry(
                    GROUP_PREFIX + name,
                    name,
                    group.description or "a group of this graph",
                    ("group",),
                    _kinds(sides.inputs),
                    _kinds(sides.outputs),
                )
            )
        return cls(tuple(entries))

    def search(
        self, query: str = "", *, recent: Sequence[str] = (), kinds: Iterable[str] = (), side: Side | None = None
    ) -> list[Entry]:
        """The entries that answer a query, best first; without one all, those used last first.

        `kinds` are what a port in hand gives (`side` "out": entries that take one of them) or takes ("in").
        """
        entries: Iterable[Entry] = self.entries
        wanted = frozenset(kinds)
        if side is not None and wanted:
            entries = [e for e in self.entries if wanted & (e.takes if side == "out" else e.gives)]
        elif side is not None:
            entries = [e for e in self.entries if (e.takes if side == "out" else e.gives)]
        used = {type_id: place for place, type_id in enumerate(recent)}
        words = query.lower().split()
        if not words:
            return sorted(entries, key=lambda e: (used.get(e.id, len(used)), e.title.lower()))[:MOST]
        scored = ((entry.score(words), entry) for entry in entries)
        found = [(score, entry) for score, entry in scored if score > 0.0]
        found.sort(key=lambda pair: (-round(pair[0], 3), used.get(pair[1].id, len(used)), pair[1].title.lower()))
        return [entry for _, entry in found[:MOST]]


def _kinds(ports: Iterable[Port]) -> frozenset[str]:
    return frozenset(kind for port in ports if port.name not in FUNCTIONS for kind in port.kinds)


def _match(word: str, text: str) -> float:
    """How well a word is found in a text: whole, at its beginning, at a word's, inside, or letter by letter."""
    if word == text:
        return 1.0
    at = text.find(word)
    if at >= 0:
        end = at + len(word)
        begins = at == 0 or not text[at - 1].isalnum()
        ends = end == len(text) or not text[end].isalnum()
        if begins and ends:
            return 0.95 if at == 0 else 0.9
        return (0.85 if at == 0 else 0.8) if begins else 0.55
    return 0.0 if len(word) < 2 or len(text) > 60 else _scattered(word, text)


def _scattered(word: str, text: str) -> float:
    """The letters of a word in their order (`hps` in `harmonic / percussive`); the closer, the better."""
    if word[0] != text[:1] and f" {word[0]}" not in text:
        return 0.0
    at, start = -1, -1
    for letter in word:
        at = text.find(letter, at + 1)
        if at < 0:
            return 0.0
        start = at if start < 0 else start
    spread = (at - start + 1) / len(word)
    return 0.5 / spread if spread <= 3 else 0.0
