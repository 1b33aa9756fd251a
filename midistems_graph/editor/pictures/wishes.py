"""What a view asks the gallery for, and what it gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log10
from typing import Literal

from midistems_graph.audio.values import Float32
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.pictures.painting import Look
from midistems_graph.editor.pictures.spectrogram import Strip
from midistems_graph.editor.pictures.stem_levels import Levels
from midistems_graph.editor.pictures.strength import LOWEST_DB, Channel
from midistems_graph.editor.pictures.traces import Traces
from midistems_graph.editor.pictures.tracing import Ink
from midistems_graph.editor.pictures.waveform import Envelope

Kind = Literal["waveform", "spectrogram", "difference", "stems", "traces"]


@dataclass(frozen=True)
class Wish:
    """One picture of a take over [start, stop) seconds, `pane` says what for.

    A `difference` is between the spectrograms of `take` and `other`. `inks` colour the waveform, or the stems in turn.
    """

    pane: str
    kind: Kind
    take: Take
    start: float
    stop: float
    width: int
    height: int
    look: Look = field(default_factory=Look)
    channel: Channel = "mean"
    inks: tuple[Ink, ...] = ((110, 190, 230),)
    other: Take | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """The picture of a wish, float32 [height, width, 4], and what is behind it; None while nothing is computed.

    `share` of the song is drawn from all there is; `sentence` says why nothing can be drawn.
    """

    wish: Wish
    picture: Float32 | None = None
    share: float = 0.0
    strips: tuple[Strip, ...] = ()
    envelope: Envelope | None = None
    curves: Levels | None = None
    traces: Traces | None = None
    sentence: str = ""

    def value(self, share: float, hz: float) -> str:
        """What is seen at a share of the width and a frequency, in words; empty where nothing is known."""
        column = min(max(int(share * self.wish.width), 0), self.wish.width - 1)
        if self.strips:
            return _difference(self.strips, column, hz) if len(self.strips) > 1 else _level(self.strips[0], column, hz)
        if self.envelope is not None and self.envelope.seen[column]:
            peaks = abs(self.envelope.low[:, column]), abs(self.envelope.high[:, column])
            return "peak " + " / ".join(_decibels(max(float(a), float(b))) for a, b in zip(*peaks, strict=True)) + " dB"
        if self.traces is not None:
            return self.traces.words(share)
        if self.curves is not None and self.curves.seen[column]:
            levels = zip(self.curves.names, self.curves.levels[:, column], strict=True)
            return "   ".join(f"{name} {level:.0f} dB" for name, level in levels)
        return ""


def _level(strip: Strip, column: int, hz: float) -> str:
    code = _code(strip, column, hz)
    if code is None:
        return ""
    match strip.measure:
        case "factor":
            return f"× {code / 255:.2f}"
        case "angle":
            return f"{code / 127.5 - 1:+.2f} pi"
    return f"{round(LOWEST_DB * (1 - code / 255))} dB"


def _difference(strips: tuple[Strip, ...], column: int, hz: float) -> str:
    codes = [_code(strip, column, hz) for strip in strips]
    if codes[0] is None or codes[1] is None:
        return ""
    return f"{-LOWEST_DB * (codes[0] - codes[1]) / 255:+.0f} dB"


def _code(strip: Strip, column: int, hz: float) -> int | None:
    bin_number = round(hz / strip.rate * strip.n_fft)
    inside = 0 <= bin_number < strip.codes.shape[1] and strip.seen[column]
    return int(strip.codes[column, bin_number]) if inside else None


def _decibels(peak: float) -> str:
    return f"{20 * log10(peak):.1f}" if peak > 1e-6 else "-inf"
