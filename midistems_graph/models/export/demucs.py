"""HTDemucs and Hybrid Demucs: the network between its transforms."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import torch

from midistems_graph.models.contracts.htdemucs import HOP, N_FFT
from midistems_graph.models.export.base import CannotExport, Checkpoint, Conversion, Family, Part, load, original_class
from midistems_graph.models.manifest import Manifest, ModelFile


class Demucs(Family):
    """Files of Demucs (`.th`, `.safetensors`), which name their class and its arguments.

    One file gives all its stems. As many files as there are stems are a bag: the first gives the first stem, and so on,
    as in htdemucs_ft.
    """

    id = "demucs"
    title = "HTDemucs and Hybrid Demucs"

    @classmethod
    def recognise(cls, checkpoint: Checkpoint) -> bool:
        return getattr(checkpoint.facts.get("klass"), "__name__", "") in ("HTDemucs", "HDemucs")

    @classmethod
    def convert(cls, checkpoints: Sequence[Checkpoint], name: str) -> Conversion:
        networks = [_network(each) for each in checkpoints]
        first = networks[0]
        stems, count = tuple(first.sources), len(networks)
        if count not in (1, len(stems)) or any(tuple(each.sources) != stems for each in networks):
            raise CannotExport(
                f"{count} checkpoints were given where one is needed, or one for each of {', '.join(stems)}, in order"
            )
        samples = int(first.segment * first.samplerate)
        frames = -(-samples // HOP)
        rows = [stems] if count == 1 else [tuple(s if s == one else "" for s in stems) for one in stems]
        files = [
            ModelFile(f"{'all' if count == 1 else one}.onnx", "", row) for one, row in zip(stems, rows, strict=False)
        ]
        manifest = Manifest(
            name, "htdemucs", stems, tuple(files), title=type(first).__name__, rate=first.samplerate,
            parameters={"samples": samples},
        )  # fmt: skip
        shapes = {"wave": (1, 2, samples), "bins": (1, 4, N_FFT // 2, frames)}
        parts = tuple(Part(_Core(each).eval(), shapes, ("out_bins", "out_wave")) for each in networks)

        def original(sound: torch.Tensor) -> torch.Tensor:
            made = [each(sound) for each in networks]
            return made[0] if count == 1 else torch.stack([one[:, row] for row, one in enumerate(made)], 1)

        return Conversion(manifest, parts, original)


def _network(checkpoint: Checkpoint) -> Any:
    facts = checkpoint.facts
    kind = facts["klass"].__name__
    if "__quantized" in checkpoint.weights or facts.get("state", {}).get("__quantized"):
        raise CannotExport(f"{checkpoint.path.name} is quantised by DiffQ; take the full version of that model")
    made = original_class(f"demucs_infer.{kind.lower()}", kind, "demucs-infer")
    known = inspect.signature(made).parameters
    network: Any = made(*facts.get("args", ()), **{k: v for k, v in facts.get("kwargs", {}).items() if k in known})
    usual = network.cac and network.nfft == N_FFT and network.audio_channels == 2
    if not usual or not getattr(network, "hybrid", True) or getattr(network, "hybrid_old", False):
        raise CannotExport(
            f"{checkpoint.path.name} is a Demucs of another kind: what can be converted takes and gives complex "
            f"spectrograms of stereo with an FFT of {N_FFT}"
        )
    return load(network, checkpoint.weights, checkpoint.path)


class _Core(torch.nn.Module):
    """The network without its transforms: these give what comes in, and take what goes out."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = copy.copy(network)
        self.network._spec = lambda wave: self.given
        self.network._magnitude = lambda bins: bins
        self.network._mask = lambda bins, made: made
        self.network._ispec = self._kept

    def _kept(self, made: torch.Tensor, length: int) -> torch.Tensor:
        self.made = made
        return torch.zeros(1)

    def forward(self, wave: torch.Tensor, bins: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.given = bins
        with patch.object(torch, "eye", _eye):
            waves = self.network(wave)
        return self.made, waves


def _eye(size: int, *, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """The identity by comparing, which ONNX Runtime has for every type."""
    line = torch.arange(size, device=device)
    return (line[:, None] == line[None]).to(dtype)
