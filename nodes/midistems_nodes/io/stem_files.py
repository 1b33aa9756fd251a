"""Stems written as sound files, for every node that writes some."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Annotated, Literal

import numpy as np

from midistems_graph.audio.files import SoundFileError
from midistems_graph.audio.loudness import LoudnessMeter
from midistems_graph.audio.writing import FORMATS, CannotWrite, SoundWriter
from midistems_graph.node import Audio, NodeError, Range, Run, Stems, Stream
from midistems_graph.node.contract import OutputFile

FormatName = Annotated[
    Literal["wav", "wav24", "wav16", "flac", "flac16", "aiff", "ogg", "opus", "mp3"],
    "`wav` is 32-bit float; `wav24`, `wav16`, `flac` (24-bit), `flac16` and `aiff` (24-bit) hold whole numbers; `ogg`, "
    "`opus` and `mp3` are lossy.",
]
SharedGain = Annotated[
    Literal["none", "shared"],
    "`shared`: if any file would be beyond full scale, all files get one and the same lower gain.",
]
GainDb = Annotated[float, Range(-60.0, 24.0, "dB"), "A gain for all files."]
SingleName = Annotated[str, "What a single sound is called in file names."]
FileName = Annotated[
    str,
    "File name without extension, with `{song}`, `{stem}`, `{node}` and `{folder}` filled in; empty: the command "
    "line's choice, or `{song} - {stem}`.",
]
"""Read by the engine, which names the files."""


def write_stems(
    stems: Stream[Stems | Audio], *, format: FormatName, gain: SharedGain, gain_db: float, stem: str, run: Run
) -> dict[str, OutputFile]:
    """Write every stem of a stream as a file of the output folder; a single sound is called `stem`.

    Raises NodeError where a format cannot hold a sound, CannotWrite where the disk refuses.
    """
    factor = 10 ** (gain_db / 20)
    if gain == "shared":
        peak = max((_peak(tile, run) for tile in stems), default=0.0) * factor
        factor /= max(peak, 1.0)
    done, total = 0, max(stems.span.frames, 1)
    files: dict[str, OutputFile] = {}
    writers: dict[str, tuple[SoundWriter, LoudnessMeter]] = {}

    def write(stem_name: str, audio: Audio) -> None:
        writer, meter = writers[stem_name]
        block = audio.samples if factor == 1.0 else audio.samples * np.float32(factor)
        writer.write(block)
        meter.add(block)

    with ExitStack() as open_files, ThreadPoolExecutor(run.threads, thread_name_prefix="stems") as side_by_side:
        try:
            for tile in stems:
                named = _named(tile, stem)
                for stem_name, audio in named.items():
                    if stem_name not in writers:
                        file = open_files.enter_context(run.output(stem_name, FORMATS[format].extension))
                        files[stem_name] = file
                        writer = SoundWriter(
                            file.path,
                            rate=audio.rate,
                            channels=audio.channels,
                            frames=stems.span.frames,
                            format=format,
                            layout=audio.layout,
                            tags={**run.tags, "software": _software(file)},
                            timeline=run.timeline.of(stems.span),
                            cover=run.cover,
                            seed=len(writers),
                        )
                        meter = LoudnessMeter(audio.rate, audio.channels, audio.layout)
                        open_files.callback(_measured, file.figures, meter)
                        writers[stem_name] = open_files.enter_context(writer), meter
                for _ in side_by_side.map(write, named.keys(), named.values()):
                    run.check()
                done += tile.span.frames
                run.progress(done / total)
        except CannotWrite:
            raise
        except SoundFileError as error:
            raise NodeError(str(error)) from error
        for stem_name, (writer, _) in writers.items():
            if writer.overs and FORMATS[format].clips:
                over = 20 * np.log10(writer.peak)
                run.warn(
                    f"{writer.overs} samples of {stem_name} are up to {over:.1f} dB beyond full scale and are "
                    f"clipped in {format}; use --gain shared or the format wav"
                )
    return files


def _software(file: OutputFile) -> str:
    """What a file says of its origin: the receipt beside it has the graph."""
    return "midistems-graph" + (f", receipt {file.receipt}" if file.receipt else "")


def _measured(figures: dict[str, float], meter: LoudnessMeter) -> None:
    """What the table of results says about a file."""
    figures |= {"peak": meter.peak_db, "true_peak": meter.true_peak_db, "lufs": meter.lufs}


def _named(tile: Stems | Audio, stem: str) -> dict[str, Audio]:
    return {stem: tile} if isinstance(tile, Audio) else dict(tile.audio)


def _peak(tile: Stems | Audio, run: Run) -> float:
    run.check()
    return max(float(np.abs(audio.samples).max(initial=0.0)) for audio in _named(tile, "").values())
