"""The protocol of MUSDB18-HQ for a preset: BSS eval v4 as papers print it, and SDR as challenges do.

    python benchmarks/musdb.py MUSDB18-HQ --preset four_stems [--songs 5] [--json FILE]

The folder is that of the dataset: `test/NAME/{mixture,vocals,drums,bass,other}.wav`. A preset that writes vocals and an
instrumental is compared with the sum of the other three. Per song and stem: the median of SDR, ISR, SIR and SAR over
frames of a second (museval's settings), and SDR and SI-SDR of the whole song. The last rows are the median over songs
of the medians (what papers on MUSDB18 print), and the mean over songs of whole-song SDR (what the challenges print).
Needs `pip install "midistems-graph[metrics]"`. The dataset is not part of the project: https://zenodo.org/records/3338373.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean, median

import numpy as np
import soundfile

from midistems_graph.audio.values import Audio
from midistems_graph.document.files import load
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.run import execute, prepare
from midistems_graph.engine.store import DiskStore
from midistems_graph.node import Stems, installed
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.measure.distortion import compare
from midistems_nodes.measure.libraries import bss_eval

PRESETS = Path(__file__).parents[1] / "graphs"
SOURCES = ("vocals", "drums", "bass", "other")
MEDIANS = ("bss_sdr", "bss_isr", "bss_sir", "bss_sar")
MEANS = ("sdr", "si_sdr")
STORE_BYTES = 4 << 30

Row = dict[str, float]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--preset", default="four_stems")
    options.add_argument("--subset", default="test", choices=("test", "train"))
    options.add_argument("--songs", type=int, default=0, help="only so many, in alphabetical order; 0: all")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    found: dict[str, dict[str, Row]] = {}
    for song in songs(chosen.folder / chosen.subset, chosen.songs):
        found[song.name] = measured(song, chosen.preset)
        for stem, row in found[song.name].items():
            print(
                f"{song.name[:40]:40} {stem:14}" + "".join(f"{row[key]:9.2f}" for key in (*MEDIANS, *MEANS)), flush=True
            )
    print(f"\n{'median; mean':40} {'':14}" + "".join(f"{key:>9}" for key in (*MEDIANS, *MEANS)))
    for stem, row in summary(found).items():
        print(f"{'':40} {stem:14}" + "".join(f"{row[key]:9.2f}" for key in (*MEDIANS, *MEANS)))
    if chosen.json:
        whole = {"songs": found, "summary": summary(found)}
        chosen.json.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def songs(folder: Path, most: int) -> Iterator[Path]:
    """The folders of the songs; ends the program if there are none."""
    found = sorted(path for path in folder.glob("*") if (path / "mixture.wav").exists())
    if not found:
        raise SystemExit(f"{folder} holds no songs; give the folder of MUSDB18-HQ, which has folders test and train")
    yield from found[:most] if most else found


def measured(song: Path, preset: str) -> dict[str, Row]:
    """The figures of every stem that the preset writes for a song."""
    with tempfile.TemporaryDirectory() as scratch:
        estimates = separated(song / "mixture.wav", preset, Path(scratch))
    sources = {name: read(song / f"{name}.wav") for name in SOURCES}
    if "instrumental" in estimates:
        band = sum((sources[name].samples for name in SOURCES[1:]), start=np.float32(0))
        sources = {"vocals": sources["vocals"], "instrumental": sources["vocals"].with_samples(band)}
    ours, true = (Tiles(Stems(dict(stems))) for stems in (estimates, sources))
    run = FakeRun()
    plain, framewise = compare(ours, true, run=run).rows, bss_eval(ours, true, run=run).rows
    return {name: {**plain[name], **{f"bss_{key}": value for key, value in framewise[name].items()}} for name in plain}


def separated(mixture: Path, preset: str, scratch: Path) -> Mapping[str, Audio]:
    """What the preset's writer `save` makes of a song."""
    graph, library = load(PRESETS / f"{preset}.json"), installed()
    plan, _ = prepare(graph, library, {"song": mixture}, folder=PRESETS)
    outputs = OutputFolder(scratch / "stems", inputs=[mixture]).song("song", plan.bindings.song_digest)
    result = execute(graph, plan, library, store=DiskStore(scratch / "store", STORE_BYTES), outputs=outputs)
    if result.failures:
        raise SystemExit(result.failures[0].message)
    return {output.stem: read(output.path) for output in result.outputs if output.node == "save"}


def read(path: Path) -> Audio:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Audio.of(np.ascontiguousarray(samples.T), rate)


def summary(found: Mapping[str, Mapping[str, Row]]) -> dict[str, Row]:
    """Per stem the median over songs of framewise figures, and the mean of those of whole songs; NaN does not count."""
    stems = dict.fromkeys(stem for song in found.values() for stem in song)
    made: dict[str, Row] = {}
    for stem in stems:
        rows = [song[stem] for song in found.values() if stem in song]
        made[stem] = {key: over(rows, key, median) for key in MEDIANS} | {key: over(rows, key, fmean) for key in MEANS}
    return made


def over(rows: list[Row], key: str, gather: object) -> float:
    values = [row[key] for row in rows if math.isfinite(row[key])]
    assert callable(gather)
    return float(gather(values)) if values else math.nan


if __name__ == "__main__":
    main()
