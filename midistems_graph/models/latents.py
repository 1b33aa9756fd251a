"""Chains of networks: segments of a song become latents, latents become others, and those become sound again.

Latents travel as `Features`: arrays [segments, ...], and notes that say where the segments lie. Of a song with more
channels than the networks take, the segments of each group of channels follow one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import blake3
import numpy as np

from midistems_graph.audio.resample import resampled_span
from midistems_graph.audio.values import Audio, Features, Float32, Span, Stems, join
from midistems_graph.models import channels, source
from midistems_graph.models.contracts.base import Segments
from midistems_graph.models.contracts.generative import Generative
from midistems_graph.models.contracts.latents import Latents
from midistems_graph.models.grid import Grid, trapezoid
from midistems_graph.models.runner import Runner
from midistems_graph.models.sessions import NetworkError
from midistems_graph.models.source import Source
from midistems_graph.node.contract import Run, Stream

_AROUND = 0.2
"""Seconds around a segment that a change of rate may look at, with room to spare."""


@dataclass(frozen=True)
class Places:
    """Where segments lie: of `length` samples, one every `step`, the first `lead` before the song, which has `total`
    samples at `rate` and so many `channels`."""

    length: int
    step: int
    lead: int
    total: int
    rate: int
    channels: int

    @classmethod
    def of(cls, features: Features) -> Places:
        """Those that features tell. Raises NetworkError for features that are no latents."""
        try:
            return cls(**{name: int(features.notes[name]) for name in cls.__dataclass_fields__})
        except KeyError:
            raise NetworkError(
                "the features that arrive are no latents of a song; connect those of network.encode or "
                "network.transform"
            ) from None

    @property
    def grid(self) -> Grid:
        return Grid(trapezoid(self.length), self.step, lead=self.lead, edges="reflect")

    @property
    def count(self) -> int:
        """Segments of the song."""
        return len(self.grid.numbers(0, self.total, self.total))

    def starts(self, rows: Sequence[int]) -> tuple[int, ...]:
        """Where the segments in these rows of an array begin."""
        return tuple(row % self.count * self.step - self.lead for row in rows)


def encoded(runner: Runner, song: Stream[Audio], *, mean: bool, run: Run) -> Features:
    """What an encoder makes of a song: arrays [segments, ...] by the names in its manifest; with `mean` one [...] of
    each, the mean over the segments that are not silent. Raises NetworkError and Cancelled."""
    _part_of_a_chain(runner)
    span = resampled_span(song.span, runner.model.manifest.rate)
    grid = runner.contract.grid(runner.length, runner.settings.overlap, span.total)
    groups: list[list[list[Float32]]] = []
    places = None
    for number, count, part in _pieces(song, grid, runner.model.manifest.rate):
        takes = runner.model.manifest.channels
        if places is None:
            places = Places(grid.length, grid.step, grid.lead, span.total, span.rate, part.channels)
            groups = [[] for _ in channels.groups("", part.channels, takes)]
        start = grid.place(number, span.total).read
        for group, made in zip(channels.groups("", part.channels, takes), groups, strict=True):
            feed = Source(Audio(part.samples[list(group)], part.span), span.rate)
            sound = channels.spread(feed.read(start, grid.length, grid.edges), takes)[None]
            if not mean or sound.any():
                made.append([each[0] for each in _outputs(runner, [sound], (start,), run)])
        run.progress((number + 1) / count)
    if places is None or not any(groups):
        raise NetworkError("there is no sound to encode; it is empty or silent")
    columns = zip(*(segment for group in groups for segment in group), strict=True)
    arrays = {name: np.stack(column) for name, column in zip(runner.model.manifest.stems, columns, strict=True)}
    if mean:
        return Features({name: array.mean(axis=0) for name, array in arrays.items()})
    return Features(arrays, {name: float(value) for name, value in asdict(places).items()})


def _pieces(song: Stream[Audio], grid: Grid, rate: int) -> Iterator[tuple[int, int, Audio]]:
    """Every segment's number, how many there are, and a piece of the song that holds all that it reads."""
    total = resampled_span(song.span, rate).total
    numbers = grid.numbers(0, total, total)
    held: Audio | None = None
    number = 0
    for tile in song:
        held = tile if held is None else _joined(held, tile)
        while number < len(numbers):
            read = grid.place(number, total).read
            if not held.span.at_end and held.span.stop < ((read + grid.length) / rate + _AROUND) * held.rate:
                break
            yield number, len(numbers), held
            number += 1
        earliest = (grid.place(number, total).read - grid.length) / rate - _AROUND  # mirrored ends look back so far
        first = min(max(held.span.start, int(earliest * held.rate)), held.span.stop)
        held = held.crop(Span(first, held.span.stop, held.span.total, held.rate))


def _joined(left: Audio, right: Audio) -> Audio:
    both = join([left, right])
    assert isinstance(both, Audio)
    return both


def transformed(runner: Runner, latents: Features, *, run: Run) -> Features:
    """What a network, or a sampler around one, makes of latents: arrays by the names in its manifest."""
    places = Places.of(latents)
    contract, manifest = runner.contract, runner.model.manifest
    samples = isinstance(contract, Generative) and not contract.n_fft
    if not samples:
        _part_of_a_chain(runner)
    given = _wanted(runner, latents)
    made: list[list[Float32]] = []
    batch = runner.settings.batch
    rows = range(len(given[0]))
    for first in range(0, len(rows), batch):
        some = rows[first : first + batch]
        starts, arrays = places.starts(some), [array[first : first + batch] for array in given]
        if samples:
            made.append(_drawn(runner, arrays[0], places, starts, run))
        else:
            made.append(_outputs(runner, arrays, starts, run))
        run.progress((first + len(some)) / len(rows))
    columns = (np.concatenate(column) for column in zip(*made, strict=True))
    return Features(dict(zip(manifest.stems, columns, strict=True)), latents.notes)


def _drawn(runner: Runner, latents: Float32, places: Places, starts: tuple[int, ...], run: Run) -> list[Float32]:
    """Stems of latents [segments, ...], drawn by a generative network: one array each.

    Noise lies where the segments do, if time is the last axis of latents.
    """
    stems = len(runner.model.manifest.stems)
    frames = latents.shape[-1]
    at = tuple(start * frames // places.length for start in starts)
    segments = Segments(latents, at, stems, run.cores, runner.settings.seed)
    drawn = runner.contract.estimate(segments, runner.networks(run, starts))
    _check(runner, [drawn], starts)
    return [drawn[:, stem] for stem in range(stems)]


def decoded(runner: Runner, latents: Features, names: Sequence[str], *, run: Run) -> Stems:
    """The sound of latents over what the run keeps.

    With names each of those arrays goes through by itself and is a stem of its name; without, the stems are the
    model's. Raises NetworkError and Cancelled.
    """
    _part_of_a_chain(runner)
    places, takes = Places.of(latents), runner.model.manifest.channels
    wanted = run.kept
    at = source.wider(wanted, places.rate)
    if at.total != places.total or places.rate != runner.model.manifest.rate:
        raise NetworkError(
            f"the latents are those of {places.total / places.rate:.2f} s at {places.rate} Hz, and the model "
            f"{runner.model.name!r} is to give {at.total / at.rate:.2f} s at {runner.model.manifest.rate} Hz"
        )
    groups = channels.groups("", places.channels, takes)
    sets = [[_array(latents, name)] for name in names] if names else [_wanted(runner, latents)]
    stems = tuple(names) or runner.model.manifest.stems
    out = np.zeros((len(stems), places.channels, wanted.frames), np.float32)
    numbers = places.grid.numbers(at.start, at.stop, places.total)
    for i, group in enumerate(groups):
        sums = np.zeros(at.frames, np.float32)
        added = np.zeros((len(stems), takes, at.frames), np.float32)
        for j, number in enumerate(numbers):
            place = places.grid.place(number, places.total)
            low, high = max(place.start, at.start), min(place.stop, at.stop)
            if low >= high:
                continue
            row = i * places.count + number
            made = np.concatenate([_sound(runner, arrays, row, places, run) for arrays in sets])
            if len(made) != len(stems):
                raise NetworkError(
                    f"the model {runner.model.name!r} gives {len(made)} stems where {len(stems)} are named "
                    f"({', '.join(stems)})"
                )
            weights = places.grid.weights[low - place.start : high - place.start]
            here = slice(low - at.start, high - at.start)
            added[..., here] += made[..., low - place.read : high - place.read] * weights
            sums[here] += weights
            run.progress((i + (j + 1) / len(numbers)) / len(groups))
        np.divide(added, sums, out=added, where=sums > 0)
        part = channels.gathered(added, len(group))
        flat = part.reshape(-1, at.frames)
        out[:, list(group)] = source.back(flat, at, wanted).reshape(len(stems), -1, wanted.frames)
    audio = {name: Audio(samples, wanted) for name, samples in zip(stems, out, strict=True)}
    return Stems(audio, complete=runner.model.manifest.complete and not names)


def _sound(runner: Runner, arrays: Sequence[Float32], row: int, places: Places, run: Run) -> Float32:
    """What a decoder makes of one segment, float32 [stems, channels, samples]; kept for the neighbouring tile."""
    given = [array[row : row + 1] for array in arrays]
    hasher = blake3.blake3(repr((runner.digest, runner.settings.provider, [a.shape for a in given])).encode())
    for array in given:
        hasher.update(np.ascontiguousarray(array).tobytes())
    shape = (-1, runner.model.manifest.channels, places.length)

    def run_now() -> Float32:
        outputs = _outputs(runner, given, places.starts([row]), run)
        for each in outputs:
            if each.shape[-1] != places.length or each.size % (shape[1] * shape[2]):
                raise NetworkError(
                    f"the model {runner.model.name!r} gives {list(each.shape)} for a segment of {shape[1]} channels "
                    f"and {places.length} samples; it does not fit the encoder"
                )
        return np.concatenate([each.reshape(shape) for each in outputs])

    return runner.recent.made(hasher.hexdigest(), run_now, run.check)


def _outputs(runner: Runner, arrays: Sequence[Float32], starts: tuple[int, ...], run: Run) -> list[Float32]:
    """All outputs of all files, in order, for a batch."""
    made = [output for network in runner.networks(run, starts) for output in network(*arrays)]
    _check(runner, made, starts)
    return made


def _check(runner: Runner, made: Sequence[Float32], starts: tuple[int, ...]) -> None:
    """Raise NetworkError for what is no number."""
    if not all(np.isfinite(array.sum()) for array in made):
        raise NetworkError(
            f"the model {runner.model.name!r} gave figures that are not numbers (NaN or infinite) in the segments from "
            f"{max(0, starts[0]) / runner.model.manifest.rate:.2f} s; get the model again, or use another one"
        )


def _wanted(runner: Runner, latents: Features) -> list[Float32]:
    """The arrays that a network takes, in its order."""
    contract = runner.contract
    names = contract.inputs if isinstance(contract, Latents) else ()
    if not names and len(latents.arrays) != 1:
        raise NetworkError(
            f"the model {runner.model.name!r} takes one array, and {', '.join(sorted(latents.arrays)) or 'none'} "
            "arrive; name those it takes as inputs in its manifest"
        )
    return [_array(latents, name) for name in names or latents.arrays]


def _array(latents: Features, name: str) -> Float32:
    if name not in latents.arrays:
        raise NetworkError(f"there is no array {name!r} in the latents; there are {', '.join(sorted(latents.arrays))}")
    return np.asarray(latents.arrays[name], np.float32)


def _part_of_a_chain(runner: Runner) -> None:
    if not isinstance(runner.contract, Latents):
        raise NetworkError(
            f"the model {runner.model.name!r} has the contract {runner.contract.id} and is no part of a chain; use it "
            "with the node separate.network"
        )
