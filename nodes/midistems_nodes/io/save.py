"""Save: writes stems or a single sound into the output folder."""

from midistems_graph.node import Audio, Run, Stems, Stream, node
from midistems_nodes.io.stem_files import FileName, FormatName, GainDb, SharedGain, SingleName, write_stems


@node("io.save", writes=True, tags=("output", "write", "export"), title="Save", libraries=("soundfile",), scratch=3)
def save(
    stems: Stream[Stems | Audio],
    *,
    format: FormatName = "wav",
    gain: SharedGain = "none",
    gain_db: GainDb = 0.0,
    stem: SingleName = "audio",
    name: FileName = "",
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
    """
    write_stems(stems, format=format, gain=gain, gain_db=gain_db, stem=stem, run=run)
