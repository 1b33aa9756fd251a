"""A thorough separator for those parts of a song of which a quick one made least."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from midistems_graph.audio.stem_names import find
from midistems_graph.node import WHOLE, NodeError, Number, Range, Run, Scorer, Separator, Stems, node
from midistems_nodes.loop.regions import FADE, Judge, joined, places, widened, worst_parts
from midistems_nodes.ports import Mixture, TrueIfNeeded
from midistems_nodes.signals import require_match, total


class Mended(NamedTuple):
    stems: Stems
    asked: Number


@node(
    "control.where_needed",
    title="Thorough where needed",
    tags=("early exit", "adaptive", "cascade", "region", "budget", "data flow"),
    context=WHOLE,
    keeps_gain=False,  # the scorer decides
    scratch=6,
)
def where_needed(
    separator: Separator,
    scorer: Scorer,
    mixture: Mixture,
    stems: Stems,
    references: TrueIfNeeded | None = None,
    *,
    chunk: Annotated[float, Range(0.1, 600, "s")] = 5.0,
    worst: Annotated[float, Range(0.01, 1)] = 0.5,
    margin: Annotated[float, Range(0, 30, "s")] = 2.0,
    run: Run,
) -> Mended:
    """Ask a thorough separator about those chunks of a song of which a quick one made least, and leave the others.

    Parameters
    ----------
    separator
        The thorough one, from the `separator` output of a node or group.
    scorer
        What tells where the quick answer is poor, from the `scorer` output of a node.
    stems
        What the quick one made of it, under the common names that the thorough one gives as well.
    chunk
        Length of the pieces that are judged.
    worst
        The share of the pieces, those with the lowest scores, that the thorough one is asked about.
    margin
        What it may listen to on either side of them.

    Returns
    -------
    Mended
        stems, with short fades between both; asked, for how many seconds of sound the thorough one was asked.

    Notes
    -----
    Good where a network takes too long for all of a song: the quality of a part of it has a part of its price. Pieces
    of which the scorer can say nothing, such as silence, are left as they are. Holds the song in memory.

    References
    ----------
    A cascade with an early exit per region, as in Teerapittayanon, McDanel & Kung, "BranchyNet: fast inference via
    early exiting from deep neural networks", ICPR 2016; a scorer decides in place of the network's own entropy.
    """
    require_match(mixture, stems)
    if references is not None:
        require_match(mixture, references)
    grid = places(mixture.span, chunk, mixture.channels, apart=False)
    parts = worst_parts(grid, stems, worst, Judge(scorer, mixture, references, run))
    thorough = {name: audio.samples.copy() for name, audio in stems.audio.items()}
    asked = 0.0
    for done, part in enumerate(parts):
        run.progress(done / len(parts))
        heard, near = widened(part, margin), widened(part, FADE)
        made = run.separate(separator, mixture.crop(heard))
        asked += heard.seconds
        place = slice(near.start - mixture.span.start, near.stop - mixture.span.start)
        for name, samples in thorough.items():
            found = find(name, made)
            if not found:
                raise NodeError(
                    f"the separator gives no {name!r} but {', '.join(made)}; call the quick stems by those names with "
                    "a stems.rename node"
                )
            samples[:, place] = total([made[one].crop(near) for one in found])
    second = stems.map({name: mixture.with_samples(samples) for name, samples in thorough.items()})
    choice = [int(any(part.start <= place.span.start < part.stop for part in parts)) for place in grid]
    return Mended(joined([stems, second], grid, choice), Number(asked, "s"))
