"""What a separation left over, given to stems."""

from __future__ import annotations

from typing import Literal

import numpy as np

from midistems_graph.audio.stem_names import find
from midistems_graph.node import Audio, NodeError, Run, Stems, node
from midistems_nodes.consistency.mixture import (
    Power,
    SharesFftSize,
    SharesHop,
    Smoothing,
    context,
    mixture_consistency,
)
from midistems_nodes.signals import require_match, total


@node(
    "consistency.inject",
    title="Inject residual",
    tags=("residual", "route", "rest", "add"),
    context=lambda k: context(k),
    libraries=("numpy", "scipy"),
    scratch=0.5,
)
def inject(
    stems: Stems,
    residual: Audio,
    *,
    into: tuple[str, ...] = (),
    share: Literal["bins", "energy", "equal"] = "bins",
    power: Power = 2.0,
    smoothing: Smoothing = 0.1,
    n_fft: SharesFftSize = 4096,
    hop: SharesHop = 1024,
    run: Run,
) -> Stems:
    """Add what a separation left over to the stems where it does least harm.

    Good with the node Residual before it, and whatever filters or separates that residual in between: route hiss to
    `other`, give the rest back to drums and bass.

    Parameters
    ----------
    stems
        The set.
    residual
        What is added: the mixture minus the stems, or a part of that.
    into
        The stems that share it; none means all.
    share
        Who gets how much: `bins` by strength at every pitch and moment, `energy` by loudness at every moment, or all
        the same.

    Returns
    -------
    Stems
        The same names; their sum has grown by the residual, exactly.

    References
    ----------
    s_k += w_k r, sum w = 1, with the weights of Mixture consistency.
    """
    require_match(stems, residual)
    chosen = [found for name in into or tuple(stems) for found in find(name, stems)]
    missing = [name for name in into if not find(name, stems)]
    if missing:
        raise NodeError(f"there is no stem {missing[0]!r}; into may name {', '.join(stems)}, or be empty for all")
    family = Stems({name: audio for name, audio in stems.audio.items() if name in chosen}, complete=True)
    whole = residual.with_samples(np.add(total(list(family.audio.values())), residual.samples))
    given = mixture_consistency(
        whole, family, share=share, power=power, smoothing=smoothing, n_fft=n_fft, hop=hop, run=run
    )
    return stems.map({**stems.audio, **given.audio})
