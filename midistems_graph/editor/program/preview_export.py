"""A copy of the graph that can be heard at once: with small previews of the edges that are kept or compared.

An edge of stems has one for each stem, so that its mixer works, as long as there is room in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from midistems_graph.document.encoding import MAX_BYTES
from midistems_graph.document.files import save
from midistems_graph.document.graph import Address, DocumentError
from midistems_graph.document.previews import MOST, MOST_SECONDS, EdgePreview, made_of
from midistems_graph.editor.audition import offline
from midistems_graph.editor.audition.audible import NotAudible
from midistems_graph.editor.audition.carried import encoded
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.jobs import guarded
from midistems_graph.editor.view.marks import spoken_bytes

USUAL_SECONDS = 30
BYTES_PER_SECOND = 15_500
"""Of a preview, about."""

MOST_BYTES = MAX_BYTES * 3 // 4
"""What all previews of a file may take, about."""


class PreviewExport:
    """Writes such copies for a bench; `ears` gives the ears of the bound song, if there are any."""

    def __init__(self, bench: Bench, ears: Callable[[], Ears | None]) -> None:
        self.bench, self._ears = bench, ears
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="previews")

    def close(self) -> None:
        """End when what is being written is whole."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    @property
    def told(self) -> str:
        """What would be in a copy, and how large it would be."""
        parts, (start, stop) = self._parts(), self._region()
        if not parts:
            return "hear or keep edges first"
        edges, stems = len({edge for edge, _ in parts}), sum(bool(stem) for _, stem in parts)
        count = f"{edges} edges" if edges > 1 else "1 edge"
        count += f" ({stems} stems)" if stems else ""
        return f"{count}, {stop - start} s, about {spoken_bytes(len(parts) * (stop - start) * BYTES_PER_SECOND)}"

    def write(self, path: Path) -> None:
        """Write a copy to a `.mgraph` file, when its previews are made on a thread."""
        ears, parts, (start, stop) = self._ears(), self._parts(), self._region()
        if ears is None or not parts:
            raise Refused("hear two edges, or keep some with Ctrl and a number: these get a preview")
        graph, jobs, say = self.bench.editor.state.graph, self.bench.window.jobs, self.bench.say
        live, song, mixture = ears.live, ears.deck.song, ears.deck.mixture
        made = made_of(graph, [edge.node for edge, _ in parts])
        digest, total = ears.bindings.song_digest, -(-song.total // song.rate)

        def work() -> None:
            previews, left_out = [], []
            for edge, stem in parts:
                try:
                    region = (start * song.rate, stop * song.rate)
                    sound = encoded(offline.blocks(live, Take.of(edge, stem), song, region, mixture=mixture), song.rate)
                    what = (str(edge), made[edge.node], digest, start, stop - start, total, song.rate)
                    previews.append(EdgePreview(*what, sound, stem))
                except (offline.NotComputed, NotAudible, DocumentError, KeyError):
                    left_out.append(f"{edge} {stem}".strip())
            jobs.post(lambda: written(tuple(previews), left_out))

        def written(previews: tuple[EdgePreview, ...], left_out: list[str]) -> None:
            if not previews:
                say(f"nothing is computed of {', '.join(left_out)} there; hear it to its end, then export", wrong=True)
                return
            try:
                save(replace(graph, previews=previews), path)
            except DocumentError as error:
                say(str(error), wrong=True)
                return
            size = spoken_bytes(path.stat().st_size)
            without = f"; without {', '.join(left_out)}, not computed there" if left_out else ""
            say(f"wrote {path.name}, {size} with {len(previews)} previews{without}")

        say(f"making previews for {path.name}")
        self._worker.submit(guarded, work)

    def _parts(self) -> list[tuple[Address, str]]:
        """Edges, and each stem of those that carry some, as far as a file has room for them."""
        edges, (start, stop) = self._edges(), self._region()
        ears, left = self._ears(), min(MOST, MOST_BYTES // ((stop - start) * BYTES_PER_SECOND)) - len(edges)
        parts: list[tuple[Address, str]] = []
        for edge in edges if ears is not None else ():
            stems = ears.deck.tracks.stems(edge) if ears is not None else ()
            if len(stems) > left + 1:
                stems = ()
            left -= max(len(stems) - 1, 0)
            parts += [(edge, stem) for stem in stems or ("",)]
        return parts

    def _edges(self) -> tuple[Address, ...]:
        """Those under number keys, and A and B."""
        ears = self._ears()
        if ears is None or not ears.bindings.files:
            return ()
        kept = [take.addresses[0] for take in ears.deck.slots if take is not None]
        there = (edge for edge in dict.fromkeys((*kept, *ears.desk.edges.values())) if ears.live.has(edge))
        return tuple(there)[:MOST]

    def _region(self) -> tuple[int, int]:
        """Whole seconds of the song: the loop, or half a minute from the playhead on."""
        ears = self._ears()
        if ears is None:
            return 0, 1
        rate, loop = ears.deck.song.rate, ears.deck.transport.loop
        end = max(ears.deck.song.total // rate, 1)
        if loop is not None:
            first, last = loop[0] // rate, min(-(-loop[1] // rate), end)
        else:
            first = max(min(ears.deck.sample // rate, end - USUAL_SECONDS), 0)
            last = min(first + USUAL_SECONDS, end)
        return first, max(min(last, first + MOST_SECONDS), first + 1)
