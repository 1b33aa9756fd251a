"""Phases from a network that sorts them into classes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Complex64, Float32, Magnitude, Phase, Spectrogram
from midistems_graph.models.contracts.phase_classes import PhaseClasses
from midistems_graph.models.runner import Runner
from midistems_graph.models.sessions import NetworkError
from midistems_graph.node.contract import Run

Choice = Literal["argmax", "mean"]
"""The likeliest class, or the mean direction of all, each as strong as it is likely."""


def phases(runner: Runner, magnitude: Magnitude, mixture: Spectrogram, choice: Choice, *, run: Run) -> Phase:
    """The phases of a stem of known magnitude, over the magnitude's span. Raises NetworkError and Cancelled."""
    contract, manifest = runner.contract, runner.model.manifest
    if not isinstance(contract, PhaseClasses):
        raise NetworkError(
            f"the model {manifest.name!r} has the contract {contract.id}, which tells no phases; choose one of "
            f"{PhaseClasses.id}"
        )
    stft, rate = magnitude.stft, magnitude.rate
    if (stft.n_fft, stft.hop, rate) != (contract.n_fft, contract.hop, manifest.rate):
        raise NetworkError(
            f"the model {manifest.name!r} knows FFTs of {contract.n_fft} with a hop of {contract.hop} at "
            f"{manifest.rate} Hz, and the magnitude has {stft.n_fft}, {stft.hop} and {rate} Hz; set the node that "
            "makes the spectrogram so"
        )
    frames = magnitude.span.stft_frames(stft.hop)
    bins = contract.bins or stft.n_bins
    out = np.angle(mixture.bins)
    step = contract.frames // 2
    lead = (contract.frames - step) // 2
    blocks = range(frames.start // step, -(-frames.stop // step))
    for done, block in enumerate(blocks, 1):
        first = block * step - lead - frames.start  # of the network's frames, among those that are given
        kept = slice(max(0, first + lead), min(len(frames), first + lead + step))
        wanted, around = (_cut(each.bins[..., :bins], first, contract.frames) for each in (magnitude, mixture))
        logits = _logits(runner, wanted, around, block * step * stft.hop, run)
        angles = _angles(logits, choice)[:, kept.start - first : kept.stop - first]
        out[:, kept, :bins] = out[:, kept, :bins] + angles if contract.relative else angles
        run.progress(done / len(blocks))
    return Phase(_wrapped(out), magnitude.span, stft)


def _cut(bins: npt.NDArray[Any], first: int, count: int) -> npt.NDArray[Any]:
    """So many frames [channels, count, bins] from one on; nothing where there are none."""
    out = np.zeros((bins.shape[0], count, bins.shape[2]), bins.dtype)
    low, high = max(0, first), min(bins.shape[1], first + count)
    out[:, low - first : high - first] = bins[:, low:high]
    return out


def _logits(runner: Runner, magnitude: Float32, mixture: Complex64, start: int, run: Run) -> Float32:
    """What the network says of some frames, [channels, frames, bins, classes]."""
    tensors = [magnitude.swapaxes(1, 2), np.stack([mixture.real, mixture.imag], axis=1).swapaxes(2, 3)]
    (network,) = runner.networks(run, (start,) * len(magnitude))
    made = network(*tensors[: len(network.inputs)])[0]
    if made.ndim != 4 or made.shape[:3] != tensors[0].shape:
        raise NetworkError(
            f"the network {network.name} gives {list(made.shape)} where {[*tensors[0].shape, 'classes']} are wanted; "
            "correct its parameters in the manifest"
        )
    if not np.isfinite(made.sum()):
        raise NetworkError(
            f"the model {runner.model.name!r} gave figures that are not numbers (NaN or infinite) in the segment from "
            f"{start / runner.model.manifest.rate:.2f} s; get the model again, or use another one"
        )
    return made.swapaxes(1, 2)


def _angles(logits: Float32, choice: Choice) -> Float32:
    """Angles [channels, frames, bins] of logits with a last axis of classes."""
    turns = np.float32(2 * np.pi) * np.arange(logits.shape[-1], dtype=np.float32) / np.float32(logits.shape[-1])
    if choice == "argmax":
        likeliest: Float32 = turns[logits.argmax(axis=-1)]
        return likeliest
    likely = np.exp(logits - logits.max(axis=-1, keepdims=True))  # a softmax but for its sum, which turns nothing
    angles: Float32 = np.arctan2(likely @ np.sin(turns), likely @ np.cos(turns))
    return angles


def _wrapped(angles: Float32) -> Float32:
    """The same directions from -pi to pi."""
    turn = np.float32(2 * np.pi)
    return np.asarray(angles - turn * np.round(angles / turn), np.float32)
