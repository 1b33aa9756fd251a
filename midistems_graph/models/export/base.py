"""What every family of checkpoints says: how to know one, and which networks become ONNX files.

A family rebuilds the original network from its own package, and hands over the part that is exported: from the
tensors that its contract gives to those that it takes. Everything else (tracing, comparing, storing) is `convert`'s.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from midistems_graph.models.manifest import Manifest
from midistems_graph.models.sessions import Dim

Original = Callable[[torch.Tensor], torch.Tensor]
"""What the original makes of segments [segments, channels, length]: [segments, stems, channels, length]."""


class CannotExport(Exception):
    """A checkpoint cannot be converted; the sentence says why, and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """One file of weights as it was read.

    weights     tensors by name
    facts       what else the file says: the class of the network and its arguments, where they are there
    config      what the configuration beside it says, empty if there is none
    """

    path: Path
    weights: Mapping[str, torch.Tensor]
    facts: Mapping[str, Any]
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One network that becomes an ONNX file: the manifest's files and the parts of a conversion go together.

    inputs      names and shapes, in the network's order; a length that is a name stays open in the file. Without any,
                they are what the contract gives
    outputs     names
    """

    network: torch.nn.Module
    inputs: Mapping[str, tuple[Dim, ...]]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Conversion:
    """What is to be exported; `original` is None where there is nothing to compare with but the network itself."""

    manifest: Manifest
    parts: tuple[Part, ...]
    original: Original | None = None


class Family(ABC):
    """A kind of checkpoints."""

    id: ClassVar[str]
    title: ClassVar[str]

    @classmethod
    @abstractmethod
    def recognise(cls, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint is of this family, by the names of its weights and what else it says."""

    @classmethod
    @abstractmethod
    def convert(cls, checkpoints: Sequence[Checkpoint], name: str) -> Conversion:
        """What becomes of checkpoints that belong together, as a model of that name. Raises CannotExport."""


def original_class(module: str, name: str, package: str) -> Any:
    """A class of the package that a family comes from; raises CannotExport where it is not installed."""
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, OSError, AttributeError) as error:  # OSError: a library that does not load
        raise CannotExport(
            f"the package {package} is needed here and cannot be loaded ({error}): pip install {package}"
        ) from None


def load(network: torch.nn.Module, weights: Mapping[str, torch.Tensor], path: Path) -> torch.nn.Module:
    """Put all weights into a network of their very names and shapes, ready to be run; raises CannotExport."""
    try:
        network.load_state_dict({name: tensor.float() if tensor.is_floating_point() else tensor
                                 for name, tensor in weights.items()})  # fmt: skip
    except RuntimeError as error:
        said = " ".join(str(error).split())[:300]
        raise CannotExport(f"the weights in {path.name} do not fit {type(network).__name__}: {said}") from None
    return network.eval()
