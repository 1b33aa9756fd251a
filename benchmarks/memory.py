"""Peak memory and speed of a four-stem cascade on a long song, every run in a process of its own.

    python benchmarks/memory.py [--seconds 600] [--song FILE] [--graph FILE] [--jobs 2] [--budget MB] [--json FILE]

The song is the demo song, again and again, unless one is named. A first run fills an empty store, a second one
finds every result there. Peak memory is VmHWM (Linux): all pages of the process, those of mapped files too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import soundfile

from midistems_graph.audio.codec import pack
from midistems_graph.audio.demo import write_demo_mixture
from midistems_graph.document.files import load
from midistems_graph.document.graph import Edge, Graph, InputSlot, Node
from midistems_graph.engine.evaluate import UNTIMED
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.plan import TILE
from midistems_graph.engine.run import prepare
from midistems_graph.engine.store import DiskStore
from midistems_graph.engine.wiring import Source
from midistems_graph.node import installed

MB = 1 << 20
WIRES = """
    song.out -> repet.mixture
    repet.out -> voice.stems
    voice.rest -> hpss.mixture
    hpss.out -> drums.stems
    drums.rest -> low.audio
    voice.stem -> set.parts[0]
    drums.stem -> set.parts[1]
    low.low -> set.parts[2]
    low.high -> set.parts[3]
    set.out -> mixture.stems
    song.out -> mixture.mixture
    mixture.out -> null.stems
    song.out -> null.mixture
    mixture.out -> save.stems
"""


def cascade() -> Graph:
    """Voice by REPET, drums by HPSS of the rest, bass by a crossover of what is left; made to add up and saved."""
    nodes = {
        "song": Node("io.load"),
        "repet": Node("separate.repet"),
        "voice": Node("stems.pick", knobs={"name": "vocals"}),
        "hpss": Node("separate.hpss"),
        "drums": Node("stems.pick", knobs={"name": "percussive"}),
        "low": Node("filter.crossover", knobs={"cutoff": 180.0}),
        "set": Node("stems.gather", knobs={"names": ("vocals", "drums", "bass", "other"), "complete": True}),
        "mixture": Node("consistency.mixture"),
        "null": Node("measure.null_depth"),
        "save": Node("io.save"),
    }
    edges = frozenset(Edge.parse(*line.strip().split(" -> ")) for line in WIRES.strip().splitlines())
    return Graph(nodes=nodes, edges=frozenset(edges), inputs={"song": InputSlot()})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--song", type=Path)
    options.add_argument("--graph", type=Path)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--budget", type=int, default=0)
    options.add_argument("--json", type=Path)
    options.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.inside:
        print(json.dumps(_run(chosen, chosen.inside)))
        return
    with tempfile.TemporaryDirectory() as folder:
        song = chosen.song or _long_demo(Path(folder), chosen.seconds)
        again = [sys.executable, __file__, *sys.argv[1:], "--song", str(song), "--inside", folder]
        runs = [json.loads(subprocess.run(again, check=True, stdout=subprocess.PIPE).stdout) for _ in range(2)]
    first, second = runs
    print(f"{first['audio']:.0f} s, {chosen.jobs} jobs; all edges together hold {first['edges_mb']:.0f} MB")
    print(f"{'':12}{'seconds':>9}{'CPU s':>9}{'CPU/wall':>9}{'before MB':>11}{'peak MB':>9}{'of all edges':>14}")
    for name, run in zip(("first run", "second run"), runs, strict=True):
        print(
            f"{name:12}{run['seconds']:9.2f}{run['cpu']:9.2f}{run['cpu'] / run['seconds']:9.2f}"
            f"{run['before_mb']:11.0f}{run['peak_mb']:9.0f}{run['peak_mb'] / first['edges_mb']:14.1%}"
        )
    print(f"the second run takes {second['seconds'] / first['seconds']:.2%} of the first one's time")
    if chosen.json:
        chosen.json.write_text(json.dumps({"first": first, "second": second}, indent=2) + "\n", encoding="utf-8")


def _long_demo(folder: Path, seconds: float) -> Path:
    """The demo song again and again, until it is long enough."""
    write_demo_mixture(folder / "demo.wav")
    samples, rate = soundfile.read(folder / "demo.wav", dtype="float32")
    left = int(seconds * rate)
    with soundfile.SoundFile(folder / "song.wav", "w", rate, samples.shape[1], subtype="PCM_16") as file:
        while left > 0:
            file.write(samples[:left])
            left -= len(samples)
    return folder / "song.wav"


def _run(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run on the store and into the output folder that are there; figures of this process."""
    library, before = installed(), _status_mb("VmRSS")
    with DiskStore(folder / "store", 64 << 30) as store:
        wall, cpu = time.perf_counter(), time.process_time()
        plan, _ = prepare(load(chosen.graph) if chosen.graph else cascade(), library, {"song": chosen.song})
        outputs = OutputFolder(folder / "out", inputs=[chosen.song]).song("song", plan.bindings.song_digest)
        budget = chosen.budget * MB
        executor = Executor(plan, library, store=store, outputs=outputs, jobs=chosen.jobs, memory=budget)
        executor.run()
        figures = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "before_mb": before}
        figures["peak_mb"] = _status_mb("VmHWM")
        if executor.failures:
            raise SystemExit(f"the run failed: {executor.failures}")
        return {**figures, "audio": float(plan.total), "edges_mb": _edges_mb(executor)}


def _edges_mb(executor: Executor) -> float:
    """What all edges of the song would take at once: the bytes of a tile on each output port, times the tiles."""
    total = 0.0
    for address, node in executor.plan.nodes.items():
        for port in node.outputs:
            value = executor.value(Source(address, port.name), (TILE * 0, min(TILE, executor.plan.total)))
            nbytes = sum(array.nbytes for array in pack(value)[1].values())
            total += nbytes if isinstance(value, UNTIMED) else nbytes * max(1.0, float(executor.plan.total / TILE))
    return total / MB


def _status_mb(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
