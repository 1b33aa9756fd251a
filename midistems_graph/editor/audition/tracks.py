"""The tracks of what is listened to, by edge and stem, and the previews that stand in for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Protocol

from midistems_graph.audio.values import Span
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.pages import Preview, Track

_LEVEL_SECONDS = Fraction(1, 20)
"""How far before the playhead a stem's level is looked for."""


class Previews(Protocol):
    """Gives what stands in for an edge for now, if anything does: a `LiveEngine`."""

    def preview(self, address: Address) -> Preview | None: ...


class Tracks:
    """One track for each edge and stem that was asked for, at the rate of the device."""

    def __init__(self, previews: Previews, song: Span, rate: int) -> None:
        self._previews, self.total = previews, Fraction(song.total, song.rate)
        self._rate = rate
        self._tracks: dict[tuple[Address, str], Track] = {}
        self._stand_ins: dict[tuple[Address, str], Track] = {}
        self._stems: dict[Address, tuple[str, ...]] = {}

    def forget(self) -> None:
        """The graph was edited: edges hold something else."""
        self._tracks.clear()

    def forget_stems(self) -> None:
        """Another document: its edges may be called the same and carry other stems."""
        self.forget()
        self._stems.clear()

    def renew(self, rate: int) -> None:
        """The device has another rate."""
        self._rate = rate
        self._tracks.clear()
        self._stand_ins.clear()

    def of(self, address: Address, stem: str) -> Track:
        key = (address, stem)
        if key not in self._tracks:
            self._tracks[key] = Track(address, stem, self._rate, self.total)
        return self._tracks[key]

    def stand_in(self, track: Track) -> Track | None:
        """The preview of a track, if there is one."""
        preview, key = self._previews.preview(track.address), (track.address, track.stem)
        if preview is None:
            self._stand_ins.pop(key, None)
            return None
        known = self._stand_ins.get(key)
        if known is None or known.preview is not preview:
            known = self._stand_ins[key] = Track(track.address, track.stem, track.rate, track.total, preview)
        return known

    def stand_ins(self, tracks: Iterable[Track]) -> list[Track]:
        return [track for track in map(self.stand_in, tracks) if track is not None]

    def stems(self, address: Address) -> tuple[str, ...]:
        """The stems on an edge that was heard, in their order; none while they are not known or it has none.

        After an edit they are those of before, until the new ones are known.
        """
        known = (*self._tracks.values(), *self._stand_ins.values())
        found = next((track.stems for track in known if track.address == address and track.stems), None)
        if found:
            self._stems[address] = found
        return self._stems.get(address, ())

    def levels(self, address: Address, stems: Sequence[str], at: int) -> tuple[float, ...]:
        """The largest sample of each stem on an edge in the 50 ms before a place; 0 while it is not in memory."""

        def level(stem: str) -> float:
            for track in (self._tracks.get((address, stem)), self._stand_ins.get((address, stem))):
                first = at - int(track.rate * _LEVEL_SECONDS) if track else at
                if track is not None and not track.missing(first, at):
                    return track.peak(first, at)
            return 0.0

        return tuple(map(level, stems))
