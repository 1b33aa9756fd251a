"""Decoders and vocoders: latents as sound."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated

from midistems_graph.models.latents import decoded
from midistems_graph.models.library import ModelLibrary
from midistems_graph.models.providers import facts
from midistems_graph.models.runner import Settings
from midistems_graph.node import Features, ModelName, Run, Stems, node
from midistems_nodes.network.shared import Provider, opened, resident


def _stems(knobs: SimpleNamespace) -> tuple[str, ...]:
    """Those named, or those of the model; raises ModelMissing."""
    return tuple(knobs.arrays) or ModelLibrary.default().find(knobs.model).manifest.stems


@node(
    "network.decode",
    version="1.0.0",
    title="Decode",
    tags=("onnx", "latent", "vae", "decoder", "vocoder"),
    stems=_stems,
    resident=resident,
    libraries=("onnxruntime", "soxr"),
    facts=lambda k: facts(k.provider),
    keeps_gain=False,
    scratch=3,
)
def decode(
    latents: Features,
    condition: Features | None = None,
    *,
    model: Annotated[str, ModelName()] = "",
    arrays: tuple[str, ...] = (),
    provider: Provider = "auto",
    run: Run,
) -> Stems:
    """Turn latents into sound, over the very stretch of the song that they were made of.

    Parameters
    ----------
    latents
        What network.encode or network.transform gives.
    condition
        What a conditioned network is told beside the latents; others take none.
    model
        Name of a model of the contract `latents` in the library.
    arrays
        The arrays to decode, each by itself: each becomes a stem of its name. If none are named, the model takes what
        its manifest says and gives its own stems.

    Returns
    -------
    Stems
        Sound of the song's length, rate and channels.
    """
    return decoded(opened(run, Settings(provider=provider), condition), latents, arrays, run=run)
