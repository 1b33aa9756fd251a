"""What a network is told beside the sound: an embedding that is the same everywhere, figures that follow it, or latents
of the song, of which each segment is told its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from midistems_graph.audio.values import Curves, Features, Float32
from midistems_graph.models.manifest import Condition, Manifest
from midistems_graph.models.sessions import NetworkError

RATE = "rate"
"""The note of features whose arrays follow the song: how many frames a second they have, from its beginning on."""


@dataclass(frozen=True, eq=False)
class Given:
    """One condition.

    values    float32 [...] that are the same everywhere, or [frames, ...] where `rate` is not 0
    rate      frames a second
    wanted    frames a second that the network wants; 0: the same everywhere
    first     number of the first frame that is given, counted from the song's beginning
    step      seconds from segment to segment, for values [segments, ...] that are latents; 0: they are none
    middle    the second of the song in which the middle of their first segment lies
    """

    values: Float32
    rate: float
    wanted: float
    first: int = 0
    step: float = 0.0
    middle: float = 0.0

    def within(self, starts: Sequence[int], length: int, rate: int) -> Float32:
        """What the network gets for segments of so many samples that begin there: [segments, ...]; silence is 0.

        Of latents that is those whose segment has its middle nearest, also for segments that begin or end elsewhere: of
        a shifted grid, of another length or rate, or moved back from the end of the song.
        """
        if self.step:
            middles = (np.asarray(starts) + length / 2) / rate
            nearest = np.rint((middles - self.middle) / self.step).astype(np.int64)
            own: Float32 = self.values[np.clip(nearest, 0, len(self.values) - 1)]
            return own
        if not self.wanted:
            return np.repeat(self.values[None], len(starts), axis=0)
        count = max(1, round(length / rate * self.wanted))
        times = np.asarray(starts)[:, None] / rate + np.arange(count) / self.wanted
        places = np.rint(times * self.rate).astype(np.int64) - self.first
        there = (places >= 0) & (places < len(self.values))
        out = self.values[np.where(there, places, 0)]
        out[~there] = 0
        return out


def conditions(manifest: Manifest, told: Features | Curves | None) -> tuple[Given, ...]:
    """What a model's networks get beside the sound, in its order. Raises NetworkError for what is missing."""
    if not manifest.conditions:
        if told is not None:
            raise NetworkError(f"the model {manifest.name!r} takes no condition; take the edge to condition away")
        return ()
    if told is None:
        names = ", ".join(condition.name for condition in manifest.conditions)
        raise NetworkError(
            f"the model {manifest.name!r} wants a condition ({names}); connect features or curves to condition"
        )
    return tuple(_given(manifest, each, told) for each in manifest.conditions)


def _given(manifest: Manifest, wanted: Condition, told: Features | Curves) -> Given:
    if isinstance(told, Curves):
        arrays: Mapping[str, np.ndarray] = dict(zip(told.names, told.values, strict=True))
        rate, first = told.rate / told.hop, told.span.stft_frames(told.hop).start
    else:
        arrays, rate, first = told.arrays, told.notes.get(RATE, 0.0), 0
    alone = len(arrays) == len(manifest.conditions) == 1
    found = next(iter(arrays.values())) if alone else arrays.get(wanted.name)
    if found is None:
        raise NetworkError(
            f"the model {manifest.name!r} wants the condition {wanted.name!r}, and what arrives has "
            f"{', '.join(map(repr, arrays)) or 'nothing'}"
        )
    if wanted.frames and not rate:
        raise NetworkError(
            f"the condition {wanted.name!r} of the model {manifest.name!r} follows the song, and the features that "
            "arrive do not say how many frames a second they have"
        )
    if isinstance(told, Curves) and not wanted.frames:
        raise NetworkError(
            f"the condition {wanted.name!r} of the model {manifest.name!r} is the same everywhere, and a curve follows "
            "the song; connect features"
        )
    values = np.asarray(found, np.float32)
    if isinstance(told, Curves) or wanted.frames or "step" not in told.notes:
        return Given(values, rate, wanted.frames, first)
    if told.notes["channels"] > manifest.channels:
        raise NetworkError(
            f"the latents for the condition {wanted.name!r} are those of {told.notes['channels']:.0f} channels, and "
            f"the model {manifest.name!r} takes {manifest.channels}; use networks for as many channels as the song has"
        )
    at = {name: told.notes[name] / told.notes["rate"] for name in ("length", "step", "lead")}
    return Given(values, rate, wanted.frames, step=at["step"], middle=at["length"] / 2 - at["lead"])
