"""Conversion of PyTorch checkpoints to models of the library: one module per family, found by itself.

Only here is PyTorch imported, and only `models export` imports this: it runs in an environment of its own, with the
extra `export` (pip install 'midistems-graph[export]'), and puts what it makes into the library that all share. See
`base` for what a family says.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from midistems_graph.models.export.base import Family


@cache
def families() -> Mapping[str, type[Family]]:
    """All families by id."""
    found: dict[str, type[Family]] = {}
    for info in pkgutil.iter_modules(__path__, f"{__name__}."):
        for value in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(value) and issubclass(value, Family) and not inspect.isabstract(value):
                found[value.id] = value
    return MappingProxyType(dict(sorted(found.items())))
