"""Runs a model on sound: segments of an absolute grid, read at the network's rate, run, added up, and brought back.

Every family goes through here; what is special about one is in its contract. A segment has the same bits in a window
as in the whole song, so what was computed for one tile is taken for the next: recent segments are kept, by content.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import blake3
import numpy as np

from midistems_graph.audio.values import Audio, Float32, Span, Stems
from midistems_graph.models import channels, source
from midistems_graph.models.conditions import Given
from midistems_graph.models.contracts import contract_of
from midistems_graph.models.contracts.base import Contract, Network, Segments
from midistems_graph.models.grid import Grid, Place
from midistems_graph.models.library import Model, ModelMissing
from midistems_graph.models.manifest import ManifestError, ModelFile
from midistems_graph.models.providers import chosen
from midistems_graph.models.recent import Recent, shared_recent
from midistems_graph.models.sessions import NetworkError, Session, Sessions, shared_sessions
from midistems_graph.models.source import Source
from midistems_graph.node.contract import Context, Run

USUAL_DEVIATION = 0.1
"""How loud songs usually are that networks were trained on: the deviation of their samples."""

TIMES_ITS_FILES = 2
"""So many times its file's bytes a network takes once it is loaded: weights, and the same in the processor's order."""

TIMES_ITS_TENSORS = 11
"""So many times the bytes of what goes in and comes out it takes while it runs, for what lies between: 11 were measured
of Spleeter; what HTDemucs takes in all comes to about 14."""

DATA = "data"
"""The role of a file that is no network."""


@dataclass(frozen=True)
class Settings:
    """How a model is run.

    stems       only these (all if none are named)
    segment     seconds of a segment, where the family leaves it open (0: its own)
    overlap     how many segments cover an instant on average (0: as the family has it, 1: none)
    batch       segments that go through at once
    shifts      so many grids, each a part of a segment later, whose results are averaged
    swap        averaged with what comes of swapped channels
    polarity    averaged with what comes of the inverted sound, inverted
    normalise   families that take songs as loud as they are get them at a usual level, and stems are brought back
    steps       of a generative network (0: as its makers have it)
    schedule    of its steps: 1 even, above 1 smaller towards the stems (0: as its makers have it)
    solver      of a network that knows a velocity: `euler`, `midpoint` or `heun` (empty: as its makers have it)
    seed        of a generative network's noise
    provider    what computes: `auto`, or one of `providers.PROVIDERS`
    """

    stems: tuple[str, ...] = ()
    segment: float = 0.0
    overlap: float = 0.0
    batch: int = 1
    shifts: int = 1
    swap: bool = False
    polarity: bool = False
    normalise: bool = False
    steps: int = 0
    schedule: float = 0.0
    solver: str = ""
    seed: int = 0
    provider: str = "auto"


@dataclass(frozen=True)
class Level:
    """The mean of a song and its deviation from it, of the mean of its channels."""

    mean: float = 0.0
    deviation: float = 1.0


@dataclass(frozen=True)
class _Variant:
    """One of the passes that test-time augmentation averages."""

    grid: Grid
    swap: bool
    sign: int

    def turned(self, sound: Float32) -> Float32:
        """The sound [..., channels, n] as this pass sees it; the same call turns it back."""
        sound = sound[..., ::-1, :] if self.swap else sound
        return -sound if self.sign < 0 else sound


@dataclass(frozen=True)
class Runner:
    """A model, ready to separate. Raises NetworkError for a manifest that does not fit its contract.

    `given` are the conditions that its manifest asks for. `sessions` and `recent` are shared with all others of the
    process unless others are given.
    """

    model: Model
    settings: Settings = Settings()
    sessions: Sessions = field(default_factory=shared_sessions)
    recent: Recent = field(default_factory=shared_recent)
    given: tuple[Given, ...] = ()

    @cached_property
    def contract(self) -> Contract:
        try:
            chosen = self.settings
            contract = contract_of(self.model.manifest)
            return contract.tuned(steps=chosen.steps, schedule=chosen.schedule, solver=chosen.solver)
        except ManifestError as error:
            raise NetworkError(f"the model {self.model.name!r}: {error}") from None

    @cached_property
    def digest(self) -> str:
        """What the model computes, by content."""
        try:
            return self.model.digest
        except ModelMissing as error:
            raise NetworkError(str(error)) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The stems that are made, in the manifest's order."""
        have, wanted = self.model.manifest.all_stems, self.settings.stems
        unknown = [name for name in wanted if name not in have]
        if unknown:
            raise NetworkError(f"the model {self.model.name!r} has no stem {unknown[0]!r}; it has {', '.join(have)}")
        return tuple(name for name in have if not wanted or name in wanted)

    @property
    def complete(self) -> bool:
        """Whether the stems that are made cover all of what is separated."""
        return self.model.manifest.complete and self.names == self.model.manifest.all_stems

    @cached_property
    def length(self) -> int:
        """Samples of a segment at the network's rate."""
        return self.contract.length(round(self.settings.segment * self.model.manifest.rate))

    @property
    def context(self) -> Context:
        """How far around an instant a model looks: into its segments, and what a change of rate adds to them."""
        return Context(seconds=Fraction(self.length, self.model.manifest.rate) + Fraction(3 * source.FARTHEST))

    @property
    def has_a_network_for_each_stem(self) -> bool:
        """Whether each stem can be had by itself, for its share of the work."""
        alone = [tuple(self._networks({name})) for name in self.model.manifest.stems]
        return not self.model.manifest.residual and len(set(alone)) == len(alone) and all(len(e) == 1 for e in alone)

    @property
    def nbytes(self) -> int:
        """An estimate of the memory that the networks take at work."""
        needed = self._networks(self._computed)
        manifest, chosen = self.model.manifest, self.settings
        tensor = 4.0 * self.contract.numbers * self.length * manifest.channels * chosen.batch
        total = 0.0
        for file, path in zip(manifest.files, self.model.files, strict=True):
            if file.role == DATA or file in needed:
                total += TIMES_ITS_FILES * path.stat().st_size
            if file in needed:
                total += TIMES_ITS_TENSORS * tensor * (1 + len(self._gives(file)))
        return int(total)

    def segments(self, seconds: float) -> float:
        """How many seconds the segments of a song of so many have together, each up to where the next one begins.

        A song much shorter than a segment costs as much as one that fills it.
        """
        rate = self.model.manifest.rate
        total = max(1, round(seconds * rate))
        grid = self.contract.grid(self.length, self.settings.overlap, total)
        return len(grid.numbers(0, total, total)) * grid.step / rate

    def _networks(self, stems: Collection[str]) -> list[ModelFile]:
        """The networks that are needed for stems."""
        return [
            file
            for file in self.model.manifest.files
            if file.role != DATA
            and (self.contract.together or not self._gives(file) or not set(stems).isdisjoint(self._gives(file)))
        ]

    def _gives(self, file: ModelFile) -> tuple[str, ...]:
        """The stems that the outputs of a network are."""
        manifest = self.model.manifest
        return file.stems or (manifest.stems if len(manifest.files) == 1 else ())

    def separate(self, mixture: Audio, *, run: Run, level: Level | None = None) -> Stems:
        """The stems of a mixture over what the run keeps of it, or all of it where that is no part of it.

        `level` is that of the whole song, for families that are fed with a normalised one. Raises NetworkError and
        Cancelled.
        """
        wanted = mixture.crop(run.kept) if _within(run.kept, mixture.span) else mixture
        rate = self.model.manifest.rate
        if source.is_unusual(mixture.rate, rate):
            run.warn(
                f"{mixture.rate} Hz to the {rate} Hz of the model is an unusual ratio, which windows of a song hold to "
                "fractions of a sample only; resample the song to 44100 or 48000 Hz where that matters"
            )
        made = self._made(mixture, wanted.span, self._fed(level), run)
        stems = {name: wanted.with_samples(samples) for name, samples in zip(self._computed, made, strict=True)}
        residual = self.model.manifest.residual
        if residual in self.names:
            left = wanted.samples.copy()
            for audio in stems.values():
                left -= audio.samples
            stems[residual] = wanted.with_samples(left)
        return Stems({name: stems[name] for name in self.names}, complete=self.complete)

    @property
    def needs_level(self) -> bool:
        """Whether the level of the whole song has to be known first."""
        return self.contract.normalises or self.settings.normalise

    def _fed(self, level: Level | None) -> Level:
        """What is taken away of a song, and what it is divided by, before a network gets it."""
        if level is None or not self.needs_level:
            return Level()
        return level if self.contract.normalises else Level(0.0, level.deviation / USUAL_DEVIATION)

    @cached_property
    def _computed(self) -> tuple[str, ...]:
        """The stems that networks have to give: for what they leave, all of them."""
        manifest = self.model.manifest
        return manifest.stems if manifest.residual in self.names and manifest.residual else self.names

    def _made(self, mixture: Audio, wanted: Span, level: Level, run: Run) -> Float32:
        """float32 [stems, channels, samples] over the wanted span."""
        takes = self.model.manifest.channels
        out = np.zeros((len(self._computed), mixture.channels, wanted.frames), np.float32)
        groups = channels.groups(mixture.layout, mixture.channels, takes)
        at = source.wider(wanted, self.model.manifest.rate)
        progress = _Progress(run, len(groups))
        for group in groups:
            part = Audio(mixture.samples[list(group)], mixture.span)
            feed = Source(part, self.model.manifest.rate)
            made = self._group(feed, at, level, progress)
            made = channels.gathered(made, len(group))
            flat = made.reshape(made.shape[0] * made.shape[1], at.frames)
            out[:, list(group)] = source.back(flat, at, wanted).reshape(*made.shape[:2], wanted.frames)
        low = channels.low_channel(mixture.layout)
        if low is not None and takes <= 2:
            manifest = self.model.manifest
            stem = channels.takes_the_low(manifest.stems, manifest.residual)
            if stem in self._computed:
                first = wanted.start - mixture.span.start
                out[self._computed.index(stem), low] = mixture.samples[low, first : first + wanted.frames]
        return out

    def _group(self, feed: Source, at: Span, level: Level, progress: _Progress) -> Float32:
        """What goes through together, on a span at the network's rate: the mean of all variants."""
        takes = self.model.manifest.channels
        variants = self._variants(at.total)
        total: Float32 | None = None
        for i, variant in enumerate(variants):
            progress.part(i, len(variants))
            made = self._pass(feed, at, level, variant, takes, progress)
            total = made if total is None else np.add(total, made, out=total)
        assert total is not None
        return total if len(variants) == 1 else np.multiply(total, np.float32(1 / len(variants)), out=total)

    def _variants(self, total: int) -> list[_Variant]:
        chosen = self.settings
        grid = self.contract.grid(self.length, chosen.overlap, total)
        swaps = (False, True) if chosen.swap and self.model.manifest.channels > 1 else (False,)
        signs = (1, -1) if chosen.polarity else (1,)
        return [
            _Variant(grid.shifted(shift / chosen.shifts), swap, sign)
            for shift in range(chosen.shifts)
            for swap in swaps
            for sign in signs
        ]

    def _pass(
        self, feed: Source, at: Span, level: Level, variant: _Variant, takes: int, progress: _Progress
    ) -> Float32:
        """One grid of segments, added up over a span: float32 [stems, channels, samples]."""
        grid, batch = variant.grid, self.settings.batch
        out = np.zeros((len(self._computed), takes, at.frames), np.float32)
        sums = np.zeros(at.frames, np.float32)
        numbers = grid.numbers(at.start, at.stop, at.total)

        def made(places: Sequence[Place]) -> list[Float32]:
            sound = np.stack([feed.read(place.read, grid.length, grid.edges, level.mean) for place in places])
            sound = channels.spread(sound, takes)
            return self._segments(sound, [place.read for place in places], level, variant, progress.run)

        batches = [
            [grid.place(number, at.total) for number in numbers[first : first + batch]]
            for first in range(0, len(numbers), batch)
        ]
        for done, (places, stems) in enumerate(_one_ahead(made, batches), 1):
            for place, each in zip(places, stems, strict=True):
                low, high = max(place.start, at.start), min(place.stop, at.stop)
                if low >= high:
                    continue
                inner = slice(low - place.read, high - place.read)
                weights = grid.weights[low - place.start : high - place.start]
                here = slice(low - at.start, high - at.start)
                out[..., here] += each[..., inner] if grid.weighted else each[..., inner] * weights
                sums[here] += weights
            progress.done(done / len(batches))
        np.divide(out, sums, out=out, where=sums > 0)
        return out

    def _segments(
        self, sound: Float32, starts: Sequence[int], level: Level, variant: _Variant, run: Run
    ) -> list[Float32]:
        """What segments [n, channels, length] give, each [stems, channels, length]: known, silent, or run now."""
        keys = [self._key(each, start, level, variant) for each, start in zip(sound, starts, strict=True)]
        shape = (len(self._computed), *sound.shape[1:])
        found = {i: np.zeros(shape, np.float32) for i, each in enumerate(sound) if not each.any()}
        if len(found) < len(sound):
            self.networks(run, starts)  # they tell what computes, also where all is known already
        while wanted := [i for i in range(len(sound)) if i not in found]:
            mine = [i for i in wanted if self.recent.promise(keys[i])]
            try:
                made = self._run(sound[mine], [starts[i] for i in mine], level, variant, run) if mine else ()
                for i, stems in zip(mine, made, strict=True):
                    self._refuse_nan(stems, starts[i])
                    self.recent.put(keys[i], stems)
                    found[i] = stems
            finally:
                self.recent.settle(keys[i] for i in mine)
            for i in wanted:
                if i not in found and (known := self.recent.get(keys[i], run.check)) is not None:
                    found[i] = known
        return [found[i] for i in range(len(sound))]

    def _refuse_nan(self, stems: Float32, start: int) -> None:
        if not np.isfinite(stems.sum()):
            raise NetworkError(
                f"the model {self.model.name!r} gave samples that are not numbers (NaN or infinite) in the segment "
                f"from {max(0, start) / self.model.manifest.rate:.2f} s; get the model again, or use another one"
            )

    def _run(self, sound: Float32, starts: Sequence[int], level: Level, variant: _Variant, run: Run) -> Float32:
        """Run a batch; where memory does not suffice for it, halves of it."""
        given = (variant.turned(sound) - np.float32(variant.sign * level.mean)) / np.float32(level.deviation)
        segments = Segments(
            given.astype(np.float32, copy=False), tuple(starts), len(self._computed), run.cores, self.settings.seed
        )
        try:
            made = self.contract.estimate(segments, self.networks(run, starts))
        except MemoryError:
            half = len(sound) // 2
            if not half:
                raise NetworkError(
                    f"there is not enough memory to run the model {self.model.name!r}; close other programs, or use a "
                    "smaller one"
                ) from None
            run.warn(f"not enough memory for a batch of {len(sound)}, so smaller ones are run; set batch to {half}")
            halves = ((sound[:half], starts[:half]), (sound[half:], starts[half:]))
            return np.concatenate([self._run(part, at, level, variant, run) for part, at in halves])
        made *= np.float32(level.deviation)
        if level.mean:
            made += np.float32(variant.sign * level.mean)
        return variant.turned(made)

    def networks(self, run: Run, starts: Sequence[int]) -> list[Network]:
        """The model's files that are needed for the stems that are wanted, loaded, with conditions for segments."""
        found = []
        told = self._told(starts)
        needed = self._networks(self._computed)
        for file, path in zip(self.model.manifest.files, self.model.files, strict=True):
            if file not in needed:
                continue
            rows = tuple(self._computed.index(n) if n in self._computed else None for n in self._gives(file))
            session = self.sessions.get(path, self.digest, provider=self.settings.provider, threads=run.cores)
            self._tell(session, run)
            found.append(
                Network(
                    file.file or path.name,
                    lambda arrays, session=session: session.run(arrays, run.check),  # type: ignore[misc]
                    session.inputs[: len(session.inputs) - len(told)],
                    session.outputs,
                    rows,
                    file.role,
                    told,
                )
            )
        return found

    def _told(self, starts: Sequence[int]) -> tuple[Float32, ...]:
        """What networks are told beside the sound, for segments that begin there."""
        rate = self.model.manifest.rate
        return tuple(given.within(starts, self.length, rate) for given in self.given)

    def _tell(self, session: Session, run: Run) -> None:
        """Say what computes, and where that is not what was asked for."""
        run.note("provider", session.provider)
        asked = self.settings.provider
        wanted = chosen("auto") if asked == "auto" else asked
        if session.provider != wanted:
            run.warn(
                f"the provider {wanted} is not available here, so the model runs on {session.provider}; "
                "midistems-graph doctor shows which there are"
            )

    def _key(self, sound: Float32, start: int, level: Level, variant: _Variant) -> str:
        """What a segment's result depends on."""
        facts = (self.digest, self.contract, self._computed, chosen(self.settings.provider), level)
        drawn = (self.settings.seed, start) if self.contract.draws else ()
        hasher = blake3.blake3(repr((facts, drawn, variant.swap, variant.sign)).encode())
        for told in self._told((start,)):
            hasher.update(np.ascontiguousarray(told).tobytes())
        return hasher.update(sound.tobytes()).hexdigest()


def _one_ahead(
    make: Callable[[list[Place]], list[Float32]], batches: Sequence[list[Place]]
) -> Iterator[tuple[list[Place], list[Float32]]]:
    """Each batch with what is made of it, in order. The next one is begun meanwhile, so that what the processor does
    for it goes on beside the network."""
    with ThreadPoolExecutor(2, thread_name_prefix="segments") as pool:
        begun = deque[tuple[list[Place], Future[list[Float32]]]]()
        for batch in batches:
            begun.append((batch, pool.submit(make, batch)))
            if len(begun) == 2:
                first, future = begun.popleft()
                yield first, future.result()
        for first, future in begun:
            yield first, future.result()


class _Progress:
    """Progress through parts of equal length, the last of which have parts of their own."""

    def __init__(self, run: Run, groups: int) -> None:
        self.run, self._groups = run, groups
        self._group, self._at, self._size = -1, 0.0, 1.0

    def part(self, number: int, count: int) -> None:
        """The next of `count` variants of a group begins."""
        self._group += number == 0
        self._size = 1 / (self._groups * count)
        self._at = (self._group + number / count) / self._groups

    def done(self, share: float) -> None:
        self.run.progress(min(1.0, self._at + share * self._size))


def _within(part: Span, whole: Span) -> bool:
    return (part.total, part.rate) == (whole.total, whole.rate) and whole.start <= part.start <= part.stop <= whole.stop
