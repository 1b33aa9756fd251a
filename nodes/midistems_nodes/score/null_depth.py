"""The judgement by the sum: do the stems make up the mixture?"""

from __future__ import annotations

from midistems_graph.node import Number, Run, Stems, Stream, node
from midistems_nodes.measure import null_depth as measure
from midistems_nodes.ports import Mixture
from midistems_nodes.score.true import MOST


@node(
    "score.null_depth",
    title="By the sum",
    tags=("scorer", "blind", "null", "consistency"),
    scorer=True,
    libraries=("numpy",),
)
def null_depth(mixture: Stream[Mixture], stems: Stream[Stems], *, run: Run) -> Number:
    """How exactly stems add up to the mixture, as one number.

    Parameters
    ----------
    stems
        What is judged: all stems of the mixture.

    Returns
    -------
    Number
        The null depth with its sign turned, so that more is better, in dB, from -140 to 140.

    Notes
    -----
    Good for stems that were made one by one. Of stems that add up by the way they are made it says nothing.

    References
    ----------
    As the node Null depth.
    """
    depth = measure.null_depth(mixture, stems, run=run).value
    return Number(max(-MOST, min(MOST, -depth)), "dB")
