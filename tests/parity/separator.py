"""What audio-separator makes of a song: MDX23C and RoFormers of its kind, and an MDX-Net through its whole chain.

    python tests/parity/separator.py SONG.wav FOLDER

Like `originals.py`, in another environment: its package wants other versions.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import soundfile
import torch
from onnx import TensorProto, helper, numpy_helper
from originals import HOP, SEGMENT, configure, exported, in_segments

from midistems_graph.models.manifest import FILE_NAME, Manifest, ModelFile, write

torch.manual_seed(0)

N_FFT, DIM_F, DIM_T, COMPENSATE = 6144, 2048, 256, 1.035


def main() -> None:
    song, folder = Path(sys.argv[1]), Path(sys.argv[2])
    samples, _ = soundfile.read(song, dtype="float32", always_2d=True)
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    mixture = torch.from_numpy(np.ascontiguousarray(samples.T))
    with torch.no_grad():
        mdx(mixture, folder)
        mdx23c(mixture[:, : 10 * 44100], folder)
        roformer("bs-roformer-msst", "bs_roformer", "BSRoformer", mixture[:, : 10 * 44100], folder)
        roformer("mel-roformer-msst", "mel_band_roformer", "MelBandRoformer", mixture[:, : 10 * 44100], folder)


def mdx(mixture: torch.Tensor, folder: Path) -> None:
    """A network that is neither linear nor local, through the program's own chunks, windows and compensation."""
    from audio_separator.separator.architectures.mdx_separator import MDXSeparator

    place = folder / "models" / "mdx"
    place.mkdir(parents=True, exist_ok=True)
    shape = ["batch", 4, DIM_F, DIM_T]
    kernel = 0.2 * np.random.default_rng(0).standard_normal((4, 4, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["input", "w"], ["x"], pads=[1, 1, 1, 1]), helper.make_node("Tanh", ["x"], ["y"])]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "y")]
    graph = helper.make_graph(nodes, "stand-in", info[:1], info[1:], [numpy_helper.from_array(kernel, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), place / "mdx.onnx")
    parameters = {"n_fft": N_FFT, "dim_f": DIM_F, "dim_t": DIM_T, "compensate": COMPENSATE}
    manifest = Manifest("mdx", "mdx", ("vocals",), (ModelFile("mdx.onnx"),), parameters=parameters)
    write(manifest, place / FILE_NAME)
    log = logging.getLogger("separator")
    common: dict[str, Any] = {"logger": log, "log_level": logging.WARNING, "torch_device": torch.device("cpu")}
    common |= {"onnx_execution_provider": ["CPUExecutionProvider"], "model_name": "mdx", "sample_rate": 44100}
    common |= {"model_path": str(place / "mdx.onnx"), "output_dir": str(folder), "output_format": "WAV"}
    common["model_data"] = {
        "compensate": COMPENSATE, "mdx_dim_f_set": DIM_F, "mdx_dim_t_set": 8, "mdx_n_fft_scale_set": N_FFT,
        "primary_stem": "Vocals",
    }  # fmt: skip
    own = {"segment_size": DIM_T, "overlap": 0.25, "batch_size": 1, "hop_length": 1024, "enable_denoise": False}
    made = MDXSeparator(common, own).demix(mixture.numpy())
    np.save(folder / "mdx.npy", np.asarray(made, np.float32)[None])


def mdx23c(mixture: torch.Tensor, folder: Path) -> None:
    from audio_separator.separator.uvr_lib_v5.tfc_tdf_v3 import TFC_TDF_net

    length = 512 * 255
    tables: dict[str, dict[str, Any]] = {
        "audio": {"chunk_size": length, "dim_f": 1024, "dim_t": 256, "hop_length": 512, "n_fft": 2048,
                  "num_channels": 2, "sample_rate": 44100},
        "model": {"act": "gelu", "bottleneck_factor": 4, "growth": 8, "norm": "InstanceNorm", "num_channels": 8,
                  "num_blocks_per_scale": 1, "num_scales": 3, "num_subbands": 4, "scale": [2, 2]},
        "training": {"instruments": ["Vocals", "Instrumental"], "target_instrument": None},
    }  # fmt: skip
    spaces = SimpleNamespace(**{name: SimpleNamespace(**table) for name, table in tables.items()})
    model = TFC_TDF_net(spaces, torch.device("cpu")).eval()
    path = folder / "checkpoints" / "mdx23c.ckpt"
    torch.save(model.state_dict(), path)
    configure(path, **tables)
    exported(folder, "mdx23c", in_segments(model, mixture, length, 8), path)


def roformer(name: str, module: str, kind: str, mixture: torch.Tensor, folder: Path) -> None:
    """The form that most published checkpoints have."""
    from importlib import import_module

    stft = {"stft_n_fft": 2048, "stft_win_length": 2048, "stft_hop_length": HOP}
    settings: dict[str, Any] = {"dim": 32, "depth": 1, "stereo": True, "num_stems": 2, "flash_attn": False, **stft}
    settings |= {"num_bands": 60} if "mel" in module else {}
    found = import_module(f"audio_separator.separator.uvr_lib_v5.roformer.{module}")
    model = getattr(found, kind)(**settings).eval()
    path = folder / "checkpoints" / f"{name}.ckpt"
    torch.save(model.state_dict(), path)
    training = {"instruments": ["Vocals", "Other"], "target_instrument": None}
    configure(path, audio={"chunk_size": SEGMENT, "sample_rate": 44100}, model=settings, training=training)
    exported(folder, name, in_segments(model, mixture, SEGMENT, 2), path)


if __name__ == "__main__":
    main()
