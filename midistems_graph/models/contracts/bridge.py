"""Generative networks that know where a bridge ends: from the mixture, at time 1, to the stems at time 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import within
from midistems_graph.models.contracts.generative import Ask, Generative, Noise


@dataclass(frozen=True)
class Bridge(Generative):
    """State, mixture and time -> stems, as far as they can be told from the state (see `Generative` for the tensors).

    Both ends are paired: between stems and mixture lies a Brownian bridge, x_t = (1 - t) stems + t mixture + noise of
    the deviation noise * sqrt(t (1 - t)). A step from t to s goes to where the bridge between the predicted stems and
    the state is at s; with `noise` 0 on a straight line, which is the blending of mixture and last estimate.

    Liu et al., "I2SB: image-to-image Schroedinger bridge", ICML 2023, eq. 11 and 12; Zhou et al., "Denoising diffusion
    bridge models", arXiv 2309.16948.
    """

    id: ClassVar[str] = "bridge"
    title: ClassVar[str] = "Bridge"

    steps: int = field(default=10, metadata=within(1, 1000))
    noise: float = field(default=0.0, metadata=within(0, 100))

    def states(self, mixture: Float32, ask: Ask, noise: Noise) -> Iterator[Float32]:
        state = np.repeat(mixture[:, None], noise.shape[0], axis=1)
        yield state
        for draw, (time, after) in enumerate(pairwise(self.times(1.0, 0.0))):
            stems, share = ask(state, time), after / time
            state = stems + np.float32(share) * (state - stems)
            if self.noise and after:
                state += np.float32(self.noise * math.sqrt(share * (time - after))) * noise(draw)
            yield state
