"""MDX23C (TFC-TDF v3): the network between its transforms."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch

from midistems_graph.models.export.base import CannotExport, Checkpoint, Conversion, Family, Part, load, original_class
from midistems_graph.models.export.roformer import stems_of
from midistems_graph.models.manifest import Manifest, ModelFile


class Mdx23c(Family):
    """Files (`.ckpt`) with a configuration (`.yaml`) of training programs, whose tables `audio`, `model` and `training`
    say what the network is."""

    id = "mdx23c"
    title = "MDX23C"

    @classmethod
    def recognise(cls, checkpoint: Checkpoint) -> bool:
        return any(name.startswith("encoder_blocks.0.tfc_tdf.") for name in checkpoint.weights)

    @classmethod
    def convert(cls, checkpoints: Sequence[Checkpoint], name: str) -> Conversion:
        if len(checkpoints) > 1:
            raise CannotExport("an MDX23C is one checkpoint; convert one at a time")
        (checkpoint,) = checkpoints
        config = checkpoint.config
        if not all(isinstance(config.get(table), Mapping) for table in ("audio", "model", "training")):
            raise CannotExport(
                f"{checkpoint.path.name} needs the configuration that was published with it; put it beside the file "
                "under the same name with .yaml, or give it with --config"
            )
        made = original_class("audio_separator.separator.uvr_lib_v5.tfc_tdf_v3", "TFC_TDF_net", "audio-separator")
        try:
            network = made(_tables(config), torch.device("cpu"))
            audio = {field: config["audio"][field] for field in ("n_fft", "hop_length", "dim_f", "chunk_size")}
        except (AttributeError, KeyError) as error:
            raise CannotExport(f"the configuration of {checkpoint.path.name} lacks a setting: {error}") from None
        load(network, checkpoint.weights, checkpoint.path)
        dim_f, dim_t = audio["dim_f"], audio["chunk_size"] // audio["hop_length"] + 1
        stems, residual = stems_of(config, network.num_target_instruments)
        manifest = Manifest(
            name, "mdx23c", stems, (ModelFile("all.onnx", "", stems),), title="MDX23C", residual=residual,
            rate=config["audio"].get("sample_rate", 44100),
            parameters={"n_fft": audio["n_fft"], "hop": audio["hop_length"], "dim_f": dim_f, "dim_t": dim_t},
        )  # fmt: skip

        def original(sound: torch.Tensor) -> torch.Tensor:
            waves: torch.Tensor = network(sound)
            return waves if waves.ndim == 4 else waves[:, None]

        return Conversion(manifest, (Part(_Core(network).eval(), {"in": (1, 4, dim_f, dim_t)}, ("out",)),), original)


def _tables(config: Mapping[str, Any]) -> Any:
    """Tables whose settings are attributes, as the network reads them."""
    return SimpleNamespace(**{k: _tables(v) if isinstance(v, Mapping) else v for k, v in config.items()})


class _Core(torch.nn.Module):
    """The network without its transforms."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = copy.copy(network)
        self.network.stft = _Nothing()

    def forward(self, bins: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.network(bins)
        return made


class _Nothing:
    """A transform, and its inverse, that change nothing."""

    def __call__(self, bins: torch.Tensor) -> torch.Tensor:
        return bins

    def inverse(self, bins: torch.Tensor) -> torch.Tensor:
        return bins
