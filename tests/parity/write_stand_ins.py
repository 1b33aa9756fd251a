"""What the makers' programs make of the small song with the small stand-ins: tests/parity/expected/NAME.npy.

    ORIGINALS/bin/python tests/parity/write_stand_ins.py demucs
    SEPARATOR/bin/python tests/parity/write_stand_ins.py mdx

In the environments that `environment.sh` makes. Files are kept; `test_against_originals.py` holds our runner to them.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tiny_nets
import torch
from torch.nn import functional

for absent in ("torchaudio", "onnx2torch"):  # asked for, but not for what is used here
    sys.modules.setdefault(absent, ModuleType(absent))


class StandIn(torch.nn.Module):
    """A stand-in in PyTorch."""

    def __init__(self, part: tiny_nets.Convolution) -> None:
        super().__init__()
        self.part, self.kernel = part, torch.from_numpy(part.kernel)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        convolve = functional.conv1d if self.kernel.ndim == 3 else functional.conv2d
        made = convolve(x, self.kernel, padding=tuple(n // 2 for n in self.kernel.shape[2:]))
        return x * torch.sigmoid(made) if self.part.mask else torch.tanh(made).reshape(len(x), *self.part.out[1:])


def demucs() -> None:
    """`apply_model` as the program calls it, around a whole network, and around one without its STFT."""
    from demucs_infer.apply import apply_model
    from demucs_infer.htdemucs import HTDemucs

    class Whole(torch.nn.Module):
        samplerate, segment, sources = (
            tiny_nets.RATE,
            Fraction(tiny_nets.SEGMENT, tiny_nets.RATE),
            list(tiny_nets.STEMS),
        )
        wave = StandIn(tiny_nets.wave_network())

        def valid_length(self, length: int) -> int:
            return tiny_nets.SEGMENT

        def forward(self, mix: torch.Tensor) -> torch.Tensor:
            return self.wave(mix)

    class Core(Whole):
        nfft, hop_length, cac, wiener_iters = 4096, 1024, True, 0
        bins = StandIn(tiny_nets.bins_network())

        def forward(self, mix: torch.Tensor) -> torch.Tensor:
            spectrum = HTDemucs._spec(self, mix)
            made = HTDemucs._mask(self, spectrum, self.bins(HTDemucs._magnitude(self, spectrum)))
            return HTDemucs._ispec(self, made, mix.shape[-1]) + self.wave(mix)

    mixture = torch.from_numpy(tiny_nets.song())
    mono = mixture.mean(0)
    mean, deviation = mono.mean(), mono.std() + 1e-8
    for name, model in (("htdemucs-waveform", Whole()), ("htdemucs", Core())):
        made = apply_model(model, ((mixture - mean) / deviation)[None], shifts=0, overlap=0.25)[0]
        _write(name, made * deviation + mean)


def open_unmix() -> None:
    """The package's own `Separator` with a round of Wiener filtering."""
    from openunmix.model import Separator

    models = {
        stem: StandIn(tiny_nets.magnitude_network(seed)) for seed, stem in zip((3, 4), tiny_nets.STEMS, strict=True)
    }
    separator = Separator(models, niter=1, residual=False, wiener_win_len=300).eval()
    _write("open-unmix", separator(torch.from_numpy(tiny_nets.song())[None])[0])


def mdx() -> None:
    """audio-separator's chunks and windows; it writes the stem of an MDX-Net without its compensation."""
    from audio_separator.separator.architectures.mdx_separator import MDXSeparator

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mdx.onnx")
        tiny_nets.as_onnx(path, {"input": tiny_nets.mdx_network()})
        common: dict[str, Any] = {"logger": logging.getLogger("stand-ins"), "log_level": logging.WARNING}
        common |= {"torch_device": torch.device("cpu"), "onnx_execution_provider": ["CPUExecutionProvider"]}
        common |= {
            "model_name": "mdx",
            "sample_rate": tiny_nets.RATE,
            "model_path": str(path),
            "output_dir": folder,
        }
        common |= {"output_format": "WAV"}
        common["model_data"] = {
            "compensate": tiny_nets.MDX["compensate"], "mdx_dim_f_set": tiny_nets.MDX["dim_f"], "mdx_dim_t_set": 5,
            "mdx_n_fft_scale_set": tiny_nets.MDX["n_fft"], "primary_stem": "Vocals",
        }  # fmt: skip
        own = {"segment_size": tiny_nets.MDX["dim_t"], "overlap": 0.25, "batch_size": 1, "hop_length": 1024}
        made = MDXSeparator(common, own | {"enable_denoise": False}).demix(tiny_nets.song())
        _write("mdx", torch.from_numpy(np.asarray(made, np.float32))[None] * tiny_nets.MDX["compensate"])


def _write(name: str, stems: torch.Tensor) -> None:
    tiny_nets.FOLDER.mkdir(exist_ok=True)
    np.save(tiny_nets.FOLDER / f"{name}.npy", tiny_nets.kept(stems.numpy().astype(np.float32)))


if __name__ == "__main__":
    with torch.no_grad():
        for wanted in sys.argv[1:]:
            {"demucs": demucs, "open_unmix": open_unmix, "mdx": mdx}[wanted]()
