"""What single nodes do to stems, on songs whose true stems are known: the tables of docs/quality.md besides its aims.

    python benchmarks/studies.py FOLDER [--study channels ...] [--json FILE]

FOLDER holds folders of true stems, as in quality.py; every study takes the songs that it fits. A line per method, with
one figure per song and the mean, in dB over the whole song. `needed` and `treble` need the model spleeter-2stems.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np
import scipy
import soundfile
from aims import BOTH, Graphs, Ports, preset, sizes, with_band, with_drums
from quality import PRESETS, REFERENCE, Song, figures, songs

from midistems_graph.audio.values import Float32
from midistems_graph.document.files import load
from midistems_graph.document.graph import Address, Node
from midistems_graph.rules.notation import Box, graph, rooms

artefact, blend, control, filters, io, mask, repair, score, separate, spatial, stems, transform = rooms(
    "artefact",
    "blend",
    "control",
    "filter",
    "io",
    "mask",
    "repair",
    "score",
    "separate",
    "spatial",
    "stems",
    "transform",
)
NAMES = ("vocals", "instrumental")
ROOM_SECONDS, ECHO_SECONDS = 0.8, 0.375


@dataclass(frozen=True)
class Study:
    """Which songs, made into which others (rooms added, halves), what graphs are run, and what is measured."""

    fits: Callable[[Song], bool]
    graphs: Callable[[Song], Graphs]
    shown: tuple[str, ...] = ("si_sdr",)
    measure: str = "measure.compare"
    made: Callable[[Song, Path], Iterator[Song]] = lambda song, _: iter([song])


def channels(song: Song) -> Graphs:
    """Filters across channels behind ideal ratio masks."""
    whole, true, bins = io.load(), io.load_stems(folder=REFERENCE), transform.stft(**sizes(song))
    masked = stems.gather(names=list(song.stems), complete=True)
    boxes: dict[str, Box] = {"whole": whole, "true": true, "bins": bins, "masked": masked}
    whole >> bins
    for place, name in enumerate(song.stems):
        one, own = stems.pick(name=name), transform.stft(**sizes(song))
        size, share = transform.magnitude(), mask.soft(power=1.0)
        through, sound = mask.apply(), transform.istft()
        true >> one.stems
        one.stem >> own >> size >> share.target
        bins >> through.spectrogram
        share >> through.mask
        through >> sound >> masked.parts[place]
        parts = {"one": one, "own": own, "size": size, "share": share, "through": through, "sound": sound}
        boxes |= {f"{part}_{place}": box for part, box in parts.items()}
    for place in range(len(song.stems)):
        others = (other for other in range(len(song.stems)) if other != place)
        for at, other in enumerate(others):
            boxes[f"size_{other}"] >> boxes[f"share_{place}"].others[at]
    methods = {"masked": "ideal ratio mask", "wiener": "spatial.wiener", "twice": "two rounds", "beam": "spatial.mvdr"}
    boxes |= {"wiener": spatial.wiener(iterations=1), "twice": spatial.wiener(iterations=2), "beam": spatial.mvdr()}
    for name in ("wiener", "twice", "beam"):
        whole >> boxes[name].mixture
        masked >> boxes[name].stems
    yield graph(boxes, **BOTH), {method: Address(name, "out") for name, method in methods.items()}


TREATMENTS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "observe, -20 dB": ("artefact.observe", {"amount": -20.0}),
    "observe, -12 dB": ("artefact.observe", {"amount": -12.0}),
    "musical_noise": ("artefact.musical_noise", {"frames": 5}),
    "transfer": ("phase.transfer", {}),
    "gate": ("artefact.gate", {}),
}


def treatments(_: Song) -> Graphs:
    """Treatments of the vocals of vocal_and_backing."""
    made, ports = preset("vocal_and_backing", as_they_are="stems.out")
    methods = dict(ports)
    made = made.with_node("bleed", Node("artefact.bleed")).with_edge("stems.out", "bleed.stems")
    methods["bleed"] = Address("bleed", "out")
    for place, (method, (node_type, knobs)) in enumerate(TREATMENTS.items()):
        treated, both = f"treated_{place}", f"both_{place}"
        made = made.with_node(treated, Node(node_type, knobs=dict(knobs)))
        made = made.with_node(both, Node("stems.gather", knobs={"names": ("vocals",)}))
        made = made.with_edge("vocals.out", f"{treated}.audio").with_edge(f"{treated}.out", f"{both}.parts[0]")
        if node_type != "artefact.gate":
            made = made.with_edge("song.out", f"{treated}.{'donor' if method == 'transfer' else 'mixture'}")
        methods[method] = Address(both, "out")
    yield made, methods


def attacks(_: Song) -> Graphs:
    """The drums of four_stems, with the attacks of HPSS or of the song itself."""
    made, ports = preset("four_stems", four_stems="exact.out")
    methods = dict(ports)
    made = made.with_node("plain", Node("separate.hpss")).with_edge("song.out", "plain.mixture")
    for name, (source, stem) in {"smooth": ("exact", "drums"), "hpss": ("plain", "percussive")}.items():
        made = made.with_node(name, Node("stems.pick", knobs={"name": stem})).with_edge(
            f"{source}.out", f"{name}.stems"
        )
    for method, sharp in {"attacks of HPSS": "hpss.stem", "attacks of the song": "song.out"}.items():
        node, both = f"at_{sharp.partition('.')[0]}", f"set_{sharp.partition('.')[0]}"
        made = made.with_node(node, Node("artefact.transients")).with_edge("smooth.stem", f"{node}.smooth")
        made = made.with_edge(sharp, f"{node}.sharp").with_edge("song.out", f"{node}.mixture")
        made = made.with_node(both, Node("stems.gather", knobs={"names": ("drums",)}))
        made = made.with_edge(f"{node}.out", f"{both}.parts[0]")
        methods[method] = Address(both, "out")
    yield made, methods


def treble(_: Song) -> Graphs:
    """Spleeter's vocals, without what lies above 11 kHz, and with that made anew."""
    whole, network, voice = io.load(), separate.network(model="spleeter-2stems"), stems.pick(name="vocals")
    cut, anew = filters.filter(kind="lowpass", cutoff=11000.0), artefact.high_band(cutoff=11000.0)
    whole >> network >> voice
    voice.stem >> cut >> anew.audio
    whole >> anew.mixture
    boxes: dict[str, Box] = {"whole": whole, "network": network, "voice": voice, "cut": cut, "anew": anew}
    for name in ("cut", "anew"):
        boxes[f"{name}_set"] = stems.gather(names=["vocals"])
        boxes[name] >> boxes[f"{name}_set"].parts[0]
    methods = {"network": "Spleeter", "cut_set": "cut at 11 kHz", "anew_set": "made anew"}
    yield graph(boxes), {method: Address(name, "out") for name, method in methods.items()}


def augmented(_: Song) -> Graphs:
    """REPET asked several times."""
    whole, repet = io.load(), separate.repet()
    moved = separate.augmented(polarity=False, shifts=2)
    sped = separate.augmented(swap=False, polarity=False, speeds=[95.0, 105.0])
    whole >> repet
    for box in (moved, sped):
        repet.separator >> box.separator
        whole >> box.mixture
    boxes = {"whole": whole, "repet": repet, "moved": moved, "sped": sped}
    methods = {"repet": "REPET", "moved": "exchanged, moved twice", "sped": "at 95 and 105 %"}
    yield graph(boxes), {method: Address(name, "out") for name, method in methods.items()}


def needed(_: Song) -> Graphs:
    """Spleeter for the half of the song that a scorer chooses, REPET for the rest."""
    whole, repet, network = io.load(), separate.repet(), separate.network(model="spleeter-2stems")
    quick = stems.rename(old=["accompaniment"], new=["instrumental"])
    boxes: dict[str, Box] = {"whole": whole, "repet": repet, "quick": quick, "network": network}
    methods = {"REPET": Address("quick", "out"), "Spleeter": Address("network", "out")}
    whole >> repet >> quick
    whole >> network
    for scorer in ("correlation", "overlap", "artefacts"):
        judge = getattr(score, scorer)()
        turned = score.weighted(weights=[-1.0])
        judge.scorer >> turned.scorers[0]
        boxes |= {scorer: judge, f"turned_{scorer}": turned}
        for way, box in {"low": judge, "high": turned}.items():
            asked = control.where_needed(chunk=2.0, worst=0.5, margin=2.0)
            network.separator >> asked.separator
            box.scorer >> asked.scorer
            whole >> asked.mixture
            quick >> asked.stems
            boxes[f"{scorer}_{way}"] = asked
            methods[f"where {scorer} is {way}"] = Address(f"{scorer}_{way}", "stems")
    yield graph(boxes), methods


def dried(_: Song) -> Graphs:
    """A voice without its room, its echo."""
    whole = io.load()
    boxes: dict[str, Box] = {"whole": whole}
    for name, box in {"wet": None, "dereverb": repair.dereverb(), "deecho": repair.deecho()}.items():
        out = boxes[f"{name}_set"] = stems.gather(names=["vocals"])
        if box is None:
            whole >> out.parts[0]
        else:
            boxes[name] = box
            whole >> box >> out.parts[0]
    yield graph(boxes), {name: Address(f"{name}_set", "out") for name in ("wet", "dereverb", "deecho")}


def wet(song: Song, folder: Path) -> Iterator[Song]:
    """The voice in a room of noise that falls by 60 dB, as strong as the voice itself, and with an echo."""
    dry = song.stems["vocals"]
    rng = np.random.default_rng(0)
    length = round(ROOM_SECONDS * song.rate)
    falling = rng.standard_normal((len(dry), length)) * 10 ** (-3 * np.arange(length) / length)
    hall = np.stack(
        [scipy.signal.fftconvolve(one, tail)[: dry.shape[1]] for one, tail in zip(dry, falling, strict=True)]
    )
    yield _voice(song, "room", hall * (np.linalg.norm(dry) / np.linalg.norm(hall)), folder)
    delay = round(ECHO_SECONDS * song.rate)
    repeats = scipy.signal.lfilter([1], np.r_[1, np.zeros(delay - 1), -0.5], dry, axis=1) - dry
    yield _voice(song, "echo", repeats, folder)


def _voice(song: Song, what: str, added: Float32, folder: Path) -> Song:
    place = folder / f"{song.name}, {what}"
    parts = {"vocals": song.stems["vocals"], "noise": np.asarray(added, np.float32)}
    return _written(place, parts, song.rate)


def _written(place: Path, parts: Mapping[str, Float32], rate: int) -> Song:
    """A song of given stems, as files."""
    place.mkdir(parents=True, exist_ok=True)
    for name, samples in parts.items():
        soundfile.write(place / f"{name}.wav", samples.T, rate, subtype="FLOAT")
    mixture = place / "mixture.wav"
    soundfile.write(mixture, sum(parts.values(), start=np.float32(0)).T, rate, subtype="FLOAT")
    return Song(place.name, place, mixture, rate, dict(parts))


def cleaned(_: Song) -> Graphs:
    """A voice with steady noise, before and behind clean_voice, and behind its gate alone."""
    made, _ = preset("clean_voice")
    made = made.with_node("more", replace(made.nodes["clean"], knobs={**made.nodes["clean"].knobs, "amount": 1.5}))
    made = made.with_edge("song.out", "more.audio").with_edge("pauses.out", "more.artefact")
    methods = {}
    for method, port in {"as it is": "song", "gate": "gate", "amount 1": "clean", "amount 1.5": "more"}.items():
        made = made.with_node(f"{port}_set", Node("stems.gather", knobs={"names": ("vocals",)}))
        made = made.with_edge(f"{port}.out", f"{port}_set.parts[0]")
        methods[method] = Address(f"{port}_set", "out")
    yield made, methods


def noisy(song: Song, folder: Path) -> Iterator[Song]:
    """The voice with hiss as of tape and with a hum of 50 Hz and its harmonics, 10 and 20 dB below it."""
    voice = song.stems["vocals"]
    noise = np.random.default_rng(0).standard_normal(voice.shape)
    steps = np.fft.rfftfreq(voice.shape[1], 1 / song.rate)
    hiss = np.fft.irfft(np.fft.rfft(noise) / np.sqrt(np.maximum(steps, 20)), voice.shape[1])
    time = np.arange(voice.shape[1]) / song.rate
    hum = sum(np.sin(2 * np.pi * 50 * k * time + k) / k for k in range(1, 20)) + 0.05 * noise
    for what, added in {"hiss": hiss, "hum": hum}.items():
        for below in (10, 20):
            level = np.linalg.norm(voice) / np.linalg.norm(added) * 10 ** (-below / 20)
            yield _voice(song, f"{what} {below}", added * level, folder)


OLD = ("drums", "bass", "other")


def learned(_: Song) -> Graphs:
    """Old sources before and after a voice is learned too, with and without the choice of those that a song needs."""
    made = load(PRESETS / "learned_sources.json")
    ports: Ports = {"after": Address("parted", "out")}
    for name, source in {"before": "learn_other", "after, unchosen": "learn_vocals"}.items():
        parted = f"parted_{len(made.nodes)}"
        made = made.with_node(parted, Node("separate.dictionary"))
        made = made.with_edge("song.out", f"{parted}.mixture").with_edge(f"{source}.out", f"{parted}.sources")
        ports = {**ports, name: Address(parted, "out")}
    yield made, ports


def halves(song: Song, folder: Path) -> Iterator[Song]:
    """The first half without its voice; clips of all sources are of the second half."""
    middle = next(iter(song.stems.values())).shape[1] // 2
    clips = folder / "clips" / song.name
    clips.mkdir(parents=True, exist_ok=True)
    for name, samples in song.stems.items():
        soundfile.write(clips / f"{name}.wav", samples[:, middle:].T, song.rate, subtype="FLOAT")
    first = _written(folder / song.name, {name: song.stems[name][:, :middle] for name in OLD}, song.rate)
    yield replace(first, beside={name: clips / f"{name}.wav" for name in song.stems})


def with_sides(song: Song) -> bool:
    return len(next(iter(song.stems.values()))) == 2


def with_bright_voice(song: Song) -> bool:
    return "vocals" in song.stems and song.rate >= 44100


STUDIES: Mapping[str, Study] = {
    "channels": Study(with_sides, channels),
    "treatments": Study(with_band, treatments, ("si_sdr", "si_sir", "si_sar"), "measure.projections"),
    "attacks": Study(with_drums, attacks),
    "treble": Study(with_bright_voice, treble),
    "augmented": Study(with_band, augmented),
    "needed": Study(with_band, needed),
    "dried": Study(with_band, dried, ("si_sir", "si_sdr"), "measure.projections", wet),
    "cleaned": Study(with_band, cleaned, made=noisy),
    "learned": Study(with_drums, learned, made=halves),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--study", action="append", choices=STUDIES)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in chosen.study or STUDIES:
            rows = measured(STUDIES[name], chosen.folder, Path(scratch))
            print(table(name, rows), end="\n\n", flush=True)
            found[name] = {", ".join(key): row for key, row in rows.items()}
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


Rows = dict[tuple[str, str, str], dict[str, float]]
"""Figures of the songs, by stem, figure and method."""


def measured(study: Study, folder: Path, scratch: Path) -> Rows:
    rows: Rows = {}
    for whole in filter(study.fits, songs(folder, scratch)):
        for song in study.made(whole, scratch / "made"):
            for each, ports in study.graphs(song):
                said = figures(song, each, ports, scratch / "store", study.measure)
                for (method, stem), figure in said.items():
                    for name in study.shown:
                        rows.setdefault((stem, name, method), {})[song.name] = figure[name]
    return rows


def table(title: str, rows: Rows) -> str:
    """A line per stem, figure and method; a column per song."""
    names = list(dict.fromkeys(song for row in rows.values() for song in row))
    lines = [f"{title:56}" + "".join(f"{name[-12:]:>14}" for name in names) + f"{'mean':>10}"]
    for key, row in sorted(rows.items(), key=lambda item: item[0][:2]):
        cells = "".join(f"{row[name]:14.2f}" if name in row else f"{'-':>14}" for name in names)
        lines.append(f"{', '.join(key):56}{cells}{mean(row.values()):10.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
