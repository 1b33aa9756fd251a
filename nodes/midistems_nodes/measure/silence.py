"""What a stem holds where it should hold nothing."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from midistems_graph.audio.stem_names import find
from midistems_graph.node import NodeError, Range, Run, Scores, Stream, node
from midistems_nodes.measure.ratios import ratio_db
from midistems_nodes.measure.streams import chunks
from midistems_nodes.ports import Estimates, TrueStems
from midistems_nodes.signals import total


@node("measure.silence", title="Level in silence", tags=("bleed", "pause", "ghost", "score"), libraries=("numpy",))
def silence(
    estimates: Stream[Estimates],
    references: Stream[TrueStems],
    *,
    threshold: Annotated[float, Range(-160, 0, "dB")] = -60.0,
    block: Annotated[float, Range(0.01, 10, "s", "log")] = 0.1,
    run: Run,
) -> Scores:
    """How loud every stem is where its true stem is silent: the ghosts that listeners notice first.

    Parameters
    ----------
    threshold
        A reference below this level (RMS, against full scale) counts as silent.
    block
        Silence is judged in blocks of this length.

    Returns
    -------
    Scores
        A row per reference: `in_silence`, the RMS level there in dBFS; `below_music`, how far that is below the level
        of the reference where it sounds; `silent`, the share of the song that is silent. Without silence the first two
        are not defined.

    References
    ----------
    10 lg(mean of e^2 over the blocks in which mean of s^2 < threshold).
    """
    sums: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    missing: set[str] = set()
    limit = 10 ** (threshold / 10)
    for guess, true in chunks((estimates, references), max(1, round(block * references.span.rate)), run.progress):
        for name, audio in true.audio.items():
            found = find(name, guess)
            if not found:
                missing.add(name)
                continue
            mine = sums.setdefault(name, np.zeros(4))
            own = float(np.vdot(audio.samples, audio.samples))
            if own < limit * audio.samples.size:
                other = total([guess[one] for one in found])
                mine[:2] += float(np.vdot(other, other)), audio.samples.size
            else:
                mine[2:] += own, audio.samples.size
    if missing and not sums:
        raise NodeError(
            f"no estimate is called {' or '.join(sorted(missing))}; put a stems.rename node before this one"
        )
    if missing:
        run.warn(f"there is no estimate of {', '.join(sorted(missing))}; the table leaves them out")
    rows = {}
    for name, (ghost, quiet, music, sounding) in sums.items():
        level = ratio_db(ghost, quiet) if quiet else math.nan
        loud = ratio_db(music, sounding) if sounding else math.nan
        rows[name] = {"in_silence": level, "below_music": loud - level, "silent": quiet / max(1, quiet + sounding)}
    return Scores(rows, {"in_silence": "dBFS", "below_music": "dB"})
