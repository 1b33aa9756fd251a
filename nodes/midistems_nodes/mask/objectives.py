"""What a fitted mask is to achieve, as losses with gradients of their own.

An objective belongs to some frames of a mixture's STFT and of what its source should be; called with masks [frames,
bins] it gives each frame's loss and the loss's derivative by every factor. A frame's loss hangs on that frame alone, so
that pieces of a song can be fitted apart. Bands are summed with sparse matrices: few bins belong to a band, and a
BLAS would start threads.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy

from midistems_graph.audio.values import Float32
from midistems_nodes.measure.bands import mel_filters
from midistems_nodes.measure.masking import masking_bands

Float = npt.NDArray[np.floating]
Complex = npt.NDArray[np.complexfloating]
Objective = Callable[[Float], tuple[Float, Float]]

_TINY = 1e-9


def mel(mixture: Complex, wanted: Complex, rate: int, bands: int) -> Objective:
    """Squared difference of mel magnitudes: |(M |X|) F - |S| F|^2."""
    size = np.abs(mixture)
    filters = mel_filters(rate, 2 * (mixture.shape[1] - 1), bands).astype(size.dtype)
    filters /= np.maximum(filters.sum(axis=0), _TINY)
    into, back = scipy.sparse.csr_array(filters), scipy.sparse.csr_array(filters.T)
    target = np.abs(wanted) @ into

    def loss(mask: Float) -> tuple[Float, Float]:
        error = (mask * size) @ into - target
        return np.square(error).sum(axis=1), 2 * (error @ back) * size

    return loss


def si_sar(mixture: Complex, wanted: Complex, artefacts: float) -> Objective:
    """ln((|I|^2 + w |A|^2) / |T|^2) of the parts of M X: target along S, interference along X - S, and artefacts.

    The parts are orthogonal, by real inner products over a frame, as in SI-SIR and SI-SAR (Le Roux et al. 2019).
    """
    source = _unit(wanted)
    left = mixture - wanted
    other = _unit(left - _inner(left, source) * source)

    def loss(mask: Float) -> tuple[Float, Float]:
        made = mask * mixture
        target, bleed = _inner(made, source), _inner(made, other)
        rest = made - target * source - bleed * other
        error = bleed**2 + artefacts * np.square(np.abs(rest)).sum(axis=1, keepdims=True) + _TINY
        power = target**2 + _TINY
        slope = (bleed * other + artefacts * rest) / error - target * source / power
        return np.log(error / power)[:, 0], 2 * (np.conj(mixture) * slope).real

    return loss


def psychoacoustic(mixture: Complex, wanted: Complex, rate: int) -> Objective:
    """Sum over half-Bark bands of ln(|M X - S|^2 / masking threshold of S), as far as it is above 0."""
    bands, spreading = masking_bands(rate, 2 * (mixture.shape[1] - 1))
    bands = bands.astype(mixture.real.dtype)
    into, back = scipy.sparse.csr_array(bands), scipy.sparse.csr_array(bands.T)
    hidden = (np.square(np.abs(wanted)) @ into) @ spreading.astype(bands.dtype) + _TINY

    def loss(mask: Float) -> tuple[Float, Float]:
        error = mask * mixture - wanted
        power = np.square(np.abs(error)) @ into + _TINY
        heard = power > hidden
        slope = np.where(heard, 1 / power, 0) @ back
        return np.where(heard, np.log(power / hidden), 0).sum(axis=1), 2 * slope * (np.conj(mixture) * error).real

    return loss


def levelled(mask: Float32, mixture: Complex, wanted: Complex) -> Float32:
    """Masks scaled per frame so that M X is as loud as S at the place where they agree best."""
    made = mask * mixture
    gain = _inner(made, wanted) / (np.square(np.abs(made)).sum(axis=1, keepdims=True) + _TINY)
    scaled: Float32 = mask * np.clip(gain, 0, 1 / np.maximum(mask.max(axis=1, keepdims=True), _TINY)).astype(np.float32)
    return scaled


def _inner(one: Complex, other: Complex) -> Float:
    """Real inner products of frames [frames, 1]."""
    products: Float = (one.real * other.real + one.imag * other.imag).sum(axis=1, keepdims=True)
    return products


def _unit(bins: Complex) -> Complex:
    made: Complex = bins / np.sqrt(np.square(np.abs(bins)).sum(axis=1, keepdims=True) + _TINY**2)
    return made
