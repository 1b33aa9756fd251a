"""An MDX-Net of its published size with random weights: our runner, a bare ONNX Runtime loop, and PyTorch.

    ENV/bin/python benchmarks/mdx.py [--seconds 20] [--runs 2] [--device cuda] [--json FILE]

ENV has PyTorch beside midistems-graph (see tests/parity/environment.sh). The network is the TFC-TDF of KUIELab's entry
(arXiv 2111.12203) with 2048 bins and 256 frames. All three take the same segments, one at a time, on two threads: ours
from sound to stem, PyTorch likewise with its own STFT, the bare loop the tensors alone.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from timing import Figures, table, write_json
from torch import nn

from midistems_graph.audio.values import Audio
from midistems_graph.models.contracts.mdx import Mdx
from midistems_graph.models.library import Model
from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, write
from midistems_graph.models.recent import Recent
from midistems_graph.models.runner import Runner, Settings
from midistems_graph.models.sessions import Sessions
from midistems_graph.node.testing import FakeRun

RATE, THREADS = 44100, 2
BINS, FRAMES, N_FFT, HOP = 2048, 256, 6144, 1024
LEVELS, WIDTH, DEEP, NARROW = 5, 32, 3, 8
OURS, BARE, TORCH = "run by us", "bare ONNX Runtime", "PyTorch"


class Block(nn.Module):
    """Convolutions in time and frequency, then two dense layers along the frequency that are added to them."""

    def __init__(self, channels: int, bins: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(DEEP):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
        self.local = nn.Sequential(*layers)
        narrow = bins // NARROW
        self.dense = nn.Sequential(
            nn.Linear(bins, narrow, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Linear(narrow, bins, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.local(x)
        return x + self.dense(x)


class TfcTdf(nn.Module):
    """[batch, 4, bins, frames] -> the same."""

    def __init__(self) -> None:
        super().__init__()
        wide = [WIDTH * (i + 1) for i in range(LEVELS + 1)]
        bins = [BINS >> i for i in range(LEVELS + 1)]
        self.first = nn.Sequential(nn.Conv2d(4, WIDTH, 1), nn.BatchNorm2d(WIDTH), nn.ReLU())
        self.down = nn.ModuleList(Block(wide[i], bins[i]) for i in range(LEVELS))
        self.smaller = nn.ModuleList(_scaled(nn.Conv2d, wide[i], wide[i + 1]) for i in range(LEVELS))
        self.middle = Block(wide[LEVELS], bins[LEVELS])
        self.larger = nn.ModuleList(_scaled(nn.ConvTranspose2d, wide[i + 1], wide[i]) for i in range(LEVELS))
        self.up = nn.ModuleList(Block(wide[i], bins[i]) for i in range(LEVELS))
        self.last = nn.Conv2d(WIDTH, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x.transpose(-1, -2))
        kept = []
        for block, smaller in zip(self.down, self.smaller, strict=True):
            kept.append(block(x))
            x = smaller(kept[-1])
        x = self.middle(x)
        for i in reversed(range(LEVELS)):
            x = self.up[i](self.larger[i](x) * kept[i])
        return self.last(x).transpose(-1, -2)


def _scaled(convolution: type[nn.Module], channels: int, out: int) -> nn.Module:
    return nn.Sequential(convolution(channels, out, 2, stride=2), nn.BatchNorm2d(out), nn.ReLU())


class Spectra:
    """The STFT and its inverse in PyTorch, as the makers' program has them."""

    def __init__(self, device: str) -> None:
        self.window = torch.hann_window(N_FFT, device=device)

    def analysed(self, sound: torch.Tensor) -> torch.Tensor:
        bins = torch.stft(sound, N_FFT, HOP, window=self.window, center=True, return_complex=True)
        bins = torch.view_as_real(bins).permute(0, 3, 1, 2).reshape(1, 4, N_FFT // 2 + 1, FRAMES)[:, :, :BINS].clone()
        bins[:, :, :3] = 0
        return bins

    def synthesised(self, bins: torch.Tensor) -> torch.Tensor:
        whole = nn.functional.pad(bins, (0, 0, 0, N_FFT // 2 + 1 - BINS)).reshape(2, 2, N_FFT // 2 + 1, FRAMES)
        bins = torch.view_as_complex(whole.permute(0, 2, 3, 1).contiguous())
        return torch.istft(bins, N_FFT, HOP, window=self.window, center=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--runs", type=int, default=2)
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    network = TfcTdf().eval()
    audio = Audio.of(0.1 * np.random.default_rng(0).standard_normal((2, int(chosen.seconds * RATE))), RATE)
    with tempfile.TemporaryDirectory() as made, torch.no_grad():
        model = stored(Path(made), network)
        found = measured(model, network.to(chosen.device), audio, chosen.runs, chosen.device)
    millions = sum(each.numel() for each in network.parameters()) / 1e6
    title = (
        f"MDX-Net, {millions:.1f} million parameters, {chosen.seconds:g} s stereo, {chosen.device}, {THREADS} threads"
    )
    print(table(title, found, OURS))
    if chosen.json:
        write_json(chosen.json, {title: found}, {"threads": THREADS, "seconds": chosen.seconds})


def stored(folder: Path, network: nn.Module) -> Model:
    """The network as a model of the library."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = torch.zeros(1, 4, BINS, FRAMES)
        torch.onnx.export(network, (given,), str(folder / "mdx.onnx"), dynamo=False, opset_version=17)
    parameters = {"n_fft": N_FFT, "dim_f": BINS, "dim_t": FRAMES}
    write(Manifest("mdx", "mdx", ("vocals",), (ModelFile("mdx.onnx"),), parameters=parameters), folder / FILE_NAME)
    return Model.open(folder)


def measured(model: Model, network: nn.Module, audio: Audio, runs: int, device: str) -> dict[str, Figures]:
    sessions = Sessions()
    grid = Mdx(n_fft=N_FFT, dim_f=BINS, dim_t=FRAMES).grid(HOP * (FRAMES - 1), 0, audio.span.total)
    starts = [grid.place(n, audio.span.total).read for n in grid.numbers(0, audio.span.total, audio.span.total)]
    margin = grid.length
    sound = torch.from_numpy(np.pad(audio.samples, ((0, 0), (margin, margin))))
    spectra = Spectra(device)
    parts = [sound[:, margin + at : 2 * margin + at] for at in starts]
    tensors = [spectra.analysed(part.to(device)) for part in parts]
    bare = sessions.get(model.files[0], model.digest, provider=device, threads=THREADS)._session
    name = bare.get_inputs()[0].name

    def ours() -> None:
        fresh = Runner(model, Settings(provider=device), sessions, Recent())
        fresh.separate(audio, run=FakeRun(audio.span, threads=THREADS, cores=THREADS))

    def loop() -> None:
        for tensor in tensors:
            bare.run(None, {name: tensor.cpu().numpy()})

    def in_torch() -> None:
        for part in parts:
            spectra.synthesised(network(spectra.analysed(part.to(device)))).cpu()

    bare.run(None, {name: tensors[0].cpu().numpy()})  # once for nothing, to warm up
    network(tensors[0])
    took: dict[str, list[tuple[float, float]]] = {OURS: [], BARE: [], TORCH: []}
    for _ in range(runs):
        for label, call in ((OURS, ours), (BARE, loop), (TORCH, in_torch)):
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            took[label].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        label: Figures(float(np.median([w for w, _ in its])), min(w for w, _ in its), min(c for _, c in its), None)
        for label, its in took.items()
    }


if __name__ == "__main__":
    main()
