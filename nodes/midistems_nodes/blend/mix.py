"""Sums and differences of signals."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Range, Stems, node, stem_by_stem
from midistems_nodes.ports import Mixture
from midistems_nodes.signals import Signal, merge_audio, require_match, require_some, total


@node("blend.mix", tags=("sum", "add"), scratch=0.5, apart=stem_by_stem)
def mix(signals: tuple[Signal, ...]) -> Signal:
    """Add signals up.

    Parameters
    ----------
    signals
        Any number of audio signals, or of stem sets with the same names, which are added stem by stem.

    Notes
    -----
    Good for remixes, and for making one stem of several (an instrumental of drums, bass and other). Nothing is clipped.

    References
    ----------
    y = sum_k x_k, added in the order of the connections.
    """
    require_some("signals", signals)
    return merge_audio(signals, lambda parts: parts[0].with_samples(total(parts)))


@node("blend.crossfade", title="Blend of two", tags=("weighted", "average"), scratch=0.5, apart=stem_by_stem)
def crossfade(a: Signal, b: Signal, *, amount: Annotated[float, Range(0, 1)] = 0.5) -> Signal:
    """Blend two estimates of the same thing.

    Parameters
    ----------
    a
        What is heard at amount 0.
    b
        What is heard at amount 1; for stem sets, with the same names.
    amount
        How much of `b` is in the blend.

    Notes
    -----
    Good for two models' estimates of one stem: their errors differ, so a blend often has less of both.

    References
    ----------
    y = (1 - amount) a + amount b.
    """
    share = np.float32(amount)

    def blend(pair: tuple[Audio, ...] | list[Audio]) -> Audio:
        samples: Float32 = pair[0].samples * (1 - share)
        samples += pair[1].samples * share
        return pair[0].with_samples(samples)

    return merge_audio((a, b), lambda pair: blend(list(pair)))


@node("blend.residual", tags=("difference", "subtract", "rest"), scratch=0.5)
def residual(mixture: Mixture, parts: tuple[Audio | Stems, ...]) -> Audio:
    """What is left of a mixture when parts are taken away.

    Parameters
    ----------
    parts
        Audio, or stem sets of which every stem is taken away.

    Notes
    -----
    Good for a missing stem (instrumental = mixture - vocals), and for hearing what a set of stems lacks.

    References
    ----------
    y = x - sum_k s_k, taken away in the order of the connections.
    """
    require_match(mixture, *parts)
    rest = np.array(mixture.samples)
    for part in parts:
        for audio in part.audio.values() if isinstance(part, Stems) else (part,):
            rest -= audio.samples
    return mixture.with_samples(rest)
