"""All figures about a set of stems in one table."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from midistems_graph.audio.stem_names import find
from midistems_graph.node import Audio, Run, Scores, Span, Stems, Stream, node
from midistems_nodes.measure.bleedless import bleedless
from midistems_nodes.measure.distortion import compare
from midistems_nodes.measure.libraries import bss_eval, log_wmse
from midistems_nodes.measure.loudness import loudness
from midistems_nodes.measure.masking import masking
from midistems_nodes.measure.null_depth import null_depth
from midistems_nodes.measure.projections import projections
from midistems_nodes.measure.silence import silence
from midistems_nodes.measure.speech import pesq, stoi
from midistems_nodes.ports import Estimates, Mixture, TrueStems
from midistems_nodes.signals import total

Row = dict[str, float]
_OPTIONAL = {"museval": "BSS eval", "log_wmse_audio_quality": "log-WMSE", "pystoi": "STOI"}
_SPOKEN = ("vocals", "speech")
_UNITS = {
    **dict.fromkeys(("si_sdr", "sdr", "level", "si_sir", "si_sar", "below_music", "nmr", "null_depth"), "dB"),
    **dict.fromkeys(("bss_sdr", "bss_isr", "bss_sir", "bss_sar"), "dB"),
    "in_silence": "dBFS",
    "lufs": "LUFS",
    "true_peak": "dBTP",
}


@node(
    "measure.everything",
    title="All measures",
    tags=("score", "quality", "table", "report", "reference"),
    holds=True,
    libraries=("numpy", "scipy", "soxr", "museval", "log_wmse_audio_quality", "pystoi", "pesq"),
)
def everything(
    mixture: Stream[Mixture],
    estimates: Stream[Estimates],
    references: Stream[TrueStems],
    *,
    run: Run,
) -> Scores:
    """Every figure that is known about stems whose true ones are known, in one table.

    Returns
    -------
    Scores
        A row per reference with the figures of the other nodes of this room (BSS eval's begin with `bss_`; STOI, and
        PESQ where its package is installed, for vocals and speech alone), and the row `all` with the null depth, where
        the set is complete.

    Notes
    -----
    Good for a report; takes as long as all its parts, most of it for BSS eval. Figures of packages that are not
    installed (`pip install "midistems-graph[metrics]"`) are left out, and a warning names them.

    References
    ----------
    As the nodes Compare stems, SI-SIR and SI-SAR, BSS eval v4, log-WMSE, Bleedless and fullness, Noise to mask ratio,
    Level in silence, Intelligibility, Loudness and Null depth.
    """
    missing = [title for module, title in _OPTIONAL.items() if importlib.util.find_spec(module) is None]
    if missing:
        run.warn(f'{", ".join(missing)} left out: pip install "midistems-graph[metrics]" brings the packages')
    first = next(iter(estimates))
    true_names = list(next(iter(references)))
    found = {name: tuple(chosen) for name in true_names if (chosen := find(name, first))}
    quiet = cast(Run, _Part(run))
    rows: dict[str, Row] = {name: {} for name in found}
    for scores in (
        compare(estimates, references, run=run),
        projections(estimates, references, run=quiet),
        silence(estimates, references, run=quiet),
    ):
        _add(rows, scores.rows)
    if "BSS eval" not in missing and len(found) == len(true_names):
        figures = bss_eval(estimates, references, run=quiet).rows
        _add(rows, {name: {f"bss_{key}": value for key, value in row.items()} for name, row in figures.items()})
    for name, picked in found.items():
        guess, true = _Picked(estimates, picked), _Picked(references, (name,))
        row = rows[name]
        bleed, masked = bleedless(guess, true, run=quiet), masking(guess, true, run=quiet)
        levels = loudness(guess, run=quiet)
        row |= {"bleedless": bleed.bleedless.value, "fullness": bleed.fullness.value}
        row |= {"nmr": masked.nmr.value, "audible": masked.audible.value}
        row |= {"lufs": levels.loudness.value, "true_peak": levels.true_peak.value}
        if "log-WMSE" not in missing:
            row["log_wmse"] = log_wmse(mixture, guess, true, run=quiet).value
        if "STOI" not in missing and name in _SPOKEN:
            row["stoi"] = stoi(guess, true, run=quiet).value
        if name in _SPOKEN and importlib.util.find_spec("pesq"):
            row["pesq"] = pesq(guess, true, run=quiet).value
    if first.complete:
        rows["all"] = {"null_depth": null_depth(mixture, estimates, run=quiet).value}
    return Scores(rows, _UNITS)


def _add(rows: dict[str, Row], more: Mapping[str, Mapping[str, float]]) -> None:
    for name, row in more.items():
        rows.setdefault(name, {}).update(row)


@dataclass(frozen=True)
class _Picked:
    """One stem of a stream of sets; several names are added up."""

    sets: Stream[Stems]
    names: tuple[str, ...]

    @property
    def span(self) -> Span:
        return self.sets.span

    def __iter__(self) -> Iterator[Audio]:
        for tile in self.sets:
            first = tile[self.names[0]]
            yield first.with_samples(total([tile[name] for name in self.names])) if len(self.names) > 1 else first


class _Part:
    """What one of many measures needs of a run: its progress is not the whole's, and its warnings were said."""

    def __init__(self, run: Run) -> None:
        self._run, self.threads = run, run.threads

    def progress(self, done: float) -> None:
        self._run.check()

    def check(self) -> None:
        self._run.check()

    def warn(self, message: str) -> None:
        pass
