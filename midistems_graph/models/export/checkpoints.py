"""Reading checkpoints of PyTorch without running anything that is in them.

A pickle can hold programs. PyTorch's restricted reader takes tensors and plain data only; of the classes that Demucs
writes into its files it gets the names.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
import yaml

from midistems_graph.models.export.base import CannotExport, Checkpoint

_HOLDERS = ("state", "state_dict", "model_state_dict", "model", "ema", "generator")
"""Under which of these keys programs put the weights; without one, all of the file is weights."""


class HTDemucs:
    """Stands for the class of that name in a file."""


class HDemucs:
    """Stands for the class of that name in a file."""


_NAMED = [
    (kind, f"{package}.{kind.__name__.lower()}.{kind.__name__}")
    for kind in (HTDemucs, HDemucs)
    for package in ("demucs", "demucs_infer")
]


def read(path: Path, config: Path | None = None) -> Checkpoint:
    """A checkpoint with its configuration: the file that is given, or one of its own name beside it.

    Raises CannotExport for what cannot be read.
    """
    if not path.is_file():
        raise CannotExport(f"there is no file {path}")
    content = _safetensors(path) if path.suffix.lower() == ".safetensors" else _pickled(path)
    weights, facts = _parted(content)
    if not weights:
        raise CannotExport(f"{path.name} holds no weights of a network")
    beside = [each for each in (path.with_suffix(".yaml"), path.with_suffix(".yml")) if each.is_file()]
    chosen = config or next(iter(beside), None)
    return Checkpoint(path, weights, facts, read_config(chosen) if chosen else {})


def read_config(path: Path) -> Mapping[str, Any]:
    """What a YAML file says; raises CannotExport."""
    try:
        found = yaml.load(path.read_text("utf-8"), _Plain)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CannotExport(f"the configuration {path} cannot be read: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(found, Mapping):
        raise CannotExport(f"the configuration {path} is no table of settings")
    return found


class _Plain(yaml.SafeLoader):
    """Plain data and tuples, which training programs write."""


_Plain.add_constructor(
    "tag:yaml.org,2002:python/tuple", lambda loader, node: tuple(loader.construct_sequence(node, deep=True))
)


def _pickled(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals([*_NAMED, Fraction]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        said = " ".join(str(error).split())
        what = said.partition("GLOBAL ")[2].partition(" ")[0] or "things of Python"
        raise CannotExport(
            f"{path.name} holds more than weights ({what}), which is not read because it could run programs; save the "
            "weights alone with the program that made it"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CannotExport(f"{path.name} cannot be read: {' '.join(str(error).split())[:200]}") from None


def _safetensors(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            facts = file.metadata() or {}
            content: dict[str, Any] = {"state": {name: file.get_tensor(name) for name in file.keys()}}  # noqa: SIM118
        for name in ("args", "kwargs"):
            if name in facts:
                content[name] = json.loads(facts[name], object_hook=_fraction)
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise CannotExport(f"{path.name} cannot be read: {' '.join(str(error).split())[:200]}") from None
    kind = facts.get("klass", "").rpartition(".")[2]
    return {**content, "klass": next((each for each in (HTDemucs, HDemucs) if each.__name__ == kind), None)}


def _fraction(data: dict[str, Any]) -> Any:
    """JSON has no fractions; Demucs writes them as tables."""
    return Fraction(data["numerator"], data["denominator"]) if data.get("_type") == "fraction" else data


def _parted(content: Any) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Weights, and all else."""
    if not isinstance(content, Mapping):
        return {}, {}
    for holder in _HOLDERS:
        if isinstance(content.get(holder), Mapping):
            weights = _tensors(content[holder])
            if weights:
                return weights, {name: value for name, value in content.items() if name != holder}
    return _tensors(content), {}


def _tensors(state: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    """The tensors by name, without the prefix that wrappers put before all of them."""
    found = {str(name): value for name, value in state.items() if isinstance(value, torch.Tensor)}
    for prefix in ("module.", "model."):
        if found and all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): value for name, value in found.items()}
    return found
