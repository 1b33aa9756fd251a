"""The listening desk of an editor: click an edge and it plays, from the same moment of the song, without a gap.

    deck = Deck(live, Span.whole(frames, rate))    # a LiveEngine and the song
    deck.hear(Take.of(Address("hpss", "out")))
    deck.play()

All methods return at once and belong to one thread, that of the user. Another edge is crossfaded to as soon as its
sound is in memory, or as soon as it is known that it has to be computed first: then there is silence until it comes.
After an edit the old sound goes on until the new one is there (`status.stale`). Where a whole-track node makes all
wait for the song, the engine's preview of the region is heard until then (`status.previewed`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from midistems_graph.audio.output_base import AudioOut
from midistems_graph.audio.player import Health, Player, open_output
from midistems_graph.audio.values import Span, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition import offline
from midistems_graph.editor.audition.figures import Question
from midistems_graph.editor.audition.meters import Levels
from midistems_graph.editor.audition.mixer import SILENCE, Mixer
from midistems_graph.editor.audition.pages import Interval, Pager, Track
from midistems_graph.editor.audition.program import PLAIN, Monitor, Program
from midistems_graph.editor.audition.takes import SLOTS, Take, slots_with
from midistems_graph.editor.audition.tracks import Previews, Tracks
from midistems_graph.editor.audition.transport import Transport

_FOCUS_SECONDS = 10
"""What is computed first without a loop: so much from the playhead on."""


_NOWHERE: Mapping[str, str] = MappingProxyType({})


class Engine(Previews, Protocol):
    """What a deck needs of a `LiveEngine`."""

    def read(self, address: Address, stretch: Interval) -> Value | None: ...

    def want(self, address: Address, first: Interval, priority: int = 0) -> None: ...

    def forget(self, address: Address) -> None: ...


@dataclass(frozen=True)
class DeckStatus:
    """One look at the deck. `sample` is the place in the song, `waiting` says that there is silence until something is
    computed, `stale` that the sound from before an edit is still heard, `previewed` that the region stands in for the
    song, `switching` that what is measured is not yet the take alone, `note` how an edge was made audible."""

    sample: int
    playing: bool
    waiting: bool
    stale: bool
    previewed: bool
    switching: bool
    levels: Levels
    health: Health
    take: Take | None
    note: str


class Deck:
    """Plays takes of one song. `mixture` is the edge that lends its phase to masks and magnitudes, `ahead` how many
    seconds are rendered before the device asks for them, `previews` gives what stands in for edges (the engine)."""

    def __init__(
        self,
        engine: Engine,
        song: Span,
        *,
        out: AudioOut | None = None,
        mixture: Address | None = None,
        ahead: float = 0.0,
        previews: Previews | None = None,
    ) -> None:
        self.engine, self.song = engine, song
        self.slots: tuple[Take | None, ...] = (None,) * SLOTS
        self.monitor = PLAIN
        self._take: Take | None = None
        self._wish: Program | None = None
        self._patient = False
        self._wanted: set[Address] = set()
        self._expected: tuple[Take, ...] = ()
        self._reach: dict[Address, Fraction] = {}
        self._turn = 0
        self.edits = 0
        """Versions of the graph so far."""
        self._lock = threading.RLock()
        self._resumes = False
        self.mixer = Mixer(Transport(song.rate, song.total))
        self.pager = Pager(engine, self._place, self._arrived)
        self.use_mixture(mixture)
        self.player = Player(out or open_output(), self.mixer, ahead=ahead)
        self.tracks = Tracks(previews or engine, song, self.mixer.rate)
        self.mixer.retargeted = self._renew

    def start(self, *, threads: bool = True) -> None:
        """Open the ears. Without threads somebody pumps the player and fetches pages (tests)."""
        self.player.start(worker=threads)
        if threads:
            self.pager.start()

    def close(self) -> None:
        self.pager.close()
        self.player.close()

    # What is heard

    def hear(self, take: Take, monitor: Monitor | None = None, *, blind: bool = False) -> None:
        """Switch to a take at the same place of the song, through another monitor if one is given.

        `blind` switches through a short silence, even to the same take, so that the switch itself tells nothing.
        """
        with self._lock:
            self._take, self.monitor = take, monitor or self.monitor
            self._turn += blind
            self._switch(patient=False)

    def listen_through(self, monitor: Monitor) -> None:
        """Mid, side, a band, a boost: for whatever is heard from now on."""
        with self._lock:
            self.monitor = monitor
            self._switch(patient=False)

    def expect(self, takes: Sequence[Take]) -> None:
        """Takes that may be switched to at any moment, beside those under the number keys."""
        with self._lock:
            if self._expected != (takes := tuple(takes)):
                self._expected = takes
                self._fetch_wanted()

    def use_mixture(self, mixture: Address | None) -> None:
        """From now on another edge lends its phase. Call `changed` after it."""
        self.mixture = self.pager.mixture = mixture

    def changed(self, moved: Mapping[str, str] = _NOWHERE) -> None:
        """The graph was edited: go on with the old sound until the new one is there.

        `moved` are nodes that have other addresses now, old to new.
        """
        with self._lock:
            self._take = self._take and self._take.moved(moved)
            self.slots = tuple(take and take.moved(moved) for take in self.slots)
            self._expected = tuple(take.moved(moved) for take in self._expected)
            self.tracks.forget()
            self.edits += 1
            self._switch(patient=True)

    def forget(self) -> None:
        """Another document: nothing of the old one is heard, kept or known."""
        self.play(False)
        with self._lock:
            self._take = self._wish = None
            self._patient = False
            self.slots, self._expected = (None,) * SLOTS, ()
            self.tracks.forget_stems()
            self._use(SILENCE)
            self._fetch_wanted()

    def computed(self) -> None:
        """Something was computed; what was absent may be there now."""
        self.pager.poke(computed=True)
        with self._lock:
            self._settle()
            self._fetch()

    def keep(self, number: int, take: Take) -> None:
        """Put a take under a number key. Raises ValueError for a number other than 0 to 9."""
        with self._lock:
            self.slots = slots_with(self.slots, number, take)
            self._fetch_wanted()

    def recall(self, number: int) -> bool:
        """Hear what is under a number key; False if it is empty."""
        take = self.slots[number]
        if take is not None:
            self.hear(take)
        return take is not None

    def at_volume(self, db: float) -> None:
        """How loud it comes from the speakers; what is measured and exported is before that."""
        self.mixer.volume = 10 ** (db / 20)
        self.player.refresh()

    # Where in the song

    @property
    def transport(self) -> Transport:
        return self.mixer.transport

    def play(self, playing: bool = True) -> None:
        """Go on, from the beginning (of the loop) when the song is over; or pause."""
        if playing and self.sample >= self.song.total:
            self.seek(self.transport.loop[0] if self.transport.loop else 0)
        self._move(self.transport.play(playing))

    def toggle(self) -> None:
        """Play, or pause what plays; a song that is over does not."""
        self.play(not self.is_playing)

    @property
    def is_playing(self) -> bool:
        """Whether it plays and the song is not over."""
        return self.transport.playing and self.sample < self.song.total

    def seek(self, sample: int) -> None:
        self._move(self.transport.seek(sample))

    def loop(self, start: int, stop: int) -> None:
        """Repeat the samples [start, stop) of the song, from its start if one is elsewhere.

        Raises ValueError for less than 10 ms.
        """
        looped = self.transport.looped(start, stop)
        start, stop = looped.loop or (0, self.song.total)
        self._move(looped if start <= self.sample < stop else looped.seek(start))

    def unloop(self) -> None:
        self._move(self.transport.unlooped())

    def at_speed(self, speed: float) -> None:
        """1, 0.5 or 0.25. Raises ValueError for others."""
        self._move(self.transport.at_speed(speed))

    def scrub(self, sample: int) -> None:
        """Hear the song at a place while it is dragged over; `release` ends that."""
        if not self._resumes:
            self._resumes = not self.transport.playing
        self._move(self.transport.seek(sample).play())

    def release(self) -> None:
        """The end of scrubbing: pause again if it was paused before."""
        if self._resumes:
            self._resumes = False
            self._move(self.transport.play(False))

    @property
    def sample(self) -> int:
        """The sample of the song that is handed to the device now."""
        state, ahead = self.player.heard
        return int(self.mixer.song_sample(state, ahead))

    # What is known

    @property
    def status(self) -> DeckStatus:
        """A look for a status bar."""
        state, _ = self.player.heard
        with self._lock:
            wish, take, program = self._wish, self._take, self.mixer.program
        previewed = any(track.preview for track in program.tracks)
        tracks = program.tracks if previewed or wish is None else wish.tracks
        elsewhere = not previewed and wish is not None and program != wish
        note = next((track.trouble or track.note for track in tracks if track.trouble or track.note), "")
        return DeckStatus(
            sample=self.sample,
            playing=self.is_playing,
            waiting=state.waiting and state.voice.sounds,
            stale=self._patient and elsewhere,
            previewed=previewed,
            switching=state.old is not None or state.voice.program is not program or (elsewhere and not self._patient),
            levels=state.levels,
            health=self.player.health,
            take=take,
            note=note,
        )

    def levels(self, address: Address, stems: Sequence[str]) -> tuple[float, ...]:
        """The largest sample of each stem on an edge in the 50 ms before the playhead; 0 while it is not in memory."""
        return self.tracks.levels(address, stems, self._place()[0])

    def measure(self, question: Question) -> float:
        """Loudness or level of a take; takes its time, on any thread. Raises NotComputed, NotAudible."""
        figure = offline.loudness if question.figure == "lufs" else offline.level_db
        return figure(self.engine, question.take, self.song, question.region, self.mixture)

    def exporter(self, path: Path, region: tuple[int, int], format: str = "wav") -> Callable[[], None]:
        """What writes a region of what is heard now to a file; takes its time, on any thread.

        Raises NotComputed without a take; the work raises NotComputed, NotAudible and SoundFileError.
        """
        if self._take is None:
            raise offline.NotComputed("nothing is heard; click an edge first")
        export = partial(offline.export, path, self.engine, self._take, self.song, region)
        return partial(export, monitor=self.monitor, mixture=self.mixture, format=format)

    @property
    def region(self) -> tuple[int, int]:
        """The loop, or the song, in samples."""
        return self.transport.loop or (0, self.song.total)

    # Between user, pages and player

    def _move(self, transport: Transport) -> None:
        with self._lock:
            self.mixer.transport = transport
            self._fetch_wanted()
        self.player.refresh()

    def _renew(self) -> None:
        """The device has another rate: all pages are of no use."""
        with self._lock:
            self.tracks.renew(self.mixer.rate)
            self._reach.clear()
            self._switch(patient=False)

    def _switch(self, *, patient: bool) -> None:
        if self._take is None:
            return
        tracks = [self.tracks.of(part.address, part.stem) for part in self._take.parts]
        self._wish, self._patient = self._program(tracks), patient
        self._settle()
        self._fetch_wanted()

    def _program(self, tracks: Sequence[Track]) -> Program:
        """What is heard, from these tracks for the parts of the take."""
        assert self._take is not None
        gain = 10 ** (self._take.gain_db / 20)
        parts = tuple((track, part.gain * gain) for track, part in zip(tracks, self._take.parts, strict=True))
        return Program(parts, self.monitor, self._turn)

    def _settle(self) -> None:
        """Play what is wished for, if it has sound here; else its preview; else, unless we are patient, silence."""
        wish = self._wish
        if wish is None:
            return
        first = self._place()[0]
        stop = first + self.player.depth * self.player.out.period
        if wish.is_there(first, stop):
            self._patient = False
            self._use(wish)
            return
        tracks = [t if _is_there(t, first, stop) else self.tracks.stand_in(t) for t in wish.tracks]
        if None not in tracks:
            stand_in = self._program([track for track in tracks if track is not None])
            if stand_in.is_there(first, stop):
                self._use(stand_in)
                return
        absent = any(number in track.absent for track in wish.tracks for number in track.numbers(first, stop))
        if absent and not self._patient:
            self._use(wish)

    def _use(self, program: Program) -> None:
        if program != self.mixer.program:
            self.mixer.program = program
            self._fetch()
            self.player.refresh()

    def _arrived(self, track: Track) -> None:
        """A page came, or is known not to be there (on the pages' thread)."""
        with self._lock:
            if track.reach > self._reach.get(track.address, 0):
                self._reach[track.address] = track.reach
                self._fetch_wanted()
            self._settle()
            if self.mixer.state.waiting and track in self.mixer.program.tracks:
                self.player.refresh()

    def _fetch(self) -> None:
        """Tell the pages what is listened to, and what may be next."""
        wish = self._wish.tracks if self._wish else ()
        ready = [self.tracks.of(part.address, part.stem) for take in self._next_takes for part in take.parts]
        self.pager.urgent = tuple(dict.fromkeys((*wish, *self.tracks.stand_ins(wish), *self.mixer.program.tracks)))
        self.pager.ready = tuple(dict.fromkeys((*ready, *self.tracks.stand_ins(ready))))
        self.pager.poke()

    def _fetch_wanted(self) -> None:
        """Tell pages and engine what is listened to, and what may be next."""
        self._fetch()
        heard = self._take.addresses if self._take else ()
        start, stop = self._focus()
        wanted = dict.fromkeys(address for take in self._next_takes for address in take.addresses)
        wanted |= dict.fromkeys(heard)
        for address in wanted:
            reach = self._reach.get(address, 0)  # what is heard there takes a little around it
            first = max(start - reach, Fraction(0)), min(stop + reach, self.tracks.total)
            self.engine.want(address, first, 0 if address in heard else 1)
        for address in self._wanted - wanted.keys():
            self.engine.forget(address)
        self._wanted = set(wanted)

    @property
    def _next_takes(self) -> tuple[Take, ...]:
        return (*(take for take in self.slots if take is not None), *self._expected)

    def _focus(self) -> Interval:
        start, stop = self.transport.loop or (self.sample, self.sample + _FOCUS_SECONDS * self.song.rate)
        return Fraction(start, self.song.rate), Fraction(min(stop, self.song.total), self.song.rate)

    def _place(self) -> tuple[int, tuple[int, int] | None]:
        """Playhead and loop in samples of the device; the place of a jump that is not made yet counts."""
        state, ahead = self.player.heard
        transport, mixer = self.mixer.transport, self.mixer
        loop = transport.loop
        sample = transport.target if state.jump != transport.jump else int(mixer.song_sample(state, ahead))
        return mixer.device_sample(sample), loop and (mixer.device_sample(loop[0]), mixer.device_sample(loop[1]))


def _is_there(track: Track, first: int, stop: int) -> bool:
    return bool(track.trouble) or not track.missing(first, stop)
