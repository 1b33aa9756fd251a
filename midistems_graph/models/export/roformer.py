"""BS-RoFormer and Mel-Band RoFormer: from spectrogram to complex masks.

There are several versions of these networks, all after the same published design, which differ in details of their
inner layers. None is taken apart here: the network runs as it is, with its STFT giving what comes in, and is left at
the point where it would read its masks as complex numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

from midistems_graph.audio.stem_names import canonical
from midistems_graph.models.export.base import CannotExport, Checkpoint, Conversion, Family, Part, load, original_class
from midistems_graph.models.manifest import Manifest, ModelFile
from midistems_graph.models.recognise import LEFT

_PACKAGES = {
    True: ("bs_roformer", "bs_roformer", "bs-roformer"),
    False: (
        "audio_separator.separator.uvr_lib_v5.roformer.bs_roformer",
        "audio_separator.separator.uvr_lib_v5.roformer.mel_band_roformer",
        "audio-separator",
    ),
}
"""Where the networks come from: modules of BS- and Mel-RoFormer, and the package that brings them. Newer networks keep
their layers in branches, those that most published checkpoints belong to do not."""


class Roformer(Family):
    """Files (`.ckpt`) with a configuration (`.yaml`) of training programs: its tables `audio`, `model` and
    `training` say what the network is, how long its segments are and what its stems are called."""

    id = "roformer"
    title = "BS-RoFormer and Mel-Band RoFormer"

    @classmethod
    def recognise(cls, checkpoint: Checkpoint) -> bool:
        return any(name.startswith("band_split.to_features.") for name in checkpoint.weights)

    @classmethod
    def convert(cls, checkpoints: Sequence[Checkpoint], name: str) -> Conversion:
        if len(checkpoints) > 1:
            raise CannotExport("a RoFormer is one checkpoint; convert one at a time")
        (checkpoint,) = checkpoints
        settings = checkpoint.config.get("model")
        if not isinstance(settings, Mapping):
            raise CannotExport(
                f"{checkpoint.path.name} needs the configuration that was published with it, which says how its layers "
                "are built; put it beside the file under the same name with .yaml, or give it with --config"
            )
        network = _network(checkpoint, settings)
        transform = network.stft_kwargs
        n_fft, hop = transform["n_fft"], transform["hop_length"]
        if transform["win_length"] != n_fft or transform["normalized"] or network.audio_channels != 2:
            raise CannotExport(
                f"{checkpoint.path.name} has an unusual STFT or is not for stereo, which is not known here"
            )
        bins, frames = n_fft // 2 + 1, _frames(checkpoint.config, hop)
        stems, residual = stems_of(checkpoint.config, len(network.mask_estimators))
        manifest = Manifest(
            name, "roformer-mask", stems, (ModelFile("all.onnx", "", stems),), title=type(network).__name__,
            residual=residual, rate=_audio(checkpoint.config).get("sample_rate", 44100),
            parameters={
                "n_fft": n_fft, "hop": hop, "frames": frames, "silent_dc": _silences_dc(network),
            },
        )  # fmt: skip
        part = Part(_Core(network).eval(), {"in": (1, 2 * bins, frames, 2)}, ("out",))

        def original(sound: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = network(sound)
            return made if made.ndim == 4 else made[:, None]

        return Conversion(manifest, (part,), original)


def stems_of(config: Mapping[str, Any], count: int) -> tuple[tuple[str, ...], str]:
    """The names of a network's stems, and what a single one leaves."""
    training = config.get("training") or {}
    names = tuple(canonical(str(each)) for each in training.get("instruments") or ())
    target = training.get("target_instrument")
    if count == 1 and (target or names):
        stem = canonical(str(target)) if target else names[0]
        rest = next((each for each in names if each != stem), "")
        return (stem,), rest or LEFT.get(stem, "rest")
    if len(names) == count:
        return names, ""
    raise CannotExport(
        f"the network gives {count} stems where its configuration names {len(names)} under training: instruments; "
        "correct it there"
    )


def _audio(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return config.get("audio") or {}


def _frames(config: Mapping[str, Any], hop: int) -> int:
    """Frames of a segment, as long as the one that the network was trained on."""
    length = _audio(config).get("chunk_size")
    if not isinstance(length, int) or length < hop:
        raise CannotExport("the configuration says no audio: chunk_size, the samples of a segment")
    return length // hop + 1


def _silences_dc(network: Any) -> bool:
    """Whether its spectrograms have nothing at 0 Hz: looked at, as some versions do not heed their own setting."""
    seen: list[bool] = []
    inverse = torch.istft

    def looking(bins: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
        seen.append(not bool(bins[:, 0].abs().any()))
        return inverse(bins, *rest, **named)

    with torch.no_grad(), patch.object(torch, "istft", looking):
        network(torch.ones(1, 2, 40 * network.stft_kwargs["hop_length"]))
    return seen == [True]


def _network(checkpoint: Checkpoint, settings: Mapping[str, Any]) -> Any:
    mel = "num_bands" in settings
    newer = any(".branch." in name for name in checkpoint.weights)
    package = _PACKAGES[newer]
    made = original_class(package[mel], "MelBandRoformer" if mel else "BSRoformer", package[2])
    known = inspect.signature(made).parameters
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    unknown = sorted(given.keys() - known)
    network: Any = made(**{name: value for name, value in given.items() if name in known})
    try:
        load(network, checkpoint.weights, checkpoint.path)
    except CannotExport as error:
        hint = f" (its configuration has {', '.join(unknown)}, which that version does not know)" if unknown else ""
        raise CannotExport(f"{error}{hint}") from None
    return network


class _Core(torch.nn.Module):
    """[1, bins * 2, frames, 2], channels alternating along the bins -> masks [1, stems, bins * 2, frames, 2]."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        bands = getattr(network, "freq_indices", None)
        self.where = None if bands is None else _places(bands)

    def forward(self, spectrum: torch.Tensor) -> torch.Tensor:
        bins, frames = spectrum.shape[1] // 2, spectrum.shape[2]
        apart = spectrum.reshape(bins, 2, frames, 2).permute(1, 0, 2, 3)
        length = self.network.stft_kwargs["hop_length"] * (frames - 1)
        try:
            with _left_at_the_masks(apart):
                self.network(spectrum.new_zeros(1, 2, length))
        except _Masks as found:
            masks = found.masks
        if self.where is None:
            return masks
        # Bands of mel networks overlap: a bin's mask is the mean of those that speak of it.
        padded = torch.cat([masks, torch.zeros_like(masks[:, :, :1])], 2)
        added = sum(padded.index_select(2, place) for place in self.where)
        counts = sum((place < masks.shape[2]).float() for place in self.where)
        return added / counts[None, None, :, None, None]


def _places(indices: torch.Tensor) -> list[torch.Tensor]:
    """For a list of bins, with repeats: where each bin stands in it, the first time, the second time, and so on; one
    beyond the list's end where it does not."""
    highest = int(indices.max()) + 1
    found: list[list[int]] = [[] for _ in range(highest)]
    for place, each in enumerate(indices.tolist()):
        found[each].append(place)
    most = max(map(len, found))
    return [torch.tensor([each[i] if i < len(each) else len(indices) for each in found]) for i in range(most)]


class _Masks(Exception):
    """Leaves the network with what it found."""

    def __init__(self, masks: torch.Tensor) -> None:
        super().__init__()
        self.masks = masks


@contextmanager
def _left_at_the_masks(spectrum: torch.Tensor) -> Iterator[None]:
    """Within, an STFT gives this spectrogram, real and imaginary parts on the last axis; the second tensor that is read
    as complex numbers, after the spectrogram itself, leaves as `_Masks`."""
    seen: list[torch.Tensor] = []

    def complex_of(pairs: torch.Tensor) -> torch.Tensor:
        seen.append(pairs)
        if len(seen) == 2:
            raise _Masks(pairs)
        return pairs

    with (
        patch.object(torch, "stft", lambda *_, **__: spectrum),
        patch.object(torch, "view_as_real", lambda pairs: pairs),
        patch.object(torch, "view_as_complex", complex_of),
    ):
        yield
