"""How well presets separate songs whose true stems are known, and where the bounds lie.

    python benchmarks/quality.py graphs/demo [--preset four_stems ...] [--json FILE]

FOLDER holds one sound file per stem, or folders of that kind; where no file is called mixture, the sum of the
stems is one. Every cell is SDR / SI-SDR in dB over the whole song. The bounds: the mixture itself as the
estimate of every stem, the mixture divided by the number of stems (what SDR gives for nothing), and the ideal
ratio mask, made from the true stems. A preset that writes several sets has a row for each, named by its writer.
Missing cells: the preset has no stem of that name.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.audio.files import is_sound
from midistems_graph.audio.stem_names import in_file_name
from midistems_graph.audio.stft import Stft
from midistems_graph.audio.values import Complex64, Float32, Span, StftSettings
from midistems_graph.document.files import load
from midistems_graph.document.graph import Address, Graph, InputSlot, Node
from midistems_graph.engine.run import Score, execute, prepare
from midistems_graph.engine.store import DiskStore
from midistems_graph.node import installed
from midistems_nodes.measure.ratios import Ratios

PRESETS = Path(__file__).parents[1] / "graphs"
WRITER = "io.save"
REFERENCE, COMPARE = "true_stems", "compare_"
STORE_BYTES = 4 << 30


@dataclass(frozen=True)
class Cell:
    """How near one stem of one song came, in dB."""

    song: str
    method: str
    stem: str
    sdr: float
    si_sdr: float


@dataclass(frozen=True)
class Song:
    """A song and its true stems by name, float32 [channels, samples]; `beside` are files for further inputs."""

    name: str
    folder: Path
    mixture: Path
    rate: int
    stems: dict[str, Float32]
    beside: Mapping[str, Path] = field(default_factory=dict)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--preset", action="append", choices=sorted(path.stem for path in PRESETS.glob("*.json")))
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    presets = chosen.preset or [
        path.stem for path in sorted(PRESETS.glob("*.json")) if set(load(path).inputs) == {"song"}
    ]
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory() as scratch:
        for song in songs(chosen.folder, Path(scratch)):
            found = [*bounds(song)]
            for preset in presets:
                found += measured(song, preset, Path(scratch) / "store")
            print(table(song, found), end="\n\n", flush=True)
            cells += found
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(cell) for cell in cells], indent=2) + "\n", encoding="utf-8")


def songs(folder: Path, scratch: Path) -> Iterator[Song]:
    """The song in a folder, or those in its folders; sums of stems are written to `scratch`."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and any(map(is_sound, path.iterdir())))
    for place in folders or [folder]:
        files = {in_file_name(path.stem): path for path in sorted(place.iterdir()) if is_sound(path)}
        mixture = files.pop("mixture", scratch / f"{place.name}.wav")
        rate = soundfile.info(next(iter(files.values()))).samplerate
        stems = {name: soundfile.read(path, dtype="float32", always_2d=True)[0].T for name, path in files.items()}
        if not mixture.exists():
            soundfile.write(mixture, sum(stems.values(), start=np.float32(0)).T, rate, subtype="FLOAT")
        yield Song(place.name, place, mixture, rate, stems)


def bounds(song: Song) -> Iterator[Cell]:
    """What needs no separation, and what a mask can do at best."""
    mixture = soundfile.read(song.mixture, dtype="float32", always_2d=True)[0].T
    settings = StftSettings(2048, 512) if song.rate > 24000 else StftSettings(1024, 256)
    transform = Stft(settings, Span.whole(mixture.shape[1], song.rate))
    bins: Complex64 = transform.forward(mixture)
    sizes = {name: np.abs(transform.forward(np.ascontiguousarray(stem))) for name, stem in song.stems.items()}
    whole = np.maximum(sum(sizes.values(), start=np.float32(0)), np.float32(1e-12))
    for name, true in song.stems.items():
        yield cell(song, "mixture", name, mixture, true)
        yield cell(song, "mixture / N", name, mixture / np.float32(len(song.stems)), true)
        yield cell(song, "ideal ratio mask", name, transform.inverse(bins * (sizes[name] / whole)), true)


def cell(song: Song, method: str, stem: str, estimate: Float32, true: Float32) -> Cell:
    ratios = Ratios(len(true))
    ratios.add(estimate, true)
    return Cell(song.name, method, stem, ratios.sdr, ratios.si_sdr())


def measured(song: Song, preset: str, store: Path) -> Iterator[Cell]:
    """The figures of every stem set that a preset writes, as far as its names are those of true stems."""
    graph = load(PRESETS / f"{preset}.json")
    writers = sorted(name for name, node in graph.nodes.items() if node.type == WRITER)
    ports = {
        preset if len(writers) == 1 else f"{preset} ({writer})": next(
            edge.source for edge in graph.edges_into(writer) if edge.target.port == "stems"
        )
        for writer in writers
    }
    yield from against_truth(song, graph, ports, store)


def against_truth(song: Song, graph: Graph, ports: Mapping[str, Address], store: Path) -> Iterator[Cell]:
    """How near the stem sets at some ports of a graph come to the true stems; the ports are called by method."""
    for (method, stem), figure in figures(song, graph, ports, store).items():
        yield Cell(song.name, method, stem, figure["sdr"], figure["si_sdr"])


def figures(
    song: Song, graph: Graph, ports: Mapping[str, Address], store: Path, measure: str = "measure.compare"
) -> dict[tuple[str, str], dict[str, float]]:
    """All that a measure says of the stem sets at some ports, by method and stem.

    The graph may have an input called `true_stems` already, which is bound to the folder of the true ones.
    """
    wider = replace(graph, inputs={**graph.inputs, "song": InputSlot(), REFERENCE: InputSlot()})
    wider = wider.with_node(REFERENCE, Node("io.load_stems", knobs={"folder": REFERENCE}))
    names = {f"{COMPARE}{number}": method for number, method in enumerate(ports)}
    for name, method in names.items():
        wider = wider.with_node(name, Node(measure))
        wider = wider.with_edge(ports[method], f"{name}.estimates").with_edge(f"{REFERENCE}.out", f"{name}.references")
    found: dict[tuple[str, str], dict[str, float]] = {}
    for score in scores(song, wider, list(names), store):
        found.setdefault((names[score.node], score.row), {})[score.name] = score.value
    return found


def scores(song: Song, graph: Graph, measures: Sequence[str], store: Path) -> tuple[Score, ...]:
    """What some nodes of a graph measure on a song; ends the program where one fails."""
    library = installed()
    given = {"song": song.mixture, **song.beside, **({REFERENCE: song.folder} if REFERENCE in graph.inputs else {})}
    wanted = [Address(name, "out") for name in measures]
    plan, _ = prepare(graph, library, given, folder=PRESETS, outputs=wanted)
    result = execute(graph, plan, library, store=DiskStore(store, STORE_BYTES))
    if result.failures:
        raise SystemExit(f"{song.name}: {result.failures[0].message}")
    return result.scores


def table(song: Song, cells: list[Cell]) -> str:
    """Lines of text: a row per method, a column per stem."""
    methods = list(dict.fromkeys(cell.method for cell in cells))
    found = {(cell.method, cell.stem): f"{cell.sdr:.1f} / {cell.si_sdr:.1f}" for cell in cells}
    lines = [f"{song.name:32}" + "".join(f"{stem:>16}" for stem in song.stems)]
    for method in methods:
        lines.append(f"{method:32}" + "".join(f"{found.get((method, stem), '-'):>16}" for stem in song.stems))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
