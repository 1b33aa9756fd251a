"""What the nodes of this room share: the model that a knob names, ready to run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Literal

from midistems_graph.models.conditions import conditions
from midistems_graph.models.library import Model, ModelLibrary, ModelMissing
from midistems_graph.models.runner import Runner, Settings
from midistems_graph.node import Features, NodeError, Run

Provider = Literal["auto", "cpu", "cuda", "tensorrt", "coreml", "directml", "openvino"]


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
