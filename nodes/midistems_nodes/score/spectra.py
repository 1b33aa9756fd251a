"""Spectra of a mixture and its stems, piece by piece, for scorers that look at bins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, StftSettings
from midistems_graph.node import Audio, NodeError, Run, Stems, Stream
from midistems_nodes.measure.streams import chunks

_FRAMES = 128


def settings_at(rate: int) -> StftSettings:
    """About 46 ms long frames, a quarter of that apart."""
    return StftSettings(2048, 512) if rate > 24000 else StftSettings(1024, 256)


def spectra(
    mixture: Stream[Audio], stems: Stream[Stems], run: Run
) -> Iterator[tuple[Complex64, Mapping[str, Complex64]]]:
    """Bins [channels, frames, bins] of the mixture and of every stem, of some 1.5 s at a time.

    Raises NodeError for a set of one stem.
    """
    settings = settings_at(mixture.span.rate)
    for whole, parts in chunks((mixture, stems), _FRAMES * settings.hop, run.progress):
        if len(parts) < 2:
            raise NodeError(
                "this scorer compares stems with each other and needs two or more; gather the others as well"
            )
        transform = Stft(settings, whole.span, threads=run.threads)
        yield (
            transform.forward(whole.samples),
            {name: transform.forward(audio.samples) for name, audio in parts.audio.items()},
        )
