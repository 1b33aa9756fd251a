"""One stem out of a set."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from midistems_graph.audio.stem_names import find
from midistems_graph.node import Audio, NodeError, Stems, node
from midistems_nodes.signals import total


class Picked(NamedTuple):
    stem: Audio
    rest: Audio


def _needed(knobs: SimpleNamespace, port: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """What an output is made of: the picked stem of itself, the rest of all."""
    return tuple(find(knobs.name, names)) if port == "stem" else names


@node("stems.pick", title="Pick stem", tags=("select", "solo"), derived=True, scratch=0.5, picks=_needed)
def pick(stems: Stems, *, name: str = "vocals") -> Picked:
    """Take one stem out of a set; the others, added up, come out too.

    Parameters
    ----------
    stems
        The set.
    name
        Which stem: its name, another common name of it (`voice` for `vocals`), or a branch of the tree (`drums`
        for the sum of `drums/kick` and `drums/snare`). Capitals do not matter.

    Notes
    -----
    Good for sending a single stem further, and for two-stem results (`rest` is the instrumental of `vocals`).

    References
    ----------
    `rest` is the sum of all other stems, in the order of the set; silence if there are none.
    """
    chosen = find(name, stems)
    if not chosen:
        raise NodeError(f"there is no stem {name!r}; the set has {', '.join(stems)}")
    others = [audio for other, audio in stems.audio.items() if other not in chosen]
    first = stems[chosen[0]]
    stem = first if len(chosen) == 1 else first.with_samples(total([stems[one] for one in chosen]))
    rest = total(others) if others else np.zeros_like(first.samples)
    return Picked(stem, first.with_samples(rest))
