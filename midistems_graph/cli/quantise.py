"""`midistems-graph models quantise`: a smaller version of a model, and what it costs, measured on a song.

Each version separates the song in a process of its own, through run-graph, as a user would: so its memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.audio.values import Float32
from midistems_graph.cli import tables
from midistems_graph.cli.batch.crew import how_it_ended
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import clean, in_bytes
from midistems_graph.models.library import Model, ModelLibrary
from midistems_graph.models.quantise import CannotQuantise, quantise

GRAPH = {
    "format": "midistems-graph",
    "version": 1,
    "nodes": {
        "song": {"type": "io.load"},
        "network": {"type": "separate.network"},
        "save": {"type": "io.save", "knobs": {"name": "{stem}"}},
    },
    "edges": [{"from": "song.out", "to": "network.mixture"}, {"from": "network.out", "to": "save.stems"}],
}


@dataclass(frozen=True)
class Measured:
    """What one version took and gave: seconds in the network, peak bytes of the process, samples by stem."""

    seconds: float
    memory: int
    stems: dict[str, Float32]


def quantise_model(library: ModelLibrary, name: str, kinds: list[str], song: str) -> Exit:
    """Make the smaller versions, then print the table; raises Refused, ModelMissing and LibraryError.

    One that does not run, such as a network whose numbers half precision does not hold, is deleted again.
    """
    full = library.find(name)
    try:
        models = [full, *(quantise(full, kind, library) for kind in kinds)]
    except CannotQuantise as error:
        raise Refused(Exit.NODE, str(error)) from None
    people = tables.stderr()
    found: dict[str, Measured] = {}
    broken: list[str] = []
    for model in models:
        people.print(clean(f"separating {song} with {model.name} ..."))
        try:
            found[model.name] = measured(model, song)
        except Refused as refused:
            if model is full:
                raise
            library.remove(model.name)
            broken.append(f"{model.name} does not work and was deleted: {' '.join(refused.sentences)}")
    rows = []
    for model in (model for model in models if model.name in found):
        one = found[model.name]
        kept = [f"{stem} {_si_sdr(one.stems[stem], true):.1f} dB" for stem, true in found[full.name].stems.items()]
        memory = in_bytes(one.memory) if one.memory else "-"
        row = (model.name, in_bytes(model.nbytes), memory, f"{one.seconds:.1f} s")
        rows.append((*row, "-" if model is full else ", ".join(kept)))
    tables.print_rows(
        ("model", "size", "memory", "time", f"SI-SDR against {full.name}"), rows, tables.stdout(), (1, 2, 3)
    )
    if broken:
        raise Refused(Exit.NODE, *broken)
    return Exit.DONE


def measured(model: Model, song: str) -> Measured:
    """Separate a song with a model, in a process of its own. Raises Refused when that fails."""
    with tempfile.TemporaryDirectory(prefix="midistems-") as scratch:
        graph, out = Path(scratch, "graph.json"), Path(scratch, "out")
        graph.write_text(json.dumps(GRAPH))
        words = [str(graph), song, "-o", str(out), "--set", f"network.model={model.name}", "--no-cache", "--json"]
        command = [sys.executable, "-P", "-m", "midistems_graph.cli.run_graph", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line for line in done.stderr.splitlines() if line.startswith("run-graph: ")]
        if done.returncode and not lines:
            raise Refused(Exit.NODE, f"{model.name}: {how_it_ended(done.returncode)}")
        if done.returncode:
            raise Refused(Exit(done.returncode), *(line.removeprefix("run-graph: ") for line in lines))
        result = json.loads(done.stdout)
        seconds = next(node["seconds"] for node in result["nodes"] if node["id"] == "network")
        stems = {each["stem"]: _samples(Path(each["path"])) for each in result["outputs"]}
        return Measured(seconds, result["peak_memory_bytes"] or 0, stems)


def _samples(path: Path) -> Float32:
    samples: Float32 = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return samples


def _si_sdr(estimate: Float32, true: Float32) -> float:
    """In dB, over all channels (Le Roux et al. 2019)."""
    found, wanted = estimate.astype(np.float64).ravel(), true.astype(np.float64).ravel()
    target = wanted * (np.dot(found, wanted) / max(float(np.dot(wanted, wanted)), 1e-30))
    powers = [max(float(np.sum(part**2)), 1e-30) for part in (target, found - target)]
    return float(10 * np.log10(powers[0] / powers[1]))
