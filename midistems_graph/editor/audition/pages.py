"""Sound of edges in memory, in pages of one second at the device's rate, so that playing never waits.

A thread fetches pages: where the playhead is, where it goes, where the loop begins, and the same for edges that may
be switched to. Resampling, transforms and reading from disk happen there. Whoever renders only looks pages up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np

from midistems_graph.audio.resample import resample
from midistems_graph.audio.values import Audio, Float32, Stems, Timed, Value, ceil_seconds
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.audible import NotAudible, audible, margin, stereo

log = logging.getLogger(__name__)

LIMIT_BYTES = 256 << 20
"""Pages beyond this are dropped, the farthest from the playhead first."""

_AHEAD = 6
"""Pages after the playhead that are fetched for what is heard."""

_RETRY_SECONDS = 0.25
_EDGE = Fraction(1, 25)
"""Seconds around a page that the resampler may look at."""

Interval = tuple[Fraction, Fraction]


class EdgeReader(Protocol):
    """Gives what an edge holds on a stretch in seconds, None while it is not computed: a `LiveEngine`."""

    def read(self, address: Address, stretch: Interval) -> Value | None: ...


class Preview(Protocol):
    """Reads a stretch of the song that was computed as if it were the song, in its own seconds."""

    @property
    def stretch(self) -> Interval: ...

    def read(self, address: Address, stretch: Interval) -> Value | None: ...


@dataclass(eq=False)
class Track:
    """The sound of one edge, or of one stem on it. `note` tells how it was made audible, `trouble` why it is not.

    With a preview it is that, at the place of its stretch in the song, and nothing elsewhere.
    """

    address: Address
    stem: str = ""
    rate: int = 44100
    total: Fraction = Fraction(0)
    preview: Preview | None = None
    pages: dict[int, Float32] = field(default_factory=dict)
    absent: dict[int, float] = field(default_factory=dict)
    stems: tuple[str, ...] = ()
    note: str = ""
    trouble: str = ""
    reach: Fraction = Fraction(0)
    """Seconds around a page that are needed to make it, as far as that is known."""

    @property
    def frames(self) -> int:
        """Length of the song in samples of the device."""
        return ceil_seconds(self.total, self.rate)

    def add_to(self, out: Float32, first: int, gain: float) -> None:
        """Add the samples from `first` on, times a gain, to [2, samples]; nothing where there are none."""
        count = out.shape[1]
        for number in self.numbers(first, first + count):
            page = self.pages.get(number)
            if page is None:
                continue
            begin = number * self.rate
            lo, hi = max(first, begin), min(first + count, begin + page.shape[1])
            if hi > lo:
                part = page[:, lo - begin : hi - begin]
                out[:, lo - first : hi - first] += part if gain == 1.0 else part * np.float32(gain)

    def peak(self, first: int, stop: int) -> float:
        """The largest sample in [first, stop), as far as it is in memory."""
        largest = 0.0
        for number in self.numbers(first, stop):
            page = self.pages.get(number)
            if page is not None:
                begin = number * self.rate
                largest = max(largest, float(np.abs(page[:, max(first - begin, 0) : stop - begin]).max(initial=0.0)))
        return largest

    def numbers(self, first: int, stop: int) -> range:
        """The pages of the song that samples [first, stop) lie on."""
        last = -(-min(stop, self.frames) // self.rate)
        return range(max(first, 0) // self.rate, last)

    def missing(self, first: int, stop: int) -> list[tuple[int, int]]:
        """The stretches of samples around [first, stop) that are not there."""
        lacking = [number for number in self.numbers(first, stop) if number not in self.pages]
        return [(number * self.rate, (number + 1) * self.rate) for number in lacking]


Place = Callable[[], tuple[int, tuple[int, int] | None]]
"""The playhead and the loop, in samples of the device."""


class Pager:
    """Fetches pages on a thread of its own. `arrived` is called there after every page that came or failed."""

    def __init__(self, reader: EdgeReader, place: Place, arrived: Callable[[Track], None]) -> None:
        self.reader = reader
        self.mixture: Address | None = None
        self.urgent: tuple[Track, ...] = ()
        """Tracks that are heard, or about to be."""
        self.ready: tuple[Track, ...] = ()
        """Tracks that may be switched to at any moment."""
        self._place, self._arrived = place, arrived
        self._wake = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="pages", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def poke(self, *, computed: bool = False) -> None:
        """Something else may be wanted, or (`computed`) what was absent may be there now."""
        if computed:
            for track in (*self.urgent, *self.ready):
                track.absent.clear()
        self._wake.set()

    def fetch_all(self) -> None:
        """Fetch what is wanted now, on this thread."""
        while self._fetch_next():
            pass

    def fetch(self, track: Track, number: int) -> None:
        """Fetch one page on this thread; it stays absent if it is not computed yet."""
        rate, total, start = track.rate, track.total, Fraction(0)
        if track.preview is not None:
            start, stop = track.preview.stretch
            total = stop - start
        page = (Fraction(number) - start, min(Fraction(number + 1) - start, total))
        try:
            heard = self._heard(track, page, total) if 0 <= page[0] < page[1] else None
        except NotAudible as error:
            track.trouble = str(error)
            return
        if heard is None:
            track.absent[number] = time.monotonic()
            return
        sound = resample(heard, rate)
        begin = int(page[0] * rate) - sound.span.start
        end = min(int(page[0] * rate) + rate, sound.span.total) - sound.span.start
        track.pages[number] = np.array(stereo(sound)[:, begin:end], np.float32, order="C")

    def _work(self) -> None:
        while not self._ended:
            try:
                found = self._fetch_next()
            except Exception:
                log.exception("a page could not be fetched")
                found = False
            if not found:
                self._wake.wait(_RETRY_SECONDS / 4)
                self._wake.clear()

    def _fetch_next(self) -> bool:
        """Fetch the most urgent page; False if there is none to fetch."""
        now = time.monotonic()
        for track, number in self._wanted():
            if number in track.pages or now - track.absent.get(number, -1e9) < _RETRY_SECONDS or track.trouble:
                continue
            self.fetch(track, number)
            self._arrived(track)
            return True
        self._evict()
        return False

    def _wanted(self) -> Iterator[tuple[Track, int]]:
        playhead, loop = self._place()
        urgent, ready = self.urgent, self.ready
        for track in (*urgent, *ready):
            yield from ((track, number) for number in _numbers(track, playhead, 1))
        for track in urgent:
            yield from ((track, number) for number in _numbers(track, playhead, _AHEAD))
            if loop is not None:
                yield from ((track, number) for number in _numbers(track, loop[0], 1))
        for track in ready:
            yield from ((track, number) for number in _numbers(track, playhead, 2))

    def _heard(self, track: Track, page: Interval, total: Fraction) -> Audio | None:
        """The sound of a track on a page, and as much around it as it takes to transform or resample it."""
        reader = track.preview or self.reader
        value = reader.read(track.address, page)
        if isinstance(value, Timed):
            track.reach = margin(value) + (_EDGE if value.rate != track.rate else 0)
        wider = _wider(page, track.reach, total)
        if wider != page:
            value = reader.read(track.address, wider)
        if value is None:
            return None
        if isinstance(value, Stems):
            track.stems = tuple(value)
        mixture = None
        if margin(value) and self.mixture is not None:
            found = reader.read(self.mixture, wider)
            mixture = found if isinstance(found, Audio) else None
            if found is None:
                return None
        heard = audible(value, stem=track.stem, mixture=mixture)
        track.note = heard.note
        return heard.audio

    def _evict(self) -> None:
        """Keep within the limit; tracks that nobody asks for keep nothing of theirs alive."""
        tracks = dict.fromkeys((*self.urgent, *self.ready))
        held = [(track, number) for track in tracks for number in track.pages]
        nbytes = sum(track.pages[number].nbytes for track, number in held)
        if nbytes <= LIMIT_BYTES:
            return
        playhead, _ = self._place()
        held.sort(key=lambda at: -abs(at[1] - playhead / at[0].rate))
        for track, number in held:
            if nbytes <= LIMIT_BYTES * 3 // 4:
                return
            nbytes -= track.pages.pop(number).nbytes


def _numbers(track: Track, at: int, count: int) -> Iterable[int]:
    first = max(at, 0) // track.rate
    return range(first, min(first + count, -(-track.frames // track.rate)))


def _wider(stretch: Interval, by: Fraction, total: Fraction) -> Interval:
    return max(stretch[0] - by, Fraction(0)), min(stretch[1] + by, total)
