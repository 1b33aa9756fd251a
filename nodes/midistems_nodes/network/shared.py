"""What the nodes of this room share: the model that a knob names, ready to run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Literal

from midistems_graph.models.conditions import conditions
from midistems_graph.models.library import Model, ModelLibrary, ModelMissing
from midistems_graph.models.runner import Runner, Settings
from midistems_graph.node import Features, NodeError, Range, Run

Provider = Annotated[
    Literal["auto", "cpu", "cuda", "tensorrt", "coreml", "directml", "openvino"],
    "What computes: `auto` takes the graphics card where ONNX Runtime has one, else the processor.",
]
Steps = Annotated[
    int,
    Range(0, 1000),
    "How many steps a generative model takes; more are finer and slower. 0 takes what its makers do; other models have "
    "none.",
]
Schedule = Annotated[
    float,
    Range(0, 10),
    "How a generative model's steps lie: 1 even, above 1 smaller towards the end, below 1 towards the beginning. 0 "
    "does as its makers do.",
]
Solver = Annotated[
    Literal["usual", "euler", "midpoint", "heun"],
    "How a flow model takes a step: `euler` asks the network once, `midpoint` and `heun` ask twice and are far more "
    "exact.",
]
Seed = Annotated[
    int,
    Range(0, 2**31 - 1),
    "Of the noise that a generative model begins with: another number gives another reading of the same song.",
]


def opened(run: Run, settings: Settings, condition: Features | None) -> Runner:
    """The model of the knob `model`, with what it is told. Raises NodeError."""
    try:
        model = Model.open(run.file("model"))
    except ModelMissing as error:
        raise NodeError(str(error)) from None
    return Runner(model, settings, given=conditions(model.manifest, condition))


def resident(knobs: SimpleNamespace) -> int:
    """An estimate of the bytes that the model of the knob `model` takes at work; 0 for one that is not there."""
    try:
        return Runner(ModelLibrary.default().find(knobs.model)).nbytes
    except (ModelMissing, NodeError):
        return 0
