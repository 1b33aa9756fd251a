"""Load: the sound of a file that the run binds, or of one that lies beside the graph."""

import math
from pathlib import Path
from typing import Annotated

import numpy as np

from midistems_graph.audio.files import SoundFileError, SoundReader, check_finite, is_sound
from midistems_graph.audio.resample import resample, resample_context
from midistems_graph.audio.stem_names import in_file_name
from midistems_graph.audio.values import Float32, ceil_div
from midistems_graph.node import Audio, FileBelowGraph, InputName, NodeError, Range, Run, Span, Stems, node

Track = Annotated[int, Range(0, 99), "Which sound track, where a film or container holds several; 0 is the first."]


@node("io.load", tags=("input", "song"), title="Load", libraries=("soundfile",), scratch=0.5)
def load(*, input: Annotated[str, InputName()] = "song", track: Track = 0, run: Run) -> Audio:
    """The sound of an input of the graph, usually the song itself.

    Every rate, channel count and format is taken as it is: nothing is resampled, mixed down or made
    louder. An input other than the song is laid on the song's time axis: from its beginning, cut or
    filled with silence at the end.

    Parameters
    ----------
    input
        Which input of the graph: `song`, or another name that a run binds with `--input name=FILE`.
    """
    return _read(run.file("input"), run, track)


@node("io.load_file", tags=("input", "file"), title="Load file", libraries=("soundfile", "soxr"))
def load_file(*, file: Annotated[str, FileBelowGraph()] = "sound.wav", track: Track = 0, run: Run) -> Audio:
    """The sound of a file that lies in or below the folder of the graph file.

    Laid on the song's time axis: from its beginning, converted to its rate, cut or filled with silence at the
    end; the run says so.

    Parameters
    ----------
    file
        Path relative to the graph file's folder. Paths that lead out of it are refused.
    """
    return _read(run.file("file"), run, track)


@node(
    "io.load_stems",
    tags=("input", "stems"),
    title="Load stems",
    rate=lambda _, song: song,
    libraries=("soundfile", "soxr"),
    scratch=0.5,
)
def load_stems(*, folder: Annotated[str, InputName(folder=True)] = "stems", complete: bool = False, run: Run) -> Stems:
    """Finished stems of another tool: every sound file of a folder, named by what its file name says.

    `My Song_(Vocals)_model.wav` becomes `vocals`, `no_vocals.flac` becomes `instrumental`; a name that
    says nothing known is kept as it is. A file called mixture is left out. Files of another rate than the
    song's are converted, and the run says so.

    Parameters
    ----------
    folder
        The input that a run binds to a folder with `--input stems=FOLDER`.
    complete
        Whether these stems together are the whole song.
    """
    path = run.file("folder")
    found: dict[str, Path] = {}
    for file in sorted(p for p in path.iterdir() if p.is_file() and is_sound(p)):
        name = in_file_name(file.stem)
        if name == "mixture":
            continue
        name = file.stem if name in found else name
        if name in found:
            run.warn(f"{file.name} is left out: {found[name].name} is the stem {name} already")
        found.setdefault(name, file)
    if not found:
        raise NodeError(f"the folder {path.name} holds no stems")
    with run.sound(next(iter(found.values()))) as first:
        channels = first.channels
    for name, file in found.items():
        with run.sound(file) as sound:
            if sound.channels != channels:
                raise NodeError(
                    f"the stem {name} has {sound.channels} channels and the first one {channels}; they must be alike"
                )
    stems = {name: _read(file, run, 0) for name, file in found.items()}
    return Stems(stems, complete)


def _read(path: Path, run: Run, track: int) -> Audio:
    """The part of a file that the run asks for, with silence where the file is shorter than the song."""
    try:
        with run.sound(path, track) as sound:
            wanted = run.span
            frames = ceil_div(sound.frames * wanted.rate, sound.rate)
            if sound.rate != wanted.rate:
                run.warn(f"{path.name} has {sound.rate} Hz and is converted to the song's {wanted.rate} Hz")
            rounding = 0 if sound.rate == wanted.rate else ceil_div(wanted.rate, sound.rate)
            if abs(frames - wanted.total) > rounding:
                longer = "longer" if frames > wanted.total else "shorter"
                what = "what is beyond is left out" if longer == "longer" else "silence is added at its end"
                off = abs(frames - wanted.total) / wanted.rate
                run.warn(f"{path.name} is {off:.2f} s {longer} than the song; {what}")
            stop = min(wanted.stop, frames)
            start = min(wanted.start, stop)
            samples = _at_rate(sound, start, stop, wanted.rate)
            check_finite(samples, start, wanted.rate, path)
            if stop - start < wanted.frames:
                samples = np.pad(samples, ((0, 0), (0, wanted.frames - (stop - start))))
            return Audio(samples, wanted, sound.layout)
    except SoundFileError as error:
        raise NodeError(str(error)) from error


def _at_rate(sound: SoundReader, start: int, stop: int, rate: int) -> Float32:
    """The samples of a stretch that is counted at a rate, which need not be the file's."""
    if sound.rate == rate:
        return sound.read(start, stop)
    if start == stop:
        return np.empty((sound.channels, 0), np.float32)
    around = resample_context(sound.rate, rate)
    first = max(0, math.floor((start / rate - around) * sound.rate)) if math.isfinite(around) else 0
    last = math.ceil((stop / rate + around) * sound.rate) if math.isfinite(around) else sound.frames
    span = Span(first, min(last, sound.frames), sound.frames, sound.rate)
    converted = resample(Audio(sound.read(span.start, span.stop), span, sound.layout), rate)
    at = start - converted.span.start
    return converted.samples[:, at : at + stop - start]
