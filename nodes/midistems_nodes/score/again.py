"""The judgement of a separator that hears the stems: a clean stem is left as it is."""

from __future__ import annotations

import math

from midistems_graph.audio.stem_names import find
from midistems_graph.audio.values import join
from midistems_graph.node import NodeError, Number, Run, Separator, Stems, Stream, node
from midistems_nodes.measure.ratios import Ratios
from midistems_nodes.ports import Judged, Mixture
from midistems_nodes.score.true import MOST
from midistems_nodes.signals import total


@node(
    "score.again",
    title="By separating again",
    tags=("scorer", "blind", "judge", "idempotent", "purity"),
    scorer=True,
    holds=True,
    libraries=("numpy",),
)
def again(
    mixture: Stream[Mixture],
    stems: Stream[Judged],
    separator: Separator,
    *,
    stem: str = "",
    run: Run,
) -> Number:
    """How little a separator still finds to take out of stems, as one number.

    Parameters
    ----------
    separator
        The judge, which gives stems of the same names.
    stem
        Only this stem; without a name the mean of all that the judge knows.

    Returns
    -------
    Number
        In dB, from -140 to 140: how much louder a stem is than what the judge would change in it.

    Notes
    -----
    A clean voice goes through a good separator of voices as it came. Costs one pass of the separator per stem, and
    holds the song in memory. A judge tends to be pleased with its own work.

    References
    ----------
    SI-SDR of f(s_k)_k against s_k, mean over k.
    """
    whole = join(list(stems))
    assert isinstance(whole, Stems)
    wanted = find(stem, whole) if stem else list(whole)
    figures = []
    for name in wanted:
        answer = run.separate(separator, whole[name])
        if found := find(name, answer):
            ratios = Ratios(whole.channels)
            ratios.add(total([answer[one] for one in found]), whole[name].samples)
            figures.append(ratios.si_sdr())
    if not figures:
        raise NodeError(
            f"the judge gives no stem called {' or '.join(wanted) or stem}; put a stems.rename node behind one"
        )
    figures = [max(-MOST, min(MOST, figure)) for figure in figures if not math.isnan(figure)]
    return Number(sum(figures) / len(figures) if figures else math.nan, "dB")
