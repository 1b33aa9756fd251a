"""Two bands that sum to the input."""

from __future__ import annotations

from typing import NamedTuple

from midistems_graph.node import Audio, Run, node
from midistems_nodes.filter.fir import Cutoff, Width, convolve, lowpass_taps, reach


class Bands(NamedTuple):
    low: Audio
    high: Audio


@node(
    "filter.crossover",
    tags=("split", "band", "lowpass", "highpass"),
    context=lambda k: reach(k.width),
    sums_to="audio",
    libraries=("numpy", "scipy"),
    scratch=0.5,
)
def crossover(audio: Audio, *, cutoff: Cutoff = 500.0, width: Width = 100.0, run: Run) -> Bands:
    """Split audio into a low and a high band that add up to it again.

    Parameters
    ----------
    audio
        What to split.
    cutoff
        Where both bands have half the amplitude (-6 dB).

    Notes
    -----
    Good for giving each band to the model that does it best and summing the stems afterwards. Chain several for more
    bands.

    References
    ----------
    Complementary linear-phase filters: low = h * x (windowed sinc, Kaiser), high = x - low.
    """
    low = convolve(audio.samples, lowpass_taps(cutoff, width, audio.rate), run)
    return Bands(audio.with_samples(low), audio.with_samples(audio.samples - low))
