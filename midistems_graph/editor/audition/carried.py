"""Previews that a graph file carries: sound made small for them, and read again to be listened to."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np
import soundfile

from midistems_graph.audio.values import Audio, Float32, Span, Stems
from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import Address, Graph
from midistems_graph.document.previews import EdgePreview, made_of
from midistems_graph.editor.audition.audible import NotAudible
from midistems_graph.editor.audition.pages import Interval

_BLOCK = 1 << 15
"""Frames that are encoded at a time."""


def encoded(blocks: Iterable[Float32], rate: int) -> bytes:
    """Sound [2, samples], block by block, as an Ogg Vorbis file of about 120 kbit/s."""
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", rate, 2, format="OGG", subtype="VORBIS") as file:
        for block in blocks:
            for start in range(0, block.shape[1], _BLOCK):
                file.write(block[:, start : start + _BLOCK].T)
    return content.getvalue()


class Carried:
    """A preview out of a graph file, in place of an edge that is not computed yet; decoded when it is first heard.

    `previews` are of one edge on one stretch: one of all of it, or one for each of its stems.
    """

    def __init__(self, *previews: EdgePreview) -> None:
        self._previews, first = previews, previews[0]
        self._sound: Audio | Stems | None = None
        self.stretch: Interval = (Fraction(first.start), Fraction(first.start + first.seconds))

    def read(self, address: Address, stretch: Interval) -> Audio | Stems | None:
        """The sound on a stretch of the preview (in seconds from its beginning). Raises NotAudible if it is damaged."""
        if self._sound is None:
            sounds = {preview.stem: _decoded(preview) for preview in self._previews}
            self._sound = sounds[""] if "" in sounds else Stems(sounds)
        span = self._sound.span
        return self._sound.crop(Span.of_seconds(*stretch, Fraction(span.total, span.rate), span.rate))


def _decoded(preview: EdgePreview) -> Audio:
    frames = preview.seconds * preview.rate
    try:
        with soundfile.SoundFile(io.BytesIO(preview.sound)) as file:
            if file.format != "OGG" or file.samplerate != preview.rate or file.channels != 2:
                raise ValueError("not what a preview is")
            samples = file.read(frames, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, ValueError, RuntimeError):
        raise NotAudible(f"the preview of {preview.edge} in the file is damaged; open the song to compute it") from None
    whole = np.zeros((2, frames), np.float32)
    whole[:, : len(samples)] = np.nan_to_num(samples.T, posinf=0.0, neginf=0.0)
    return Audio(whole, Span.whole(frames, preview.rate))


class CarriedPreviews:
    """The previews of the graph that is shown which still hold for it, and for the song that is bound."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], Carried] = {}
        self._there: Mapping[Address, Carried] = {}

    def show(self, graph: Graph, song: str) -> None:
        """Another graph; `song` is the digest of the bound song, or nothing: then previews of any song are heard."""
        if not graph.previews:
            self._there = {}
            return
        places = [Address(*preview.edge.rpartition(".")[::2]) for preview in graph.previews]
        try:
            now = made_of(graph, [place.node for place in places])
        except Unfolding:
            now = {}
        there: dict[Address, list[EdgePreview]] = {}
        for place, preview in zip(places, graph.previews, strict=True):
            if now.get(place.node) == preview.made_of and song in ("", preview.song):
                there.setdefault(place, []).append(preview)
        self._there = {place: self._carried(previews) for place, previews in there.items()}

    def _carried(self, previews: list[EdgePreview]) -> Carried:
        """Those of one edge on the stretch of the first; the same ones as before if they are."""
        first = previews[0]
        fit = [p for p in previews if (p.start, p.seconds, p.rate) == (first.start, first.seconds, first.rate)]
        return self._known.setdefault(tuple(map(id, fit)), Carried(*fit))

    def preview(self, address: Address) -> Carried | None:
        return self._there.get(address)
