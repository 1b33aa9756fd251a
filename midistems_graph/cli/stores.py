"""The store that a run of the program uses."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.engine.store import DiskStore, StoreError, default_store_folder


@contextmanager
def opened(
    folder: Path | None, temporary: bool, problem: Callable[[str], None], shared: str = ""
) -> Iterator[DiskStore]:
    """The store in a folder (the user's by default), or one that is deleted afterwards.

    `shared` is the address of one that other machines use as well, to stand behind it. A store that cannot be used
    gets a sentence and the run a temporary one: results are the same. Raises Refused for an address that means nothing,
    and where there cannot be a temporary one either.
    """
    behind = _shared(shared, problem)
    if not temporary:
        place = folder or default_store_folder()
        try:
            store = behind(place)
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
        try:
            store = behind(made)
        except StoreError as error:
            raise Refused(Exit.OUTPUT, str(error)) from None
        with store:
            yield store
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _shared(address: str, problem: Callable[[str], None]) -> Callable[[Path], DiskStore]:
    """What opens a store in a folder, with a shared one behind it if an address is given."""
    if not address:
        return DiskStore
    from midistems_graph.engine.store.shared import SharedFolder
    from midistems_graph.engine.store.shared_store import SharedDiskStore

    try:
        share = SharedFolder(address, problem)
    except StoreError as error:
        raise Refused(Exit.USAGE, str(error)) from None
    return lambda folder: SharedDiskStore(folder, share)
