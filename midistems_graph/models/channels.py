"""Which channels go through a network together: networks know mono or stereo, songs may have more.

Stereo goes as it is, mono twice into a stereo network (the mean of what comes out is the stem). Of surround sound the
front pair, the other pairs and the centre go through one after the other; the low-frequency channel goes by, whole, to
one stem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from midistems_graph.audio.values import Float32

GROUPS: Mapping[str, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        "5.0": ((0, 1), (2,), (3, 4)),
        "5.1": ((0, 1), (2,), (4, 5)),
        "7.1": ((0, 1), (2,), (4, 5), (6, 7)),
    }
)
"""By layout, in the order of sound files: front pair, centre, low, pairs at the back and at the sides."""

LOW_CHANNEL = 3


def groups(layout: str, channels: int, takes: int) -> tuple[tuple[int, ...], ...]:
    """The channels that go through a network together, by number, for a network that takes so many.

    Of an unknown layout neighbours are taken for pairs.
    """
    if takes > 2:
        return (tuple(range(channels)),)
    pairs = GROUPS.get(layout) or tuple(tuple(range(i, min(i + 2, channels))) for i in range(0, channels, 2))
    return pairs if takes == 2 else tuple((channel,) for pair in pairs for channel in pair)


def low_channel(layout: str) -> int | None:
    """The channel that goes by, if there is one."""
    return LOW_CHANNEL if layout in GROUPS and layout.endswith(".1") else None


def spread(samples: Float32, takes: int) -> Float32:
    """One channel for as many as the network takes [..., channels, n]; others as they are."""
    return np.repeat(samples, takes, axis=-2) if samples.shape[-2] == 1 and takes > 1 else samples


def gathered(samples: Float32, channels: int) -> Float32:
    """What came out [..., channels, n] for what went in: the mean for one channel."""
    if channels == 1 and samples.shape[-2] > 1:
        mean: Float32 = samples.mean(axis=-2, keepdims=True, dtype=np.float32)
        return mean
    return samples


def takes_the_low(stems: Sequence[str], residual: str) -> str:
    """The stem that the low-frequency channel goes to: the bass, or what is left, or the last one."""
    return "bass" if "bass" in stems else residual or stems[-1]
