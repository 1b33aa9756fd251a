"""A spectrogram's magnitude and phase, and both together again."""

from __future__ import annotations

import numpy as np

from midistems_graph.node import Magnitude, Phase, Spectrogram, node
from midistems_nodes.signals import require_match


@node("transform.magnitude", tags=("spectrogram", "abs"), derived=True, libraries=("numpy",))
def magnitude(spectrogram: Spectrogram) -> Magnitude:
    """How strong every bin of a spectrogram is, without its phase.

    Parameters
    ----------
    spectrogram
        What to measure.

    Notes
    -----
    Good as the ground for masks, and for combining one estimate's strength with another one's phase.

    References
    ----------
    |X|, not squared, not in dB.
    """
    return Magnitude(np.abs(spectrogram.bins), spectrogram.span, spectrogram.stft)


@node("transform.phase", tags=("spectrogram", "angle"), derived=True, keeps_gain=False, libraries=("numpy",))
def phase(spectrogram: Spectrogram) -> Phase:
    """Where in its cycle every bin of a spectrogram stands.

    Parameters
    ----------
    spectrogram
        What to measure.

    Notes
    -----
    Good for giving an estimate the phase of the mixture.

    References
    ----------
    arg X in radians, -pi to pi; 0 where X is 0.
    """
    return Phase(np.angle(spectrogram.bins), spectrogram.span, spectrogram.stft)


@node("transform.combine", title="Magnitude and phase to spectrogram", derived=True, libraries=("numpy",))
def combine(magnitude: Magnitude, phase: Phase) -> Spectrogram:
    """Put a magnitude and a phase together to a spectrogram.

    Parameters
    ----------
    magnitude
        How strong every bin is.
    phase
        Where in its cycle every bin stands.

    Notes
    -----
    Both must have the same STFT settings, place and channels. Good for resynthesis with borrowed phase; a phase
    method makes the result more consistent.

    References
    ----------
    X = A exp(i phi).
    """
    require_match(magnitude, phase)
    bins = np.empty(magnitude.bins.shape, np.complex64)
    np.cos(phase.bins, out=bins.real)
    np.sin(phase.bins, out=bins.imag)
    bins *= magnitude.bins
    return Spectrogram(bins, magnitude.span, magnitude.stft)
