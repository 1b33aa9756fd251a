"""The pictures that a view waits for, made on a thread beside it: what is there at once, more as it is computed.

    gallery = Gallery(live, shown)          # `shown` is called on the gallery's thread
    gallery.want([Wish("top", "spectrogram", take, 0, 180, 1200, 200)])
    gallery.poke()                          # something was computed in the meantime

Other wishes take the place of those before them within a fifth of a second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from midistems_graph.audio.values import Float32
from midistems_graph.editor.pictures.albums import Album, Albums
from midistems_graph.editor.pictures.cache import PictureCache
from midistems_graph.editor.pictures.painting import Picture, as_floats, paint, paint_difference
from midistems_graph.editor.pictures.sources import NotDrawable
from midistems_graph.editor.pictures.spectrogram import SpectrogramPyramid, Strip, detail
from midistems_graph.editor.pictures.stem_levels import StemLevels
from midistems_graph.editor.pictures.subjects import Engine, Subject, there
from midistems_graph.editor.pictures.traces import Traces, read_traces
from midistems_graph.editor.pictures.tracing import plot, trace
from midistems_graph.editor.pictures.waveform import WaveformPyramid
from midistems_graph.editor.pictures.wishes import Made, Wish

log = logging.getLogger(__name__)

REPAINT_SECONDS = 0.25
"""Between pictures while more of the song is read."""


@dataclass(frozen=True)
class _Task:
    """A wish with the albums it is made from, or the sentence that says why there are none."""

    wish: Wish
    albums: tuple[Album, ...] = ()
    traces: Traces | None = None
    sentence: str = ""


class Gallery:
    """Makes pictures for one song through one engine. `want`, `poke` and `close` are for the thread of the view."""

    def __init__(self, engine: Engine, shown: Callable[[Made], None], cache: PictureCache | None = None) -> None:
        self._albums = Albums(engine, cache or PictureCache())
        self._shown = shown
        self._wishes: tuple[Wish, ...] = ()
        self._wake = threading.Event()
        self._stale = False
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="pictures", daemon=True)
        self._thread.start()

    def want(self, wishes: Sequence[Wish]) -> None:
        """From now on these pictures, and no others."""
        self._wishes = tuple(wishes)
        self._wake.set()

    def poke(self) -> None:
        """Something was computed, or edited."""
        self._stale = True
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closed:
                return
            if self._stale:
                self._stale = False
                self._albums.refresh()
            try:
                self._serve([self._task(wish) for wish in self._wishes])
            except Exception:
                log.exception("no picture could be made")

    def _task(self, wish: Wish) -> _Task:
        if wish.kind == "traces":
            return self._traced(wish)
        kind = "spectrogram" if wish.kind == "difference" else wish.kind
        takes = [wish.take, *([wish.other] if wish.other is not None else [])]
        try:
            albums = [self._albums.open(take, kind, wish.channel) for take in takes]
        except NotDrawable as problem:
            return _Task(wish, sentence=str(problem))
        there = tuple(album for album in albums if album is not None)
        return _Task(wish, there if len(there) == len(takes) else ())

    def _traced(self, wish: Wish) -> _Task:
        """Curves are read as they are seen: they are small, and need no pyramid."""
        engine, address = self._albums.engine, wish.take.parts[0].address
        try:
            stretches = there(engine, wish.take)
            return _Task(wish, traces=read_traces(engine, address, stretches, wish.start, wish.stop, wish.width))
        except NotDrawable as problem:
            return _Task(wish, sentence=str(problem))

    def _serve(self, tasks: Sequence[_Task]) -> None:
        """Show what is there, fill the pyramids with what can be read, and show more; end when something is wanted."""
        albums = {id(album): album for task in tasks for album in task.albums}
        self._albums.make_room(albums.values())
        if not self._show(tasks):
            return
        focus = (min(t.wish.start for t in tasks), max(t.wish.stop for t in tasks)) if tasks else (0.0, 1.0)
        filling = [album.steps(focus) for album in albums.values() if album.share < 1]
        shown_at = time.monotonic()
        while filling:
            for steps in list(filling):  # in turns, so that all pictures grow
                try:
                    next(steps)
                except (StopIteration, NotDrawable):
                    filling.remove(steps)
                if self._wake.is_set():
                    return
            if time.monotonic() - shown_at > REPAINT_SECONDS:
                self._show(tasks)
                shown_at = time.monotonic()
        if self._show(tasks, finely=True):
            self._albums.keep(albums.values())

    def _show(self, tasks: Sequence[_Task], *, finely: bool = False) -> bool:
        """Hand out all pictures; False if something else is wanted meanwhile."""
        for task in tasks:
            if self._wake.is_set():
                return False
            self._shown(_made(task, finely, self._wake.is_set))
        return not self._wake.is_set()


def _made(task: _Task, finely: bool, given_up: Callable[[], bool]) -> Made:
    """The picture of a wish as it is now; `finely` transforms what is shown once more where that shows more."""
    wish = task.wish
    if task.traces is not None:
        return Made(wish, share=1.0, traces=task.traces)
    if not task.albums:
        return Made(wish, sentence=task.sentence)
    album = task.albums[0]
    share = min(a.share for a in task.albums)
    if isinstance(album.pyramid, WaveformPyramid):
        assert isinstance(album.source, Subject)
        envelope = album.pyramid.query(wish.start, wish.stop, wish.width, album.source)
        return Made(wish, _floats(trace(envelope, wish.height, wish.inks[0])), share, envelope=envelope)
    if isinstance(album.pyramid, StemLevels):
        curves = album.pyramid.query(wish.start, wish.stop, wish.width)
        picture = plot(curves, wish.height, wish.inks, wish.look.floor_db, wish.look.ceiling_db)
        return Made(wish, _floats(picture), share, curves=curves)
    strips = tuple(_strip(a, wish, finely, given_up) for a in task.albums)
    if wish.kind == "difference":
        if strips[0].measure != strips[1].measure:
            return Made(wish, sentence="the two edges show different things; compare two of one kind")
        painted = paint_difference(strips[0], strips[1], wish.look, wish.height)
    else:
        painted = paint(strips[0], wish.look, wish.height)
    return Made(wish, _floats(painted), share, strips)


def _strip(album: Album, wish: Wish, finely: bool, given_up: Callable[[], bool]) -> Strip:
    pyramid, source = album.pyramid, album.source
    assert isinstance(pyramid, SpectrogramPyramid) and isinstance(source, Subject)
    if finely and pyramid.is_coarse(wish.start, wish.stop, wish.width):
        fine = detail(pyramid, source, wish.start, wish.stop, wish.width, given_up)
        if fine is not None:
            return fine
    return pyramid.query(wish.start, wish.stop, wish.width)


def _floats(picture: Picture) -> Float32:
    return as_floats(picture).reshape(picture.shape)
