"""Sources that are learned from clips, one after the other, without forgetting.

A source is a dictionary of spectra, learned from its own clip alone and never changed afterwards: so a new one cannot
spoil an old one. What could is competition, when a new dictionary explains a part of an old source. So a song is first
looked at as a whole, and dictionaries that it does not need are left out for all of it: a song without the new source
comes out as it did before the source was learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Features, NodeError, Range, Run, Stems, StftSettings, Stream, node
from midistems_nodes.separate.blocks import Block, frame_blocks, mask_context, mask_stems
from midistems_nodes.separate.nmf import FftSize, activations, learned_spectra
from midistems_nodes.transform.spectrogram import Hop
from midistems_nodes.transform.spectrogram import settings as settings_of

_MOST_FRAMES = 400
_TINY = np.float32(1e-20)

Iterations = Annotated[int, Range(1, 500), "How long the strengths of spectra are refined."]
SourcesFftSize = Annotated[FftSize, "FFT size in samples; the same for all sources and where they are used."]


@node(
    "separate.learn_source",
    title="Learn a source",
    tags=("dictionary", "nmf", "continual", "example", "clip"),
    libraries=("numpy", "scipy"),
    keeps_gain=False,
    scratch=12,
)
def learn_source(
    clip: Stream[Audio],
    known: Features | None = None,
    *,
    name: str = "vocals",
    components: Annotated[int, Range(2, 16)] = 16,
    iterations: Iterations = 60,
    n_fft: SourcesFftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Features:
    """Learn from a clip how a source sounds, and add it to those that are known.

    Parameters
    ----------
    clip
        The source alone: a few seconds that hold its usual sounds. Silence in it does no harm.
    known
        What was learned before; stays as it is. A source of the same name gets this clip's spectra in addition.
    name
        What the source is called among the stems.
    components
        Spectra to learn.
    iterations
        How long they are refined.

    Returns
    -------
    Features
        Spectra by source, float32 [spectra, bins], for the node Separate learned sources.

    Notes
    -----
    Good for sounds that no model knows and of which a clip is at hand: a pause filler, one's own synthesizer, a
    machine. Learning a further source changes nothing about the ones before.

    References
    ----------
    Smaragdis, Raj & Shashanka, "Supervised and semi-supervised separation of sounds from single-channel mixtures", ICA
    2007; Kullback-Leibler NMF as in the node Components.
    """
    if not name.strip() or "/" in name:
        raise NodeError(f"a source cannot be called {name!r}; give the knob name a word, such as vocals")
    spectra = learned_spectra(clip, components=components, iterations=iterations, n_fft=n_fft, hop=hop, run=run)
    own = spectra.arrays["spectra"]
    own = own[own.max(axis=1) > 0]
    if not len(own):
        raise NodeError(f"the clip of {name} is silent; choose one in which the source is heard")
    before: Mapping[str, Float32] = known.arrays if known else {}
    if any(array.shape[1] != own.shape[1] for array in before.values()):
        raise NodeError(f"the known sources were learned with another FFT size than {n_fft}; set n_fft alike")
    mine = np.concatenate([before[name], own]) if name in before else own
    return Features({**before, name: mine})


@node(
    "separate.needed_sources",
    title="Sources of a song",
    tags=("dictionary", "nmf", "continual", "which", "select"),
    libraries=("numpy", "scipy"),
    keeps_gain=False,
    scratch=10,
)
def needed_sources(
    mixture: Stream[Audio],
    sources: Features,
    *,
    iterations: Iterations = 60,
    needed: Annotated[float, Range(0, 50, "%")] = 5.0,
    n_fft: SourcesFftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Features:
    """Keep those learned sources that a song cannot do without.

    Parameters
    ----------
    mixture
        The song.
    sources
        What was learned.
    needed
        A source is left out if without it the others explain the song worse by less than this.

    Returns
    -------
    Features
        The sources that are left, unchanged.

    Notes
    -----
    Good before Separate learned sources: a source that is not in the song takes nothing from the others there. So what
    was separated well before a new source was learned still is. About 400 frames of the song are looked at; the source
    that is missed least goes first.

    References
    ----------
    Backward elimination by the Kullback-Leibler divergence of the whole song.
    """
    settings = settings_of(n_fft, hop)
    _check_size(sources, settings)
    total = len(mixture.span.stft_frames(hop))
    step = -(-total // _MOST_FRAMES)
    kept = [np.zeros((0, settings.n_bins), np.float32)]
    for frames, magnitude in frame_blocks(mixture, settings, 512, run):
        run.progress(0.3 * frames.start / max(1, total))
        kept.append(magnitude.mean(axis=0)[-frames.start % step :: step])
    song = np.concatenate(kept)
    used = list(sources.arrays)
    now = _misfit(song, sources, used, iterations, run)
    while len(used) > 1:
        run.progress(1 - 0.7 * len(used) / len(sources.arrays))
        without = {name: _misfit(song, sources, [o for o in used if o != name], iterations, run) for name in used}
        least = min(used, key=lambda name: without[name])
        if without[least] > (1 + needed / 100) * now:
            break
        used.remove(least)
        now = without[least]
    return Features({name: sources.arrays[name] for name in used})


@node(
    "separate.dictionary",
    title="Separate learned sources",
    tags=("dictionary", "nmf", "continual", "example"),
    complete=True,
    sums_to="mixture",
    context=lambda k: mask_context(StftSettings(k.n_fft, k.hop)),
    scratch=1,
    libraries=("numpy", "scipy"),
)
def dictionary(
    mixture: Audio,
    sources: Features,
    *,
    iterations: Iterations = 60,
    n_fft: SourcesFftSize = 2048,
    hop: Hop = 512,
    run: Run,
) -> Stems:
    """Part a song into sources that were learned from clips.

    Parameters
    ----------
    mixture
        The song. All channels share the strengths, so each source keeps its place in the stereo image.
    sources
        What was learned, best after Sources of a song.

    Returns
    -------
    Stems
        The sources by name; they add up to the mixture.

    Notes
    -----
    Good for few sources whose spectra differ. Two voices, or two guitars, are told apart by it only where they play
    other notes.

    References
    ----------
    Smaragdis, Raj & Shashanka 2007: the spectra are fixed, their strengths are those of Lee & Seung's updates; a
    source's mask is its share of what is explained.
    """
    settings = settings_of(n_fft, hop)
    _check_size(sources, settings)
    spectra = np.concatenate(list(sources.arrays.values()))
    ends = np.cumsum([len(array) for array in sources.arrays.values()])[:-1]

    def make_masks(block: Block) -> list[Float32]:
        magnitude = np.abs(block.bins).mean(axis=0)
        strengths = activations(magnitude, spectra, iterations, block.first, block.check)
        pairs = zip(np.split(strengths, ends, axis=1), sources.arrays.values(), strict=True)
        parts = [mine @ own for mine, own in pairs]
        whole = np.maximum(np.sum(parts, axis=0), _TINY)
        return [(part / whole)[None] for part in parts[:-1]]

    return mask_stems(mixture, settings, list(sources.arrays), make_masks, frames=128, run=run)


def _misfit(song: Float32, sources: Features, names: list[str], iterations: int, run: Run) -> float:
    """Kullback-Leibler divergence of what some sources explain of the frames [frames, bins]."""
    spectra = np.concatenate([sources.arrays[name] for name in names])
    explained = activations(song, spectra, iterations, 0, run.check) @ spectra
    ratio = np.maximum(song, _TINY) / np.maximum(explained, _TINY)
    return float(np.sum(song * np.log(ratio) - song + explained, dtype=np.float64))


def _check_size(sources: Features, settings: StftSettings) -> None:
    for name, array in sources.arrays.items():
        if array.ndim != 2 or array.shape[1] != settings.n_bins:
            raise NodeError(f"{name} was not learned with the FFT size {settings.n_fft}; set n_fft as it was learned")
    if not sources.arrays:
        raise NodeError("no source was learned; put a separate.learn_source node before this one")
