"""The families of networks that can be run: one module each, found by itself. See `base` for what one says."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from midistems_graph.models.contracts.base import Contract
from midistems_graph.models.manifest import Manifest, ManifestError


@cache
def contracts() -> Mapping[str, type[Contract]]:
    """All contracts by id."""
    found: dict[str, type[Contract]] = {}
    for info in pkgutil.iter_modules(__path__, f"{__name__}."):
        for value in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(value) and issubclass(value, Contract) and not inspect.isabstract(value):
                found[value.id] = value
    return MappingProxyType(dict(sorted(found.items())))


def contract_of(manifest: Manifest) -> Contract:
    """The contract of a model with its parameters; raises ManifestError."""
    found = contracts().get(manifest.contract)
    if found is None:
        raise ManifestError(
            f"the model {manifest.name!r} has the contract {manifest.contract!r}, which is not known; "
            f"there are {', '.join(contracts())}"
        )
    return found.of(manifest)
