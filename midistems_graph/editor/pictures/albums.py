"""The pyramids of a song's edges, by what they are computed from: found again after an edit, and on disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from midistems_graph.audio.values import Audio, Span, Stems
from midistems_graph.editor.audition.pages import Interval
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.pictures.building import Pyramid, Readable, build, done
from midistems_graph.editor.pictures.cache import PictureCache, content_key
from midistems_graph.editor.pictures.sources import Drawable, NotDrawable, drawable
from midistems_graph.editor.pictures.spectrogram import SpectrogramPyramid
from midistems_graph.editor.pictures.stem_levels import StemLevels, StemSource
from midistems_graph.editor.pictures.strength import Channel, measure_of
from midistems_graph.editor.pictures.subjects import Engine, Subject, sample, there
from midistems_graph.editor.pictures.waveform import WaveformPyramid
from midistems_graph.editor.pictures.wishes import Kind

LIMIT_BYTES = 192 << 20
"""What the pyramids in memory may take; those that are looked at stay in any case."""


@dataclass(eq=False)
class Album:
    """A pyramid with the source that it is filled from. `content` is the digest it is kept under on disk."""

    pyramid: WaveformPyramid | SpectrogramPyramid | StemLevels
    source: Subject | StemSource
    content: str
    kept: bool = False

    def steps(self, focus: tuple[float, float]) -> Iterator[float]:
        """Fill the pyramid with what is computed, step by step."""
        if isinstance(self.pyramid, StemLevels):
            assert isinstance(self.source, StemSource)
            return build(self.pyramid, self.source, focus=focus)
        assert isinstance(self.source, Subject)
        pyramid: Pyramid[Drawable] = self.pyramid
        source: Readable[Drawable] = self.source
        return build(pyramid, source, focus=focus)

    @property
    def share(self) -> float:
        """How much of the song is there, 0 to 1."""
        return done(self.pyramid)

    @property
    def nbytes(self) -> int:
        match self.pyramid:
            case WaveformPyramid():
                return self.pyramid.points.nbytes
            case SpectrogramPyramid():
                return self.pyramid.columns.nbytes
        return self.pyramid.levels.nbytes


class Albums:
    """The albums of one song. For one thread."""

    def __init__(self, engine: Engine, cache: PictureCache) -> None:
        self.engine, self.cache = engine, cache
        self._albums: OrderedDict[tuple[object, ...], Album] = OrderedDict()
        self._known: dict[Take, tuple[list[str], tuple[Interval, ...]]] = {}
        """Lineages of the parts of takes, and where they are computed, since the last `refresh`."""

    def refresh(self) -> None:
        """Something was computed, or edited."""
        self._known.clear()

    def open(self, take: Take, kind: Kind, channel: Channel) -> Album | None:
        """The album of a take, reading from all that is computed by now; None while nothing is.

        Raises NotDrawable for what has no such picture.
        """
        if take not in self._known:
            self._known[take] = [self.engine.lineage(part.address) for part in take.parts], there(self.engine, take)
        lineages, stretches = self._known[take]
        if not all(lineages):
            return None
        parts = [(line, part.stem, part.gain) for line, part in zip(lineages, take.parts, strict=True)]
        key = (kind, channel, *parts)
        album = self._albums.get(key)
        if album is None:
            album = self._new(take, kind, channel, stretches, content_key(map(str, parts)))
            if album is None:
                return None
            self._albums[key] = album
        album.source = replace(album.source, there=stretches)
        self._albums.move_to_end(key)
        return album

    def make_room(self, used: Collection[Album]) -> None:
        """Let go of what was not looked at for longest."""
        held = sum(album.nbytes for album in self._albums.values())
        for key, album in list(self._albums.items()):
            if held > LIMIT_BYTES and album not in used:
                held -= album.nbytes
                del self._albums[key]

    def keep(self, albums: Collection[Album]) -> None:
        """Write finished pyramids to disk, once."""
        for album in albums:
            if not album.kept and not isinstance(album.pyramid, StemLevels) and album.share >= 1:
                album.kept = True
                self.cache.keep(album.content, album.pyramid)

    def _new(
        self, take: Take, kind: Kind, channel: Channel, stretches: tuple[Interval, ...], content: str
    ) -> Album | None:
        value = sample(self.engine, take, stretches)
        if value is None:
            return None
        if kind == "stems":
            if not isinstance(value, Stems):
                raise NotDrawable("levels of stems are shown of an edge that carries stems")
            levels = StemLevels(value.span, tuple(value))
            return Album(levels, StemSource(self.engine, take.parts[0].address, stretches), content)
        shown = drawable(value, take.parts[0].stem)
        if isinstance(value, Audio | Stems) or kind != "waveform":
            whole = Span.whole(shown.span.total, shown.rate)
            if kind == "waveform":
                return self._waveform(Subject(self.engine, take, whole, stretches, channel), shown, content)
            return self._spectrogram(Subject(self.engine, take, whole, stretches), shown, channel, content)
        raise NotDrawable(f"a {type(value).__name__.lower()} has no waveform; its picture is below")

    def _waveform(self, subject: Subject, shown: Drawable, content: str) -> Album:
        channels = shown.channels if subject.channel == "mean" else 1
        named = f"{content} {subject.channel}"
        found = self.cache.waveform(named, subject.span, channels)
        return Album(found or WaveformPyramid(subject.span, channels), subject, named, kept=found is not None)

    def _spectrogram(self, subject: Subject, shown: Drawable, channel: Channel, content: str) -> Album:
        empty = SpectrogramPyramid.like(shown, channel)
        found = self.cache.spectrogram(content, subject.span, empty.settings, channel, measure_of(shown))
        return Album(found or empty, subject, content, kept=found is not None)
