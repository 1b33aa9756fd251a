"""Originals in PyTorch with random weights, as checkpoints, and what their own programs make of a song.

    python tests/parity/originals.py SONG.wav FOLDER

Runs in an environment of its own (see `environment.sh`), not in that of midistems-graph. For each family it writes its
checkpoints to FOLDER/checkpoints, has them converted by `midistems-graph models export` into the library FOLDER/models,
and writes FOLDER/NAME.npy: float32 [stems, channels, samples]. The networks are small versions of the published
ones: the same code, fewer channels. Weights are random, so the stems are noise; that they agree is the point.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile
import torch
import yaml

sys.modules.setdefault("torchaudio", ModuleType("torchaudio"))  # openunmix asks for it, but not for what is used here

torch.manual_seed(0)
torch.set_num_threads(2)

SOURCES = ("drums", "bass", "other", "vocals")
HOP, SEGMENT = 441, 441 * 400


def main() -> None:
    song, folder = Path(sys.argv[1]), Path(sys.argv[2])
    samples, rate = soundfile.read(song, dtype="float32", always_2d=True)
    assert rate == 44100 and samples.shape[1] == 2
    mixture = torch.from_numpy(np.ascontiguousarray(samples.T))
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        demucs("htdemucs", mixture, folder, channels=16, t_layers=2, segment=Fraction(39, 5))
        demucs("hdemucs", mixture, folder, channels=8, segment=8)
        open_unmix(mixture, folder)
        roformer("bs-roformer", "BSRoformer", mixture[:, : 10 * 44100], folder, num_stems=2)
        roformer("mel-roformer", "MelBandRoformer", mixture[:, : 10 * 44100], folder, num_bands=60, zero_dc=True)


def demucs(name: str, mixture: torch.Tensor, folder: Path, **settings: object) -> None:
    """The whole song through `apply_model` as `demucs` calls it."""
    from demucs_infer.apply import apply_model
    from demucs_infer.hdemucs import HDemucs
    from demucs_infer.htdemucs import HTDemucs

    made = {"htdemucs": HTDemucs, "hdemucs": HDemucs}[name]
    settings |= {"sources": list(SOURCES)}
    model = made(**settings).eval()
    mono = mixture.mean(0)
    normalised = (mixture - mono.mean()) / (mono.std() + 1e-8)
    expected = apply_model(model, normalised[None], shifts=0, overlap=0.25)[0] * (mono.std() + 1e-8) + mono.mean()
    path = folder / "checkpoints" / f"{name}.th"
    torch.save({"klass": made, "args": (), "kwargs": settings, "state": model.state_dict()}, path)
    exported(folder, name, expected, path)


def open_unmix(mixture: torch.Tensor, folder: Path) -> None:
    """Two targets over the whole song, through the package's own `Separator` with one round of Wiener filtering."""
    from openunmix.model import OpenUnmix, Separator

    mixture = mixture[:, : 350 * 1024]
    models = {each: OpenUnmix(nb_bins=2049, hidden_size=64, max_bin=1487).eval() for each in ("vocals", "drums")}
    separator = Separator(models, niter=1, residual=False, wiener_win_len=300).eval()
    paths = [folder / "checkpoints" / f"{each}-random.pth" for each in models]
    for path, model in zip(paths, models.values(), strict=True):
        torch.save(model.state_dict(), path)
    exported(folder, "open-unmix", separator(mixture[None])[0], *paths)


def roformer(name: str, kind: str, mixture: torch.Tensor, folder: Path, **settings: object) -> None:
    """Segments as the training program of its makers lays them."""
    import bs_roformer

    stft = {"stft_n_fft": 2048, "stft_win_length": 2048, "stft_hop_length": HOP}
    settings |= {"dim": 32, "depth": 1, "stereo": True, "flash_attn": False, "num_residual_streams": 1} | stft
    model = getattr(bs_roformer, kind)(**settings).eval()
    expected = in_segments(model, mixture, SEGMENT, 2)
    path = folder / "checkpoints" / f"{name}.ckpt"
    torch.save(model.state_dict(), path)
    several = settings.get("num_stems", 1) != 1
    training = {"instruments": ["vocals", "other"], "target_instrument": None if several else "vocals"}
    configure(path, audio={"chunk_size": SEGMENT, "sample_rate": 44100}, model=settings, training=training)
    exported(folder, name, expected if expected.ndim == 3 else expected[None], path)


def configure(checkpoint: Path, **tables: dict[str, object]) -> None:
    """The configuration beside a checkpoint."""
    checkpoint.with_suffix(".yaml").write_text(yaml.safe_dump(tables), encoding="utf-8")


def exported(folder: Path, name: str, expected: torch.Tensor, *checkpoints: Path) -> None:
    """Convert checkpoints as a user would, and keep what the original made of the song."""
    np.save(folder / f"{name}.npy", expected.numpy().astype(np.float32))
    code = "import sys; from midistems_graph.cli.main import main; sys.exit(main())"
    words: Sequence[str | Path] = ["models", "export", *checkpoints, "--name", name]
    subprocess.run([sys.executable, "-c", code, *words], check=True)


def in_segments(model: torch.nn.Module, mixture: torch.Tensor, length: int, overlap: int) -> torch.Tensor:
    """Overlapped segments with short fades over the song with mirrored ends."""
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


if __name__ == "__main__":
    main()
