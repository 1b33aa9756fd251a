"""The listening desk as its user knows it: edge A and edge B, a stem mixer for each, toggles, a blind test.

    desk = Desk(deck)
    desk.hear(Address("hpss", "out"))      # a click: the edge takes the letter that is not heard, and is heard
    desk.hear_letter("A")
    desk.compare("difference")

It decides what the deck plays and shows (`view`). All methods belong to the user's thread and return at once; `tick`
is called before every frame. What cannot be done raises `NotOnDesk` with a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.abx import Abx, Letter
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.figures import Figures, Question
from midistems_graph.editor.audition.offline import matching_gains
from midistems_graph.editor.audition.program import PLAIN, Monitor, Side
from midistems_graph.editor.audition.takes import DIFFERENCE_BOOST_DB, Channel, StemMixer, Take, difference

Band = Literal["low", "middle", "high"]

BANDS: Mapping[Band, tuple[float, float]] = {"low": (0.0, 250.0), "middle": (250.0, 4000.0), "high": (4000.0, 1e6)}
"""What can be heard alone, in Hz."""

GAIN_DB = (-60.0, 12.0)
"""The range of a stem's gain."""

Heard = Letter | Literal["difference", "X"]


class NotOnDesk(Exception):
    """Something cannot be listened to in this way now; one sentence."""


@dataclass(frozen=True)
class Strip:
    """One stem in the mixer: its channel, whether it is heard, and the level before the playhead (linear)."""

    stem: str
    channel: Channel
    audible: bool
    level: float
    chosen: bool


@dataclass(frozen=True)
class BlindTest:
    """What may be seen of a blind test: what plays, and for each answer whether it was right (None: not told yet)."""

    plays: Heard
    planned: int
    answers: tuple[bool | None, ...]
    verdict: str


@dataclass(frozen=True)
class DeskView:
    """The desk at one moment. `gains` are those of matching in dB (None: not known yet, or not asked for),
    `difference_db` is the level of the difference of A and B."""

    edges: Mapping[Letter, str] = field(default_factory=dict)
    heard: Heard = "A"
    matching: bool = False
    gains: Mapping[Letter, float] | None = None
    boosted: bool = False
    difference_db: float | None = None
    side: Side = "stereo"
    band: Band | None = None
    speed: float = 1.0
    strips: tuple[Strip, ...] = ()
    blind: BlindTest | None = None


@dataclass(frozen=True)
class _Playing:
    """What the deck is to play, what may be next, and whether switches are to tell nothing."""

    take: Take | None = None
    monitor: Monitor = PLAIN
    expected: tuple[Take, ...] = ()
    blind: bool = False


class Desk:
    """Listens through a deck."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck
        self.figures = Figures(deck.measure)
        self.edges: dict[Letter, Address] = {}
        self.letter: Letter = "A"
        self.is_difference = self.matching = self.boosted = False
        self.side: Side = "stereo"
        self.band: Band | None = None
        self.mixers: dict[Address, StemMixer] = {}
        self.channel = 0
        """The stem that keys act on, by its place."""
        self.abx: Abx | None = None
        self._plays: Heard = "A"
        self._gains: dict[Letter, float] | None = None
        self._playing = _Playing()

    def close(self) -> None:
        self.figures.close()

    # Which edges

    @property
    def edge(self) -> Address | None:
        """The edge under the letter that is heard; during a blind test the one under A."""
        return self.edges.get("A" if self.abx else self.letter)

    @property
    def other(self) -> Address | None:
        """The edge under the other letter."""
        return self.edges.get("B" if self.abx else _other(self.letter))

    def hear(self, address: Address) -> None:
        """Play an edge: it takes the place of the one that is not heard."""
        self._refuse_in_test()
        self.is_difference = False
        if self.edges.get(self.letter) != address:
            if self.letter in self.edges:
                self.letter = _other(self.letter)
            self.edges[self.letter] = address
            self.channel = 0
        self._play()

    def hear_letter(self, letter: Letter) -> None:
        """Play edge A or edge B, in a blind test too."""
        self._needs(letter)
        if self.abx is not None:
            self._plays = letter
        else:
            self.letter, self.is_difference = letter, False
        self._play()

    def swap(self) -> None:
        """From A to B or back."""
        if self.abx is not None:
            self.hear_letter("A" if self._plays != "A" else "B")
        else:
            self._needs("A", "B")
            self.hear_letter(_other(self.letter))

    def toggle_difference(self) -> None:
        """Hear what is left of A without B, or no longer."""
        self._refuse_in_test()
        self._needs("A", "B")
        self.is_difference = not self.is_difference
        self._play()

    def toggle_boost(self) -> None:
        """The difference 20 dB louder, or as it is."""
        self.boosted = not self.boosted
        self._play()

    def toggle_matching(self) -> None:
        """A and B at equal loudness (LUFS of the loop, or the song): the louder one is turned down."""
        self._refuse_in_test()
        self._needs("A", "B")
        self.matching, self._gains = not self.matching, None
        self._play()

    def keep(self, number: int) -> None:
        """Keep the edge that is heard under a number key."""
        if self.edge is None:
            raise NotOnDesk("nothing is heard; click an edge first")
        self.deck.keep(number, self._take(self.letter))

    def recall(self, number: int) -> None:
        """Play the edge that is kept under a number key."""
        kept = self.deck.slots[number]
        if kept is None:
            raise NotOnDesk(f"nothing is kept under {number}; hear an edge and press Ctrl+{number}")
        self.hear(kept.addresses[0])

    def forget(self) -> None:
        """Another document: nothing is heard any more."""
        self.deck.play(False)
        self.edges.clear()
        self.mixers.clear()
        self.letter, self.is_difference, self.abx = "A", False, None
        self.deck.expect(())

    # Through what

    def toggle_side(self, side: Side) -> None:
        """Mid or side alone, or both again."""
        self.side = "stereo" if self.side == side else side
        self._play()

    def toggle_band(self, band: Band) -> None:
        """A band alone, or all again."""
        self.band = None if self.band == band else band
        self._play()

    def toggle_half_speed(self) -> None:
        self.deck.at_speed(1.0 if self.deck.transport.speed < 1 else 0.5)

    # The stem mixer

    @property
    def mixer(self) -> StemMixer | None:
        """The mixer of the edge that is heard; None if it carries no stems, or they are not known yet."""
        if self.edge is None:
            return None
        stems = self.deck.stems(self.edge)
        known = self.mixers.get(self.edge)
        if stems and (known is None or known.stems != stems):
            channels = {s: c for s, c in known.channels.items() if s in stems} if known else {}
            self.mixers[self.edge] = known = StemMixer(self.edge, stems, channels)
        return known

    def choose(self, channel: int) -> None:
        """Let keys act on another stem."""
        mixer = self._needs_mixer()
        self.channel = min(max(channel, 0), len(mixer.stems) - 1)

    def toggle_solo(self, channel: int | None = None) -> None:
        self._with_channel(channel, lambda now: replace(now, solo=not now.solo))

    def toggle_mute(self, channel: int | None = None) -> None:
        self._with_channel(channel, lambda now: replace(now, mute=not now.mute))

    def set_gain(self, gain_db: float, channel: int | None = None) -> None:
        """The gain of a stem in dB, within -60 to 12."""
        self._with_channel(channel, lambda now: replace(now, gain_db=min(max(gain_db, GAIN_DB[0]), GAIN_DB[1])))

    def change_gain(self, by_db: float) -> None:
        """A louder or quieter stem: the chosen one."""
        mixer = self._needs_mixer()
        self.set_gain(mixer.channel(mixer.stems[self.channel]).gain_db + by_db)

    def reset_mixer(self) -> None:
        """All stems as they are."""
        mixer = self._needs_mixer()
        self.mixers[mixer.address] = StemMixer(mixer.address, mixer.stems)
        self._play()

    def _with_channel(self, number: int | None, change: Callable[[Channel], Channel]) -> None:
        mixer = self._needs_mixer()
        self.channel = self.channel if number is None else number
        stem = mixer.stems[min(self.channel, len(mixer.stems) - 1)]
        self.mixers[mixer.address] = mixer.with_channel(stem, change(mixer.channel(stem)))
        self._play()

    def _needs_mixer(self) -> StemMixer:
        mixer = self.mixer
        if mixer is None:
            raise NotOnDesk("the edge that is heard carries no stems; click one that does")
        self._refuse_in_test()
        return mixer

    # The blind test

    def toggle_abx(self) -> None:
        """Begin a blind test of A and B, or end it."""
        if self.abx is not None:
            self.abx = None
        else:
            self._needs("A", "B")
            if self.edges["A"] == self.edges["B"]:
                raise NotOnDesk("A and B are the same edge; hear another one first")
            self.is_difference = False
            self.abx, self._plays = Abx(), "X"
        self._play()

    def hear_x(self) -> None:
        self._needs_test()
        self._plays = "X"
        self._play()

    def answer(self, letter: Letter) -> None:
        """Say what X is."""
        abx = self._needs_test()
        if abx.is_over:
            raise NotOnDesk(f"all {abx.planned} trials are answered; end the test and begin another one")
        abx.answer(letter)
        self._plays = "A" if abx.is_over else "X"
        self._play()

    def _needs_test(self) -> Abx:
        if self.abx is None:
            raise NotOnDesk("no blind test is under way; begin one first")
        return self.abx

    # To the deck

    def tick(self) -> None:
        """Follow what came to be known in the meantime: loudness, stems."""
        if self.matching and self.abx is None and len(self.edges) == 2:
            levels = {letter: self._figure("lufs", self._unmatched(letter)) for letter in self.edges}
            known = {letter: level for letter, level in levels.items() if level is not None}
            gains = dict(zip(known, matching_gains(list(known.values())), strict=True)) if len(known) == 2 else None
            if gains is not None and gains != self._gains:
                self._gains = gains
                self._play()
        if self._playing != self._to_play():
            self._play()

    @property
    def view(self) -> DeskView:
        """The desk at this moment."""
        both = len(self.edges) == 2
        level = None
        if both and self.is_difference:
            level = self._figure("db", difference(self._unmatched("A"), self._unmatched("B")))
        return DeskView(
            edges={letter: str(address) for letter, address in self.edges.items()},
            heard=self._plays if self.abx else "difference" if self.is_difference else self.letter,
            matching=self.matching,
            gains=self._gains if self.matching else None,
            boosted=self.boosted,
            difference_db=level,
            side=self.side,
            band=self.band,
            speed=self.deck.transport.speed,
            strips=self._strips(),
            blind=self._blind_view(),
        )

    def _strips(self) -> tuple[Strip, ...]:
        mixer = None if self.abx or self.is_difference else self.mixer
        if mixer is None:
            return ()
        sounds = self.deck.transport.playing
        levels = self.deck.levels(mixer.address, mixer.stems) if sounds else (0.0,) * len(mixer.stems)
        strips = []
        for number, (stem, level) in enumerate(zip(mixer.stems, levels, strict=True)):
            gain = mixer.gain(stem)
            strips.append(Strip(stem, mixer.channel(stem), gain > 0, level * gain, number == self.channel))
        return tuple(strips)

    def _blind_view(self) -> BlindTest | None:
        abx = self.abx
        if abx is None:
            return None
        told = abx.is_over
        answers = tuple(was == said if told else None for was, said in abx.answers)
        return BlindTest(self._plays, abx.planned, answers, abx.verdict if told else "")

    def _play(self) -> None:
        """Have the deck play what is chosen."""
        before, self._playing = self._playing, self._to_play()
        playing = self._playing
        self.deck.expect(playing.expected)
        if playing.take is not None:
            self.deck.hear(playing.take, playing.monitor, blind=playing.blind or before.blind)

    def _to_play(self) -> _Playing:
        takes = {letter: self._take(letter) for letter in self.edges}
        stems = [Take.of(mixer.address, stem) for mixer in (self.mixer,) if mixer for stem in mixer.stems]
        boost = DIFFERENCE_BOOST_DB if self.is_difference and self.boosted else 0.0
        monitor = Monitor(self.side, BANDS[self.band] if self.band else None, boost)
        take = takes.get(self.letter)
        if self.abx is not None:
            take = takes[self.abx.hidden() if self._plays == "X" else "B" if self._plays == "B" else "A"]
        elif self.is_difference:
            take = difference(self._unmatched("A"), self._unmatched("B"))
        return _Playing(take, monitor, (*takes.values(), *stems), self.abx is not None)

    def _take(self, letter: Letter) -> Take:
        gain = self._gains[letter] if self.matching and self._gains else 0.0
        return replace(self._unmatched(letter), gain_db=gain)

    def _unmatched(self, letter: Letter) -> Take:
        address = self.edges[letter]
        mixer = self.mixers.get(address)
        return Take.of(address) if mixer is None or mixer.is_plain else mixer.take

    def _figure(self, figure: Literal["lufs", "db"], take: Take) -> float | None:
        level = self.figures.get(Question(figure, Take(take.parts), self.deck.region, self.deck.edits))
        return -math.inf if level is not None and math.isnan(level) else level

    def _needs(self, *letters: Letter) -> None:
        if any(letter not in self.edges for letter in letters):
            raise NotOnDesk("hear two edges first: click one, then the other; they are A and B")

    def _refuse_in_test(self) -> None:
        if self.abx is not None:
            raise NotOnDesk("a blind test is under way; end it first")


def _other(letter: Letter) -> Letter:
    return "B" if letter == "A" else "A"
