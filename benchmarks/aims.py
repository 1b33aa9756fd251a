"""What was aimed at, held against songs whose true stems are known: the rows of the first table in docs/quality.md.

    python benchmarks/aims.py FOLDER [--aim voice ...] [--json FILE]

FOLDER holds folders of true stems, as in quality.py; every aim takes the songs that it fits (a voice and the rest,
drums, two stems). Cells are SDR / SI-SDR in dB over the whole song; below them stands what was wanted and whether it
came. `spleeter` and `fitting` need the model spleeter-2stems. Three rows have programs of their own: the loop with the
true score (blending.py), blind scorers (scorers.py), weights chosen on one half of the songs (weights.py).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean

import numpy as np
from quality import PRESETS, REFERENCE, Cell, Song, against_truth, bounds, scores, songs, table

from midistems_graph.document.files import load
from midistems_graph.document.graph import Address, Graph, Node
from midistems_graph.rules.notation import graph, rooms

Ports = Mapping[str, Address]
Graphs = Iterator[tuple[Graph, Ports]]

io, mask, phase, separate, stems = rooms("io", "mask", "phase", "separate", "stems")
BOTH: Mapping[str, object] = {"inputs": {"song": {}, REFERENCE: {}}}
"""The inputs of graphs that read the true stems themselves."""


@dataclass
class Found:
    """Cells by song, method and stem; energies of true stems by song and stem; null depths by song and method."""

    cells: dict[tuple[str, str, str], Cell] = field(default_factory=dict)
    energies: dict[tuple[str, str], float] = field(default_factory=dict)
    nulls: dict[tuple[str, str], float] = field(default_factory=dict)

    def gains(self, before: str, after: str, stem: str = "", figure: str = "si_sdr") -> list[float]:
        """What a method has more than another one, item by item."""
        return [
            getattr(cell, figure) - getattr(self.cells[song, before, name], figure)
            for (song, method, name), cell in self.cells.items()
            if method == after and stem in ("", name)
        ]


@dataclass(frozen=True)
class Aim:
    """What is wanted, of which songs, what graphs are run, and whether it came, with a few words."""

    wanted: str
    fits: Callable[[Song], bool]
    graphs: Callable[[Song], Graphs]
    came: Callable[[Found], tuple[bool, str]]
    adds_up: bool = False


def preset(name: str, **ports: str) -> tuple[Graph, Ports]:
    """A preset and ports of it by method, whose name here is that of the argument."""
    return load(PRESETS / f"{name}.json"), {method: Address.parse(port) for method, port in ports.items()}


def sizes(song: Song) -> dict[str, int]:
    """STFT knobs for the song's rate."""
    return {"n_fft": 2048, "hop": 512} if song.rate > 24000 else {"n_fft": 1024, "hop": 256}


def voice(_: Song) -> Graphs:
    song, repet = io.load(), separate.repet()
    song >> repet
    yield graph({"song": song, "repet": repet}), {"REPET": Address("repet", "out")}
    yield preset("vocal_and_backing", vocal_and_backing="stems.out")


def voice_came(found: Found) -> tuple[bool, str]:
    least = min(found.gains("mixture", "vocal_and_backing"))
    over = {stem: mean(found.gains("REPET", "vocal_and_backing", stem)) for stem in ("vocals", "instrumental")}
    said = " and ".join(f"{gain:+.2f} dB" for gain in over.values())
    return least > 0 and min(over.values()) >= 1, f"at least {least:+.2f} dB over the mixture, {said} over REPET"


def drums(_: Song) -> Graphs:
    song, hits, hpss = io.load(), separate.hpss(), stems.rename(old=["percussive"], new=["drums"])
    song >> hits >> hpss
    yield graph({"song": song, "hits": hits, "hpss": hpss}), {"HPSS": Address("hpss", "out")}
    yield preset("four_stems", four_stems="exact.out")


def drums_came(found: Found) -> tuple[bool, str]:
    least = min(found.gains("HPSS", "four_stems", "drums"))
    return least > 0, f"at least {least:+.2f} dB over HPSS"


def spleeter(_: Song) -> Graphs:
    yield preset("vocals", vocals="exact.out")
    yield preset("vocals_asked_again", vocals_asked_again="exact.out")
    yield preset("vocals_bright", vocals_bright="both.out")


def spleeter_came(found: Found) -> tuple[bool, str]:
    gained = {name: found.gains("vocals", name, "vocals") for name in ("vocals_asked_again", "vocals_bright")}
    said = ", ".join(f"{name} mean {mean(each):+.2f} dB, least {min(each):+.2f} dB" for name, each in gained.items())
    return any(mean(each) >= 0.3 and min(each) >= -0.05 for each in gained.values()), said


def phases(song: Song) -> Graphs:
    """True stems tell the shares of an ideal ratio mask; nothing else of them is used."""
    whole, true = io.load(), io.load_stems(folder=REFERENCE)
    recover, partial = (
        node(iterations=5, magnitudes="shares", **sizes(song)) for node in (phase.recover, phase.partial)
    )
    for node in (recover, partial):
        whole >> node.mixture
        true >> node.stems
    boxes = {"whole": whole, "true": true, "recover": recover, "partial": partial}
    yield graph(boxes, **BOTH), {f"phase.{name}": Address(name, "out") for name in ("recover", "partial")}


def phases_came(found: Found) -> tuple[bool, str]:
    gained: dict[int, list[float]] = {2: [], 4: []}
    for (song, method, stem), cell in found.cells.items():
        if method == "phase.recover":
            many = sum(of == song for of, _ in found.energies)
            gained[many].append(cell.sdr - found.cells[song, "ideal ratio mask", stem].sdr)
    said = [f"{min(more):+.2f} to {max(more):+.2f} dB with {many} stems" for many, more in gained.items() if more]
    return min([1.0, *gained[2]]) >= 0.5 and min([1.0, *gained[4]]) >= 0.3, ", ".join(said)


def magnitudes(song: Song) -> Graphs:
    whole, true = io.load(), io.load_stems(folder=REFERENCE)
    misi = phase.misi(iterations=50, start="mixture", **sizes(song))
    whole >> misi.mixture
    true >> misi.stems
    yield graph({"whole": whole, "true": true, "misi": misi}, **BOTH), {"phase.misi": Address("misi", "out")}


def magnitudes_came(found: Found) -> tuple[bool, str]:
    reached = [cell.sdr for (_, method, _), cell in found.cells.items() if method == "phase.misi"]
    return min(reached) >= 35, f"{min(reached):.1f} to {max(reached):.1f} dB SDR"


SHARES = ("equal", "energy", "bins")


def sums(_: Song) -> Graphs:
    made, ports = preset("two_stage_residual", rough="rough.out")
    for share in SHARES:
        made = made.with_node(share, Node("consistency.mixture", knobs={"share": share}))
        made = made.with_edge("song.out", f"{share}.mixture").with_edge("rough.out", f"{share}.stems")
    yield made, {**ports, **{share: Address(share, "out") for share in SHARES}}


def sums_came(found: Found) -> tuple[bool, str]:
    errors: dict[tuple[str, str], float] = {}
    for (song, method, stem), cell in found.cells.items():
        error = found.energies[song, stem] * 10 ** (-cell.sdr / 10)
        errors[song, method] = errors.get((song, method), 0.0) + error
    change = {
        share: [10 * np.log10(errors[song, share] / errors[song, "rough"]) for song in {song for song, _ in errors}]
        for share in SHARES
    }
    said = ", ".join(f"{share} {min(db):+.2f} to {max(db):+.2f} dB" for share, db in change.items())
    deepest = max(null for (_, method), null in found.nulls.items() if method in SHARES)
    held = bool(deepest <= -120 and max(change["equal"]) <= 0)
    return held, f"null at most {deepest:.0f} dB; all errors together: {said}"


STAGES: Mapping[str, tuple[Mapping[str, str], str]] = {
    "two_stage_residual": ({"rough": "rough.out"}, "give_hits.out"),
    "ensemble": ({"short": "short.out", "long": "long.out", "similar": "similar.out"}, "median.out"),
    "mop_then_pop": ({"magnitudes": "stems.out"}, "phases.out"),
    "partial_phase": ({"magnitudes": "both.out"}, "phases.out"),
    "misi_refine": ({"rough": "rough.out"}, "misi.out"),
    "wiener_voice": ({"REPET": "repetition.out"}, "two.out"),
    "refine_loop": ({"REPET": "repetition.out"}, "exact.out"),
    "polished_voice": ({"both": "both.out"}, "out.out"),
    "second_opinion": ({"REPET": "first.out", "average": "second.out"}, "stages.out"),
    "fitted_mixer": ({"REPET": "repetition.out"}, "both.out"),
}
"""By preset: the sets that its first stage makes, and the port of what it gives."""


def stages(_: Song) -> Graphs:
    for name, (first, last) in STAGES.items():
        made, ports = preset(name, **first)
        yield made, {**{f"{name}: {port}": at for port, at in ports.items()}, name: Address.parse(last)}


def stages_came(found: Found) -> tuple[bool, str]:
    """The best of the first stages is what has to be surpassed, on the mean of the vocals."""
    said = {}
    for name, (first, _) in STAGES.items():
        gained = [found.gains(f"{name}: {port}", name, "vocals") for port in first]
        said[name] = min((mean(each), min(each)) for each in gained)
    shown = ", ".join(f"{name} {more:+.2f} (least {least:+.2f})" for name, (more, least) in said.items())
    return all(more >= 0 for more, _ in said.values()), f"vocals, mean: {shown}"


def fitting(_: Song) -> Graphs:
    """Masks fitted to levels of the true voice, and to a voice that is a mask of the song."""
    whole, true, network = io.load(), io.load_stems(folder=REFERENCE), separate.network(model="spleeter-2stems")
    boxes, methods = {"whole": whole, "true": true, "network": network}, {"Spleeter": Address("network", "out")}
    whole >> network
    for source in ("true", "network"):
        for goal in ("mel", "si_sar", "psychoacoustic"):
            voice, fit = stems.pick(name="vocals"), mask.fit(objective=goal)
            both = stems.gather(names=["vocals", "instrumental"], complete=True)
            boxes[source] >> voice.stems
            voice.stem >> fit.references[0]
            whole >> fit.mixture
            fit.stem >> both.parts[0]
            fit.rest >> both.parts[1]
            name = f"{source}_{goal}"
            boxes |= {f"voice_{name}": voice, f"fit_{name}": fit, name: both}
            methods[f"{source} voice, {goal}"] = Address(name, "out")
    yield graph(boxes, **BOTH), methods


def fitting_came(found: Found) -> tuple[bool, str]:
    gained = {
        goal: mean(found.gains("Spleeter", f"network voice, {goal}", "vocals"))
        for goal in ("mel", "si_sar", "psychoacoustic")
    }
    said = ", ".join(f"{goal} {gain:+.2f} dB" for goal, gain in gained.items())
    return max(gained.values()) > 0, f"vocals behind Spleeter: {said}"


def with_two(song: Song) -> bool:
    return len(song.stems) == 2


def with_voice(song: Song) -> bool:
    return "vocals" in song.stems


def with_band(song: Song) -> bool:
    return song.stems.keys() == {"vocals", "instrumental"}


def with_drums(song: Song) -> bool:
    return "drums" in song.stems


AIMS: Mapping[str, Aim] = {
    "voice": Aim("without networks above the mixture on every item, 1 dB above REPET", with_band, voice, voice_came),
    "drums": Aim("four_stems above HPSS alone, drums", with_drums, drums, drums_came),
    "spleeter": Aim("+0.3 dB over Spleeter, no song below by more than 0.05", with_voice, spleeter, spleeter_came),
    "phases": Aim("+0.5 dB SDR with two stems, +0.3 with four", lambda _: True, phases, phases_came),
    "magnitudes": Aim("35 dB SDR from true magnitudes in 50 rounds", with_two, magnitudes, magnitudes_came),
    "sums": Aim("null below -120 dB, errors no larger", with_drums, sums, sums_came, adds_up=True),
    "stages": Aim("gain over the best first stage", with_voice, stages, stages_came),
    "fitting": Aim("gain of a fitted mask over its reference", with_band, fitting, fitting_came),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--aim", action="append", choices=AIMS)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    made: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in chosen.aim or AIMS:
            found = measured(AIMS[name], chosen.folder, Path(scratch))
            if not found.cells:
                print(f"{name}: no song fits\n")
                continue
            held, said = AIMS[name].came(found)
            print(f"{name}: {AIMS[name].wanted}: {'yes' if held else 'no'} ({said})\n", flush=True)
            made[name] = {"held": held, "said": said, "cells": [asdict(cell) for cell in found.cells.values()]}
            if chosen.json:
                chosen.json.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


def measured(aim: Aim, folder: Path, scratch: Path) -> Found:
    """What came of an aim on the songs of a folder; prints a table for each."""
    found, store = Found(), scratch / "store"
    for song in filter(aim.fits, songs(folder, scratch)):
        cells = list(bounds(song))
        for each, ports in aim.graphs(song):
            cells += against_truth(song, each, ports, store)
            if aim.adds_up:
                found.nulls |= {(song.name, method): null for method, null in nulls(song, each, ports, store).items()}
        found.cells |= {(song.name, cell.method, cell.stem): cell for cell in cells}
        found.energies |= {(song.name, name): float(np.vdot(stem, stem)) for name, stem in song.stems.items()}
        print(table(song, cells), end="\n\n", flush=True)
    return found


def nulls(song: Song, each: Graph, ports: Ports, store: Path) -> dict[str, float]:
    """How well the sets at some ports add up to the song, in dB."""
    names = {f"adds_up_{number}": method for number, method in enumerate(ports)}
    for name, method in names.items():
        each = each.with_node(name, Node("measure.null_depth"))
        each = each.with_edge("song.out", f"{name}.mixture").with_edge(ports[method], f"{name}.stems")
    return {names[score.node]: score.value for score in scores(song, each, list(names), store)}


if __name__ == "__main__":
    main()
