"""Songs for the tests of pictures: made on the fly, read with a count of what was read."""

from __future__ import annotations

import numpy as np

from midistems_graph.audio.values import Audio, Span

RATE = 44100


def noise(frames: int, channels: int = 2, seed: int = 0) -> Audio:
    """Noise with a moving level, so that no two stretches look the same."""
    level = 0.4 * (1.1 + np.sin(np.arange(frames) / 5000))
    return Audio.of(level * np.random.default_rng(seed).uniform(-1, 1, (channels, frames)), RATE)


def part(song: Audio, start: int, stop: int) -> Audio:
    return song.crop(Span(start, stop, song.span.total, song.rate))


class Generated:
    """A song of any length whose samples are made when read; counts them. `until` seconds of it are computed."""

    def __init__(self, seconds: float, until: float = 1e9) -> None:
        self.span = Span.whole(round(seconds * RATE), RATE)
        self.until = until
        self.read_samples = 0
        self._loop = np.random.default_rng(1).uniform(-0.5, 0.5, (2, RATE)).astype(np.float32)

    def read(self, span: Span) -> Audio | None:
        if span.stop > self.until * RATE:
            return None
        self.read_samples += span.frames
        return Audio(self._loop[:, np.arange(span.start, span.stop) % RATE], span)
