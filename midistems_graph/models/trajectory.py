"""How a generative network comes to its stems: figures about every step, on one segment of a song."""

from __future__ import annotations

import math

import numpy as np

from midistems_graph.audio.values import Audio, Float32, Scores
from midistems_graph.models import channels
from midistems_graph.models.contracts.base import Segments
from midistems_graph.models.contracts.generative import Generative
from midistems_graph.models.runner import Runner
from midistems_graph.models.sessions import NetworkError
from midistems_graph.models.source import Source
from midistems_graph.node.contract import Run

FIGURES = ("distance", "change", "rest")
FLOOR = -200.0
"""dB: less counts as nothing."""


def trajectory(runner: Runner, mixture: Audio, at: float, *, run: Run) -> Scores:
    """A row of figures in dB per step, from 0 (where it begins), for the segment that covers an instant (seconds).

    `distance` of all stems from the last ones, `change` by the step, `rest` of the mixture that the stems lack. Raises
    NetworkError for a network that is not generative, and Cancelled.
    """
    contract, rate = runner.contract, runner.model.manifest.rate
    if not isinstance(contract, Generative):
        raise NetworkError(
            f"the model {runner.model.name!r} has the contract {contract.id}, which takes no steps; choose a "
            "generative one"
        )
    takes = runner.model.manifest.channels
    group = channels.groups(mixture.layout, mixture.channels, takes)[0]
    feed = Source(Audio(mixture.samples[list(group)], mixture.span), rate)
    grid = contract.grid(runner.length, runner.settings.overlap, feed.span.total)
    instant = min(max(0, round(at * rate)), max(0, feed.span.total - 1))
    start = grid.place(grid.numbers(instant, instant + 1, feed.span.total)[-1], feed.span.total).read
    sound = channels.spread(feed.read(start, grid.length, grid.edges), takes)[None]
    stems = len(runner.model.manifest.stems)
    segments = Segments(sound, (start,), stems, run.cores, runner.settings.seed)
    states: list[Float32] = []
    for state in contract.trajectory(segments, runner.networks(run, (start,))):
        states.append(state)
        run.progress(len(states) / (contract.steps + 1))
    last, before = states[-1], states[0]
    rows: dict[str, dict[str, float]] = {}
    for number, state in enumerate(states):
        row = {"distance": _db(state - last, last), "rest": _db(sound - state.sum(axis=1), sound)}
        if number:
            row["change"] = _db(state - before, last)
        rows[str(number)], before = row, state
    return Scores(rows, dict.fromkeys(FIGURES, "dB"))


def _db(part: Float32, whole: Float32) -> float:
    """The level of a part relative to that of the whole."""
    energies = [float(np.vdot(array, array)) for array in (part, whole)]
    if min(energies) <= 0:
        return FLOOR
    return max(FLOOR, 10 * math.log10(energies[0] / energies[1]))
