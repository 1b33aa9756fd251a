"""What a network is told beside the sound: an embedding that is the same everywhere, or figures that follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from midistems_graph.audio.values import Features, Float32
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
    """

    values: Float32
    rate: float
    wanted: float

    def within(self, starts: Sequence[int], length: int, rate: int) -> Float32:
        """What the network gets for segments of so many samples that begin there: [segments, ...]; silence is 0."""
        if not self.wanted:
            return np.repeat(self.values[None], len(starts), axis=0)
        count = max(1, round(length / rate * self.wanted))
        times = np.asarray(starts)[:, None] / rate + np.arange(count) / self.wanted
        places = np.rint(times * self.rate).astype(np.int64)
        there = (places >= 0) & (places < len(self.values))
        out = self.values[np.where(there, places, 0)]
        out[~there] = 0
        return out


def conditions(manifest: Manifest, features: Features | None) -> tuple[Given, ...]:
    """What a model's networks get beside the sound, in its order. Raises NetworkError for what is missing."""
    if not manifest.conditions:
        if features is not None:
            raise NetworkError(f"the model {manifest.name!r} takes no condition; take the edge to condition away")
        return ()
    if features is None:
        names = ", ".join(condition.name for condition in manifest.conditions)
        raise NetworkError(f"the model {manifest.name!r} wants a condition ({names}); connect features to condition")
    return tuple(_given(manifest, each, features.arrays, features.notes) for each in manifest.conditions)


def _given(
    manifest: Manifest, wanted: Condition, arrays: Mapping[str, np.ndarray], notes: Mapping[str, float]
) -> Given:
    found = arrays.get(
        wanted.name, next(iter(arrays.values())) if len(arrays) == len(manifest.conditions) == 1 else None
    )
    if found is None:
        raise NetworkError(
            f"the model {manifest.name!r} wants the condition {wanted.name!r}, and the features that arrive have "
            f"{', '.join(map(repr, arrays)) or 'nothing'}"
        )
    rate = notes.get(RATE, 0.0)
    if wanted.frames and not rate:
        raise NetworkError(
            f"the condition {wanted.name!r} of the model {manifest.name!r} follows the song, and the features that "
            "arrive do not say how many frames a second they have"
        )
    return Given(np.asarray(found, np.float32), rate, wanted.frames)
