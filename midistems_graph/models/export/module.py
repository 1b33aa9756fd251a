"""Any network of PyTorch, from a Python file that builds it, with a manifest beside it.

`my_net.py` defines `network()`, which returns a `torch.nn.Module` with its weights; `my_net.toml` is the model's
manifest with one file. What the network takes and gives is what the manifest's contract says: of a waveform network
[1, channels, samples] -> [1, stems, channels, samples], or shorter by twice the parameter `margin`.

The file is run, as any Python program of one's own.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from midistems_graph.models.export.base import CannotExport, Conversion, Part
from midistems_graph.models.manifest import ManifestError, read

FUNCTION = "network"


def conversion_of(path: Path, name: str) -> Conversion:
    """What a Python file and its manifest are to become. Raises CannotExport."""
    beside = path.with_suffix(".toml")
    if not path.is_file() or not beside.is_file():
        raise CannotExport(
            f"there is no {path if not path.is_file() else beside}: a Python file needs its manifest beside it"
        )
    try:
        manifest = read(beside)
    except ManifestError as error:
        raise CannotExport(str(error)) from None
    if len(manifest.files) != 1:
        raise CannotExport(f"{beside.name} lists {len(manifest.files)} files; a network of one file can be converted")
    network = _built(path)
    return Conversion(replace(manifest, name=name or manifest.name), (Part(network.eval(), {}, ()),))


def _built(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        network = getattr(module, FUNCTION)()
    except Exception as error:  # it is a program of the user's
        raise CannotExport(f"{path.name} could not build its network: {type(error).__name__}: {error}") from None
    if not isinstance(network, torch.nn.Module):
        raise CannotExport(
            f"{FUNCTION}() in {path.name} gives {type(network).__name__}; it must give a torch.nn.Module"
        )
    return network
