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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.abx import Abx, Letter
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.desk_view import BlindTest, DeskView, Heard, Strip
from midistems_graph.editor.audition.figures import Figures, Question
from midistems_graph.editor.audition.offline import matching_gains
from midistems_graph.editor.audition.program import PLAIN, Band, Monitor, Side
from midistems_graph.editor.audition.stem_mixers import StemMixers
from midistems_graph.editor.audition.takes import DIFFERENCE_BOOST_DB, StemMixer, Take, difference, moved_to
from midistems_graph.editor.model.bands import OWN_HZ

BANDS: Mapping[str, Band] = {"low": (0.0, 250.0), "middle": (250.0, 4000.0), "high": (4000.0, 1e6)}
"""What can be heard alone, by name, beside a band of one's own (`OWN`)."""

OWN = "own"


class NotOnDesk(Exception):
    """Something cannot be listened to in this way now; one sentence."""


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
        self.band = ""
        """The name of the band that is heard alone."""
        self.own_band: Band = (300.0, 3000.0)
        self.mixers = StemMixers(self._mixed, self._play)
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
            self.mixers.chosen = 0
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
        self.edges.clear()
        self.mixers.channels = {}
        self.letter, self.is_difference, self.abx = "A", False, None
        self._playing = _Playing()
        self.deck.forget()

    def go_on_as(self, before: Desk) -> None:
        """Another song takes the place of the one of another desk: the same edges, kept and heard, in the same way."""
        self.edges, self.letter = dict(before.edges), before.letter
        self.side, self.band, self.own_band = before.side, before.band, before.own_band
        self.matching, self.boosted = before.matching, before.boosted
        self.mixers.channels = before.mixers.channels
        for number, take in enumerate(before.deck.slots):
            if take is not None:
                self.deck.keep(number, take)
        self._play()

    # Through what

    def toggle_side(self, side: Side) -> None:
        """Mid or side alone, or both again."""
        self.side = "stereo" if self.side == side else side
        self._play()

    def toggle_band(self, band: str) -> None:
        """A band alone, by its name in `BANDS` or `OWN`, or all again."""
        self.band = "" if self.band == band else band
        self._play()

    def hear_own_band(self, low: float, high: float) -> None:
        """A band of one's own alone, in Hz. Raises NotOnDesk for one that there is not."""
        if not OWN_HZ[0] <= low < high <= OWN_HZ[1]:
            raise NotOnDesk(
                f"a band goes from a lower to a higher frequency between {OWN_HZ[0]:g} and {OWN_HZ[1]:g} Hz; "
                f"{low:g} to {high:g} Hz is none"
            )
        self.own_band, self.band = (low, high), OWN
        self._play()

    def toggle_half_speed(self) -> None:
        self.deck.at_speed(1.0 if self.deck.transport.speed < 1 else 0.5)

    @property
    def mixer(self) -> StemMixer | None:
        """The mixer of the edge that is heard; None if it carries no stems, or they are not known yet."""
        stems = self.deck.tracks.stems(self.edge) if self.edge else ()
        return self.mixers.of(self.edge, stems) if self.edge and stems else None

    def _mixed(self) -> tuple[Address, tuple[str, ...]]:
        """The edge whose stems are mixed."""
        mixer = self.mixer
        if mixer is None:
            raise NotOnDesk("the edge that is heard carries no stems; click one that does")
        self._refuse_in_test()
        return mixer.address, mixer.stems

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

    def changed(self, moved: Mapping[str, str]) -> None:
        """The graph was edited; some nodes have other addresses now, old to new."""
        self.edges = {letter: moved_to(address, moved) for letter, address in self.edges.items()}
        self.mixers.move(moved)
        self.deck.changed(moved)

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
            own_band=self.own_band,
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
            strips.append(Strip(stem, mixer.channel(stem), gain > 0, level * gain, number == self.mixers.chosen))
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
        band = self.own_band if self.band == OWN else BANDS.get(self.band)
        monitor = Monitor(self.side, band, boost)
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
        mixer = self.mixers.of(address, self.deck.tracks.stems(address))
        return Take.of(address) if mixer.is_plain else mixer.take

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
