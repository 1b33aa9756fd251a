"""Networks and samplers between encoders and decoders."""

from __future__ import annotations

from typing import Annotated

from midistems_graph.models.latents import transformed
from midistems_graph.models.providers import facts
from midistems_graph.models.runner import Settings
from midistems_graph.node import Features, ModelName, Range, Run, node
from midistems_nodes.network.shared import Provider, Schedule, Seed, Solver, Steps, opened, resident


@node(
    "network.transform",
    version="1.0.0",
    title="Transform latents",
    tags=("onnx", "latent", "flow", "diffusion", "bridge", "sampler"),
    resident=resident,
    libraries=("onnxruntime",),
    facts=lambda k: facts(k.provider),
    keeps_gain=False,
)
def transform(
    latents: Features,
    condition: Features | None = None,
    *,
    model: Annotated[str, ModelName()] = "",
    batch: Annotated[int, Range(1, 64)] = 1,
    steps: Steps = 0,
    schedule: Schedule = 0.0,
    solver: Solver = "usual",
    seed: Seed = 0,
    provider: Provider = "auto",
    run: Run,
) -> Features:
    """Turn latents into others: the latents of a mixture into those of its stems, say.

    Takes networks of the contract `latents`, and generative ones (flow, diffusion, bridge), which draw the latents of
    their stems in steps.

    Parameters
    ----------
    latents
        What network.encode or another transform gives.
    condition
        What a conditioned network is told beside the latents, such as the embedding of a text; others take none.
    model
        Name of a model in the library.
    batch
        Segments that go through at once.

    Returns
    -------
    Features
        An array for each stem of the model.
    """
    settings = Settings(
        batch=batch,
        steps=steps,
        schedule=schedule,
        solver="" if solver == "usual" else solver,
        seed=seed,
        provider=provider,
    )
    return transformed(opened(run, settings, condition), latents, run=run)
