"""Stems that sum to the mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Float32, StftSettings
from midistems_graph.node import LOCAL, Audio, Context, NodeError, Range, Run, Stems, node, samples
from midistems_nodes.envelope import Blocks, block_context
from midistems_nodes.ports import Mixture
from midistems_nodes.separate.blocks import Block, mask_stems
from midistems_nodes.signals import BLOCK, require_match, total
from midistems_nodes.transform.spectrogram import FftSize, Hop, settings

Power = Annotated[
    float,
    Range(0.1, 10),
    "For `bins` and `energy`: 1 shares by amplitude, 2 by power; more gives more to the strongest.",
]
Smoothing = Annotated[float, Range(0.005, 10, "s", "log"), "For `energy`: over which time loudness is judged."]
SharesFftSize = Annotated[FftSize, "For `bins`: FFT size in samples, an even number."]
SharesHop = Annotated[Hop, "For `bins`: samples between frames, at most half the FFT size; a quarter is usual."]

_BLOCK = 128
_FRAMES = 32


def context(k: Any, levels: int = 1) -> Context:
    """How far the shares look around themselves, by the knobs, if they are made so many times in a row."""
    if k.share == "bins":
        return samples(levels * (k.n_fft + k.hop))
    return block_context(k.smoothing, 2 * levels - 1) if k.share == "energy" else LOCAL


@node(
    "consistency.mixture",
    title="Mixture consistency",
    tags=("sum", "null", "residual", "projection"),
    context=context,
    sums_to="mixture",
    complete=True,
    libraries=("numpy", "scipy"),
    scratch=1,
)
def mixture_consistency(
    mixture: Mixture,
    stems: Stems,
    *,
    share: Literal["bins", "energy", "equal", "given"] = "bins",
    power: Power = 2.0,
    given: Annotated[tuple[float, ...], Range(0, 1000)] = (),
    smoothing: Smoothing = 0.1,
    n_fft: SharesFftSize = 4096,
    hop: SharesHop = 1024,
    run: Run,
) -> Stems:
    """Spread what the stems lack of the mixture over them, so that they sum to it exactly.

    Parameters
    ----------
    stems
        A set whose names cover the whole mixture; otherwise what has no stem ends up in the others.
    share
        Who gets how much of the difference: `bins` by strength at every pitch and moment, `energy` by loudness at
        every moment, `equal` all the same, `given` by the numbers in `given`.
    given
        For `given`: one number per stem, in the order of the set; 0 leaves a stem alone.

    Notes
    -----
    Good as the last step of a cascade: the stems can be mixed back without loss. Equal shares lower the total
    squared error of any set, but may put audible residue into a quiet stem; shares by strength hide it under what
    is there.

    References
    ----------
    Wisdom et al., "Differentiable consistency constraints for improved deep speech enhancement", ICASSP 2019:
    s_k += w_k (x - sum_j s_j), sum_k w_k = 1; with A = |STFT| or RMS, w_k = A_k^p / sum_j A_j^p, equal where all are
    silent. The last stem is the mixture minus the others, so that the sum is exact; it takes up the rounding, below
    -130 dB.
    """
    run.check()
    require_match(mixture, stems)
    if not stems.complete:
        run.warn("the stem set may not cover the whole mixture; what has no stem of its own goes to the others")
    parts = [audio.samples for audio in stems.audio.values()]
    rest = np.array(mixture.samples)
    for part in parts:
        rest -= part
    match share:
        case "bins":
            shares = _by_bins(mixture.with_samples(rest), stems, power, settings(n_fft, hop), run)
        case "energy":
            shares = _by_energy(rest, parts, power, Blocks(mixture.span, smoothing), run)
        case "given":
            shares = [rest * weight for weight in _given(given, stems)[:-1]]
        case "equal":
            shares = [rest / np.float32(len(parts)) for _ in parts[:-1]]
    shares.reverse()  # each goes as soon as its stem is there
    done = {
        name: mixture.with_samples(part + shares.pop()) for name, part in zip(list(stems)[:-1], parts, strict=False)
    }
    others = total(list(done.values())) if done else np.float32(0)
    done[list(stems)[-1]] = mixture.with_samples(mixture.samples - others)
    return Stems(done, complete=True)


def _given(given: tuple[float, ...], stems: Stems) -> Float32:
    if len(given) != len(stems) or sum(given) == 0:
        raise NodeError(
            f"given has {len(given)} numbers for the {len(stems)} stems {', '.join(stems)}; "
            "give one per stem, in this order, not all 0"
        )
    return (np.asarray(given) / sum(given)).astype(np.float32)


def _by_energy(rest: Float32, parts: Sequence[Float32], power: float, blocks: Blocks, run: Run) -> list[Float32]:
    """Shares of all stems but the last, weighted by energy in blocks."""
    weights = _normalised([blocks.energies(part, run) for part in parts], power / 2)
    shares = [np.empty_like(rest) for _ in parts[:-1]]
    for lo in range(0, rest.shape[1], BLOCK):
        run.check()
        hi = min(lo + BLOCK, rest.shape[1])
        for share, weight in zip(shares, weights, strict=False):
            share[:, lo:hi] = rest[:, lo:hi] * blocks.gains(weight, lo, hi)
    return shares


def _by_bins(rest: Audio, stems: Stems, power: float, stft: StftSettings, run: Run) -> list[Float32]:
    """Shares of all stems but the last, weighted by magnitude in every bin of every channel."""

    def make_masks(block: Block) -> list[Float32]:
        transform = Stft(stft, block.span)
        bins = np.empty_like(block.bins)
        weights: list[Float32] = []
        for stem in stems.audio.values():
            block.check()
            samples = stem.crop(block.span).samples[block.channel : block.channel + 1]
            weights.append(np.abs(transform.forward(samples, bins)[:, block.rows]))
        for lo in range(0, weights[0].shape[1], _FRAMES):
            block.check()
            piece = np.s_[:, lo : lo + _FRAMES]
            for weight, normalised in zip(weights, _normalised([w[piece] for w in weights], power), strict=True):
                weight[piece] = normalised
        return weights[:-1]

    made = mask_stems(rest, stft, list(stems), make_masks, frames=_BLOCK, apart=True, span=rest.span, run=run)
    return [share.samples for share in made.audio.values()][:-1]


def _normalised(sizes: list[npt.NDArray[Any]], power: float) -> list[npt.NDArray[Any]]:
    """a_k^p / sum_j a_j^p, by way of the largest, so that nothing over- or underflows; equal where all are 0."""
    largest = np.maximum.reduce(sizes)
    silent = largest == 0
    scale = np.where(silent, 1, largest)
    raised = [np.where(silent, 1, (size / scale) ** np.asarray(power, size.dtype)) for size in sizes]
    whole = np.add.reduce(raised)
    return [one / whole for one in raised]
