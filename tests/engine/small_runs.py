"""Small node types, songs and runs for the engine's tests; node types count how often they run."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile

from midistems_graph.document.graph import Address, Edge, Graph, Node
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.outputs import SongOutputs
from midistems_graph.engine.plan import Interval, Unit, compile_plan
from midistems_graph.engine.reports import Status
from midistems_graph.engine.store import Store
from midistems_graph.engine.wiring import Source
from midistems_graph.node import (
    Audio,
    Features,
    NodeError,
    NodeLibrary,
    NodeType,
    Number,
    Range,
    Run,
    Stems,
    Stream,
    installed,
    node,
    samples,
)

RATE = 8000
CALLS: Counter[str] = Counter()
ON_CALL = threading.Event()


@node("small.tone")
def tone(*, frequency: Annotated[float, Range(1, 4000, "Hz")] = 100.0, run: Run) -> Audio:
    """A sine over what is asked for."""
    CALLS["tone"] += 1
    n = np.arange(run.span.start, run.span.stop)
    return Audio(np.sin(2 * np.pi * frequency * n / run.span.rate)[None].astype(np.float32), run.span)


@node("small.scale")
def scale(audio: Audio, *, factor: Annotated[float, Range(-10, 10)] = 2.0) -> Audio:
    """Multiply."""
    CALLS["scale"] += 1
    return audio.with_samples(audio.samples * np.float32(factor))


@node("small.half", derived=True)
def half(audio: Audio) -> Audio:
    """Halve, derived."""
    CALLS["half"] += 1
    return audio.with_samples(audio.samples * np.float32(0.5))


@node("small.round")
def round_(audio: Audio, *, steps: Annotated[int, Range(1, 1000)] = 10) -> Audio:
    """Round coarsely, so that different inputs give equal outputs."""
    CALLS["round"] += 1
    return audio.with_samples(np.round(audio.samples * np.float32(steps)) / np.float32(steps))


@node("small.smooth", context=lambda k: samples(k.reach))
def smooth(audio: Audio, *, reach: Annotated[int, Range(0, 100_000)] = 3) -> Audio:
    """Moving mean over 2 * reach + 1 samples; zeros beyond the song."""
    CALLS["smooth"] += 1
    padded = np.pad(audio.samples.astype(np.float64), ((0, 0), (reach + 1, reach)))
    total = np.cumsum(padded, axis=1)
    return audio.with_samples((total[:, 2 * reach + 1 :] - total[:, : -2 * reach - 1]) / (2 * reach + 1))


@node("small.add", derived=True)
def add(audio: tuple[Audio, ...]) -> Audio:
    """Sum."""
    return audio[0].with_samples(np.sum([a.samples for a in audio], axis=0, dtype=np.float32))


@node("small.broken")
def broken(audio: Audio) -> Audio:
    """Fails always."""
    CALLS["broken"] += 1
    raise NodeError("the mains hum is too loud; unplug something")


@node("small.buzzing", derived=True)
def buzzing(audio: Audio) -> Audio:
    """Fails where it is pulled, derived."""
    raise NodeError("it buzzes")


@node("small.nan")
def nan(audio: Audio) -> Audio:
    """Gives NaN at its first sample after 10 s."""
    bad = audio.samples.copy()
    if audio.span.start >= 10 * audio.rate:
        bad[:, 5] = np.nan
    return audio.with_samples(bad)


@node("small.slow")
def slow(audio: Audio, *, seconds: Annotated[float, Range(0, 60, "s")] = 30.0, run: Run) -> Audio:
    """Takes its time, polling."""
    CALLS["slow"] += 1
    ON_CALL.set()
    steps = max(1, int(seconds * 100))
    for step in range(steps):
        time.sleep(0.01)
        run.progress(step / steps)
    return audio


@node("small.mean")
def mean(audio: Stream[Audio]) -> Number:
    """The mean sample, streamed."""
    CALLS["mean"] += 1
    total, count = 0.0, 0
    for tile in audio:
        total += float(tile.samples.sum(dtype=np.float64))
        count += tile.samples.size
    return Number(total / max(count, 1))


def _peak_of(audio: Stream[Audio], *, run: Run) -> Features:
    CALLS["peak_of"] += 1
    peak = max((float(np.abs(tile.samples).max(initial=0)) for tile in audio), default=0.0)
    return Features({"peak": np.array([peak], np.float32)})


@node("small.normalise", reduce=_peak_of)
def normalise(audio: Audio, learned: Features) -> Audio:
    """Divide by the peak of the whole song."""
    CALLS["normalise"] += 1
    return audio.with_samples(audio.samples / max(float(learned.arrays["peak"][0]), 1e-9))


@node("small.split", separator=True, stems=("low", "high"), complete=True, context=lambda k: samples(8))
def split(audio: Audio) -> Stems:
    """A toy separator: moving mean and the rest."""
    CALLS["split"] += 1
    low = smooth(audio, reach=8)
    return Stems({"low": low, "high": audio.with_samples(audio.samples - low.samples)}, True)


TYPES = [tone, scale, half, round_, smooth, add, broken, buzzing, nan, slow, mean, normalise, split]


def library() -> NodeLibrary:
    """The small node types and the installed pack."""
    return NodeLibrary.of([*installed(), *TYPES])


def graph(nodes: Mapping[str, str | tuple[str, dict[str, object]]], edges: str = "") -> Graph:
    """A graph from `{"a": "small.tone", "b": ("small.scale", {"factor": 2})}` and `"a.out -> b.audio; ..."`."""
    made = {i: Node(n) if isinstance(n, str) else Node(n[0], knobs=n[1]) for i, n in nodes.items()}  # type: ignore[arg-type]
    wires = [Edge.parse(*map(str.strip, e.split("->"))) for e in edges.split(";") if e.strip()]
    return Graph(nodes=made, edges=frozenset(wires))


def write_song(path: Path, seconds: float = 25.0, channels: int = 1, seed: int = 0, rate: int = RATE) -> Path:
    """A song of noise in which every second sounds a little different."""
    random = np.random.default_rng(seed)
    data = 0.1 * random.standard_normal((int(seconds * rate), channels))
    soundfile.write(path, data.astype(np.float32), rate, subtype="FLOAT")
    return path


@dataclass
class Ran:
    """A finished run: what became of nodes, and its edges."""

    executor: Executor
    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)

    def status(self, node: str) -> str:
        return self.executor.reports[node].status

    def units(self, node: str, status: str) -> int:
        return self.executor.reports[node].units.get(status, 0)  # type: ignore[call-overload]

    def audio(self, port: str, interval: Interval | None = None) -> np.ndarray:
        node, _, name = port.partition(".")
        value = self.executor.value(Source(node, name or "out"), interval)
        assert isinstance(value, Audio)
        return value.samples

    def number(self, node: str) -> float:
        value = self.executor.value(Source(node, "out"))
        assert isinstance(value, Number)
        return value.value


def run(
    made: Graph,
    wanted: Collection[str],
    *,
    song: Path | None = None,
    inputs: Mapping[str, Path] | None = None,
    seconds: float = 25.0,
    store: Store | None = None,
    window: tuple[float, float] | None = None,
    jobs: int = 2,
    memory: int = 0,
    outputs: SongOutputs | None = None,
) -> Ran:
    """Run a graph for some ports (`a.out`), on a song or on an axis of so many seconds, counting calls."""
    files = {**({"song": song} if song else {}), **(inputs or {})}
    bindings = Bindings.open(files) if files else Bindings({}, RATE, Fraction(seconds))
    stretch = None if window is None else (Fraction(window[0]), Fraction(window[1]))
    ports = [Address.parse(w if "." in w else f"{w}.out") for w in wanted] or None
    plan = compile_plan(made, library(), bindings, outputs=ports, window=stretch)
    executor = Executor(plan, library(), store=store, jobs=jobs, memory=memory, outputs=outputs)
    before, began = CALLS.copy(), time.perf_counter()
    executor.run()
    return Ran(executor, time.perf_counter() - began, CALLS - before)


def made_of(*types: NodeType) -> NodeLibrary:
    """The small node types and some more."""
    return NodeLibrary.of([*TYPES, *types])


def executor(
    made: Graph, wanted: Iterable[str], types: NodeLibrary | None = None, seconds: float = 25.0, **settings: object
) -> Executor:
    """What carries out a graph for the output `out` of some nodes, on an axis of so many seconds."""
    nodes = types or library()
    bindings = Bindings({}, RATE, Fraction(seconds))
    ports = [Address.parse(f"{name}.out") for name in wanted]
    return Executor(compile_plan(made, nodes, bindings, outputs=ports), nodes, **{"jobs": 2, **settings})  # type: ignore[arg-type]


class Told:
    """A watcher that passes on what finished."""

    def __init__(self, finished: Callable[[Unit, Status], object]) -> None:
        self._finished = finished

    def unit_started(self, unit: Unit) -> None: ...

    def unit_progress(self, unit: Unit, done: float) -> None: ...

    def unit_finished(self, unit: Unit, status: Status, seconds: float) -> None:
        self._finished(unit, status)
