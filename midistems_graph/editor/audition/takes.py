"""What one can listen to, as plain descriptions: an edge, chosen stems of it, or the difference of two edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from midistems_graph.document.graph import Address, Channel

DIFFERENCE_BOOST_DB = 20.0
SLOTS = 10


@dataclass(frozen=True)
class Part:
    """An edge, or one stem on it, with a linear gain (negative: subtracted)."""

    address: Address
    stem: str = ""
    gain: float = 1.0


@dataclass(frozen=True)
class Take:
    """Parts that are added, and a gain in dB for the whole (from matching loudness)."""

    parts: tuple[Part, ...]
    gain_db: float = 0.0

    @classmethod
    def of(cls, address: Address, stem: str = "") -> Take:
        """One edge, or one stem on it."""
        return cls((Part(address, stem),))

    def moved(self, nodes: Mapping[str, str]) -> Take:
        """The same of nodes that have other addresses now, old to new."""
        parts = tuple(replace(part, address=moved_to(part.address, nodes)) for part in self.parts)
        return self if parts == self.parts else replace(self, parts=parts)

    @property
    def name(self) -> str:
        """`hpss.out`, `drums.out kick`, `mix.out - hpss.out`; of many stems the edge alone."""

        def named(parts: list[Part]) -> str:
            stems = [part.stem for part in parts if part.stem]
            edges = " + ".join(dict.fromkeys(str(part.address) for part in parts))
            return f"{edges} {stems[0]}" if len(stems) == len(parts) == 1 else edges

        added, taken = ([p for p in self.parts if (p.gain < 0) == less] for less in (False, True))
        return " - ".join(named(parts) for parts in (added, taken) if parts)

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(dict.fromkeys(part.address for part in self.parts))


def moved_to(address: Address, nodes: Mapping[str, str]) -> Address:
    """An address after some nodes have got others, old to new."""
    return replace(address, node=nodes.get(address.node, address.node))


def difference(a: Take, b: Take) -> Take:
    """What is left of one take when the other is taken away, sample by sample; gains of matching do not count."""
    taken = tuple(replace(part, gain=-part.gain) for part in b.parts)
    return Take((*a.parts, *taken))


@dataclass(frozen=True)
class StemMixer:
    """A mixer over the stems of one edge: soloed stems alone if any is, muted ones never."""

    address: Address
    stems: tuple[str, ...]
    channels: Mapping[str, Channel] = field(default_factory=dict)

    def channel(self, stem: str) -> Channel:
        return self.channels.get(stem, Channel())

    @property
    def is_plain(self) -> bool:
        """Whether nobody touched it: then the sum is heard."""
        return all(channel == Channel() for channel in self.channels.values())

    def gain(self, stem: str) -> float:
        """The linear gain of a stem; 0 where it is not heard."""
        solo = any(channel.solo for channel in self.channels.values())
        channel = self.channel(stem)
        return 10 ** (channel.gain_db / 20) if not channel.mute and (channel.solo or not solo) else 0.0

    @property
    def take(self) -> Take:
        """What is heard. Silent stems take part with a gain of 0, so that switching one is a mere change of gain."""
        parts = tuple(Part(self.address, stem, self.gain(stem)) for stem in self.stems)
        return Take(parts)


def slots_with(slots: Sequence[Take | None], number: int, take: Take) -> tuple[Take | None, ...]:
    """Ten slots with one of them taken. Raises ValueError for a number other than 0 to 9."""
    if not 0 <= number < SLOTS:
        raise ValueError(f"the number keys keep takes 0 to {SLOTS - 1}, not {number}")
    return tuple(take if place == number else kept for place, kept in enumerate(slots))
