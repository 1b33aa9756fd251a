"""What an estimate holds: its source, the other sources, and artefacts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.stem_names import find
from midistems_graph.node import NodeError, Run, Scores, Stems, Stream, node
from midistems_nodes.measure.ratios import ratio_db
from midistems_nodes.measure.streams import side_by_side
from midistems_nodes.ports import Estimates
from midistems_nodes.signals import total

Float64 = npt.NDArray[np.float64]


@node(
    "measure.projections",
    title="SI-SIR and SI-SAR",
    tags=("score", "quality", "interference", "artefacts", "bleed"),
    libraries=("numpy",),
)
def projections(estimates: Stream[Estimates], references: Stream[Stems], *, run: Run) -> Scores:
    """How much of the other stems is in every estimate, and how much that is in no stem at all.

    Parameters
    ----------
    references
        The true stems, all of the mixture. A stem is found by its name, by another common name of it, or as a branch of
        the tree.

    Returns
    -------
    Scores
        A row per reference: `si_sdr` counts all errors, `si_sir` interference (bleed) alone, `si_sar` artefacts alone.

    Notes
    -----
    Good for telling whether a change trades bleed for burbling. All channels together count as one signal; the level of
    the estimate does not matter. References without an estimate are left out, and a warning names them.

    References
    ----------
    Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019, equations 6 to 10: e = a s_i + interference +
    artefacts by orthogonal projection on s_i and on all sources; SI-SIR = |a s_i|^2 / |interference|^2,
    SI-SAR = |a s_i|^2 / |artefacts|^2. (BSS eval's SAR counts interference to
    the source there.)
    """
    gram: Float64 | None = None
    names: list[str] = []
    found: dict[str, list[str]] = {}
    for guess, true in side_by_side(estimates, references, run):
        if gram is None:
            names = list(true)
            found = {name: chosen for name in names if (chosen := find(name, guess))}
            gram = np.zeros((len(names) + len(found),) * 2)
        rows = [audio.samples for audio in true.audio.values()]
        rows += [total([guess[one] for one in chosen]) for chosen in found.values()]
        stack = np.stack([row.reshape(-1) for row in rows]).astype(np.float64)
        gram += stack @ stack.T
    missing = [name for name in names if name not in found]
    if gram is None or not found:
        raise NodeError(f"no estimate is called {' or '.join(missing)}; put a stems.rename node before this one")
    if missing:
        run.warn(f"there is no estimate of {', '.join(missing)}; the table leaves them out")
    count = len(names)
    rows_ = {name: _row(gram, names.index(name), count + k, count) for k, name in enumerate(found)}
    return Scores(rows_, dict.fromkeys(("si_sdr", "si_sir", "si_sar"), "dB"))


def _row(gram: Float64, own: int, guess: int, count: int) -> dict[str, float]:
    """The figures of the estimate in row `guess` of the Gram matrix, for the source in row `own`."""
    with_sources, whole = gram[guess, :count], gram[guess, guess]
    if gram[own, own] <= 0:
        return dict.fromkeys(("si_sdr", "si_sir", "si_sar"), math.nan)
    target = with_sources[own] ** 2 / gram[own, own]
    weights = np.linalg.lstsq(gram[:count, :count], with_sources, rcond=1e-12)[0]
    explained = float(weights @ with_sources)
    return {
        "si_sdr": ratio_db(target, max(0.0, whole - target)),
        "si_sir": ratio_db(target, max(0.0, explained - target)),
        "si_sar": ratio_db(target, max(0.0, whole - explained)),
    }
