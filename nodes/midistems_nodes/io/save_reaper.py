"""Save Reaper project: stems as files, and a project in which they lie in step."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from midistems_graph.audio.timeline import Timeline
from midistems_graph.node import Audio, Run, Span, Stems, Stream, node
from midistems_nodes.io.stem_files import FileName, FormatName, GainDb, SharedGain, SingleName, write_stems

_SOURCES = {".wav": "WAVE", ".aiff": "WAVE", ".flac": "FLAC", ".mp3": "MP3", ".ogg": "VORBIS", ".opus": "OPUS"}


@node(
    "io.save_reaper", writes=True, tags=("output", "write", "export", "daw", "rpp", "project"), libraries=("soundfile",)
)
def save_reaper(
    stems: Stream[Stems | Audio],
    *,
    format: FormatName = "wav",
    gain: SharedGain = "none",
    gain_db: GainDb = 0.0,
    stem: SingleName = "audio",
    name: FileName = "",
    run: Run,
) -> None:
    """Write stems as files, and beside them a Reaper project with one track for each, all in step.

    The song begins at the project's zero, so that a window's stems lie where they belong in the song. The project
    names its files relative to itself: the folder can be moved. In file names its own `{stem}` is `project`.

    Parameters
    ----------
    stems
        A set of stems (one file and track each) or a single sound.

    Notes
    -----
    Tempo and markers of the song are in the project where its file tells them. Its time reference, such as a time of
    day, becomes the project's start time.

    References
    ----------
    The project format as Reaper writes it: https://github.com/ReaTeam/Doc/blob/master/State%20Chunk%20Definitions
    """
    files = write_stems(stems, format=format, gain=gain, gain_db=gain_db, stem=stem, run=run)
    with run.output("project", ".rpp") as project:
        placed = {name: os.path.relpath(file.placed or file.path, project.path.parent) for name, file in files.items()}
        text = project_text(placed, stems.span, run.timeline)
        project.path.write_text(text, encoding="utf-8", newline="\n")


def project_text(files: Mapping[str, str], span: Span, timeline: Timeline) -> str:
    """A project in which files, by track name, lie at a stretch of the song that is on a timeline."""
    return "\n".join(_lines(files, span, timeline)) + "\n"


def _lines(files: Mapping[str, str], span: Span, timeline: Timeline) -> Iterator[str]:
    yield '<REAPER_PROJECT 0.1 "7.0" 0'
    yield f"  PROJOFFS {_seconds(timeline.origin, timeline.rate)} 0 0"
    yield f"  SAMPLERATE {span.rate} 1 0"
    if timeline.tempo:
        yield f"  TEMPO {timeline.tempo:.10g} 4 4"
    for number, marker in enumerate(timeline.markers, 1):
        yield f"  MARKER {number} {_seconds(marker.at, timeline.rate)} {quoted(marker.name)} 0"
    for name, file in files.items():
        yield "  <TRACK"
        yield f"    NAME {quoted(name)}"
        yield "    <ITEM"
        yield f"      POSITION {_seconds(span.start, span.rate)}"
        yield f"      LENGTH {_seconds(span.frames, span.rate)}"
        yield "      LOOP 0"
        yield f"      NAME {quoted(Path(file).name)}"
        yield f"      <SOURCE {_SOURCES[Path(file).suffix.lower()]}"
        yield f"        FILE {quoted(Path(file).as_posix())}"
        yield "      >"
        yield "    >"
        yield "  >"
    yield ">"


def _seconds(samples: int, rate: int) -> str:
    """So many digits that the sample is certain after ten days, too."""
    return f"{samples / rate:.10f}"


def quoted(text: str) -> str:
    """A text as Reaper reads it: in the first of three quotation marks that it does not hold itself."""
    line = " ".join(text.split())
    for mark in "\"'`":
        if mark not in line:
            return f"{mark}{line}{mark}"
    return "`" + line.replace("`", "'") + "`"
