"""64 workers and 10,000 songs, as the policy of a cluster run hands them out, against workers that are never idle.

Nothing runs: a clock jumps from event to event. What is real is measured here first, or taken from `cluster.py`: the
order and number of songs that are out (`engine.cluster.policy`), how long taking over a song's files takes as the
receipt grows, and how long a song takes in relation to its length. Everything that the asking machine does for songs
is done one after the other.

    python benchmarks/cluster_simulation.py --per-minute 5.2 --latency 0.05
"""

from __future__ import annotations

import argparse
import heapq
import random
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from midistems_graph.engine.cluster.adoption import Adopter, Song, told_of
from midistems_graph.engine.cluster.policy import largest_first, wanted_in_flight
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.receipt import Entry, Receipt
from midistems_graph.engine.receipt_book import read_receipt, updated

STEMS = 4
FULL = 1000
"""Songs in the receipt when taking over is measured; what more songs cost follows from that in proportion."""

LONGEST = 20.0
"""Minutes."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = options.add_argument
    add("--workers", type=int, default=64)
    add("--songs", type=int, default=10_000)
    add("--per-minute", type=float, default=5.2, help="seconds that a minute of a song takes, from cluster.py")
    add("--per-song", type=float, default=0.3, help="seconds for any song, however short, from cluster.py")
    add("--latency", type=float, default=0.05, help="seconds between a task and its worker, and back, from cluster.py")
    add("--seed", type=int, default=0)
    chosen = options.parse_args()

    cost = taking_over()
    seconds = songs(chosen.songs, chosen.per_minute, chosen.per_song, chosen.seed)
    ideal = max(sum(seconds) / chosen.workers, max(seconds))
    took = simulated(seconds, chosen.workers, chosen.latency, cost)
    print(f"{chosen.songs} songs, median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s")
    first, last, many = (1e3 * cost(*when) for when in ((0, 1), (chosen.songs, 1), (chosen.songs, 16)))
    print(f"taking over a song: {first:.0f} ms at first, {last:.0f} ms at the end, {many:.0f} ms for 16 at once")
    print(f"ideal {ideal:.0f} s, simulated {took:.0f} s: efficiency {100 * ideal / took:.1f} %")


def songs(count: int, per_minute: float, per_song: float, seed: int) -> list[float]:
    """Seconds of work of each song: lengths spread like those of a library, around 3.7 minutes."""
    chance = random.Random(seed)
    minutes = [min(LONGEST, max(0.5, chance.lognormvariate(np.log(3.7), 0.4))) for _ in range(count)]
    return [per_song + per_minute * length * chance.uniform(0.85, 1.15) for length in minutes]


def simulated(seconds: list[float], workers: int, latency: float, cost: Callable[[int, int], float]) -> float:
    """When the last song is in the output folder.

    The scheduler gives each worker one song to work on and one to have ready; a result is on its way for half the
    latency, as a new song is.
    """
    waiting = deque(largest_first(seconds, float))
    out, there, done = 0, 0, 0
    queue: deque[float] = deque()  # with the scheduler, no worker free
    idle = workers
    clock = 0.0
    events: list[tuple[float, str]] = []  # (time, what)
    landed = 0
    asking_until = 0.0
    total = len(seconds)
    while done < total:
        while waiting and out < wanted_in_flight(workers):
            out += 1
            queue.append(waiting.popleft())
        while idle and queue:
            idle -= 1
            ready = latency if there < workers else 0.0  # from the second song on the next one lies ready
            there += 1
            heapq.heappush(events, (clock + ready + queue.popleft(), "computed"))
        if landed and clock >= asking_until:
            asking_until = clock + cost(done, landed)
            heapq.heappush(events, (asking_until, f"taken {landed}"))
            landed = 0
        clock, what = heapq.heappop(events)
        if what == "computed":
            idle += 1
            heapq.heappush(events, (clock + latency / 2, "landed"))
        elif what == "landed":
            landed += 1
        else:
            count = int(what.split()[1])
            done += count
            out -= count
    return clock


def taking_over() -> Callable[[int, int], float]:
    """Seconds for so many songs at once, when so many are in the receipt already; measured with few and with many."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        empty = [measured(root / "empty", songs_at_once, 0) for songs_at_once in (1, 16)]
        full = [measured(root / "full", songs_at_once, FULL) for songs_at_once in (1, 16)]

    def cost(before: int, at_once: int) -> float:
        ends = [low[0] + (low[1] - low[0]) * (at_once - 1) / 15 for low in (empty, full)]
        return ends[0] + (ends[1] - ends[0]) * before / FULL

    return cost


def measured(root: Path, at_once: int, before: int) -> float:
    """Median seconds of the processor for taking over songs of four small files, in a folder of its own."""
    out = root / str(at_once)
    out.mkdir(parents=True)
    if before:
        with updated(out, []) as receipt:
            for i in range(before):
                fill(receipt, f"old {i}")
    folder, times = OutputFolder(out), []
    for turn in range(3):
        adopter, orders = Adopter(folder), []
        for i in range(at_once):
            made = root / "made" / f"{at_once} {turn} {i}"
            made.mkdir(parents=True)
            with updated(made, []) as receipt:
                for path in fill(receipt, f"new {turn} {i}"):
                    (made / path).write_bytes(b"x" * 1000)
            told = told_of(made, list(read_receipt(made)[0].outputs))
            orders.append(Song(made, told, ["save"], "", ()))
        began = time.process_time()
        adopter.take(orders)
        times.append(time.process_time() - began)
    return statistics.median(times)


def fill(receipt: Receipt, song: str) -> list[str]:
    """A song as four_stems leaves it in a receipt."""
    digest = song.encode().hex().ljust(64, "0")[:64]
    paths = [f"{song} - stem {i}.wav" for i in range(STEMS)]
    for i, path in enumerate(paths):
        entry = Entry(
            digest, song, "save", f"stem {i}", "0" * 64, 1000, "1" * 64, "", "2" * 64, {"peak": -1.0, "lufs": -14.0}
        )
        receipt.outputs[path] = entry
    edges = {f"node{i}.out": "3" * 32 for i in range(12)}
    trace = {"edges": edges, "files": {}, "window": ["0", "180"], "only": []}
    receipt.songs[digest] = {"name": song, "graph": "2" * 64, "inputs": {"song": digest}, "scores": {},
                             "libraries": {"numpy": "2"}, "runs": {"2" * 64: trace}, "made": "2026"}  # fmt: skip
    receipt.graphs["2" * 64] = {"nodes": {}}
    return paths


if __name__ == "__main__":
    main()
