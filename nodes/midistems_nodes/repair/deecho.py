"""Echoes: their delay is found over a whole song, and what the sound so long ago foretells is taken out."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from midistems_graph.node import Audio, Context, Features, Range, Run, Stream, node
from midistems_nodes.repair.prediction import dried, echo_delay, learned_filters
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

_SHORTEST, _LONGEST = 0.06, 1.5
"""Seconds between which an echo is looked for."""

Delay = Annotated[float, Range(0, 2, "s")]
Repeats = Annotated[int, Range(1, 6)]


def echoes(
    audio: Stream[Audio],
    *,
    delay: Delay = 0.0,
    repeats: Repeats = 4,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
    **_: object,
) -> Features:
    """The filters that foretell echoes, and the `delay` in seconds."""
    found = delay or echo_delay(audio, _SHORTEST, _LONGEST, lambda done: run.progress(done / 4))
    if not found:
        run.warn("no echo stands out, so nothing is taken away; set the knob delay if you know its distance")
        return Features({})
    frames = found * audio.span.rate / hop
    near = [int(number * frames) + beside for number in range(1, repeats + 1) for beside in (-1, 0, 1, 2)]
    lags = sorted({max(1, lag) for lag in near})
    made = learned_filters(audio, lags, 2, settings(n_fft, hop), run, lambda done: run.progress((1 + 3 * done) / 4))
    return Features(made.arrays, {"delay": found})


@node(
    "repair.deecho",
    title="Remove echo",
    tags=("delay", "slapback", "dry", "restoration", "vocals"),
    context=lambda k: Context(samples=k.n_fft + 4 * k.hop, seconds=k.repeats * Fraction(k.delay or _LONGEST)),
    reduce=echoes,
    libraries=("numpy", "scipy"),
    scratch=14,
)
def deecho(
    audio: Audio,
    learned: Features,
    *,
    delay: Delay = 0.0,
    repeats: Repeats = 4,
    amount: Annotated[float, Range(0, 1)] = 1.0,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Audio:
    """Take a delay effect out of a sound: repeats that follow it at a steady distance.

    Parameters
    ----------
    audio
        One source with its echo, such as a vocal stem. With two channels echoes may go from side to side.
    learned
        The delay and the filters, from the first pass over the whole song.
    delay
        Seconds from the sound to its echo; 0 finds it between 0.06 and 1.5 s, and leaves the sound alone if there is
        none.
    repeats
        At how many multiples of the delay is listened. For an effect with feedback one is enough, for a single echo
        not.
    amount
        How much of what is found is taken away.

    Returns
    -------
    Audio
        The sound without it; the node Residual, with the sound and this, gives the echo alone.

    Notes
    -----
    Good for single voices and instruments. Each band has filters of its own, so echoes may be duller than the sound.
    Music that repeats itself at the very distance of the echo is taken for one.

    References
    ----------
    Delay: the peak of the power cepstrum (Bogert, Healy & Tukey 1963). Filters: delayed linear prediction as in the
    node Remove reverb, over the frames around every multiple of the delay.
    """
    return dried(audio, learned, amount, settings(n_fft, hop), run)
