"""How near an estimate comes to its reference."""

from __future__ import annotations

import math

from midistems_graph.audio.stem_names import find
from midistems_graph.node import Audio, NodeError, Number, Run, Scores, Stream, node
from midistems_nodes.measure.ratios import Ratios
from midistems_nodes.measure.streams import side_by_side
from midistems_nodes.ports import Estimate, Estimates, TrueSource, TrueStems


@node("measure.si_sdr", title="SI-SDR", tags=("score", "quality"), libraries=("numpy",))
def si_sdr(estimate: Stream[Estimate], reference: Stream[TrueSource], *, zero_mean: bool = False, run: Run) -> Number:
    """How much louder the true source is than everything else in an estimate, whatever the estimate's level.

    Parameters
    ----------
    zero_mean
        Take the mean (DC) off both first, channel by channel, as some published figures do.

    Notes
    -----
    Good for comparing models on songs with known stems; higher is better, 0 dB means as much error as source. All
    channels together count as one signal. A silent reference has no figure (a warning says so); a silent estimate has
    -inf, a perfect one inf. Above 140 dB the estimate is as good as equal.

    References
    ----------
    Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019, equations 3 to 5:
    10 lg(|a s|^2 / |a s - e|^2), a = <e, s> / |s|^2.
    """
    ratios = _gather(estimate, reference, run)
    return Number(_said(ratios.si_sdr(zero_mean=zero_mean), run), "dB")


@node("measure.sdr", title="SDR", tags=("score", "quality"), libraries=("numpy",))
def sdr(estimate: Stream[Estimate], reference: Stream[TrueSource], *, run: Run) -> Number:
    """How much louder the true source is than the estimate's error, the error of level included.

    Notes
    -----
    Good for comparing with the figures of the Music Demixing Challenge and of MVSEP; higher is better. All channels
    together count as one signal, over the whole song. A silent reference has no figure (a warning says so); a silent
    estimate has 0 dB, a perfect one inf.

    References
    ----------
    10 lg(|s|^2 / |s - e|^2) (Mitsufuji et al., "Music Demixing Challenge 2021", equation 1, without its epsilon).
    """
    return Number(_said(_gather(estimate, reference, run).sdr, run), "dB")


@node("measure.compare", title="Compare stems", tags=("score", "quality", "table"), libraries=("numpy",), scratch=0.3)
def compare(
    estimates: Stream[Estimates], references: Stream[TrueStems], *, zero_mean: bool = False, run: Run
) -> Scores:
    """A table of how near every stem comes to its reference.

    Parameters
    ----------
    zero_mean
        Take the mean (DC) off both before the SI-SDR.

    Notes
    -----
    Good for the report on a whole cascade. Rows are the references' names; `level` is how much louder the estimate
    is. References without an estimate are left out, and a warning names them.

    References
    ----------
    As the nodes SI-SDR and SDR.
    """
    ratios: dict[str, Ratios] = {}
    missing: set[str] = set()
    for estimate, reference in side_by_side(estimates, references, run):
        for name, true in reference.audio.items():
            found = find(name, estimate)
            if not found:
                missing.add(name)
                continue
            guess = sum((estimate[one].samples for one in found[1:]), start=estimate[found[0]].samples)
            ratios.setdefault(name, Ratios(true.channels)).add(guess, true.samples)
    if missing and not ratios:
        raise NodeError(
            f"no estimate is called {' or '.join(sorted(missing))}; put a stems.rename node before this one"
        )
    if missing:
        run.warn(f"there is no estimate of {', '.join(sorted(missing))}; the table leaves them out")
    rows = {}
    for name, ratio in ratios.items():
        rows[name] = {"si_sdr": ratio.si_sdr(zero_mean=zero_mean), "sdr": ratio.sdr, "level": ratio.level}
        if math.isnan(ratio.sdr):
            run.warn(f"the reference {name} is silent, so there are no figures about it")
    return Scores(rows, {"si_sdr": "dB", "sdr": "dB", "level": "dB"})


def _gather(estimate: Stream[Audio], reference: Stream[Audio], run: Run) -> Ratios:
    ratios: Ratios | None = None
    for guess, true in side_by_side(estimate, reference, run):
        ratios = ratios or Ratios(true.channels)
        ratios.add(guess.samples, true.samples)
    return ratios or Ratios(1)


def _said(value: float, run: Run) -> float:
    if math.isnan(value):
        run.warn("the reference is silent, so there is no figure about the estimate")
    return value
