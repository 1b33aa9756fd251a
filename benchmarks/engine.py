"""What the engine itself costs: a grid of trivial nodes beside dask and plain calls, in one run.

    python benchmarks/engine.py [--width 20] [--depth 50] [--jobs 2] [--runs 7] [--json FILE]

Every node adds two numbers that the row above gave, so that the time is the scheduler's. Peers that are not
installed are left out. Compare CPU times when the machine is busy.
"""

from __future__ import annotations

import argparse
import operator
import tempfile
from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from timing import Figures, race, table, write_json

from midistems_graph.document.graph import Address, Edge, Graph, Node
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.plan import Plan, compile_plan
from midistems_graph.engine.store import DiskStore, MemoryStore, Store
from midistems_graph.node import NodeLibrary, Number, Range, node
from midistems_graph.rules.check import check

OURS = "ours, no store"
Calls = dict[str, Callable[[], object]]


@node("bench.start")
def start(*, value: Annotated[float, Range(0, 1e9)] = 1.0) -> Number:
    """A number."""
    return Number(value)


@node("bench.add")
def add(a: Number, b: Number) -> Number:
    """The sum of two numbers."""
    return Number(a.value + b.value)


LIBRARY = NodeLibrary.of([start, add])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--width", type=int, default=20)
    options.add_argument("--depth", type=int, default=50)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--runs", type=int, default=7)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    width, depth, jobs = chosen.width, chosen.depth, chosen.jobs

    graph = grid(width, depth)
    ends = [Address(f"n{depth - 1}_{i}", "out") for i in range(width)]
    bindings = Bindings({}, 44100, Fraction(1))
    plan = compile_plan(graph, LIBRARY, bindings, outputs=ends)
    running: Calls = {OURS: lambda: Executor(plan, LIBRARY, jobs=jobs).run(), **_peers(width, depth, jobs)}
    before: Calls = {
        "check": lambda: check(graph, LIBRARY),
        "plan": lambda: compile_plan(graph, LIBRARY, bindings, outputs=ends),
    }
    with tempfile.TemporaryDirectory() as folder:
        races = {
            "run": race(running, chosen.runs),
            "run with a store": race(_stores(plan, Path(folder), jobs), chosen.runs),
            "before the run": race(before, chosen.runs),
        }
    print(f"{width} x {depth} nodes that add two numbers, {jobs} threads\n")
    ours = {"run": OURS, "run with a store": "memory, first run", "before the run": "plan"}
    for title, figures in races.items():
        print(table(title, figures, ours[title]))
        print(_per_node(figures, width * depth), end="\n\n")
    if chosen.json:
        versions = {name: version(name) for name in ("networkx", "dask") if find_spec(name)}
        write_json(chosen.json, races, {"width": width, "depth": depth, "jobs": jobs, "versions": versions})


def grid(width: int, depth: int) -> Graph:
    """Rows of nodes, each of which adds what two neighbours of the row above gave."""
    nodes = {f"n0_{i}": Node("bench.start", knobs={"value": float(i)}) for i in range(width)}
    edges = set()
    for row in range(1, depth):
        for i in range(width):
            nodes[f"n{row}_{i}"] = Node("bench.add")
            edges.add(Edge.parse(f"n{row - 1}_{i}.out", f"n{row}_{i}.a"))
            edges.add(Edge.parse(f"n{row - 1}_{(i + 1) % width}.out", f"n{row}_{i}.b"))
    return Graph(nodes=nodes, edges=frozenset(edges))


def _stores(plan: Plan, folder: Path, jobs: int) -> Calls:
    """A first run fills an empty store, a second one finds every result there."""
    full_memory, full_disk = MemoryStore(), DiskStore(folder / "full")

    def run(store: Store) -> None:
        Executor(plan, LIBRARY, store=store, jobs=jobs).run()

    def first_on_disk() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as name, DiskStore(Path(name) / "store") as store:
            run(store)

    run(full_memory)
    run(full_disk)
    return {
        "memory, first run": lambda: run(MemoryStore()),
        "memory, second run": lambda: run(full_memory),
        "disk, first run": first_on_disk,
        "disk, second run": lambda: run(full_disk),
    }


def _peers(width: int, depth: int, jobs: int) -> Calls:
    """The same grid as dask takes it, and as plain calls in order."""
    tasks: dict[str, Any] = {f"n0_{i}": (start.function,) for i in range(width)}
    for row in range(1, depth):
        for i in range(width):
            tasks[f"n{row}_{i}"] = (add.function, f"n{row - 1}_{i}", f"n{row - 1}_{(i + 1) % width}")
    ends = [f"n{depth - 1}_{i}" for i in range(width)]

    def plain() -> None:
        done: dict[str, Number] = {}
        for name, (function, *inputs) in tasks.items():
            done[name] = function(*map(done.__getitem__, inputs))

    calls: Calls = {"plain calls": plain}
    if find_spec("dask"):
        threaded, local = import_module("dask.threaded"), import_module("dask.local")
        calls["dask.threaded.get"] = lambda: threaded.get(tasks, ends, num_workers=jobs)
        calls["dask.get (one thread)"] = lambda: local.get_sync(tasks, ends)
    return calls


def _per_node(figures: dict[str, Figures], count: int) -> str:
    rows = sorted(figures.items(), key=lambda item: operator.attrgetter("cpu")(item[1]))
    return "CPU microseconds per node: " + ", ".join(f"{name} {f.cpu / count * 1e6:.1f}" for name, f in rows)


if __name__ == "__main__":
    main()
