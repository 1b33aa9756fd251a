"""The late part of a room, taken out of a sound by what its own past foretells."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from midistems_graph.node import Audio, Context, Features, Range, Run, Stream, node
from midistems_nodes.repair.prediction import dried, learned_filters
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

Delay = Annotated[float, Range(0.005, 0.5, "s", "log")]
Length = Annotated[float, Range(0.02, 1, "s", "log")]
Iterations = Annotated[int, Range(1, 10)]


def room(
    audio: Stream[Audio],
    *,
    delay: Delay = 0.07,
    length: Length = 0.3,
    iterations: Iterations = 2,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
    **_: object,
) -> Features:
    """The filters that foretell a sound's late reverb from its past."""
    rate = audio.span.rate
    first = max(1, round(delay * rate / hop))
    lags = range(first, first + max(1, round(length * rate / hop)))
    return learned_filters(audio, lags, iterations, settings(n_fft, hop), run, run.progress)


@node(
    "repair.dereverb",
    title="Remove reverb",
    tags=("wpe", "dry", "room", "reverberation", "restoration", "vocals"),
    context=lambda k: Context(samples=k.n_fft + 2 * k.hop, seconds=Fraction(k.delay) + Fraction(k.length)),
    reduce=room,
    libraries=("numpy", "scipy"),
    scratch=20,
)
def dereverb(
    audio: Audio,
    learned: Features,
    *,
    delay: Delay = 0.07,
    length: Length = 0.3,
    iterations: Iterations = 2,
    amount: Annotated[float, Range(0, 1)] = 1.0,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Audio:
    """Take the late part of a room out of a sound: what its own past foretells.

    Parameters
    ----------
    audio
        One source with its room, such as a vocal stem. With two channels each also learns from the other one.
    learned
        The filters, from the first pass over the whole song.
    delay
        What follows a sound sooner than this belongs to it, and stays.
    length
        How much of the past is listened to. Longer takes longer rooms out, is slower, and dulls held notes.
    iterations
        Rounds in which the filters are learned anew from what the last ones left.
    amount
        How much of what is found is taken away; the rest stays as an ambience.

    Returns
    -------
    Audio
        The sound without it; the node Residual, with the sound and this, gives the reverb alone.

    Notes
    -----
    Good for voices and single instruments in a steady room or plate. Long held notes are foretold by their past as
    well, and get softer; a whole mix has too many of them.

    References
    ----------
    Nakatani et al., "Speech dereverberation based on variance-normalized delayed linear prediction", IEEE TASLP 18(7),
    2010 (WPE), with several channels as in Yoshioka & Nakatani, IEEE TASLP 20(10), 2012: per band
    d_t = x_t - G^H (x_{t-D}, ..., x_{t-D-K+1}), G minimises sum_t |d_t|^2 / v_t, v_t the power of the last d_t.
    """
    return dried(audio, learned, amount, settings(n_fft, hop), run)
