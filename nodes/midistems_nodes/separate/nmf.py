"""Non-negative matrix factorisation: a few spectra, and how strongly each sounds when.

The spectra are learned from frames spread over the whole song; the activations of a frame then
depend on that frame alone. A BLAS may add up differently when it splits a product among threads or
when a row stands elsewhere; so products are made in pieces below the size that OpenBLAS splits, and a
frame always stands in the same row of its piece.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Features, Range, Run, Stems, StftSettings, Stream, node
from midistems_nodes.separate.blocks import Block, Check, frame_blocks, mask_context, mask_stems
from midistems_nodes.transform.spectrogram import Hop
from midistems_nodes.transform.spectrogram import settings as settings_of

Components = Annotated[int, Range(2, 16)]
Iterations = Annotated[int, Range(1, 500)]
Seed = Annotated[int, Range(0, 2**31 - 1)]
FftSize = Annotated[Literal[256, 512, 1024, 2048, 4096], "FFT size in samples."]

_MOST_FRAMES = 2048
_UNSPLIT = 1 << 18
"""OpenBLAS keeps a product of so many multiplications on one thread."""
_GROUP = 64
_TINY = np.float32(1e-20)


def learned_spectra(
    mixture: Stream[Audio],
    *,
    components: Components = 8,
    iterations: Iterations = 60,
    seed: Seed = 0,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Features:
    """The song's spectra, float32 [components, bins], each with the sum 1, from low to high.

    Of a long song, about 2000 frames, evenly spread, are learned from.
    """
    settings = settings_of(n_fft, hop)
    total = len(mixture.span.stft_frames(hop))
    step = -(-total // _MOST_FRAMES)
    kept = [np.zeros((0, settings.n_bins), np.float32)]
    for frames, magnitude in frame_blocks(mixture, settings, 512, run):
        run.progress(0.3 * frames.start / total)
        kept.append(magnitude.mean(axis=0)[-frames.start % step :: step])
    spectra = _learn(np.concatenate(kept), components, iterations, seed, run)
    centroids = (spectra * np.arange(settings.n_bins)).sum(axis=1)
    return Features({"spectra": spectra[np.argsort(centroids, kind="stable")]})


def _names(knobs: Any) -> tuple[str, ...]:
    return tuple(f"component/{number + 1}" for number in range(knobs.components))


@node(
    "separate.nmf",
    version="1.0.0",
    title="Components (NMF)",
    tags=("components", "drums", "notes"),
    separator=True,
    stems=_names,
    complete=True,
    sums_to="mixture",
    context=lambda k: mask_context(StftSettings(k.n_fft, k.hop)),
    reduce=learned_spectra,
    scratch=4.0,
    libraries=("numpy", "scipy"),
)
def nmf(
    mixture: Audio,
    learned: Features,
    *,
    components: Components = 8,
    iterations: Iterations = 60,
    seed: Seed = 0,
    n_fft: FftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Take a sound apart into a few components, each with one spectrum of its own.

    A component is a spectrum that fades in and out: a drum, a held note, a chord, a layer of noise. Good for
    drums (kick, snare and cymbals fall apart by themselves), for loops of a few notes and for taking single
    sounds out of a stem; listen to the components and mix those that belong together. A voice, which
    keeps changing its spectrum, spreads over many of them.

    Parameters
    ----------
    mixture
        The sound to take apart. All channels share the components, so each keeps its place in the stereo image.
    learned
        The spectra, from the first pass over the whole song.
    components
        How many. Start with the number of different sounds that you hear.
    iterations
        How long spectra and activations are refined; beyond 100 little changes.
    seed
        Where the search for spectra starts; another number finds other, about equally good ones.

    Returns
    -------
    Stems
        component/1 (lowest) to component/N (highest); they add up to the mixture.

    References
    ----------
    Lee & Seung, "Algorithms for non-negative matrix factorization", NIPS 2000, eq. 5 (Kullback-Leibler divergence).
    Smaragdis & Brown, "Non-negative matrix factorization for polyphonic music transcription", WASPAA 2003.
    """
    settings = settings_of(n_fft, hop)
    spectra = learned.arrays["spectra"]

    def make_masks(block: Block) -> list[Float32]:
        magnitude = np.abs(block.bins).mean(axis=0)
        strengths = activations(magnitude, spectra, iterations, block.first, block.check)
        parts = strengths[:, :, None] * spectra
        parts /= np.maximum(parts.sum(axis=1), _TINY)[:, None]
        return [parts[None, :, number] for number in range(len(spectra) - 1)]

    names = [f"component/{number + 1}" for number in range(len(spectra))]
    return mask_stems(mixture, settings, names, make_masks, frames=128, run=run)


def _learn(magnitude: Float32, components: int, iterations: int, seed: int, run: Run) -> Float32:
    """Spectra [components, bins] that explain the magnitudes [frames, bins]."""
    spectra = _first_spectra(magnitude, components, seed)
    frames = _in_pieces(magnitude, components, 0)
    strengths = _start(frames, components)
    for done in range(iterations):
        run.progress(0.3 + 0.7 * done / iterations)
        strengths *= _ratio(frames, strengths, spectra) @ spectra.T
        spectra *= (strengths.transpose(0, 2, 1) @ _ratio(frames, strengths, spectra)).sum(axis=0)
        spectra /= np.maximum(spectra.sum(axis=1, keepdims=True), _TINY)
    return spectra


def _first_spectra(magnitude: Float32, components: int, seed: int) -> Float32:
    """Loud frames that differ from one another, drawn as k-means++ does (Arthur & Vassilvitskii 2007)."""
    rng = np.random.default_rng(seed)
    lengths = np.sqrt((magnitude * magnitude).sum(axis=1, keepdims=True))
    directions = magnitude / np.maximum(lengths, _TINY)
    weights = lengths[:, 0].astype(np.float64)
    spectra = np.repeat(magnitude.mean(axis=0, keepdims=True) / 10 + _TINY, components, axis=0)
    for spectrum in spectra:
        chances = weights / weights.sum() if weights.any() else None
        drawn = rng.choice(len(magnitude), p=chances)
        spectrum += magnitude[drawn]
        weights *= np.clip(1 - (directions * directions[drawn]).sum(axis=1), 0, 1)
    spectra /= spectra.sum(axis=1, keepdims=True)
    return spectra


def activations(magnitude: Float32, spectra: Float32, iterations: int, first: int, check: Check) -> Float32:
    """How strongly each spectrum sounds in each frame [frames, components]; frame 0 is frame `first` of the song."""
    frames = _in_pieces(magnitude, len(spectra), first)
    strengths = _start(frames, len(spectra))
    group = max(1, _GROUP // frames.shape[1])
    for start in range(0, len(frames), group):
        part, sounding = frames[start : start + group], strengths[start : start + group]
        for _ in range(iterations):
            check()
            sounding *= _ratio(part, sounding, spectra) @ spectra.T
    skipped = first % frames.shape[1]
    return strengths.reshape(-1, len(spectra))[skipped : skipped + len(magnitude)]


def _in_pieces(magnitude: Float32, components: int, first: int) -> Float32:
    """Frames as [pieces, rows, bins], filled up with silence, so that a frame's row follows from its number."""
    count, bins = magnitude.shape
    rows = 1 << max(1, (_UNSPLIT // (bins * components)).bit_length() - 1)
    before = first % rows
    pieces = np.zeros((-(-(before + count) // rows), rows, bins), np.float32)
    pieces.reshape(-1, bins)[before : before + count] = magnitude
    return pieces


def _start(frames: Float32, components: int) -> Float32:
    """Equal strengths that add up to each frame's sum."""
    return np.repeat(frames.sum(axis=2, keepdims=True) / np.float32(components), components, axis=2)


def _ratio(frames: Float32, strengths: Float32, spectra: Float32) -> Float32:
    """How much louder each bin is than the model says."""
    explained: Float32 = strengths @ spectra
    np.maximum(explained, _TINY, out=explained)
    np.divide(frames, explained, out=explained)
    return explained
