"""Phase recovery by consistency, mixing and magnitude constraints, each hard or soft."""

from __future__ import annotations

from midistems_graph.node import Run, Stems, node, samples
from midistems_nodes.phase.inversion import Inversion
from midistems_nodes.phase.knobs import Method, Power, Rounds, Start, Wanted, Weight
from midistems_nodes.ports import AllStems, Mixture
from midistems_nodes.signals import require_match
from midistems_nodes.transform.spectrogram import Hop, StemsFftSize, settings


@node(
    "phase.recover",
    title="Phase recovery",
    tags=("phase", "consistency", "mixing", "magnitude", "mix+incons", "refine"),
    complete=True,
    sums_to="mixture",
    context=lambda k: samples((k.iterations + 2) * k.n_fft),
    scratch=8,
    libraries=("numpy", "scipy"),
)
def recover(
    mixture: Mixture,
    stems: AllStems,
    *,
    method: Method = "mix_incons_hard_mag",
    iterations: Rounds = 5,
    consistency: Weight = 100.0,
    magnitudes: Wanted = "shares",
    power: Power = 1.0,
    start: Start = "mixture",
    n_fft: StemsFftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Find phases for stems by weighing three things that should hold.

    Good stems are consistent (they are the spectrogram of a sound), add up to the mixture, and have the magnitudes
    that were estimated. Each can be demanded or only wished for. Good after separators that judge magnitudes, which is
    most of those with masks: half a dB to one, nearly all of it in the first five rounds.


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
