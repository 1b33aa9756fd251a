"""Save notes: a melody as a MIDI file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import numpy as np

from midistems_graph.audio.values import Float32
from midistems_graph.node import Curves, NodeError, Range, Run, Stream, node
from midistems_nodes.io.stem_files import FileName

_TICKS, _TEMPO = 480, 500_000
"""Ticks per beat, and microseconds per beat: 120 beats per minute, so a tick is 1/960 s."""
_PER_SECOND = _TICKS * 1_000_000 / _TEMPO


class Note(NamedTuple):
    """A MIDI note number and when it sounds, in seconds."""

    number: int
    start: float
    stop: float


@node("io.save_notes", title="Save notes", writes=True, tags=("output", "write", "midi", "melody", "pitch"))
def save_notes(
    pitch: Stream[Curves],
    *,
    shortest: Annotated[float, Range(0.01, 1, "s", "log")] = 0.08,
    stick: Annotated[float, Range(0.5, 3, "semitones")] = 0.7,
    stem: str = "notes",
    name: FileName = "",
    run: Run,
) -> None:
    """Write the notes of a melody as a MIDI file.

    Parameters
    ----------
    pitch
        A melody, from a Pitch node. The curve called pitch is used, or the first one.
    shortest
        Shorter notes are left out.
    stick
        A note holds on while the pitch stays within so much of it: vibrato and slides do not break it up.
    stem
        What the file is called in file names.

    Notes
    -----
    Good for taking a melody into a sequencer. The file counts 120 beats per minute, so its times are those of the
    song, whatever its beat.

    References
    ----------
    Standard MIDI file of type 0, by the package mido. A note is the median pitch, rounded to a semitone (A4 = 440 Hz).
    """
    try:
        import mido
    except ImportError:
        raise NodeError("the package mido is not installed; install it with pip install mido") from None
    times, tones = [], []
    for tile in pitch:
        run.progress((tile.span.start - pitch.span.start) / max(1, pitch.span.frames))
        times.append(tile.times)
        tones.append(tile["pitch" if "pitch" in tile.names else tile.names[0]])
    found = [note for note in notes(np.concatenate(times), np.concatenate(tones), stick) if _long(note, shortest)]
    if not found:
        run.warn("no note was found; is the stem a single voice, and is the Pitch node's range wide enough?")
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=_TEMPO)])
    edges = [(note.start, "note_on", note.number) for note in found] + [(n.stop, "note_off", n.number) for n in found]
    at = 0
    for second, kind, number in sorted(edges):
        tick = round(second * _PER_SECOND)
        track.append(mido.Message(kind, note=number, velocity=80 if kind == "note_on" else 0, time=tick - at))
        at = tick
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS, tracks=[track])
    with run.output(stem, ".mid") as output:
        file.save(output.path)


def notes(times: np.ndarray[tuple[int], np.dtype[np.float64]], tones: Float32, stick: float) -> Iterator[Note]:
    """Notes of a pitch curve in Hz (0: none) at equally spaced times in seconds."""
    step = float(times[1] - times[0]) if len(times) > 1 else 0.0
    numbers = 69 + 12 * np.log2(np.maximum(tones, 1e-3) / 440)
    first = 0
    for frame in range(len(tones) + 1):
        ends = frame == len(tones) or tones[frame] <= 0
        if not ends and frame > first:
            ends = abs(numbers[frame] - np.median(numbers[first:frame])) > stick
        if not ends:
            continue
        if frame > first and tones[first] > 0:
            number = int(np.clip(np.rint(np.median(numbers[first:frame])), 0, 127))
            yield Note(number, float(times[first]), float(times[first]) + (frame - first) * step)
        first = frame if frame < len(tones) and tones[frame] > 0 else frame + 1


def _long(note: Note, shortest: float) -> bool:
    return note.stop - note.start >= shortest
