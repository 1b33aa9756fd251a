"""How a generative network comes to its stems, step by step."""

from __future__ import annotations

from typing import Annotated

from midistems_graph.models.providers import facts
from midistems_graph.models.runner import Settings
from midistems_graph.models.trajectory import trajectory as followed
from midistems_graph.node import WHOLE, ModelName, Range, Run, Scores, node
from midistems_nodes.network.shared import Provider, Schedule, Seed, Solver, Steps, opened, resident
from midistems_nodes.ports import Condition, Song


@node(
    "network.trajectory",
    version="1.0.0",
    title="Trajectory",
    tags=("onnx", "flow", "diffusion", "bridge", "steps", "curve"),
    context=WHOLE,
    resident=resident,
    libraries=("onnxruntime", "soxr"),
    facts=lambda k: facts(k.provider),
    keeps_gain=False,
    scratch=4,
)
def trajectory(
    mixture: Song,
    condition: Condition | None = None,
    *,
    model: Annotated[str, ModelName()] = "",
    at: Annotated[float, Range(0, 36_000, "s")] = 30.0,
    steps: Steps = 0,
    schedule: Schedule = 0.0,
    solver: Solver = "usual",
    seed: Seed = 0,
    provider: Provider = "auto",
    run: Run,
) -> Scores:
    """See how a generative network comes to its stems, and so how many steps are worth their time.

    One segment of the song is drawn. There is a row for every step.

    Parameters
    ----------
    model
        Name of a generative model in the library (flow, diffusion, bridge).
    at
        An instant in the segment that is looked at.

    Returns
    -------
    Scores
        A row per step, from 0 (where it begins), in dB: `distance`, how far all stems are from the last ones; `change`,
        how much the step changed; `rest`, what the stems lack of the mixture. Each is relative to the level of what it
        is compared with.
    """
    settings = Settings(
        steps=steps,
        schedule=schedule,
        solver="" if solver == "usual" else solver,
        seed=seed,
        provider=provider,
    )
    return followed(opened(run, settings, condition), mixture, at, run=run)
