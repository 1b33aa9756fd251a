"""MDX-Net, step by step in plain numpy, against the runner: a network that is neither linear nor local."""

import numpy as np
import tiny
from onnx import helper

from midistems_graph.node import Audio
from midistems_graph.node.testing import FakeRun

N_FFT, HOP, DIM_F, DIM_T, COMPENSATE = 2048, 512, 768, 32, 1.035


def network(tensor: np.ndarray) -> np.ndarray:
    """A soft limiter, and a little of the frame before."""
    limited = np.tanh(tensor)
    before = np.concatenate([np.zeros_like(limited[..., :1]), limited[..., :-1]], axis=-1)
    return limited + 0.5 * before


def in_onnx():
    shape = [1, 4, DIM_F, DIM_T]
    nodes = [
        helper.make_node("Tanh", ["in"], ["limited"]),
        helper.make_node("Slice", ["limited", "from", "to", "axis"], ["most"]),
        helper.make_node("Pad", ["most", "pads"], ["before"]),
        helper.make_node("Mul", ["before", "half"], ["halved"]),
        helper.make_node("Add", ["limited", "halved"], ["out"]),
    ]
    constants = {
        "from": np.array([0]), "to": np.array([DIM_T - 1]), "axis": np.array([3]),
        "pads": np.array([0, 0, 0, 1, 0, 0, 0, 0]), "half": np.float32(0.5),
    }  # fmt: skip
    return tiny.network({"in": shape}, {"out": shape}, nodes, constants)


def separated(mix: np.ndarray) -> np.ndarray:
    """Chunks of the song with zeros around it, each through STFT, network and inverse, windowed and added up."""
    chunk, trim = HOP * (DIM_T - 1), N_FFT // 2
    generated, length = chunk - 2 * trim, mix.shape[1]
    padded = np.pad(mix, ((0, 0), (trim, generated + trim - length % generated + chunk)))
    out, sums, window = np.zeros(padded.shape), np.zeros(padded.shape[1]), np.hanning(chunk)
    for start in range(0, length + trim, round(0.75 * chunk)):
        made = one_chunk(padded[:, start : start + chunk])
        out[:, start : start + chunk] += made * window
        sums[start : start + chunk] += window
    return (out / np.maximum(sums, 1e-12))[:, trim : trim + length] * COMPENSATE


def one_chunk(wave: np.ndarray) -> np.ndarray:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    around = np.pad(wave, ((0, 0), (N_FFT // 2, N_FFT // 2)), mode="reflect")
    frames = np.stack([around[:, i * HOP : i * HOP + N_FFT] for i in range(DIM_T)], axis=1)
    bins = np.fft.rfft(frames * hann).transpose(0, 2, 1)[:, :DIM_F]
    tensor = np.stack([bins[0].real, bins[0].imag, bins[1].real, bins[1].imag])[None]
    tensor[:, :, :3] = 0
    made = network(tensor)[0]
    full = np.zeros((2, N_FFT // 2 + 1, DIM_T), complex)
    full[:, :DIM_F] = made[0::2] + 1j * made[1::2]
    pieces = np.fft.irfft(full.transpose(0, 2, 1)) * hann
    out, power = np.zeros(around.shape), np.zeros(around.shape[1])
    for i in range(DIM_T):
        out[:, i * HOP : i * HOP + N_FFT] += pieces[:, i]
        power[i * HOP : i * HOP + N_FFT] += hann**2
    inner = slice(N_FFT // 2, N_FFT // 2 + wave.shape[1])
    return out[:, inner] / power[inner]


def test_the_runner_is_the_reference(tmp_path, runner):
    parameters = {"n_fft": N_FFT, "hop": HOP, "dim_f": DIM_F, "dim_t": DIM_T, "compensate": COMPENSATE}
    model = tiny.stored(tmp_path, tiny.manifest("mdx", ["vocals"], parameters=parameters), in_onnx())
    audio = Audio.of(0.01 * np.random.default_rng(0).standard_normal((2, 60_001)), 44100)
    made = runner(model).separate(audio, run=FakeRun(audio.span))["vocals"].samples
    expected = separated(audio.samples.astype(np.float64))
    error = 10 * np.log10(np.sum((made - expected) ** 2) / np.sum(expected**2))
    assert error < -90, f"{error:.1f} dB"
