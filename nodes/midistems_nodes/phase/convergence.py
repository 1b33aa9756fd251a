"""How phase recovery goes on, round by round."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from midistems_graph.node import Audio, Number, Run, Scores, Stems, Stream, node
from midistems_nodes.measure.ratios import Ratios, ratio_db
from midistems_nodes.measure.streams import chunks
from midistems_nodes.phase.inversion import Inversion
from midistems_nodes.phase.knobs import Method, Power, Rounds, Start, Wanted, Weight
from midistems_nodes.ports import Mixture
from midistems_nodes.signals import require_names
from midistems_nodes.transform.spectrogram import Hop, StemsFftSize, settings

_CHUNK = 1 << 19


class Convergence(NamedTuple):
    curve: Scores
    best: Number


@node(
    "phase.convergence", title="Phase convergence", tags=("phase", "curve", "iterations"), libraries=("numpy", "scipy")
)
def convergence(
    mixture: Stream[Mixture],
    stems: Stream[Stems],
    references: Stream[Stems],
    *,
    method: Method = "mix_incons_hard_mag",
    iterations: Rounds = 10,
    consistency: Weight = 100.0,
    magnitudes: Wanted = "shares",
    power: Power = 1.0,
    start: Start = "mixture",
    n_fft: StemsFftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Convergence:
    """See after how many rounds phase recovery has gained what there is to gain, on a song with true stems.

    Parameters
    ----------
    stems
        What a separator made of it.
    references
        The true stems, with the same names.
    iterations
        So many rounds are looked at.

    Returns
    -------
    Convergence
        curve: a row per round, from 0 (a mask on the mixture), with the mean SI-SDR and SDR of all stems, the mixing
        error, and how far the magnitudes are from the wanted ones; best: the round after which the mean SI-SDR turns.

    Notes
    -----
    Good for setting `iterations` once for a separator: the curve rises steeply with magnitudes that are nearly
    true, and turns soon with rough ones. The song is looked at in pieces of 12 s, whose edges count for little.

    References
    ----------
    Magron & Virtanen 2023, figure 1; Gunawan & Sen 2010, figure 3.
    """
    chosen = settings(n_fft, hop)
    figures = [_Figures() for _ in range(iterations + 1)]
    for whole, parts, true in chunks((mixture, stems, references), _CHUNK, run.progress):
        require_names(parts, true)
        inversion = Inversion(whole, parts, chosen, wanted=magnitudes, power=power, start=start, run=run)
        for done, figure in enumerate(figures):
            run.check()
            if done:
                inversion.round(method, consistency)
            figure.add(inversion, whole, true)
    rows = {str(number): figure.row() for number, figure in enumerate(figures)}
    means = [row["si_sdr"] for row in rows.values()]
    best = next((n for n in range(iterations) if means[n + 1] <= means[n]), iterations)
    units = dict.fromkeys(("si_sdr", "sdr", "mixing_error", "magnitude_error"), "dB")
    return Convergence(Scores(rows, units), Number(float(best)))


class _Figures:
    """What is measured after one round, over all pieces of the song."""

    def __init__(self) -> None:
        self.ratios: dict[str, Ratios] = {}
        self.errors = np.zeros(4)

    def add(self, inversion: Inversion, mixture: Audio, true: Stems) -> None:
        for name, audio in inversion.result().audio.items():
            self.ratios.setdefault(name, Ratios(audio.channels)).add(audio.samples, true[name].samples)
        whole, wanted = mixture.samples, inversion.wanted
        energies = (float(np.vdot(whole, whole)), float(np.vdot(wanted, wanted)))
        self.errors += (inversion.mixing_error(), energies[0], inversion.magnitude_error(), energies[1])

    def row(self) -> dict[str, float]:
        sounding = [ratio for ratio in self.ratios.values() if not math.isnan(ratio.sdr)]
        return {
            "si_sdr": _mean([ratio.si_sdr() for ratio in sounding]),
            "sdr": _mean([ratio.sdr for ratio in sounding]),
            "mixing_error": ratio_db(self.errors[0], self.errors[1]),
            "magnitude_error": ratio_db(self.errors[2], self.errors[3]),
        }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
