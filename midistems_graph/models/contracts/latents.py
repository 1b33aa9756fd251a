"""Parts of a chain of networks: encoders, decoders, vocoders, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from midistems_graph.audio.values import Float32
from midistems_graph.models.contracts.base import Contract, Network, Segments, within
from midistems_graph.models.contracts.roformer_mask import mirrored
from midistems_graph.models.grid import Grid
from midistems_graph.models.sessions import NetworkError


@dataclass(frozen=True)
class Latents(Contract):
    """Tensors [batch, ...] -> tensors [batch, ...], one for each of the manifest's stems, by whose names they go on.

    An encoder takes segments of sound [batch, channels, samples]; others take the arrays that arrive, those that
    `inputs` names in that order, or the only one. A decoder's tensors are sound of the encoder's segments, [batch,
    (stems,) channels, samples]. Neighbouring segments share a tenth.
    """

    id: ClassVar[str] = "latents"
    title: ClassVar[str] = "Encoder, decoder"

    samples: int = field(default=352800, metadata=within(1, 1 << 26))
    inputs: tuple[str, ...] = ()

    def length(self, wanted: int) -> int:
        return self.samples

    def grid(self, length: int, overlap: float, total: int) -> Grid:
        return mirrored(length, overlap or 10 / 9, total)

    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        names = ", ".join(network.name for network in networks)
        raise NetworkError(
            f"{names} is a part of a chain, not a separator; use the nodes network.encode, network.transform and "
            "network.decode"
        )
