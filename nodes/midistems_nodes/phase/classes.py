"""Phases told by a trained network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated

from midistems_graph.models.library import Model, ModelLibrary, ModelMissing
from midistems_graph.models.phase_classes import Choice, phases
from midistems_graph.models.providers import facts
from midistems_graph.models.runner import Runner
from midistems_graph.node import (
    LOCAL,
    Context,
    Magnitude,
    ModelName,
    NodeError,
    Phase,
    Run,
    Spectrogram,
    node,
)
from midistems_nodes.network.shared import resident
from midistems_nodes.signals import require_match


def _context(knobs: SimpleNamespace) -> Context:
    """Of a model that is not there nothing is known."""
    try:
        return Runner(ModelLibrary.default().find(knobs.model)).context
    except (ModelMissing, NodeError):
        return LOCAL


@node(
    "phase.classes",
    version="1.0.0",
    title="Phase classes",
    tags=("onnx", "network", "phasenet", "model"),
    context=_context,
    resident=resident,
    facts=lambda k: facts("auto"),
    libraries=("onnxruntime", "numpy"),
    keeps_gain=False,
    scratch=1.5,
)
def classes(
    magnitude: Magnitude,
    mixture: Spectrogram,
    *,
    model: Annotated[str, ModelName()] = "",
    choice: Choice = "argmax",
    run: Run,
) -> Phase:
    """Have a trained network tell the phase of a stem whose magnitude is known.

    Parameters
    ----------
    magnitude
        The magnitude of the stem.
    mixture
        The spectrogram of the sound that it was taken from, with the same settings.
    model
        Name of a model of the contract `phase-classes` in the library.
    choice
        `argmax` takes the likeliest class; `mean` the mean direction of all classes, each as strong as it is likely,
        which is finer than the classes are.

    Returns
    -------
    Phase
        To be put together with the magnitude by Magnitude and phase to spectrogram.

    References
    ----------
    Takahashi et al., "PhaseNet: discretized phase modeling with deep neural network for audio source separation",
    Interspeech 2018.
    """
    require_match(magnitude, mixture)
    try:
        found = Model.open(run.file("model"))
    except ModelMissing as error:
        raise NodeError(str(error)) from None
    return phases(Runner(found), magnitude, mixture, choice, run=run)
