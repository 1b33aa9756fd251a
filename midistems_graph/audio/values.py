"""What flows on an edge: immutable values that know where they stand in their song.

Every timed value covers a `Span`: a stretch of the song, counted in samples at the value's own
rate. Time is axis 1 of every array, so any value can be cropped and joined in the same way:

    Audio        samples  float32   [channels, samples]
    Spectrogram  bins     complex64 [channels, frames, n_fft // 2 + 1]
    Magnitude    bins     float32   [channels, frames, bins], >= 0
    Phase        bins     float32   [channels, frames, bins], radians
    Mask         bins     float32   [channels, frames, bins], 0 to 1 by habit, any real number by right
    Stems        ordered names -> Audio
    Curves       values   float32   [curves, frames]

Frame k of a spectrogram is centred on sample k * hop of the song. A span holds the frames whose
centres lie in it; the span that ends the song also holds the frame centred at or just after its end,
so that its last samples are covered. Tiles of a spectrogram partition its frames exactly. Curves have
a value for every such frame.

`Features`, `Scores`, `Number` and `Text` have no span: they speak of the whole song.
Arrays are read-only; make a new value to change one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Complex64 = npt.NDArray[np.complex64]

LAYOUTS: Mapping[int, str] = MappingProxyType({1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"})
"""The usual channel layout of a channel count; others are called `N channels`."""


def ceil_div(a: int, b: int) -> int:
    """The smallest integer not below a / b."""
    return -(-a // b)


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch [start, stop) of a song that has `total` samples at `rate` per second."""

    start: int
    stop: int
    total: int
    rate: int

    def __post_init__(self) -> None:
        if not (0 <= self.start <= self.stop <= self.total and self.rate > 0):
            raise ValueError(f"not a stretch of a song: {self}")

    @classmethod
    def whole(cls, total: int, rate: int) -> Self:
        """All of a song."""
        return cls(0, total, total, rate)

    @classmethod
    def of_seconds(cls, start: Fraction, stop: Fraction, total: Fraction, rate: int) -> Self:
        """The samples n with start <= n / rate < stop: neighbouring stretches share none and miss none."""
        end = ceil_seconds(total, rate)
        return cls(min(ceil_seconds(start, rate), end), min(ceil_seconds(stop, rate), end), end, rate)

    @property
    def frames(self) -> int:
        """Length in samples."""
        return self.stop - self.start

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @property
    def at_start(self) -> bool:
        """Whether the song itself begins here (so that a node reflects or pads there)."""
        return self.start == 0

    @property
    def at_end(self) -> bool:
        """Whether the song itself ends here."""
        return self.stop == self.total

    def stft_frames(self, hop: int) -> range:
        """The numbers of the STFT frames that this span holds."""
        first = ceil_div(self.start, hop)
        last = ceil_div(self.total, hop) + 1 if self.at_end else ceil_div(self.stop, hop)
        return range(first, max(first, last))


def ceil_seconds(seconds: Fraction, rate: int) -> int:
    """The first sample at or after a time."""
    return ceil_div(seconds.numerator * rate, seconds.denominator)


@dataclass(frozen=True, slots=True)
class StftSettings:
    """How a spectrogram was made: samples per frame, samples between frames, window name."""

    n_fft: int = 4096
    hop: int = 1024
    window: str = "hann"

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1


def _frozen(array: npt.ArrayLike, dtype: Any, ndim: int, what: str) -> npt.NDArray[Any]:
    """A read-only view of the array in the given type; copied only if the type differs."""
    view = np.asarray(array, dtype=dtype)
    if view.ndim != ndim:
        raise ValueError(f"{what} needs {ndim} dimensions, not the shape {view.shape}")
    if view.flags.writeable:
        view = view.view()
        view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False, slots=True)
class Audio:
    """Sound: float32 [channels, samples] over a span. Full scale is -1 to 1; more is allowed and kept."""

    samples: Float32
    span: Span
    layout: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", _frozen(self.samples, np.float32, 2, "audio"))
        if self.samples.shape[1] != self.span.frames:
            raise ValueError(f"audio of {self.samples.shape[1]} samples cannot cover {self.span}")
        if not self.layout:
            object.__setattr__(self, "layout", LAYOUTS.get(self.channels, f"{self.channels} channels"))

    @classmethod
    def of(cls, samples: npt.ArrayLike, rate: int) -> Self:
        """A whole song from [channels, samples] or [samples]."""
        array = np.atleast_2d(np.asarray(samples, np.float32))
        return cls(array, Span.whole(array.shape[1], rate))

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def rate(self) -> int:
        return self.span.rate

    def with_samples(self, samples: npt.NDArray[Any]) -> Audio:
        """The same place and rate with other sound."""
        return Audio(samples, self.span, self.layout if samples.shape[0] == self.channels else "")

    def crop(self, span: Span) -> Audio:
        """The part within a narrower span (no copy)."""
        lo = span.start - self.span.start
        return Audio(self.samples[:, lo : lo + span.frames], span, self.layout)


@dataclass(frozen=True, eq=False, slots=True)
class _Bins:
    """What spectrogram, magnitude, phase and mask share: bins [channels, frames, bins], span, settings."""

    bins: npt.NDArray[Any]
    span: Span
    stft: StftSettings

    def __post_init__(self) -> None:
        dtype = np.complex64 if isinstance(self, Spectrogram) else np.float32
        object.__setattr__(self, "bins", _frozen(self.bins, dtype, 3, type(self).__name__.lower()))
        expected = (len(self.span.stft_frames(self.stft.hop)), self.stft.n_bins)
        if self.bins.shape[1:] != expected:
            raise ValueError(f"{self.bins.shape[1:]} frames and bins where {self.span} and {self.stft} have {expected}")

    @property
    def channels(self) -> int:
        return int(self.bins.shape[0])

    @property
    def rate(self) -> int:
        return self.span.rate

    def with_bins(self, bins: npt.NDArray[Any]) -> Self:
        """The same place and settings with other bins."""
        return type(self)(bins, self.span, self.stft)

    def crop(self, span: Span) -> Self:
        """The frames centred within a narrower span (no copy)."""
        have, want = self.span.stft_frames(self.stft.hop), span.stft_frames(self.stft.hop)
        lo = want.start - have.start
        return type(self)(self.bins[:, lo : lo + len(want)], span, self.stft)


class Spectrogram(_Bins):
    """Complex STFT, complex64 [channels, frames, bins]; span and settings allow the exact inverse."""

    __slots__ = ()


class Magnitude(_Bins):
    """Magnitudes of an STFT, float32 [channels, frames, bins], >= 0."""

    __slots__ = ()


class Phase(_Bins):
    """Phases of an STFT in radians, float32 [channels, frames, bins]."""

    __slots__ = ()


class Mask(_Bins):
    """Factors for an STFT, float32 [channels, frames, bins]."""

    __slots__ = ()


@dataclass(frozen=True, eq=False, slots=True)
class Stems:
    """A set of stems: ordered names -> Audio of one span, rate and channel count.

    Names may be paths (`drums/kick`), so a set is a tree. `complete` says that the names cover
    the whole parent, not that they null: that is measured.
    """

    audio: Mapping[str, Audio]
    complete: bool = False

    def __post_init__(self) -> None:
        if not self.audio:
            raise ValueError("a stem set needs at least one stem")
        object.__setattr__(self, "audio", MappingProxyType(dict(self.audio)))
        first = next(iter(self.audio.values()))
        for name, audio in self.audio.items():
            if audio.span != first.span or audio.channels != first.channels:
                raise ValueError(
                    f"stem {name!r} ({audio.channels} channels, {audio.span}) does not match "
                    f"the first one ({first.channels} channels, {first.span})"
                )

    def __iter__(self) -> Iterator[str]:
        return iter(self.audio)

    def __len__(self) -> int:
        return len(self.audio)

    def __getitem__(self, name: str) -> Audio:
        return self.audio[name]

    @property
    def span(self) -> Span:
        return next(iter(self.audio.values())).span

    @property
    def rate(self) -> int:
        return self.span.rate

    @property
    def channels(self) -> int:
        return next(iter(self.audio.values())).channels

    def map(self, audio: Mapping[str, Audio]) -> Stems:
        """A set with other audio and the same promise of completeness."""
        return Stems(audio, self.complete)

    def crop(self, span: Span) -> Stems:
        return Stems({name: audio.crop(span) for name, audio in self.audio.items()}, self.complete)


@dataclass(frozen=True, eq=False, slots=True)
class Curves:
    """Figures that change over time, such as a pitch and how sure it is: float32 [curves, frames].

    Frame k is the figure at sample k * hop of the song. Each curve has a name and a unit (`Hz`, `dB`, or none);
    a pitch of 0 Hz says that there is none.
    """

    values: Float32
    names: tuple[str, ...]
    units: tuple[str, ...]
    span: Span
    hop: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _frozen(self.values, np.float32, 2, "curves"))
        expected = (len(self.names), len(self.span.stft_frames(self.hop)))
        if self.values.shape != expected or len(self.units) != len(self.names):
            raise ValueError(f"{self.values.shape} where {len(self.names)} curves over {self.span} have {expected}")

    def __getitem__(self, name: str) -> Float32:
        """The figures of one curve."""
        figures: Float32 = self.values[self.names.index(name)]
        return figures

    @property
    def rate(self) -> int:
        """Samples per second of the sound that the frames are counted in."""
        return self.span.rate

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """The time of every frame in seconds."""
        return np.asarray(self.span.stft_frames(self.hop)) * self.hop / self.rate

    def with_values(self, values: npt.NDArray[Any]) -> Curves:
        """The same place and names with other figures."""
        return Curves(values, self.names, self.units, self.span, self.hop)

    def crop(self, span: Span) -> Curves:
        """The frames within a narrower span (no copy)."""
        have, want = self.span.stft_frames(self.hop), span.stft_frames(self.hop)
        lo = want.start - have.start
        return Curves(self.values[:, lo : lo + len(want)], self.names, self.units, span, self.hop)


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Named arrays about the whole song: models of a separator, embeddings, latents."""

    arrays: Mapping[str, npt.NDArray[Any]]
    notes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frozen = {name: _frozen(a, np.asarray(a).dtype, np.ndim(a), name) for name, a in self.arrays.items()}
        object.__setattr__(self, "arrays", MappingProxyType(frozen))
        object.__setattr__(self, "notes", MappingProxyType(dict(self.notes)))


@dataclass(frozen=True, slots=True)
class Number:
    """One figure with its unit (`dB`, `Hz`, `s`, or none)."""

    value: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text."""

    value: str


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures by name, for a table: `vocals` -> {`si_sdr`: 7.1}. Units by figure's name."""

    rows: Mapping[str, Mapping[str, float]]
    units: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = {name: MappingProxyType(dict(row)) for name, row in self.rows.items()}
        object.__setattr__(self, "rows", MappingProxyType(rows))
        object.__setattr__(self, "units", MappingProxyType(dict(self.units)))


@dataclass(frozen=True, slots=True)
class Separator:
    """A function Audio -> Stems described by data, so that loops and sweeps can call it again.

    `type` names a node type or a group, `knobs` its settings as (name, value) sorted by name,
    `definition` the group's canonical JSON when it is a group.
    """

    type: str
    knobs: tuple[tuple[str, Any], ...] = ()
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A judgement (mixture, stems, true stems or none) -> figure, the higher the better, described by data.

    `type` and `knobs` as in a separator; `parts` are the functions that it calls in its turn, by its own port.
    """

    type: str
    knobs: tuple[tuple[str, Any], ...] = ()
    parts: tuple[tuple[str, Separator | Scorer], ...] = ()


Bins = Spectrogram | Magnitude | Phase | Mask
Timed = Audio | Spectrogram | Magnitude | Phase | Mask | Stems | Curves
Untimed = Features | Number | Text | Scores | Separator | Scorer
Value = Timed | Untimed


def join(parts: list[Timed]) -> Timed:
    """Neighbouring values of one kind as one value over their joint span.

    Raises ValueError when the parts do not follow one another without a gap.
    """
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return first
    for left, right in pairwise(parts):
        if left.span.stop != right.span.start:
            raise ValueError(f"{left.span} and {right.span} are not neighbours")
    span = replace(first.span, stop=last.span.stop)
    if isinstance(first, Stems):
        sets = [part for part in parts if isinstance(part, Stems)]
        return first.map({name: _joined([s[name] for s in sets], span) for name in first})
    if isinstance(first, Audio):
        return _joined([part for part in parts if isinstance(part, Audio)], span)
    if isinstance(first, Curves):
        values = np.concatenate([part.values for part in parts if isinstance(part, Curves)], axis=1)
        return Curves(values, first.names, first.units, span, first.hop)
    arrays = [part.bins for part in parts if isinstance(part, _Bins)]
    return type(first)(np.concatenate(arrays, axis=1), span, first.stft)


def _joined(parts: list[Audio], span: Span) -> Audio:
    return Audio(np.concatenate([part.samples for part in parts], axis=1), span, parts[0].layout)
