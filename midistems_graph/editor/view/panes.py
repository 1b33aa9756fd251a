"""Which pictures the strip shows, and where: panes above each other on one axis of time. Plain data, no window."""

from __future__ import annotations

from dataclasses import dataclass

from midistems_graph.editor.audition.takes import Take, difference
from midistems_graph.editor.model.paint import Point
from midistems_graph.editor.model.timeline import Timeline
from midistems_graph.editor.model.views import Views
from midistems_graph.editor.pictures.axes import FrequencyAxis
from midistems_graph.editor.pictures.wishes import Kind

GUTTER, RULER = 44.0, 18.0
"""Pixels beside the panes for frequencies, and above them for times."""

GAP = 1.0
WAVE_SHARE = 0.36

IN_TRACES = ("scores", "curves")
"""Kinds of value that are figures rather than sound."""

IN_BINS = ("spectrogram", "magnitude", "phase", "mask")
"""Kinds of value that have no waveform."""


@dataclass(frozen=True)
class Sight:
    """What is looked at: the take that is heard with the kind of value it carries, or A and B above each other.

    `under` is the sound that curves are about.
    """

    take: Take | None = None
    kind: str = ""
    pair: tuple[Take, Take] | None = None
    under: Take | None = None

    @property
    def is_traced(self) -> bool:
        return self.kind in IN_TRACES

    @property
    def is_in_bins(self) -> bool:
        return self.kind in IN_BINS


@dataclass(frozen=True)
class Pane:
    """One picture with its place in pixels from the top of the strip; `title` is written in it.

    Its width is time, unless it is not `timed`.
    """

    name: str
    kind: Kind
    take: Take
    top: float
    bottom: float
    title: str = ""
    other: Take | None = None
    timed: bool = True

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def has_hz(self) -> bool:
        """Whether its height is a frequency."""
        return self.kind in ("spectrogram", "difference")


@dataclass(frozen=True)
class Chart:
    """A pane on its axes, `left` and `width` in pixels: where moments and frequencies are, and what is at a pixel."""

    pane: Pane
    timeline: Timeline
    axis: FrequencyAxis
    left: float
    width: float

    @property
    def bottom(self) -> float:
        return self.pane.bottom

    @property
    def seconds_per_pixel(self) -> float:
        return self.timeline.length / self.width

    def pixel(self, seconds: float, hz: float) -> tuple[float, float]:
        """Where a moment and a frequency are; what lies outside is at the nearest edge."""
        share, place = self.timeline.share(seconds), self.axis.place(hz)
        return self.clipped(self.left + share * self.width, self.pane.top + (1 - place) * self.pane.height)

    def clipped(self, x: float, y: float) -> tuple[float, float]:
        right = self.left + self.width
        return min(max(x, self.left), right), min(max(y, self.pane.top), self.pane.bottom)

    def hz(self, y: float) -> float:
        return self.axis.hz(min(max((self.pane.bottom - y) / self.pane.height, 0.0), 1.0))

    def point(self, x: float, y: float) -> Point:
        """What is at a pixel, or at the nearest one of the pane."""
        x, y = self.clipped(x, y)
        return Point(x, y, self.timeline.at((x - self.left) / self.width), self.hz(y))


def panes_of(sight: Sight, views: Views, height: float, ruler: float = RULER) -> tuple[Pane, ...]:
    """The panes of a strip of so many pixels, below its ruler."""
    if sight.take is None:
        return ()
    if sight.is_traced:
        return _traced(sight, sight.take, height, ruler)
    take, kinds = sight.take, _kinds(sight, views)
    if sight.pair is None:
        if len(kinds) == 1:
            return _stacked(((kinds[0], take, "", None),), height, ruler)
        split = ruler + round((height - ruler) * WAVE_SHARE)
        return (
            Pane("a " + kinds[0], kinds[0], take, ruler, split - GAP),
            Pane("a " + kinds[1], kinds[1], take, split, height),
        )
    (a, b), kind = sight.pair, kinds[-1]
    rest: _Row = (kind, difference(a, b), "A - B", None)
    if kind == "spectrogram":
        rest = ("difference", a, "A - B: orange where A is louder, blue where B is", b)
    return _stacked(((kind, a, f"A  {a.name}", None), (kind, b, f"B  {b.name}", None), rest), height, ruler)


def _traced(sight: Sight, take: Take, height: float, ruler: float) -> tuple[Pane, ...]:
    """Curves, and below them the spectrogram of the sound that they are about."""
    if sight.under is None:
        return (Pane("a traces", "traces", take, ruler, height, timed=sight.kind == "curves"),)
    split = ruler + round((height - ruler) * WAVE_SHARE)
    return (
        Pane("a traces", "traces", take, ruler, split - GAP),
        Pane("b spectrogram", "spectrogram", sight.under, split, height, sight.under.name),
    )


_Row = tuple[Kind, Take, str, Take | None]


def _kinds(sight: Sight, views: Views) -> tuple[Kind, ...]:
    if sight.is_in_bins:
        return ("spectrogram",)
    upper: Kind = "stems" if views.shows == "levels" and sight.kind == "stems" else "waveform"
    match views.shows:
        case "spectrogram":
            return ("spectrogram",)
        case "waveform":
            return (upper,)
    return (upper, "spectrogram")


def _stacked(rows: tuple[_Row, ...], height: float, ruler: float) -> tuple[Pane, ...]:
    each = (height - ruler) / len(rows)
    tops = [ruler + round(number * each) for number in range(len(rows) + 1)]
    return tuple(
        Pane("abd"[number] + " " + kind, kind, take, tops[number], tops[number + 1] - GAP, title, other)
        for number, (kind, take, title, other) in enumerate(rows)
    )
