"""Save picture: the spectrogram of a sound as an image file."""

from collections.abc import Iterator
from typing import Annotated, Literal, cast

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.colormap import coloured
from midistems_graph.audio.values import Float32
from midistems_graph.node import Audio, Magnitude, NodeError, Range, Run, Spectrogram, StftSettings, Stream, node
from midistems_nodes.io.stem_files import FileName
from midistems_nodes.separate.blocks import frame_blocks

FLOOR = 1e-9
MAX_SIDE = 20_000
_FRAMES = 256


@node("io.save_picture", version="1.0.2", writes=True, tags=("output", "write", "png", "image"), libraries=("scipy",))
def save_picture(
    signal: Stream[Audio | Spectrogram | Magnitude],
    *,
    height: Annotated[int, Range(64, 4096, "pixels")] = 512,
    per_second: Annotated[float, Range(1.0, 200.0, "pixels", "log")] = 40.0,
    frequencies: Literal["log", "linear"] = "log",
    lowest: Annotated[float, Range(10.0, 1000.0, "Hz", "log")] = 40.0,
    range_db: Annotated[float, Range(20.0, 140.0, "dB")] = 80.0,
    stem: str = "spectrogram",
    name: FileName = "",
    run: Run,
) -> None:
    """Write a PNG of the spectrogram: time to the right, pitch upward, bright is loud.

    The channels are averaged in power. The loudest point is white and everything `range_db` below it
    black, so pictures of different sounds compare in shape, not in level.

    Parameters
    ----------
    signal
        A sound (analysed with 4096 samples per frame), or a spectrogram as another node made it.
    height
        Height of the picture.
    per_second
        Width of the picture for every second of sound.
    frequencies
        `log` gives every octave the same height, `linear` every Hz.
    lowest
        The frequency at the lower edge when `frequencies` is `log`.
    range_db
        How far below the loudest point is black.
    stem
        What the picture is called in file names.
    """
    span = signal.span
    width = max(1, round(span.seconds * per_second))
    if width > MAX_SIDE:
        raise NodeError(
            f"the picture would be {width} pixels wide, and {MAX_SIDE} is the limit; "
            f"lower per_second to {MAX_SIDE / span.seconds:.3g} or less"
        )
    power = np.zeros((height, width), np.float32)
    for settings, frames, magnitudes in _blocks(signal, run):
        rows = _rows(settings, span.rate, height, frequencies == "log", lowest)
        times = np.asarray(frames) * settings.hop - span.start
        at = np.clip(times * width // max(span.frames, 1), 0, width - 1)
        run.progress(min(1.0, max(0.0, times[0] / max(span.frames, 1))))
        mean = np.zeros(magnitudes.shape[1:], np.float32)
        for channel in magnitudes:
            run.check()
            mean += channel**2 / len(magnitudes)
        np.maximum.at(power.T, at, np.maximum.reduceat(mean, rows, axis=1))
    from PIL import Image

    with run.output(stem, ".png") as file:
        Image.fromarray(_colours(power[::-1], range_db)).save(file.path, "PNG")


def _blocks(signal: Stream[Audio | Spectrogram | Magnitude], run: Run) -> Iterator[tuple[StftSettings, range, Float32]]:
    """Settings, frame numbers and magnitudes [channels, frames, bins], the same in whatever tiles a sound comes."""
    if isinstance(next(iter(signal), None), Audio):
        settings = StftSettings()
        for frames, magnitudes in frame_blocks(cast("Stream[Audio]", signal), settings, _FRAMES, run):
            yield settings, frames, magnitudes
        return
    for tile in cast("Stream[Spectrogram | Magnitude]", signal):
        if len(frames := tile.span.stft_frames(tile.stft.hop)):
            yield tile.stft, frames, np.abs(tile.bins)


def _rows(settings: StftSettings, rate: int, height: int, log: bool, lowest: float) -> npt.NDArray[np.intp]:
    """The first bin of every row of pixels, from the lowest row up."""
    top = rate / 2
    edges = np.geomspace(min(lowest, top / 2), top, height + 1) if log else np.linspace(0, top, height + 1)
    return np.clip((edges[:-1] / top * (settings.n_bins - 1)).astype(np.intp), 0, settings.n_bins - 1)


def _colours(power: Float32, range_db: float) -> npt.NDArray[np.uint8]:
    """Power as RGB, uint8 [height, width, 3]."""
    level = 10 * np.log10(np.maximum(power, FLOOR))
    shade = np.clip(1 + (level - level.max()) / range_db, 0, 1) if power.any() else np.zeros_like(level)
    return coloured(shade)
