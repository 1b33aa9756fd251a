"""Loudness and peaks."""

from __future__ import annotations

from typing import NamedTuple

from midistems_graph.audio.loudness import LoudnessMeter
from midistems_graph.node import Audio, Number, Run, Stream, node
from midistems_nodes.signals import BLOCK


class Levels(NamedTuple):
    loudness: Number
    true_peak: Number
    peak: Number


@node("measure.loudness", tags=("lufs", "true peak", "level"), libraries=("numpy", "scipy", "soxr"))
def loudness(audio: Stream[Audio], *, run: Run) -> Levels:
    """How loud a song is, and how high its peaks go.

    Parameters
    ----------
    audio
        What to measure.

    Notes
    -----
    Good for matching versions before comparing them by ear, and for seeing whether a sum will clip (a true peak above
    0 dB). Silence has -inf; so has the loudness of less than 0.4 s.

    References
    ----------
    ITU-R BS.1770-4: integrated loudness in LUFS (K-weighted, gated), true peak in dBTP (four times the rate), and the
    largest sample in dBFS.
    """
    meter: LoudnessMeter | None = None
    for tile in audio:
        meter = meter or LoudnessMeter(tile.rate, tile.channels, tile.layout)
        for first in range(0, tile.span.frames, BLOCK):
            run.progress((tile.span.start + first - audio.span.start) / audio.span.frames)
            meter.add(tile.samples[:, first : first + BLOCK])
    meter = meter or LoudnessMeter(audio.span.rate, 1)
    return Levels(Number(meter.lufs, "LUFS"), Number(meter.true_peak_db, "dBTP"), Number(meter.peak_db, "dBFS"))
