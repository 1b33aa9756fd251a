"""Save: writes stems or a single sound into the output folder."""

from midistems_graph.node import Audio, Run, Stems, Stream, node
from midistems_nodes.io.stem_files import FormatName, GainDb, SharedGain, write_stems


@node("io.save", writes=True, tags=("output", "write", "export"), title="Save", libraries=("soundfile",))
def save(
    stems: Stream[Stems | Audio],
    *,
    format: FormatName = "wav",
    gain: SharedGain = "none",
    gain_db: GainDb = 0.0,
    stem: str = "audio",
    name: str = "",
    run: Run,
) -> None:
    """Write every stem of a set, or one sound, as a file of the output folder.

    The default is 32-bit float WAV: what the graph computed, to the last bit, also beyond full scale. WAV files tell
    where they lie on the song's timeline, also those of a window, so that editors put them back in their place.
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
        File name without extension, with `{song}`, `{stem}`, `{node}` and `{folder}` filled in; empty: the
        command line's choice, or `{song} - {stem}`.
    """
    write_stems(stems, format=format, gain=gain, gain_db=gain_db, stem=stem, run=run)
