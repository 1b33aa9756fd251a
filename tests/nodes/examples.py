"""Small songs for any node type: inputs are made from the kinds of its ports, windows as the engine makes them."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from midistems_graph.audio.codec import digest as digest_of
from midistems_graph.audio.codec import pack
from midistems_graph.audio.stft import stft
from midistems_graph.audio.values import Timed
from midistems_graph.document.flatten import FUNCTIONS
from midistems_graph.node import (
    WHOLE,
    Audio,
    Context,
    Curves,
    Features,
    Magnitude,
    Mask,
    NodeType,
    Number,
    Phase,
    Scorer,
    Scores,
    Separator,
    Span,
    Spectrogram,
    Stems,
    StftSettings,
    Text,
    installed,
)
from midistems_graph.node.definition import context_of
from midistems_graph.node.testing import FakeRun, Tiles

STFT = StftSettings(256, 64)
STEMS = ("vocals", "drums")
SEPARATOR = "separate.hpss"
SEPARATED = ("harmonic", "percussive")
SCORER = "score.overlap"

SMALL: Mapping[str, int] = {"n_fft": 256, "hop": 64, "iterations": 3}
"""Knobs that several node types share, made small."""

KNOBS: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "artefact.bleed": ({"amount": 1.5},),
    "artefact.gate": ({"smoothing": 5},),
    "artefact.high_band": ({"cutoff": 2000.0, "judged": 1000.0},),
    "artefact.musical_noise": ({"frames": 3, "bins": 3},),
    "artefact.observe": ({}, {"low": 300.0, "high": 2000.0, "gate": -10.0}),
    "mask.smooth": ({"time": 0.04, "bins": 3},),
    "blend.ensemble": tuple({"method": method} for method in ("average", "median", "min", "max")),
    "blend.ensemble_stft": tuple({"method": method} for method in ("average", "median", "min", "max")),
    "blend.mixer": ({"names": ("vocals", "drums")},),
    "blend.quietest": ({"parts": 7, "fade": 0.01}, {"parts": 7, "fade": 0.0}),
    "control.best": ({"chunk": 0.05, "channels": True},),
    "control.where_needed": ({"chunk": 0.3, "margin": 0.1},),
    "loop.blend": (
        {"steps": 2, "candidates": 2, "chunk": 1.0, "worst": 0.5},
        {"steps": 1, "candidates": 2, "fine": 2},
    ),
    "loop.snowball": ({"shortest": 0.5, "stages": 2, "r": 0.5},),
    "score.weighted": ({"weights": (1.0, 2.0, -1.0)},),
    "separate.augmented": ({"shifts": 1, "farthest": 0.02}, {"swap": False, "polarity": False, "speeds": (105.0,)}),
    "check.clipping": ({"at_most": 60.0},),
    "check.figure": ({}, {"bound": "between", "high": 100.0}),
    "check.level": ({"at_least": -300.0, "at_most": 60.0, "of": "peak"},),
    "check.null": ({"at_most": 20.0},),
    "check.silent": ({"at_most": 60.0, "stop": 0.5},),
    "consistency.mixture": (
        {"share": "bins"},
        {"share": "energy", "smoothing": 0.03},
        {"share": "equal"},
        {"share": "given", "given": (1.0, 2.0)},
    ),
    "consistency.tree": (
        {"direction": "top_down", "share": "bins"},
        {"direction": "top_down", "share": "energy", "smoothing": 0.03},
        {"direction": "bottom_up", "share": "equal"},
        {"direction": "reconciled", "share": "equal"},
    ),
    "consistency.inject": ({"share": "bins"}, {"share": "energy", "smoothing": 0.03}),
    "consistency.stages": ({"smoothing": 0.03, "trust": 0.0},),
    "mask.fit": ({"bands": 12}, {"objective": "si_sar"}, {"objective": "psychoacoustic"}),
    "separate.in_order": ({"stems": ("harmonic", "percussive", "residual"), "rest": "left"},),
    "mask.harmonic": ({"beside": 0.1},),
    "filter.crossover": ({"width": 400.0},),
    "filter.match": ({"time": 0.3, "width": 0.5},),
    "filter.fade": ({"fade_in": 0.05, "fade_out": 0.02},),
    "filter.filter": ({"width": 400.0}, {"kind": "notch", "cutoff": 300.0, "upper": 2000.0, "width": 400.0}),
    "filter.shelf": ({"low": -3.0, "high": 6.0, "frequency": 500.0, "undo": True},),
    "filter.gain": ({"gain": -3.0, "invert": True},),
    "mask.paint": (
        {
            "strokes": (
                "rectangle -40 0.01,500 0.05,2000",
                "lasso -120 0.03,100 0.08,3000 0.06,50",
                "brush 6 0.01,3 0.02,300 0.07,900",
                "harmonic -20 30 0.05,220 0.09,230",
            )
        },
    ),
    "mask.soft": ({"power": 2.0}, {"binary": True}),
    "phase.recover": (
        {"method": "mix_incons_hard_mag"},
        {"method": "mix_incons", "magnitudes": "stems", "start": "stems"},
        {"method": "mag_incons_hard_mix", "consistency": 1.0},
    ),
    "phase.partial": ({"lock": False}, {"lock": True}),
    "phase.align": (
        {"max_delay": 0.01},
        {"max_delay": 0.01, "level": True, "follow": "drift"},
        {"max_delay": 0.01, "follow": "curve"},
    ),
    "repair.declick": ({"threshold": 4.0},),
    "repair.declip": ({"below": 6.0},),
    "repair.deecho": ({"delay": 0.1, "repeats": 2},),
    "repair.dereverb": ({"delay": 0.01, "length": 0.02, "hop": 128},),
    "repair.dehum": ({"frequency": 60.0, "time": 0.5},),
    "source.noise": ({"colour": "white"}, {"colour": "pink"}),
    "source.sweep": ({"high": 3000.0},),
    "stems.gather": ({"names": ("kick", "snare", "hats")},),
    "transform.resample": ({"rate": 48000}, {"rate": 6000}),
}
"""Knobs under which single node types are tried; others have their defaults, and SMALL."""

NAMED_AS_SEPARATED = frozenset({"score.again", "loop.blend", "control.where_needed"})
"""Node types whose stem sets have the names that the separator gives."""

OTHER_NAMES = frozenset({"stems.merge"})
"""Node types whose stem sets must not share a name."""


@dataclass(frozen=True)
class Shape:
    """A song's extent."""

    rate: int
    channels: int
    length: int


@dataclass(frozen=True)
class Example:
    """A node type with its knobs, the kind that its generic ports take, files that knobs name, samples of a tile."""

    type: NodeType
    knobs: Mapping[str, Any] = field(repr=False)
    kind: str = ""
    files: Mapping[str, Path] = field(default_factory=dict, repr=False)
    tile: int = 1500

    @property
    def makes_signals(self) -> bool:
        return any(port.timed for port in self.type.outputs)

    @property
    def sees_all(self) -> bool:
        """Every stretch of the result hangs on the whole song."""
        return self._context().whole

    @property
    def streams(self) -> bool:
        return any(port.stream for port in self.type.inputs)

    def inputs(self, shape: Shape) -> dict[str, Any]:
        """What the ports hold over the whole song, by port; variadic ones three values."""
        made = {}
        for port in self.type.inputs:
            kind = self.kind if port.generic else port.kinds[0]
            values = tuple(_value(kind, f"{port.name}{i}", shape) for i in range(3 if port.variadic else 1))
            if self.type.id in NAMED_AS_SEPARATED:
                values = tuple(_as_separated(value) for value in values)
            if self.type.id in OTHER_NAMES:
                values = tuple(Stems({f"{name}{i}": a for name, a in v.audio.items()}) for i, v in enumerate(values))
            made[port.name] = values if port.variadic else values[0]
        return made

    def whole(self, shape: Shape) -> Span:
        """The whole song at the rate of the outputs."""
        end = Fraction(shape.length, shape.rate)
        rate = self.type.rate(SimpleNamespace(**self.knobs), shape.rate) if self.type.rate else shape.rate
        return Span.of_seconds(Fraction(0), end, end, rate)

    def __call__(self, inputs: Mapping[str, Any], run: FakeRun) -> dict[str, Any]:
        """The outputs by name."""
        return self.call(inputs, self.model(inputs, run), run)

    def model(self, inputs: Mapping[str, Any], run: FakeRun) -> tuple[Any, ...]:
        """What the first pass over the whole song finds; empty if the type has none."""
        if not self.type.reduce:
            return ()
        return (self.type.reduce(*map(self._stream, inputs.values()), **self.knobs, run=run),)

    def on_window(
        self, shape: Shape, start: Fraction, stop: Fraction, given: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The outputs on a stretch (in seconds) as the engine gets them: widen, crop, call, trim.

        `given` are the whole song's inputs, if not those of the example.
        """
        end = Fraction(shape.length, shape.rate)
        reach = self._context().reach(shape.rate)
        if self._context().whole:
            reach = end
        whole = self.inputs(shape) if given is None else given
        inputs = {
            name: _each(value, lambda v: _crop(v, max(Fraction(0), start - reach), min(end, stop + reach), end))
            for name, value in whole.items()
        }
        wanted = Span.of_seconds(start, stop, end, self.whole(shape).rate)
        outputs = self.call(inputs, self.model(whole, self.run(self.whole(shape))), self.run(wanted))
        return {name: _crop(value, start, stop, end) for name, value in outputs.items()}

    def call(self, inputs: Mapping[str, Any], model: tuple[Any, ...], run: FakeRun) -> dict[str, Any]:
        injected = {"run": run} if self.type.takes_run else {}
        result = self.type(*self.arguments(inputs), *model, **self.knobs, **injected)
        names = [port.name for port in self.type.outputs if port.name not in FUNCTIONS]
        return dict(zip(names, (result,) if self.type.single_output else result, strict=True))

    def arguments(self, inputs: Mapping[str, Any]) -> list[Any]:
        """What the function gets for its ports, streams in tiles."""
        return [self._stream(inputs[port.name]) if port.stream else inputs[port.name] for port in self.type.inputs]

    def run(self, span: Span) -> LawRun:
        """A run on a stretch that has the files."""
        return LawRun(span, files=self.files)

    def _stream(self, value: Any) -> Any:
        return _each(value, lambda v: Tiles(v, self.tile))

    def _context(self) -> Context:
        separators = {port.name: _separator_context() for port in self.type.inputs if port.kinds == ("separator",)}
        return context_of(self.type, {**self.knobs, **separators})


class LawRun(FakeRun):
    """A run whose separators get a run as well."""

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        result = installed()[separator.type](mixture, **dict(separator.knobs), run=self._inner(mixture))
        assert isinstance(result, Stems)
        return result

    def score(self, scorer: Scorer, mixture: Audio, stems: Stems, references: Stems | None = None) -> float:
        return FakeRun.score(self._inner(mixture), scorer, mixture, stems, references)

    def _inner(self, mixture: Audio) -> _Inner:
        inner = _Inner(mixture.span, self.threads)
        inner.outer = self
        return inner


class _Inner(LawRun):
    """What a separator gets that is called as a function: a span of its own, and no progress."""

    outer: LawRun

    def progress(self, done: float) -> None:
        self.outer.check()


def examples() -> Iterator[Example]:
    """All node types of all packs but those that read or write files, each with several knobs and kinds.

    PESQ is left out where it is not installed: it wants a compiler.
    """
    for node_type in installed():
        if node_type.writes or any(knob.file for knob in node_type.knobs):
            continue
        if node_type.id == "measure.pesq" and importlib.util.find_spec("pesq") is None:
            continue
        kinds = next((port.kinds for port in node_type.inputs if port.generic), ("",))
        for given in KNOBS.get(node_type.id, ({},)):
            knobs = node_type.settings({**_small(node_type), **given})
            for kind in kinds if given is KNOBS.get(node_type.id, (given,))[0] else kinds[:1]:
                yield Example(node_type, knobs, kind)


def name_of(example: Example) -> str:
    """For test ids."""
    choices = [str(example.knobs[knob.name]) for knob in example.type.knobs if knob.kind == "choice"]
    return "-".join(filter(None, [example.type.id, example.kind, *choices]))


def digest(values: Any) -> str:
    """Hash of any values, their places included."""
    return " ".join(digest_of(value) for value in _flat(values))


def arrays_of(values: Any) -> list[np.ndarray[Any, Any]]:
    """All samples and bins."""
    return [array for value in _flat(values) if isinstance(value, Timed) for array in pack(value)[1].values()]


def scaled(value: Any, factor: float) -> Any:
    """A signal made louder; masks, phases and figures stay as they are."""
    if isinstance(value, tuple):
        return tuple(scaled(one, factor) for one in value)
    if isinstance(value, Stems):
        return value.map({name: scaled(audio, factor) for name, audio in value.audio.items()})
    if isinstance(value, Audio):
        return value.with_samples(value.samples * np.float32(factor))
    if isinstance(value, Spectrogram | Magnitude):
        return value.with_bins(value.bins * np.float32(factor))
    return value


def _value(kind: str, name: str, shape: Shape) -> Any:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if kind == "audio":
        time = np.arange(shape.length) / shape.rate
        tones = sum(np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in rng.uniform(100, 2000, 3))
        beats = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * rng.uniform(2, 5) * time))
        sound = [0.05 * tones + 0.1 * beats * rng.standard_normal(shape.length) for _ in range(shape.channels)]
        return Audio.of(np.stack(sound).astype(np.float32), shape.rate)
    if kind == "stems":
        return Stems({stem: _value("audio", name + stem, shape) for stem in STEMS}, complete=True)
    if kind == "number":
        return Number(float(rng.uniform(0, 10)), "dB")
    if kind == "text":
        return Text(name)
    if kind == "features" and name.startswith(("sources", "known")):  # learned spectra
        return Features({stem: rng.uniform(0, 1, (4, STFT.n_bins)).astype(np.float32) for stem in STEMS})
    if kind == "features":  # a fit of blend.mixer
        return Features({stem: np.linspace(0, 1, 3 * len(STEMS), dtype=np.float32) for stem in STEMS})
    if kind == "curves":
        frames = len(Span.whole(shape.length, shape.rate).stft_frames(STFT.hop))
        tones = np.where(np.arange(frames) % 50 < 40, 200 + 100 * np.sin(np.arange(frames) / 9), 0)
        return Curves(tones[None], ("pitch",), ("Hz",), Span.whole(shape.length, shape.rate), STFT.hop)
    if kind == "separator":
        return Separator(SEPARATOR, tuple(sorted(_separator_knobs().items())))
    if kind == "scorer":
        return Scorer(SCORER)
    if kind == "scores":  # of a loop that goes on
        return Scores({"0": {"score": 0.0, "gain": 0.0, "r": -1.0, "asked": 0.0}})
    spectrogram = stft(_value("audio", name, shape), STFT)
    match kind:
        case "spectrogram":  # made uneven, so that it is no audio's exact spectrogram
            uneven = rng.uniform(0.5, 1.5, spectrogram.bins.shape)
            return spectrogram.with_bins(spectrogram.bins * uneven.astype(np.float32))
        case "magnitude":
            return Magnitude(np.abs(spectrogram.bins), spectrogram.span, STFT)
        case "phase":
            return Phase(np.angle(spectrogram.bins), spectrogram.span, STFT)
        case "mask":
            return Mask(rng.uniform(0, 1, spectrogram.bins.shape).astype(np.float32), spectrogram.span, STFT)
    raise NotImplementedError(f"no example of a {kind}")


def _as_separated(value: Any) -> Any:
    return Stems(dict(zip(SEPARATED, value.audio.values(), strict=True))) if isinstance(value, Stems) else value


def _small(node_type: NodeType) -> dict[str, int]:
    """The knobs of SMALL that a type has, as small as it allows."""
    found = {}
    for knob in (knob for knob in node_type.knobs if knob.name in SMALL):
        wanted = SMALL[knob.name]
        if knob.choices:
            wanted = min(choice for choice in knob.choices if isinstance(choice, int) and choice >= wanted)
        found[knob.name] = max(wanted, int(knob.range.low)) if knob.range else wanted
    return found


def _separator_knobs() -> dict[str, Any]:
    node_type = installed()[SEPARATOR]
    return node_type.settings({**_small(node_type), "harmonic_margin": 2.0})


def _separator_context() -> Context:
    node_type = installed()[SEPARATOR]
    return WHOLE if node_type.reduce else context_of(node_type, _separator_knobs())


def _flat(values: Any) -> list[Any]:
    if isinstance(values, dict):
        values = tuple(values.values())
    if isinstance(values, tuple):
        return [one for value in values for one in _flat(value)]
    return [values]


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    return tuple(map(change, value)) if isinstance(value, tuple) else change(value)


def _crop(value: Any, start: Fraction, stop: Fraction, end: Fraction) -> Any:
    if not isinstance(value, Timed):
        return value
    span = Span.of_seconds(start, stop, end, value.rate)
    return value.crop(span)
