"""The store: the cache of edge values, on disk or in memory."""

from midistems_graph.engine.store.base import (
    DamagedValue,
    MissingValue,
    NotAStore,
    Store,
    StoreError,
    StoreFull,
    UnitRecord,
    VerifyReport,
)
from midistems_graph.engine.store.disk import DiskStore
from midistems_graph.engine.store.folder import DEFAULT_LIMIT_BYTES, default_store_folder
from midistems_graph.engine.store.memory import MemoryStore

__all__ = [
    "DEFAULT_LIMIT_BYTES",
    "DamagedValue",
    "DiskStore",
    "MemoryStore",
    "MissingValue",
    "NotAStore",
    "Store",
    "StoreError",
    "StoreFull",
    "UnitRecord",
    "VerifyReport",
    "default_store_folder",
]
