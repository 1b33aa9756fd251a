"""What every contract says about its family of networks.

A contract is a dataclass: its fields are the parameters that a manifest may set, with the family's usual values. Its
docstring gives the tensors. It says where segments lie (`grid`), makes tensors of segments and segments of what comes
out (`estimate`), and knows its own kind by their shapes (`recognise`). Everything else is the runner's.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32
from midistems_graph.models.grid import Grid
from midistems_graph.models.manifest import Manifest, ManifestError
from midistems_graph.models.sessions import Dim, NetworkError, Tensor

MOST_SECONDS = 600
"""The longest segment."""


@dataclass(frozen=True)
class Network:
    """One loaded file of a model, within a call.

    `rows` are the places of its outputs among the stems that are wanted; None is one that nobody wants. `conditions`
    [segments, ...] are given to it after the contract's own inputs.
    """

    name: str
    call: Callable[[Sequence[npt.NDArray[Any]]], list[Float32]]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    rows: tuple[int | None, ...]
    role: str = ""
    conditions: tuple[Float32, ...] = ()

    def __call__(self, *arrays: npt.NDArray[Any], batch: int = 0) -> list[Float32]:
        """What the network makes of a batch, whose axis is `batch`; in parts where it takes a fixed number at once."""
        takes = self.inputs[0].shape[batch] if self.inputs and len(self.inputs[0].shape) > batch else "?"
        count = arrays[0].shape[batch]
        if not isinstance(takes, int) or takes == count:
            return self.call([*arrays, *self.conditions])
        parts = []
        for first in range(0, count, takes):
            places = np.minimum(np.arange(first, first + takes), count - 1)  # a last part is filled with its last one
            parts.append(self.call([a.take(places, batch) for a in arrays] + [c[places] for c in self.conditions]))
        joined = [np.concatenate(same, axis=batch) for same in zip(*parts, strict=True)]
        return [each.take(range(count), batch) for each in joined]

    def stack(self, output: Float32, out: Float32, axis: int = 1) -> None:
        """Put the rows of an output, along an axis, to their places in `out` [segments, stems, channels, length].

        An output without that axis is one row.
        """
        if output.ndim < out.ndim:
            output = np.expand_dims(output, axis)
        for place, row in self.placed(output, axis):
            out[:, place] = row

    def placed(self, output: Float32, axis: int = 1) -> Iterator[tuple[int, Float32]]:
        """The rows of an output, along an axis, that are wanted, each after its place among the stems."""
        if output.shape[axis] != len(self.rows):
            raise NetworkError(
                f"the network {self.name} gives {output.shape[axis]} stems where its manifest names {len(self.rows)}"
            )
        for row, place in zip(np.moveaxis(output, axis, 0), self.rows, strict=True):
            if place is not None:
                yield place, row


@dataclass(frozen=True)
class Segments:
    """A batch of segments that a contract is to separate.

    sound     float32 [segments, channels, length]
    starts    where each begins, in samples of the song at the network's rate
    stems     how many stems are wanted
    threads   how many threads may be busy
    seed      of what is drawn at random
    """

    sound: Float32
    starts: tuple[int, ...]
    stems: int
    threads: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Contract(ABC):
    """How a family of networks is fed."""

    id: ClassVar[str]
    title: ClassVar[str]
    normalises: ClassVar[bool] = False
    """The family is fed with the song's mean taken away and its deviation made 1."""
    together: ClassVar[bool] = False
    """All files and stems are needed for every stem."""
    draws: ClassVar[bool] = False
    """The result hangs on the seed and on the segment's place in the song."""

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """The contract with a manifest's parameters; raises ManifestError."""
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(set(manifest.parameters) - set(fields))
        if unknown:
            has = ", ".join(fields) or "none"
            raise ManifestError(f"the contract {cls.id} has no parameter {unknown[0]!r}; it has {has}")
        given: dict[str, Any] = {}
        for name, value in manifest.parameters.items():
            given[name] = _fitting(name, value, fields[name].default, fields[name].metadata)
        made = cls(**given)
        if made.length(0) > MOST_SECONDS * manifest.rate:
            raise ManifestError(
                f"the model's segments are {made.length(0):,} samples long; {MOST_SECONDS} s are the most"
            )
        return made

    @abstractmethod
    def length(self, wanted: int) -> int:
        """Samples of a segment: as near to the wanted number as the family can, or its own for 0."""

    @abstractmethod
    def grid(self, length: int, overlap: float, total: int) -> Grid:
        """Where segments of a length lie in a song of `total` samples; `overlap` segments cover an instant on average
        (0: as the family's makers have it)."""

    @abstractmethod
    def estimate(self, segments: Segments, networks: Sequence[Network]) -> Float32:
        """The wanted stems of segments: float32 [segments, stems, channels, length]."""

    @property
    def numbers(self) -> float:
        """How many a network takes, and gives for each stem, for one sample of a channel."""
        return 1.0

    def tuned(self, **parameters: object) -> Contract:
        """The same with other parameters, as far as the family has them; 0 and empty texts leave its own."""
        have = {field.name for field in dataclasses.fields(self)}
        given: dict[str, Any] = {name: value for name, value in parameters.items() if name in have and value}
        return dataclasses.replace(self, **given) if given else self

    @classmethod
    def recognise(cls, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Mapping[str, Any] | None:
        """Parameters that the shapes give away, if a file looks like one of the family."""
        return None


def within(low: float, high: float) -> Mapping[str, object]:
    """The range of a parameter, for a field's metadata."""
    return {"low": low, "high": high}


def one_of(*choices: object) -> Mapping[str, object]:
    """The allowed values of a parameter, for a field's metadata."""
    return {"choices": choices}


def fits(tensor: Tensor, *dims: Dim | None) -> bool:
    """Whether a shape is that one; None and open lengths fit anything."""
    return len(tensor.shape) == len(dims) and all(
        want is None or isinstance(have, str) or have == want for have, want in zip(tensor.shape, dims, strict=True)
    )


def _fitting(name: str, value: object, default: object, limits: Mapping[str, Any]) -> object:
    """A manifest's value in the type of a parameter's default; raises ManifestError."""
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(default):
        raise ManifestError(f"the parameter {name} is {value!r}; it must be of the kind of its default, {default!r}")
    if "choices" in limits and value not in limits["choices"]:
        raise ManifestError(f"the parameter {name} is {value!r}; allowed: {', '.join(map(str, limits['choices']))}")
    if "low" in limits and isinstance(value, int | float) and not limits["low"] <= value <= limits["high"]:
        raise ManifestError(f"the parameter {name} is {value!r}; allowed: {limits['low']:g} to {limits['high']:g}")
    return value
