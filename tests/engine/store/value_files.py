"""The files of a store as they lie on the disk."""

from pathlib import Path

from midistems_graph.engine.store import DiskStore


def file_of(store: DiskStore, digest: str) -> Path:
    return store.folder / "values" / digest[:2] / digest


def files(store: DiskStore) -> set[str]:
    return {path.name for path in (store.folder / "values").glob("*/*")}


def temporaries(store: DiskStore) -> list[Path]:
    return [path for path in (store.folder / "tmp").glob("*/*") if path.name != "lock"]
