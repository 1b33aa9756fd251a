"""Low-pass, high-pass, band-pass and notch."""

from __future__ import annotations

from typing import Literal

from midistems_graph.audio.values import Float32
from midistems_graph.node import NodeError, Run, node, stem_by_stem
from midistems_nodes.filter.fir import Cutoff, Width, complement, convolve, lowpass_taps, reach
from midistems_nodes.ports import Alike
from midistems_nodes.signals import Signal, map_audio


@node(
    "filter.filter",
    tags=("lowpass", "highpass", "bandpass", "notch", "eq"),
    context=lambda k: reach(k.width),
    libraries=("numpy", "scipy"),
    apart=stem_by_stem,
)
def band(
    signal: Alike[Signal],
    *,
    kind: Literal["lowpass", "highpass", "bandpass", "notch"] = "lowpass",
    cutoff: Cutoff = 1000.0,
    upper: Cutoff = 4000.0,
    width: Width = 100.0,
    run: Run,
) -> Signal:
    """Keep or remove a range of pitches, without moving anything in time.

    Parameters
    ----------
    kind
        What passes: all below the cutoff, all above it, only what lies between `cutoff` and `upper`, or all but that.
    cutoff
        Where the gain is a half (-6 dB). Above half the sample rate nothing is cut away.
    upper
        Upper edge of band-pass and notch.

    Notes
    -----
    Good for rumble, hum (a narrow notch), cymbal bleed, and for sending only a part of the spectrum to a model.
    Linear phase: the filtered signal can be subtracted from the original.

    References
    ----------
    Windowed sinc with a Kaiser window (Kaiser 1974; Oppenheim & Schafer, section 7.5). Low-pass and high-pass,
    band-pass and notch of the same settings sum to the input.
    """
    if kind in ("bandpass", "notch") and upper <= cutoff:
        raise NodeError(f"the upper edge ({upper:g} Hz) must lie above the cutoff ({cutoff:g} Hz)")

    def taps(rate: int) -> Float32:
        low = lowpass_taps(cutoff, width, rate)
        if kind in ("bandpass", "notch"):
            low = lowpass_taps(upper, width, rate) - low
        return complement(low) if kind in ("highpass", "notch") else low

    response = taps(signal.rate)
    return map_audio(signal, lambda audio: audio.with_samples(convolve(audio.samples, response, run)))
