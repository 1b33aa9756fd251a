"""Edges as pictures see them: where nothing of an edge is computed, its preview is drawn, at its place in the song."""

from __future__ import annotations

import secrets
from dataclasses import replace
from fractions import Fraction
from weakref import WeakKeyDictionary

from midistems_graph.audio.values import Audio, Span, Stems, Value, ceil_seconds
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.pages import Interval, Preview
from midistems_graph.editor.audition.tracks import Previews
from midistems_graph.editor.pictures.subjects import Engine


class WithPreviews:
    """An engine, and previews for what it has nothing of yet, in a song of `total` seconds."""

    def __init__(self, engine: Engine, previews: Previews, total: Fraction) -> None:
        self._engine, self._previews, self._total = engine, previews, total
        self._names: WeakKeyDictionary[Preview, str] = WeakKeyDictionary()

    def lineage(self, address: Address) -> str:
        """As the engine's; a preview has one of its own, so that its picture is never taken for the true one."""
        preview = self._standing_in(address)
        if preview is None:
            return self._engine.lineage(address)
        return self._names.setdefault(preview, f"preview {secrets.token_hex(16)}")

    def ready(self, address: Address) -> tuple[Interval, ...]:
        preview = self._standing_in(address)
        return self._engine.ready(address) if preview is None else (preview.stretch,)

    def read(self, address: Address, stretch: Interval) -> Value | None:
        preview = self._standing_in(address)
        if preview is None:
            return self._engine.read(address, stretch)
        begin, end = preview.stretch
        if not begin <= stretch[0] <= stretch[1] <= end:
            return None
        return self._in_song(preview.read(address, (stretch[0] - begin, stretch[1] - begin)), begin)

    def _standing_in(self, address: Address) -> Preview | None:
        preview = self._previews.preview(address)
        return None if preview is None or self._engine.ready(address) else preview

    def _in_song(self, value: Value | None, begin: Fraction) -> Value | None:
        """Sound of an excerpt, which counts its own time, in the time of the song; other kinds are not drawn."""
        if isinstance(value, Stems):
            return replace(value, audio={name: self._placed(audio, begin) for name, audio in value.audio.items()})
        return self._placed(value, begin) if isinstance(value, Audio) else None

    def _placed(self, audio: Audio, begin: Fraction) -> Audio:
        span, first = audio.span, ceil_seconds(begin, audio.rate)
        total = ceil_seconds(self._total, audio.rate)
        return replace(audio, span=Span(first + span.start, min(first + span.stop, total), total, audio.rate))
