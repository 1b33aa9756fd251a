"""Which pictures the strip shows, and where: panes above each other on one axis of time. Plain data, no window."""

from __future__ import annotations

from dataclasses import dataclass

from midistems_graph.editor.audition.takes import Take, difference
from midistems_graph.editor.model.views import Views
from midistems_graph.editor.pictures.wishes import Kind

GUTTER, RULER = 44.0, 18.0
"""Pixels beside the panes for frequencies, and above them for times."""

GAP = 1.0
WAVE_SHARE = 0.36

IN_BINS = ("spectrogram", "magnitude", "phase", "mask")
"""Kinds of value that have no waveform."""


@dataclass(frozen=True)
class Sight:
    """What is looked at: the take that is heard with the kind of value it carries, and another one to compare with."""

    take: Take | None = None
    kind: str = ""
    other: Take | None = None
    comparing: bool = False

    @property
    def is_in_bins(self) -> bool:
        return self.kind in IN_BINS


@dataclass(frozen=True)
class Pane:
    """One picture with its place in pixels from the top of the strip; `title` is written in it."""

    name: str
    kind: Kind
    take: Take
    top: float
    bottom: float
    title: str = ""
    other: Take | None = None

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def has_hz(self) -> bool:
        """Whether its height is a frequency."""
        return self.kind in ("spectrogram", "difference")


def panes_of(sight: Sight, views: Views, height: float) -> tuple[Pane, ...]:
    """The panes of a strip of so many pixels."""
    if sight.take is None:
        return ()
    take, kinds = sight.take, _kinds(sight, views)
    if not (sight.comparing and sight.other is not None):
        if len(kinds) == 1:
            return _stacked(((kinds[0], take, "", None),), height)
        split = RULER + round((height - RULER) * WAVE_SHARE)
        return (
            Pane("a " + kinds[0], kinds[0], take, RULER, split - GAP),
            Pane("a " + kinds[1], kinds[1], take, split, height),
        )
    other, kind = sight.other, kinds[-1]
    rest: _Row = (kind, difference(take, other), "A - B", None)
    if kind == "spectrogram":
        rest = ("difference", take, "A - B: orange where A is louder, blue where B is", other)
    return _stacked(((kind, take, f"A  {take.name}", None), (kind, other, f"B  {other.name}", None), rest), height)


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


def _stacked(rows: tuple[_Row, ...], height: float) -> tuple[Pane, ...]:
    each = (height - RULER) / len(rows)
    tops = [RULER + round(number * each) for number in range(len(rows) + 1)]
    return tuple(
        Pane("abd"[number] + " " + kind, kind, take, tops[number], tops[number + 1] - GAP, title, other)
        for number, (kind, take, title, other) in enumerate(rows)
    )
