"""Encoders: a song as latents, or as one embedding."""

from __future__ import annotations

from typing import Annotated

from midistems_graph.models.latents import encoded
from midistems_graph.models.providers import facts
from midistems_graph.models.runner import Settings
from midistems_graph.node import Audio, Features, ModelName, Range, Run, Stream, node
from midistems_nodes.network.shared import Provider, opened, resident
from midistems_nodes.ports import Condition


@node(
    "network.encode",
    version="1.0.0",
    title="Encode",
    tags=("onnx", "latent", "embedding", "vae", "encoder", "speaker"),
    resident=resident,
    libraries=("onnxruntime", "soxr"),
    facts=lambda k: facts(k.provider),
    keeps_gain=False,
    scratch=3,
)
def encode(
    audio: Stream[Audio],
    condition: Condition | None = None,
    *,
    model: Annotated[str, ModelName()] = "",
    mean: bool = False,
    overlap: Annotated[float, Range(0, 8)] = 0.0,
    provider: Provider = "auto",
    run: Run,
) -> Features:
    """Turn sound into what a network makes of it: latents for other networks, or an embedding.

    The song is cut into segments, which the networks that follow (transform, decode) know as well. However many of them
    read it, it is encoded once.

    Parameters
    ----------
    audio
        The sound.
    model
        Name of a model of the contract `latents` in the library.
    mean
        Give the mean over the song, such as the embedding of a voice from an excerpt of it, to be connected as a
        condition.
    overlap
        How many segments cover an instant on average; 0 lets neighbours share a tenth.

    Returns
    -------
    Features
        An array for each name in the model's manifest.
    """
    return encoded(opened(run, Settings(overlap=overlap, provider=provider), condition), audio, mean=mean, run=run)
