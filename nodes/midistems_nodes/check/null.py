"""Do the stems add up to the song?"""

from __future__ import annotations

from typing import Annotated

from midistems_graph.node import Number, Range, Run, Stems, Stream, node
from midistems_nodes.check.verdict import held
from midistems_nodes.measure.null_depth import null_depth
from midistems_nodes.ports import Mixture


@node("check.null", title="Check the null", tags=("assert", "sum", "null test", "residual"), libraries=("numpy",))
def null(
    mixture: Stream[Mixture],
    stems: Stream[Stems],
    *,
    at_most: Annotated[float, Range(-300, 20, "dB")] = -60.0,
    run: Run,
) -> Number:
    """Fails the run unless the stems add up to the mixture.

    Parameters
    ----------
    stems
        All stems of it.
    at_most
        How loud their difference may be, relative to the louder of the mixture and the loudest stem. -60 is hardly
        heard, -120 is exact for float files.

    Notes
    -----
    Gives the null depth, as the node Null depth does. A run whose check fails ends with exit code 7.
    """
    return held("the null depth", null_depth(mixture, stems, run=run).value, "dB", high=at_most)
