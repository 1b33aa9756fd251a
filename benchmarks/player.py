"""How punctual playback is, how soon a click and a knob are heard, while both cores work.

    python benchmarks/player.py [--seconds 20] [--json figures.json]

Three tables:
- lateness of the device's calls at 512 frames (time between calls beyond the period), idle and while threads of this
  process compute: of a device that a process of its own serves, as in the editor, of one in this process, and of a
  timer thread (`silent`). miniaudio's null device keeps time by sleeping 10 ms; the goal is below 0.3 periods at p99.9.
  `bare` is p99.9 of a process that only sleeps from period to period at the same time, with the same priority: what
  it is late the machine is. `stolen` is the share of processor time, in percent, that the host of a virtual machine
  gave to others meanwhile;
- a click on a cached edge until its first sample is handed to the device;
- a knob turned until the changed sound is handed over, less what computing the loop below the knob takes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import soundfile

from midistems_graph.audio.output_base import AudioOut
from midistems_graph.audio.output_miniaudio import MiniaudioOut
from midistems_graph.audio.output_process import NULL, TIMER, ProcessOut
from midistems_graph.audio.output_silent import SilentOut
from midistems_graph.audio.output_timing import COUNTS, Lateness, lower_priority, raise_priority
from midistems_graph.audio.values import Span
from midistems_graph.document.graph import Address, Edge, Graph, Node
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.takes import Take
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.live.engine import LiveEngine
from midistems_graph.engine.live.events import StretchReady
from midistems_graph.engine.plan import compile_plan
from midistems_graph.engine.store import DiskStore, MemoryStore
from midistems_graph.node import NodeLibrary, installed

RATE, PERIOD, SECONDS = 44100, 512, 60
LOOP = (Fraction(20), Fraction(30))

GRAPH = Graph(
    nodes={
        "song": Node("io.load"),
        "gain": Node("filter.gain", knobs={"gain": -6.0}),
        "hpss": Node("separate.hpss"),
    },
    edges=frozenset({Edge.parse("song.out", "gain.signal"), Edge.parse("song.out", "hpss.mixture")}),
)


OUTPUTS: Mapping[str, Callable[[], AudioOut]] = {
    "own process": lambda: ProcessOut(NULL, RATE, PERIOD),
    "own process, timer": lambda: ProcessOut(TIMER, RATE, PERIOD),
    "this process": lambda: MiniaudioOut(rate=RATE, period=PERIOD, null=True),
    "silent": lambda: SilentOut(RATE, PERIOD),
}
AHEAD = 0.35


@contextmanager
def work(threads: int) -> Iterator[None]:
    """Threads of this process that compute as nodes do, between numpy and the interpreter."""
    ended = threading.Event()

    def compute() -> None:
        lower_priority()  # as the engine's threads do
        signal = np.random.default_rng(0).standard_normal((2, 1 << 17)).astype(np.float32)
        while not ended.is_set():
            spectrum = np.fft.rfft(signal.reshape(64, -1))
            np.fft.irfft(spectrum * np.abs(spectrum))
            sum(range(2000))

    workers = [threading.Thread(target=compute) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        ended.set()
        for worker in workers:
            worker.join()


class Cascade:
    """A song on disk, a live engine and a deck."""

    def __init__(self, folder: Path, out: AudioOut) -> None:
        noise = 0.1 * np.random.default_rng(0).standard_normal((SECONDS * RATE, 2))
        soundfile.write(folder / "song.wav", noise.astype(np.float32), RATE, subtype="FLOAT")
        self.library = NodeLibrary.of(installed())
        self.bindings = Bindings.open({"song": folder / "song.wav"})
        self.store = DiskStore(folder / "store", 4 << 30)
        self.live = LiveEngine(self.library, self.store)
        song = Span.whole(SECONDS * RATE, RATE)
        self.deck = Deck(self.live, song, out=out, mixture=Address("song", "out"), ahead=AHEAD)
        self.live.show(GRAPH, self.bindings)
        self.deck.start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """What an editor does with the engine's events."""
        while True:
            if isinstance(self.live.events.get(), StretchReady):
                self.deck.computed()

    def wait_until_computed(self, address: Address) -> None:
        while self.live.read(address, (Fraction(0), Fraction(SECONDS))) is None:
            time.sleep(0.05)

    def until_heard(self, program: object) -> float:
        """Seconds until the device has been handed the first sample of another program than this."""
        began = time.perf_counter()
        while self.deck.player.heard[0].voice.program is program:
            time.sleep(0.0005)
            if time.perf_counter() - began > 60:
                raise TimeoutError("the change was not heard within a minute")
        return time.perf_counter() - began

    def close(self) -> None:
        self.deck.close()
        self.live.close()
        self.store.close()


def lateness(seconds: float) -> dict[str, dict[str, float]]:
    """Percentiles in periods, by output and load."""
    return {
        f"{kind}, {name}": lateness_of(opened, threads, seconds)
        for name, threads in (("idle", 0), ("both cores busy", 2))
        for kind, opened in OUTPUTS.items()
    }


def lateness_of(opened: Callable[[], AudioOut], threads: int, seconds: float) -> dict[str, float]:
    """Percentiles in periods of one output, and what the host of a virtual machine took meanwhile, in percent."""
    with TemporaryDirectory() as folder, work(threads), bare(seconds) as slept:
        cascade = Cascade(Path(folder), opened())
        address = Address("song", "out")
        cascade.deck.hear(Take.of(address))
        cascade.deck.loop(0, 10 * RATE)
        cascade.deck.play()
        cascade.wait_until_computed(address)
        feed = cascade.deck.player.feed
        feed.lateness.clear()
        xruns, before = feed.xruns, _ticks()
        time.sleep(seconds)
        health, ticks = cascade.deck.player.health, _ticks() - before
        cascade.close()
    period = PERIOD / RATE
    return {
        "p50": health.p50 / period,
        "p99": health.p99 / period,
        "p99.9": health.p999 / period,
        "xruns": health.xruns - xruns,
        "calls": health.calls,
        "bare": slept.percentile(0.999) / period,
        "stolen": 100 * ticks[_STEAL] / ticks.sum(),
    }


_STEAL = 7
"""The column of /proc/stat that counts what the host gave to others."""


def _ticks() -> npt.NDArray[np.int64]:
    """Ticks of all processors by what they did, as Linux counts them."""
    columns = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    return np.array(columns, np.int64)


def sleep_from_period_to_period(seconds: float) -> None:
    """Write a histogram of how late one wakes up."""
    raise_priority()
    late, due = Lateness(), time.perf_counter()
    end = due + seconds
    while due < end:
        due += PERIOD / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        late.called(PERIOD / RATE)
    sys.stdout.buffer.write(late.counts.tobytes())


@contextmanager
def bare(seconds: float) -> Iterator[Lateness]:
    """How late a process is that only sleeps meanwhile, in calls of a device; known at the end."""
    counts = np.zeros(COUNTS, np.int64)
    command = [sys.executable, __file__, "--bare", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield Lateness(counts)
        assert process.stdout is not None
        counts[:] = np.frombuffer(process.stdout.read(), np.int64)


def clicks(count: int) -> dict[str, float]:
    """Milliseconds from a click on a cached edge to the first sample of it that the device reads."""
    with TemporaryDirectory() as folder:
        cascade = Cascade(Path(folder), ProcessOut(NULL, RATE, PERIOD))
        addresses = [Address("song", "out"), Address("gain", "out"), Address("hpss", "out")]
        cascade.deck.play()
        for address in addresses:
            cascade.deck.hear(Take.of(address))
            cascade.wait_until_computed(address)
        times = []
        xruns = cascade.deck.player.health.xruns
        with work(2):
            for click in range(count):
                if click % 10 == 0:
                    cascade.deck.seek((click * 7919) % (50 * RATE))  # to where nothing is in memory
                    time.sleep(0.3)
                before = cascade.deck.mixer.program
                cascade.deck.hear(Take.of(addresses[click % 3]))
                times.append(cascade.until_heard(before) * 1000)
                time.sleep(0.05)
        xruns = cascade.deck.player.health.xruns - xruns
        cascade.close()
    return {"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99)), "xruns": xruns}


def knob(turns: int) -> dict[str, float]:
    """Milliseconds from a turned knob to the changed sound, of a loop of 10 s, and of computing that loop alone."""
    address = Address("hpss", "out")
    edits = [GRAPH.with_knob("hpss", "harmonic_margin", 1.1 + turn / 100) for turn in range(turns)]
    with TemporaryDirectory() as folder:
        cascade = Cascade(Path(folder), ProcessOut(NULL, RATE, PERIOD))
        cascade.deck.hear(Take.of(address))
        cascade.deck.loop(int(LOOP[0] * RATE), int(LOOP[1] * RATE))
        cascade.deck.seek(int(LOOP[0] * RATE))
        cascade.deck.play()
        cascade.wait_until_computed(address)
        heard, alone = [], []
        for edit in edits:
            before = cascade.deck.mixer.program
            began = time.perf_counter()
            cascade.live.show(edit, cascade.bindings)
            cascade.deck.changed()
            cascade.until_heard(before)
            heard.append((time.perf_counter() - began) * 1000)
            cascade.live.cancel()
            time.sleep(0.6)
            alone.append(_computing(cascade, edit, address) * 1000)
        cascade.close()
    return {
        "knob to sound": float(np.median(heard)),
        "computing alone": float(np.median(alone)),
        "more": float(np.median(np.subtract(heard, alone))),
    }


def _computing(cascade: Cascade, graph: Graph, address: Address) -> float:
    """Seconds of a plain run of the loop with nothing but the song in the store."""
    store = MemoryStore()
    loaded = compile_plan(graph, cascade.library, cascade.bindings, outputs=[Address("song", "out")], window=LOOP)
    Executor(loaded, cascade.library, store=store).run()
    plan = compile_plan(graph, cascade.library, cascade.bindings, outputs=[address], window=LOOP)
    began = time.perf_counter()
    Executor(plan, cascade.library, store=store).run()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--clicks", type=int, default=100)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=("lateness", "clicks", "knob"))
    parser.add_argument("--bare", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        sleep_from_period_to_period(options.bare)
        return
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    figures: dict[str, object] = {}
    if options.only in (None, "lateness"):
        late = figures["lateness"] = lateness(options.seconds)
        print(
            f"lateness of calls at {PERIOD} frames, in periods of {1000 * PERIOD / RATE:.1f} ms (goal: p99.9 below 0.3)"
        )
        for name, row in late.items():
            print(f"  {name:32}" + "".join(f"{key:>7} {value:7.2f}" for key, value in row.items()))
    if options.only in (None, "clicks"):
        clicked = figures["clicks"] = clicks(options.clicks)
        print("click on a cached edge to its first sample, ms, both cores busy (goal: p99 below 50, no xrun)")
        print("  " + "".join(f"{key:>7} {value:7.1f}" for key, value in clicked.items()))
    if options.only in (None, "knob"):
        turned = figures["knob"] = knob(options.turns)
        print("knob to changed sound, 10 s loop, ms (goal: at most 150 more than computing alone)")
        print("  " + "".join(f"{key:>17} {value:7.0f}" for key, value in turned.items()))
    if options.json:
        facts = {"python": platform.python_version(), "machine": platform.platform(), "load": os.getloadavg()[0]}
        data = {**facts, **figures}
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
