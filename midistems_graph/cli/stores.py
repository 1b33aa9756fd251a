"""The store that a run of the program uses."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from midistems_graph.engine.store import DiskStore, StoreError, default_store_folder


@contextmanager
def opened(folder: Path | None, temporary: bool, problem: Callable[[str], None]) -> Iterator[DiskStore]:
    """The store in a folder (the user's by default), or one that is deleted afterwards.

    A store that cannot be used gets a sentence and the run a temporary one: results are the same.
    """
    if not temporary:
        place = folder or default_store_folder()
        try:
            store = DiskStore(place)
        except StoreError as error:
            problem(f"{error}. This run keeps nothing for the next one.")
        except OSError as error:
            problem(f"the store {place} cannot be used: {error.strerror}. This run keeps nothing for the next one.")
        else:
            with store:
                yield store
            return
    made = Path(tempfile.mkdtemp(prefix="midistems-"))
    try:
        with DiskStore(made) as store:
            yield store
    finally:
        shutil.rmtree(made, ignore_errors=True)
