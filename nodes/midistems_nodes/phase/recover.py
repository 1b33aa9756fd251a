"""Phase recovery by consistency, mixing and magnitude constraints, each hard or soft."""

from __future__ import annotations

from typing import Annotated

from midistems_graph.node import Audio, Range, Run, Stems, node, samples
from midistems_nodes.phase.inversion import Inversion, Method, Power, Start, Wanted, Weight
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings


@node(
    "phase.recover",
    title="Phase recovery",
    tags=("phase", "consistency", "mixing", "magnitude", "mix+incons", "refine"),
    complete=True,
    sums_to="mixture",
    context=lambda k: samples((k.iterations + 2) * k.n_fft),
    scratch=20,
    libraries=("numpy", "scipy"),
)
def recover(
    mixture: Audio,
    stems: Stems,
    *,
    method: Method = "mix_incons_hard_mag",
    iterations: Annotated[int, Range(1, 200)] = 5,
    consistency: Weight = 100.0,
    magnitudes: Wanted = "shares",
    power: Power = 1.0,
    start: Start = "mixture",
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Find phases for stems by weighing three things that should hold.

    Good stems are consistent (they are the spectrogram of a sound), add up to the mixture, and have the magnitudes
    that were estimated. Each can be demanded or only wished for. Good after separators that judge magnitudes, which is
    most of those with masks: half a dB to one, nearly all of it in the first five rounds.

    Parameters
    ----------
    mixture
        The sound that the stems make up.
    stems
        All stems of the mixture. A set that lacks one needs a residual stem first.
    method
        `mix_incons_hard_mag` wishes for the sum and for consistency and demands the magnitudes; `mix_incons` lets the
        magnitudes go; `mag_incons_hard_mix` demands the sum and wishes for the others.
    iterations
        Rounds.
    consistency
        How much consistency counts against the other wish; 0 ignores it.
    magnitudes
        Which ones are wanted: the mixture's `shares`, divided among the stems by how strong each is, as a mask does, or
        those of the `stems` as they are.
    power
        For `shares`: 1 divides by amplitude (ratio mask), 2 by power (Wiener mask).
    start
        Phases to begin with: the `mixture`'s, or those that the `stems` bring.
    n_fft
        FFT size in samples; best the size that the stems were separated with.
    hop
        Samples between frames, at most half the FFT size; a quarter is usual.

    Returns
    -------
    Stems
        The same names; they add up to the mixture.

    Notes
    -----
    A stem that was made by a mask no longer has the mask's magnitudes: resynthesis has smoothed them. `shares` makes
    them anew, which is why it gains where `stems` does not. The error of the sum is shared by magnitude,
    A_k / sum A, where the sum is a wish, and equally where it is demanded; what the last round leaves of the mixture
    is shared equally. MISI, of the same family, is a node of its own, and
    the best of them with magnitudes that are true; consistency with the sum demanded and no
    magnitudes is the node Mixture consistency with equal shares.

    References
    ----------
    Magron & Virtanen, "Spectrogram inversion for audio source separation via consistency, mixing, and magnitude
    constraints", EUSIPCO 2023 (arXiv 2303.01864). With G = STFT(iSTFT(.)), w_k = A_k / sum A and the weight s:
    (P_mix(S) + s w G(S)) / (1 + s w); the same followed by P_mag; P_mix((P_mag(S) + s G(S)) / (1 + s)).
    """
    require_match(mixture, stems)
    if not stems.complete:
        run.warn("the stems are not known to make up the whole mixture; what is missing goes into all of them")
    chosen = settings(n_fft, hop)
    inversion = Inversion(mixture, stems, chosen, wanted=magnitudes, power=power, start=start, run=run)
    for done in range(iterations):
        run.progress(done / iterations)
        inversion.round(method, consistency)
    return inversion.result()
