"""MISI: phases of stems that agree with their mixture."""

from __future__ import annotations

import numpy as np

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32
from midistems_graph.node import Run, Stems, node, samples
from midistems_nodes.phase.impose import impose
from midistems_nodes.phase.knobs import Rounds, Start
from midistems_nodes.ports import AllStems, Mixture
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import Hop, StemsFftSize
from midistems_nodes.transform.spectrogram import settings as settings_of


@node(
    "phase.misi",
    version="1.1.0",
    title="MISI",
    tags=("phase", "consistency", "refine"),
    complete=True,
    sums_to="mixture",
    context=lambda k: samples((k.iterations + 2) * k.n_fft),
    scratch=2.5,
    libraries=("numpy", "scipy"),
)
def misi(
    mixture: Mixture,
    stems: AllStems,
    *,
    iterations: Rounds = 2,
    start: Start = "stems",
    n_fft: StemsFftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Refine the phases of stems: their magnitudes stay, and together they give the mixture.

    Each round shares what the stems lack of the mixture among them, and then puts their magnitudes back.
    Good after masks and networks that estimate magnitudes. With such magnitudes nearly all is gained in the first
    two to five rounds, about half a dB to one; only with nearly perfect magnitudes do more rounds pay.


    Returns
    -------
    Stems
        The same names; they add up to the mixture.

    References
    ----------
    Gunawan & Sen, "Iterative phase estimation for the synthesis of separated sources from single-channel mixtures",
    IEEE Signal Processing Letters 17(5), 2010, algorithm 1.
    """
    require_match(mixture, stems)
    if not stems.complete:
        run.warn("the stems are not known to make up the whole mixture; what is missing goes into all of them")
    transform = Stft(settings_of(n_fft, hop), mixture.span, threads=run.threads)
    phases = transform.forward(mixture.samples) if start == "mixture" else None
    channels = mixture.channels
    made = np.concatenate([stem.samples for stem in stems.audio.values()])
    spare, error = np.empty_like(made), np.empty_like(mixture.samples)
    wanted = np.empty((len(made), transform.frames, transform.settings.n_bins), np.float32)

    def remember(row: int, first: int, bins: Complex64) -> None:
        run.check()
        place = slice(first, first + len(bins))
        np.abs(bins, out=wanted[row, place])
        if phases is not None:
            bins[:] = phases[row % channels, place]
            impose(wanted[row, place], bins)

    def put_back(row: int, first: int, bins: Complex64) -> None:
        run.check()
        impose(wanted[row, first : first + len(bins)], bins)

    made, spare = transform.rebuild(made, remember, out=spare), made
    for done in range(iterations):
        run.progress(done / iterations)
        share_error(mixture.samples, made, error)
        made, spare = transform.rebuild(made, put_back, out=spare), made
    share_error(mixture.samples, made, error)
    parts = np.split(made, len(stems))
    named = zip(stems.audio.items(), parts, strict=True)
    return Stems({name: audio.with_samples(signal) for (name, audio), signal in named}, complete=True)


def share_error(mixture: Float32, made: Float32, error: Float32) -> None:
    """Add to all stems [stems * channels, samples], in equal parts, what their sum lacks of the mixture."""
    stems = made.reshape(-1, *mixture.shape)
    np.copyto(error, mixture)
    for stem in stems:
        error -= stem
    error /= np.float32(len(stems))
    stems += error
