"""Save stem file and save into film: containers with several sound tracks, or with a picture."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from midistems_graph.audio.files import SoundFileError
from midistems_graph.audio.media_writing import MediaWriter, Track, add_stem_box
from midistems_graph.node import Audio, InputName, NodeError, Range, Run, Stems, Stream, node
from midistems_nodes.io.stem_files import FileName
from midistems_nodes.signals import require_match

Kbits = Annotated[int, Range(64, 512, "kbit/s"), "For `aac`: kbit per second of each track."]
FILMS = {".mp4": ".mp4", ".m4v": ".mp4", ".mov": ".mov"}
"""What a film is written as; all others as Matroska."""


@node("io.save_stem_file", writes=True, tags=("output", "write", "export", "dj", "traktor", "mp4"), libraries=("av",))
def save_stem_file(
    mixture: Stream[Audio],
    stems: Stream[Stems],
    *,
    codec: Literal["aac", "alac"] = "aac",
    kbits: Kbits = 256,
    name: FileName = "",
    run: Run,
) -> None:
    """Write song and stems as one `.stem.mp4`, the file that DJ programs play with a fader for each stem.

    Parameters
    ----------
    mixture
        The song: other players play this track.
    stems
        Four stems, no fewer and no more: the format has no other number.
    codec
        `aac` is lossy and read by all programs; `alac` has no loss, at 24 bits.

    Notes
    -----
    Needs the extra `media`. In file names `{stem}` is `stems`. What is beyond full scale is clipped by players of AAC
    and here by ALAC.

    References
    ----------
    Native Instruments, "Stem file format": an MP4 with five tracks, described by JSON in the box `moov/udta/stem`.
    """
    try:
        with run.output("stems", ".stem.mp4") as file:
            writer: MediaWriter | None = None
            names: list[str] = []
            try:
                for song, parts in zip(mixture, stems, strict=True):
                    require_match(song, parts)
                    if writer is None:
                        names = list(parts)
                        if len(names) != 4:
                            raise NodeError(
                                f"a stem file holds four stems, and this set has {len(names)}: {', '.join(names)}; "
                                "merge or split some first"
                            )
                        tracks = [Track(one, song.channels) for one in ("mixture", *names)]
                        writer = MediaWriter(
                            file.path, tracks=tracks, rate=song.rate, codec=codec, kbits=kbits, tags=run.tags,
                            cover=run.cover,
                        )  # fmt: skip
                    for track, audio in enumerate((song, *parts.audio.values())):
                        run.check()
                        writer.write(track, audio.samples)
                    run.progress((song.span.stop - mixture.span.start) / max(1, mixture.span.frames))
                assert writer is not None
                writer.finish()
            finally:
                if writer is not None:
                    writer.close()
            add_stem_box(file.path, names)
    except SoundFileError as error:
        raise NodeError(str(error)) from error


@node(
    "io.save_film", writes=True, tags=("output", "write", "export", "video", "remux", "mp4", "mkv"), libraries=("av",)
)
def save_film(
    sound: Stream[Audio],
    *,
    film: Annotated[str, InputName()] = "song",
    codec: Literal["aac", "flac"] = "aac",
    kbits: Kbits = 256,
    stem: str = "film",
    name: FileName = "",
    run: Run,
) -> None:
    """Write a film anew with another sound: picture, chapters and subtitles are copied as they are, without loss.

    Parameters
    ----------
    sound
        What is heard instead: the film's own sound without the music, or without the voice. Of a window only that
        stretch has sound.
    film
        The input that is bound to the film: the song itself, if it was given as a film.
    codec
        `aac` is lossy and read by all programs; `flac` has no loss, at 24 bits, and is written as Matroska.
    stem
        What the film is called in file names.

    Notes
    -----
    Needs the extra `media`. MP4 and MOV films stay what they are, others become Matroska. Subtitles that the new file
    cannot hold (those of MP4 in Matroska) are left out, and the run says so; so are further sound tracks.
    """
    path = run.file("film")
    suffix = ".mkv" if codec == "flac" else FILMS.get(path.suffix.lower(), ".mkv")
    try:
        with run.output(stem, suffix) as file:
            writer: MediaWriter | None = None
            try:
                for tile in sound:
                    if writer is None:
                        writer = MediaWriter(
                            file.path,
                            tracks=[Track(stem, tile.channels, tile.layout)],
                            rate=tile.rate,
                            codec=codec,
                            kbits=kbits,
                            tags=run.tags,
                            picture=path,
                            start=Fraction(sound.span.start, sound.span.rate),
                        )
                        if writer.left_out:
                            which = ", ".join(writer.left_out)
                            run.warn(f"subtitles ({which}) are left out: a file of the kind {suffix} cannot hold them")
                    run.check()
                    writer.write(0, tile.samples)
                    run.progress((tile.span.stop - sound.span.start) / max(1, sound.span.frames))
                assert writer is not None
                writer.finish()
            finally:
                if writer is not None:
                    writer.close()
    except SoundFileError as error:
        raise NodeError(str(error)) from error
