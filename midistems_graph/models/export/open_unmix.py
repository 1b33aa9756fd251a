"""Open-Unmix: one checkpoint per stem, from magnitudes to magnitudes."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import torch

from midistems_graph.audio.stem_names import canonical
from midistems_graph.models.export.base import CannotExport, Checkpoint, Conversion, Family, Part, load, original_class
from midistems_graph.models.manifest import Manifest, ModelFile

_BELONGS = re.compile(r"fc[123]|bn[123]|lstm|input_(mean|scale)|output_(mean|scale)")


class OpenUnmix(Family):
    """Files such as `vocals-b62c91ce.pth`, given together; each is the stem that its name begins with."""

    id = "open-unmix"
    title = "Open-Unmix"

    @classmethod
    def recognise(cls, checkpoint: Checkpoint) -> bool:
        return {"fc1.weight", "lstm.weight_ih_l0", "output_scale"} <= checkpoint.weights.keys()

    @classmethod
    def convert(cls, checkpoints: Sequence[Checkpoint], name: str) -> Conversion:
        stems = tuple(canonical(re.split(r"[-_.]", each.path.stem)[0]) for each in checkpoints)
        if len(set(stems)) < len(stems):
            raise CannotExport(
                f"the files are called {', '.join(each.path.name for each in checkpoints)}; let each begin with its "
                "stem, such as vocals-1.pth"
            )
        _spare_torchaudio()
        networks = {stem: _network(each) for stem, each in zip(stems, checkpoints, strict=True)}
        bins = networks[stems[0]].nb_output_bins
        n_fft, rounds = 2 * (bins - 1), int(len(stems) > 1)
        manifest = Manifest(
            name, "open-unmix", stems, tuple(ModelFile(f"{stem}.onnx", "", (stem,)) for stem in stems),
            title="Open-Unmix", complete=len(stems) > 3,
            parameters={"n_fft": n_fft, "hop": n_fft // 4, "wiener": rounds},
        )  # fmt: skip
        shapes = {"in": (1, 2, bins, "frames")}
        parts = tuple(Part(network, shapes, ("out",)) for network in networks.values())
        separator = original_class("openunmix.model", "Separator", "openunmix")
        whole = separator(networks, niter=rounds, n_fft=n_fft, n_hop=n_fft // 4, wiener_win_len=300).eval()
        return Conversion(manifest, parts, whole)


def _network(checkpoint: Checkpoint) -> Any:
    """The network of the sizes that its weights have."""
    weights: Mapping[str, torch.Tensor] = {k: v for k, v in checkpoint.weights.items() if _BELONGS.match(k)}
    try:
        hidden, wide = weights["fc1.weight"].shape
        used, bins = len(weights["input_mean"]), len(weights["output_mean"])
        layers = sum(bool(re.fullmatch(r"lstm\.weight_ih_l\d+", each)) for each in weights)
    except (KeyError, ValueError) as error:
        raise CannotExport(f"{checkpoint.path.name} lacks the weights {error} of an Open-Unmix") from None
    if wide != 2 * used:
        raise CannotExport(f"{checkpoint.path.name} takes {wide // used} channels; what can be converted takes stereo")
    made = original_class("openunmix.model", "OpenUnmix", "openunmix")
    one_way = "lstm.weight_ih_l0_reverse" not in weights
    network = made(bins, 2, hidden, layers, unidirectional=one_way, max_bin=used)
    return load(network, weights, checkpoint.path)


def _spare_torchaudio() -> None:
    """openunmix imports torchaudio to read sound files, which nobody does here: do without one that does not load."""
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError):
        sys.modules["torchaudio"] = ModuleType("torchaudio")
