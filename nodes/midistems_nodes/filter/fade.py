"""Fade in and out."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from midistems_graph.node import Audio, Range, node, stem_by_stem
from midistems_nodes.ports import Alike
from midistems_nodes.signals import BLOCK, Signal, map_audio

Seconds = Annotated[float, Range(0, 600, "s")]


@node(
    "filter.fade", title="Fade in and out", tags=("envelope", "window"), derived=True, scratch=0.5, apart=stem_by_stem
)
def fade(
    signal: Alike[Signal],
    *,
    fade_in: Seconds = 0.0,
    fade_out: Seconds = 0.0,
    shape: Literal["linear", "smooth", "equal_power", "exponential"] = "smooth",
) -> Signal:
    """Let the song begin and end softly.

    Parameters
    ----------
    fade_in
        How long the rise takes from the start of the song.
    fade_out
        How long the fall takes to the end of the song.
    shape
        `linear` is a straight line, `smooth` a half cosine without corners, `equal_power` a quarter sine (two
        different signals that cross keep their loudness), `exponential` even in dB, from -60 dB.

    Notes
    -----
    Good for removing clicks at the ends of a song or a loop.

    References
    ----------
    With x rising from 0 to 1 over the fade: x; (1 - cos(pi x)) / 2; sin(pi x / 2); 10^(3 (x - 1)), and 0 at x = 0.
    """

    def faded(audio: Audio) -> Audio:
        span = audio.span
        samples = np.empty_like(audio.samples)
        for first in range(0, span.frames, BLOCK):
            piece = slice(first, min(first + BLOCK, span.frames))
            position = np.arange(span.start + piece.start, span.start + piece.stop, dtype=np.float64)
            rise = _curve(position, fade_in * span.rate, shape)
            fall = _curve(span.total - 1 - position, fade_out * span.rate, shape)
            samples[:, piece] = audio.samples[:, piece] * (rise * fall).astype(np.float32)
        return audio.with_samples(samples)

    return map_audio(signal, faded)


def _curve(position: npt.NDArray[np.float64], length: float, shape: str) -> npt.NDArray[np.float64]:
    """Gain at so many samples from the edge, for a fade of that many samples."""
    if length <= 0:
        return np.ones_like(position)
    x = np.minimum(position / length, 1.0)
    match shape:
        case "smooth":
            return (1 - np.cos(np.pi * x)) / 2
        case "equal_power":
            return np.asarray(np.sin(np.pi / 2 * x))
        case "exponential":
            return np.where(x > 0, 10 ** (3 * (x - 1)), 0.0)
        case _:
            return x
