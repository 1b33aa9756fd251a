"""The stem mixers of all edges: what keys and sliders do to the one of the edge that is heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from midistems_graph.document.graph import GAIN_DB, Address, Channel
from midistems_graph.editor.audition.takes import StemMixer, moved_to

Channels = Mapping[Address, Mapping[str, Channel]]
"""Channels of stems by edge; a stem that is not named is as it is."""


class StemMixers:
    """`heard` gives the edge that is heard and its stems; it raises where no mixer may be touched now.

    `changed` is called after every change of what is heard.
    """

    def __init__(self, heard: Callable[[], tuple[Address, tuple[str, ...]]], changed: Callable[[], None]) -> None:
        self._heard, self._changed = heard, changed
        self.channels: Channels = MappingProxyType({})
        """All that somebody touched. Replaced as a whole, by its owner too: what is kept is taken up by that."""
        self.chosen = 0
        """The stem that keys act on, by its place."""

    def of(self, address: Address, stems: tuple[str, ...]) -> StemMixer:
        """The mixer of an edge that carries some stems."""
        known = self.channels.get(address, {})
        return StemMixer(address, stems, {s: c for s, c in known.items() if s in stems})

    def move(self, nodes: Mapping[str, str]) -> None:
        """Some nodes have other addresses now, old to new."""
        self.channels = {moved_to(address, nodes): channels for address, channels in self.channels.items()}

    def choose(self, channel: int) -> None:
        """Let keys act on another stem."""
        _, stems = self._heard()
        self.chosen = min(max(channel, 0), len(stems) - 1)

    def toggle_solo(self, channel: int | None = None) -> None:
        self._change(channel, lambda now: replace(now, solo=not now.solo))

    def toggle_mute(self, channel: int | None = None) -> None:
        self._change(channel, lambda now: replace(now, mute=not now.mute))

    def set_gain(self, gain_db: float, channel: int | None = None) -> None:
        """The gain of a stem in dB, within -60 to 12."""
        self._change(channel, lambda now: replace(now, gain_db=min(max(gain_db, GAIN_DB[0]), GAIN_DB[1])))

    def change_gain(self, by_db: float) -> None:
        """The chosen stem louder or quieter."""
        address, stems = self._heard()
        now = self.of(address, stems).channel(stems[min(self.chosen, len(stems) - 1)])
        self.set_gain(now.gain_db + by_db)

    def reset(self) -> None:
        """All stems as they are."""
        address, _ = self._heard()
        self.channels = {other: channels for other, channels in self.channels.items() if other != address}
        self._changed()

    def _change(self, number: int | None, change: Callable[[Channel], Channel]) -> None:
        address, stems = self._heard()
        self.chosen = self.chosen if number is None else number
        stem = stems[min(self.chosen, len(stems) - 1)]
        known = self.channels.get(address, {})
        self.channels = {**self.channels, address: {**known, stem: change(known.get(stem, Channel()))}}
        self._changed()
