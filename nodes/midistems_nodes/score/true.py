"""The judgement of who knows the true stems."""

from __future__ import annotations

import math
from typing import Literal

from midistems_graph.audio.stem_names import find
from midistems_graph.node import NodeError, Number, Run, Stems, Stream, node
from midistems_nodes.measure.distortion import compare
from midistems_nodes.measure.projections import projections
from midistems_nodes.ports import Judged, Mixture

MOST = 140.0
"""Nothing is judged better than by so many dB: the estimate is as good as equal."""


@node(
    "score.true",
    title="Against true stems",
    tags=("scorer", "si-sdr", "sdr", "sir", "sar", "oracle", "reference"),
    scorer=True,
    libraries=("numpy",),
)
def true(
    mixture: Stream[Mixture],
    stems: Stream[Judged],
    references: Stream[Stems] | None = None,
    *,
    figure: Literal["si_sdr", "sdr", "si_sir", "si_sar"] = "si_sdr",
    stem: str = "",
    run: Run,
) -> Number:
    """How near stems come to the true ones, as one number.

    Parameters
    ----------
    references
        The true stems, or what stands for them.
    figure
        `si_sdr` counts all errors, `sdr` those of level as well, `si_sir` bleed alone, `si_sar` artefacts alone.
    stem
        Only this stem; without a name the mean of all that have a true stem.

    Returns
    -------
    Number
        In dB, from -140 to 140.

    Notes
    -----
    Good for finding out what a loop could gain at best, and for settings that are found on one song and used on others.
    On a song whose stems nobody has, connect the average of several answers to references (consensus): then it says
    how near one answer comes to what all of them agree on.

    References
    ----------
    As the nodes Compare stems, and SI-SIR and SI-SAR.
    """
    if references is None:
        raise NodeError(
            "the scorer score.true needs the true stems; connect them to references, or take a blind scorer"
        )
    table = compare if figure in ("si_sdr", "sdr") else projections
    rows = table(stems, references, run=run).rows
    wanted = find(stem, rows) if stem else list(rows)
    if not wanted:
        raise NodeError(f"there is no true stem called {stem!r}; there are {', '.join(rows)}")
    figures = [max(-MOST, min(MOST, rows[name][figure])) for name in wanted if not math.isnan(rows[name][figure])]
    return Number(sum(figures) / len(figures) if figures else math.nan, "dB")
