"""Save: writes stems or a single sound into the output folder."""

from contextlib import ExitStack
from typing import Annotated, Literal

import numpy as np

from midistems_graph.audio.files import SoundFileError
from midistems_graph.audio.loudness import LoudnessMeter
from midistems_graph.audio.writing import FORMATS, CannotWrite, SoundWriter
from midistems_graph.node import Audio, NodeError, Range, Run, Stems, Stream, node

FormatName = Literal["wav", "wav24", "wav16", "flac", "flac16", "aiff", "ogg", "opus", "mp3"]


@node("io.save", writes=True, tags=("output", "write", "export"), title="Save", libraries=("soundfile",))
def save(
    stems: Stream[Stems | Audio],
    *,
    format: FormatName = "wav",
    gain: Literal["none", "shared"] = "none",
    gain_db: Annotated[float, Range(-60.0, 24.0, "dB")] = 0.0,
    stem: str = "audio",
    name: str = "",
    run: Run,
) -> None:
    """Write every stem of a set, or one sound, as a file of the output folder.

    The default is 32-bit float WAV: what the graph computed, to the last bit, also beyond full scale.
    16-bit formats are dithered. Formats with whole numbers cannot hold what is beyond full scale: the run
    warns and says how much, and a shared gain brings the whole set below it, so that the stems still add
    up to the (softer) mixture.

    Parameters
    ----------
    stems
        A set of stems (one file each) or a single sound (one file).
    format
        `wav` is 32-bit float; `wav24`, `wav16`, `flac` (24-bit), `flac16` and `aiff` (24-bit) hold whole
        numbers; `ogg`, `opus` and `mp3` are lossy.
    gain
        `shared`: if any file would be beyond full scale, all files get one and the same lower gain.
    gain_db
        A gain for all files.
    stem
        What a single sound is called in file names.
    name
        File name without extension, with `{song}`, `{stem}` and `{node}` filled in; empty: the command
        line's choice, or `{song} - {stem}`.
    """
    factor = 10 ** (gain_db / 20)
    if gain == "shared":
        peak = max((_peak(tile, run) for tile in stems), default=0.0) * factor
        factor /= max(peak, 1.0)
    done, total = 0, max(stems.span.frames, 1)
    with ExitStack() as open_files:
        writers: dict[str, tuple[SoundWriter, LoudnessMeter]] = {}
        try:
            for tile in stems:
                for stem_name, audio in _named(tile, stem).items():
                    if stem_name not in writers:
                        file = open_files.enter_context(run.output(stem_name, FORMATS[format].extension))
                        writer = SoundWriter(
                            file.path,
                            rate=audio.rate,
                            channels=audio.channels,
                            frames=stems.span.frames,
                            format=format,
                            layout=audio.layout,
                            tags=run.tags,
                            seed=len(writers),
                        )
                        meter = LoudnessMeter(audio.rate, audio.channels, audio.layout)
                        open_files.callback(_measured, file.figures, meter)
                        writers[stem_name] = open_files.enter_context(writer), meter
                    writer, meter = writers[stem_name]
                    block = audio.samples if factor == 1.0 else audio.samples * np.float32(factor)
                    writer.write(block)
                    meter.add(block)
                    run.check()
                done += tile.span.frames
                run.progress(done / total)
        except CannotWrite:
            raise
        except SoundFileError as error:
            raise NodeError(str(error)) from None
        for stem_name, (writer, _) in writers.items():
            if writer.overs and FORMATS[format].clips:
                over = 20 * np.log10(writer.peak)
                run.warn(
                    f"{writer.overs} samples of {stem_name} are up to {over:.1f} dB beyond full scale and are "
                    f"clipped in {format}; use --gain shared or the format wav"
                )


def _measured(figures: dict[str, float], meter: LoudnessMeter) -> None:
    """What the table of results says about a file."""
    figures |= {"peak": meter.peak_db, "true_peak": meter.true_peak_db, "lufs": meter.lufs}


def _named(tile: Stems | Audio, stem: str) -> dict[str, Audio]:
    return {stem: tile} if isinstance(tile, Audio) else dict(tile.audio)


def _peak(tile: Stems | Audio, run: Run) -> float:
    run.check()
    return max(float(np.abs(audio.samples).max(initial=0.0)) for audio in _named(tile, "").values())
