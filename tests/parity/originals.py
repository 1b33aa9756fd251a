"""Originals in PyTorch with random weights, exported to ONNX, and what their own programs make of a song.

    python tests/parity/originals.py SONG.wav FOLDER

Runs in an environment of its own (see `environment.sh`), not in that of midistems-graph. For each family it writes a
folder with `model.toml`, its ONNX files, and `expected.npy`: float32 [stems, channels, samples]. The networks are small
versions of the published ones: the same code, fewer channels. Weights are random, so the stems are noise; that they
agree is the point.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import soundfile
import torch

sys.modules.setdefault("torchaudio", MagicMock())  # openunmix asks for it, but not for what is used here

torch.manual_seed(0)
torch.set_num_threads(2)
torch.backends.mha.set_fastpath_enabled(False)

SOURCES = ("drums", "bass", "other", "vocals")


def main() -> None:
    song, folder = Path(sys.argv[1]), Path(sys.argv[2])
    samples, rate = soundfile.read(song, dtype="float32", always_2d=True)
    assert rate == 44100 and samples.shape[1] == 2
    mixture = torch.from_numpy(np.ascontiguousarray(samples.T))
    with torch.no_grad():
        htdemucs(mixture, folder)
        open_unmix(mixture, folder)
        bs_roformer(mixture, folder)


def htdemucs(mixture: torch.Tensor, folder: Path) -> None:
    """The core of HTDemucs, and the whole song through `apply_model` as `demucs` calls it."""
    from demucs_infer.apply import apply_model
    from demucs_infer.htdemucs import HTDemucs

    model = HTDemucs(list(SOURCES), channels=16, t_layers=2, segment=Fraction(39, 5)).eval()
    mono = mixture.mean(0)
    normalised = (mixture - mono.mean()) / (mono.std() + 1e-8)
    expected = apply_model(model, normalised[None], shifts=0, overlap=0.25)[0] * (mono.std() + 1e-8) + mono.mean()

    core = _HTDemucsCore(model)
    length = int(model.segment * model.samplerate)
    wave = torch.randn(1, 2, length)
    spectrum = model._magnitude(model._spec(wave))
    core.prepare()
    place = _place(folder, "htdemucs", "htdemucs", SOURCES, expected)
    _export(core, (wave, spectrum), place / "all.onnx", ("wave", "bins"), ("out_bins", "out_wave"))


class _HTDemucsCore(torch.nn.Module):
    """The network without its transforms: these are replaced by what comes in and what goes out."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def prepare(self) -> None:
        self.model._spec = lambda wave: self.given
        self.model._magnitude = lambda z: z
        self.model._mask = lambda z, made: made
        self.model._ispec = self._kept

    def _kept(self, made: torch.Tensor, length: int) -> torch.Tensor:
        self.made = made
        return torch.zeros(1)

    def forward(self, wave: torch.Tensor, spectrum: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.given = spectrum
        waves = self.model(wave)
        return self.made, waves


def open_unmix(mixture: torch.Tensor, folder: Path) -> None:
    """Two targets over the whole song, through the package's own `Separator` with one round of Wiener filtering."""
    from openunmix.model import OpenUnmix, Separator

    mixture = mixture[:, : 350 * 1024]
    names = ("vocals", "drums")
    models = {name: OpenUnmix(nb_bins=2049, hidden_size=64, max_bin=1487).eval() for name in names}
    separator = Separator(models, niter=1, residual=False, wiener_win_len=300).eval()
    expected = separator(mixture[None])[0]
    place = _place(folder, "open-unmix", "open-unmix", names, expected, files=names)
    for name, model in models.items():
        _export(model, (torch.rand(1, 2, 2049, 351),), place / f"{name}.onnx", ("in",), ("out",), {"in": {3: "frames"}})


def bs_roformer(mixture: torch.Tensor, folder: Path) -> None:
    """Masks of BS-RoFormer, two stems; segments as the training program of its makers lays them."""
    from bs_roformer import BSRoformer

    model = BSRoformer(
        dim=32, depth=1, stereo=True, num_stems=2, stft_hop_length=441, flash_attn=False, num_residual_streams=1
    ).eval()
    length, overlap = 441 * 400, 2
    mixture = mixture[:, : 10 * 44100]
    expected = _in_segments(model, mixture, length, overlap)
    core = _RoformerCore(model)
    place = _place(folder, "roformer-mask", "roformer-mask", ("vocals", "rest"), expected, parameters="frames = 401")
    _export(core, (torch.randn(1, 2050, 401, 2),), place / "all.onnx", ("in",), ("out",))


class _RoformerCore(torch.nn.Module):
    """From `stft_repr` to masks: the middle of the network's own `forward`."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, spectrum: torch.Tensor) -> torch.Tensor:
        b, bins, frames, _ = spectrum.shape
        x = self.model.band_split(spectrum.permute(0, 2, 1, 3).reshape(b, frames, bins * 2))
        x = self.model.expand_stream(x)
        for time, frequency in self.model.layers:
            d = x.shape[-1]
            x = x.permute(0, 2, 1, 3)
            bands = x.shape[1]
            x = self._attended(time, x.reshape(b * bands, frames, d)).reshape(b, bands, frames, d).permute(0, 2, 1, 3)
            x = self._attended(frequency, x.reshape(b * frames, bands, d)).reshape(b, frames, bands, d)
        x = self.model.final_norm(self.model.reduce_stream(x))
        masks = torch.stack([estimator(x) for estimator in self.model.mask_estimators], dim=1)
        return masks.reshape(b, masks.shape[1], frames, bins, 2).permute(0, 1, 3, 2, 4)

    @staticmethod
    def _attended(transformer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        return transformer(x, value_residual=None)[0]


def _in_segments(model: torch.nn.Module, mixture: torch.Tensor, length: int, overlap: int) -> torch.Tensor:
    """Half-overlapped segments with short fades over the song with mirrored ends."""
    fade, step = length // 10, length // overlap
    border = length - step
    padded = torch.nn.functional.pad(mixture[None], (border, border), mode="reflect")[0]
    window = torch.ones(length)
    window[:fade], window[-fade:] = torch.linspace(0, 1, fade), torch.linspace(1, 0, fade)
    out, sums, total = None, torch.zeros(padded.shape[1]), padded.shape[1]
    for start in range(0, total, step):
        part = padded[:, start : start + length]
        have = part.shape[1]
        if have < length:
            mode = "reflect" if have > length // 2 + 1 else "constant"
            part = torch.nn.functional.pad(part[None], (0, length - have), mode=mode)[0]
        made = model(part[None])[0]
        weights = window.clone()
        if start == 0:
            weights[:fade] = 1
        elif start + length >= total:
            weights[-fade:] = 1
        if out is None:
            out = torch.zeros(*made.shape[:-1], total)
        out[..., start : start + have] += (made * weights)[..., :have]
        sums[start : start + have] += weights[:have]
    assert out is not None
    return (out / sums)[..., border : total - border]


def _place(
    folder: Path, name: str, contract: str, stems: Sequence[str], expected: torch.Tensor, *,
    files: Sequence[str] = (), parameters: str = "",
) -> Path:  # fmt: skip
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    np.save(place / "expected.npy", expected.numpy().astype(np.float32))
    listed = [(f"{file}.onnx", (file,)) for file in files] or [("all.onnx", stems)]
    lines = ['format = "midistems-model"', "version = 1", f'name = "{name}"', f'contract = "{contract}"']
    lines += [f"stems = [{', '.join(map(_quoted, stems))}]", "[parameters]", parameters]
    for file, its in listed:
        lines += ["[[files]]", f'file = "{file}"', f"stems = [{', '.join(map(_quoted, its))}]"]
    (place / "model.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place


def _quoted(text: str) -> str:
    return f'"{text}"'


def _export(
    model: torch.nn.Module,
    given: tuple[torch.Tensor, ...],
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    open_lengths: dict[str, dict[int, str]] | None = None,
) -> None:
    torch.onnx.export(
        model, given, str(path), input_names=list(inputs), output_names=list(outputs), opset_version=17,
        dynamic_axes=open_lengths or {}, dynamo=False,
    )  # fmt: skip
    print(path)


if __name__ == "__main__":
    main()
