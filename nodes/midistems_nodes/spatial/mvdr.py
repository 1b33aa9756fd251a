"""MVDR beamformer: one steady filter across channels that lets a source through and presses the rest down."""

from __future__ import annotations

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64
from midistems_graph.node import Audio, Features, NodeError, Run, Stems, Stream, node, samples
from midistems_nodes.signals import require_match
from midistems_nodes.spatial.blocks import covariance, stream_spectra
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

_REGULAR = 1e-4
"""Added to the diagonal of the rest's covariance, relative to its mean: bounds what the filter may amplify."""


def beam_model(
    mixture: Stream[Audio], stems: Stream[Stems], *, n_fft: FftSize = 4096, hop: Hop = 1024, run: Run
) -> Features:
    """The filters of every stem: complex64 [stems, bins, channels out, channels in]."""
    channels = 0
    own: Complex64 | None = None
    rest: Complex64 | None = None
    for whole, parts in stream_spectra(mixture, stems, settings(n_fft, hop), run, run.progress):
        channels = len(whole)
        ours = np.stack([covariance(part) for part in parts])
        theirs = np.stack([covariance(whole - part) for part in parts])
        own, rest = (ours, theirs) if own is None or rest is None else (own + ours, rest + theirs)
    if channels == 1:
        raise NodeError("a beamformer needs two channels or more, and this sound has one; leave this node out for mono")
    return Features({"filters": _filters(own, rest)} if own is not None and rest is not None else {})


@node(
    "spatial.mvdr",
    title="MVDR beamformer",
    tags=("beamforming", "covariance", "array", "stereo", "refine"),
    context=lambda k: samples(k.n_fft + k.hop),
    reduce=beam_model,
    libraries=("numpy", "scipy"),
    scratch=5,
)
def mvdr(
    mixture: Audio,
    stems: Stems,
    learned: Features,
    *,
    n_fft: FftSize = 4096,
    hop: Hop = 1024,
    run: Run,
) -> Stems:
    """Take every stem out of the mixture by one steady filter across its channels.

    Nothing is masked, so nothing burbles: a source is let through as it is, and what stands elsewhere is cancelled as
    far as one filter can. Good for recordings with several microphones and few sources, and between two passes of a
    network. A wide stereo mix of many sources is more than a beam can part.

    Parameters
    ----------
    mixture
        Two channels or more.
    stems
        What a separator made of it; it tells where each source stands, and need not be clean.
    learned
        The filters, from the first pass over the whole song.
    n_fft
        FFT size in samples: long enough to hold the room's early echoes.

    Returns
    -------
    Stems
        The same names, each as it sounds in every channel of the mixture. They need not add up to it.

    References
    ----------
    Souden, Benesty & Affes, "On optimal frequency-domain multichannel linear filtering for noise reduction", IEEE TASLP
    18(2), 2010: w_u = Phi_n^-1 Phi_s u / tr(Phi_n^-1 Phi_s), for u = every channel; Phi over the whole song, Phi_n of
    the mixture minus the stem.
    """
    require_match(mixture, stems)
    if mixture.channels == 1:
        raise NodeError("a beamformer needs two channels or more, and this sound has one; leave this node out for mono")
    transform = Stft(settings(n_fft, hop), mixture.span, threads=run.threads)
    bins = transform.forward(mixture.samples)
    made = {}
    for (name, audio), filters in zip(stems.audio.items(), learned.arrays["filters"], strict=True):
        run.check()
        made[name] = audio.with_samples(transform.inverse(_through(filters, bins)))
    return Stems(made)


def _filters(own: Complex64, rest: Complex64) -> Complex64:
    """w^H for every channel as reference, [stems, bins, out, in]; nothing passes where a stem is silent."""
    channels = own.shape[-1]
    steady = rest.astype(np.complex128)
    size = np.trace(steady, axis1=-2, axis2=-1).real / channels
    floor = np.where(size > 0, _REGULAR * size, 1)
    steady += floor[..., None, None] * np.eye(channels)
    ratio = np.linalg.solve(steady, own.astype(np.complex128))
    trace = np.trace(ratio, axis1=-2, axis2=-1)
    filters = ratio / np.where(trace == 0, 1, trace)[..., None, None]
    return np.asarray(filters.conj().swapaxes(-1, -2), np.complex64)


def _through(filters: Complex64, bins: Complex64) -> Complex64:
    """[bins, out, in] on [in, frames, bins]."""
    made: Complex64 = (filters @ bins.transpose(2, 0, 1)).transpose(1, 2, 0)
    return np.ascontiguousarray(made)
