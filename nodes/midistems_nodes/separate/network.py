"""Trained networks: any model of the library, whatever its family."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Annotated

import numpy as np

from midistems_graph.models.conditions import conditions
from midistems_graph.models.library import Model, ModelLibrary, ModelMissing
from midistems_graph.models.providers import facts
from midistems_graph.models.runner import Level, Runner, Settings
from midistems_graph.node import (
    LOCAL,
    Alone,
    Audio,
    Context,
    Curves,
    Features,
    ModelName,
    NodeError,
    Range,
    Run,
    Stems,
    Stream,
    node,
)
from midistems_nodes.network.shared import Provider, Schedule, Seed, Solver, Steps
from midistems_nodes.ports import Song

QUIET = 1e-8
"""What Demucs adds to a deviation, so that silence is not divided by nothing."""


def level(mixture: Stream[Audio], condition: object = None, *, run: Run, **_: object) -> Features:
    """Mean and deviation of a whole song, of the mean of its channels."""
    count, total, squares = 0, 0.0, 0.0
    for tile in mixture:
        mono = tile.samples.mean(axis=0, dtype=np.float64)
        count += len(mono)
        total += float(mono.sum())
        squares += float(mono @ mono)
        run.progress(min(1.0, (tile.span.stop - mixture.span.start) / max(1, mixture.span.frames)))
    mean = total / max(1, count)
    spread = max(0.0, squares - count * mean * mean) / max(1, count - 1)
    return Features({}, {"mean": mean, "deviation": float(np.sqrt(spread)) + QUIET})


def _runner(knobs: SimpleNamespace, model: Model | None = None) -> Runner:
    """What runs the model that the knobs name. Raises ModelMissing, and NodeError for a wrong manifest."""
    settings = Settings(
        stems=knobs.stems,
        segment=knobs.segment,
        overlap=knobs.overlap,
        batch=knobs.batch,
        shifts=knobs.shifts,
        swap=knobs.swap,
        polarity=knobs.polarity,
        normalise=knobs.normalise,
        steps=knobs.steps,
        schedule=knobs.schedule,
        solver="" if knobs.solver == "usual" else knobs.solver,
        seed=knobs.seed,
        provider=knobs.provider,
    )
    return Runner(model or ModelLibrary.default().find(knobs.model), settings)


def _context(knobs: SimpleNamespace) -> Context:
    """Of a model that is not there nothing is known."""
    try:
        return _runner(knobs).context
    except (ModelMissing, NodeError):
        return LOCAL


def _needs_level(knobs: SimpleNamespace) -> bool:
    try:
        return _runner(knobs).needs_level
    except (ModelMissing, NodeError):
        return False


def _apart(knobs: SimpleNamespace, sets: object) -> dict[str, Alone]:
    """By stem the knobs that make it alone, for models with a file for each."""
    try:
        runner = _runner(knobs)
        return {name: Alone({"stems": (name,)}) for name in runner.names} if runner.has_a_network_for_each_stem else {}
    except (ModelMissing, NodeError):
        return {}


def _resident(knobs: SimpleNamespace) -> int:
    try:
        return _runner(knobs).nbytes
    except (ModelMissing, NodeError):
        return 0


def _segments(knobs: SimpleNamespace, seconds: float) -> float:
    try:
        return _runner(knobs).segments(seconds)
    except (ModelMissing, NodeError):
        return seconds


@node(
    "separate.network",
    version="1.0.0",
    title="Network",
    tags=("model", "onnx", "neural", "vocals", "demucs", "mdx", "spleeter", "roformer", "unmix"),
    separator=True,
    stems=lambda k: _runner(k).names,
    complete=lambda k: _runner(k).complete,
    apart=_apart,
    context=_context,
    reduce=level,
    reduces=_needs_level,
    scratch=4.0,
    resident=_resident,
    segments=_segments,
    libraries=("onnxruntime", "soxr"),
    keeps_gain=False,  # families that normalise do, others need not
    facts=lambda k: facts(k.provider),
)
def network(
    mixture: Song,
    condition: Features | Curves | None = None,
    learned: Features | None = None,
    *,
    model: Annotated[str, ModelName()] = "",
    stems: tuple[str, ...] = (),
    segment: Annotated[float, Range(0, 600, "s")] = 0.0,
    overlap: Annotated[float, Range(0, 32)] = 0.0,
    batch: Annotated[int, Range(1, 64)] = 1,
    shifts: Annotated[int, Range(1, 20)] = 1,
    swap: bool = False,
    polarity: bool = False,
    normalise: bool = False,
    steps: Steps = 0,
    schedule: Schedule = 0.0,
    solver: Solver = "usual",
    seed: Seed = 0,
    provider: Provider = "auto",
    run: Run,
) -> Stems:
    """Split sound with a trained network.

    Far better than anything without one. The model is one of your library: `midistems-graph models list` shows what is
    there and what can be got. Length, sample rate and channels of the song stay as they are; mono goes in as mono, the
    pairs of surround sound go through one after the other.

    Parameters
    ----------
    condition
        What a conditioned network is told beside the sound, such as the embedding of a voice or a pitch; others take
        none.
    learned
        Mean and deviation of the whole song, where they are wanted.
    model
        Name of a model in the library.
    stems
        Only these stems; all if none are named. Where the model has a file for each stem, the others are not computed.
    segment
        Length of the pieces that go through the network, where its family leaves that open; 0 takes the usual one.
        Longer pieces are often better and need more memory.
    overlap
        How many pieces cover an instant on average: 1 is none, 2 lets them overlap by half. More is smoother and
        takes as many times longer. 0 does as the makers of the model do.
    batch
        Pieces that go through at once. More needs more memory, and is faster on graphics cards only.
    shifts
        The song is separated this many times on shifted pieces, and the mean is taken: a little better, much slower.
    swap
        Also separate with left and right exchanged, and take the mean: twice the time.
    polarity
        Also separate the inverted sound, and take the mean: twice the time, less noise.
    normalise
        Give the network the song at a usual level and bring the stems back: a soft song is separated as a loud one is.
        Families that do so by themselves (HTDemucs) do it always.

    Returns
    -------
    Stems
        Those of the model, in its order.

    References
    ----------
    The page of the model's family in the documentation names its papers.
    """
    knobs = SimpleNamespace(
        model=model,
        stems=stems,
        segment=segment,
        overlap=overlap,
        batch=batch,
        shifts=shifts,
        swap=swap,
        polarity=polarity,
        normalise=normalise,
        steps=steps,
        schedule=schedule,
        solver=solver,
        seed=seed,
        provider=provider,
    )
    try:
        runner = _runner(knobs, Model.open(run.file("model")))
    except ModelMissing as error:
        raise NodeError(str(error)) from None
    runner = replace(runner, given=conditions(runner.model.manifest, condition))
    known = Level(learned.notes["mean"], learned.notes["deviation"]) if learned else None
    return runner.separate(mixture, run=run, level=known)
