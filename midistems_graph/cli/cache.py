"""`midistems-graph cache`: what the store holds and may hold, why a node ran, clearing and verifying."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from midistems_graph.audio.files import SoundFileError, content_digest
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import clean, in_bytes, in_seconds
from midistems_graph.engine.store import DiskStore, NotAStore, StoreError, UnitRecord, default_store_folder
from midistems_graph.engine.store.explain import differences
from midistems_graph.engine.store.folder import MARKER


def work_on_store(options: argparse.Namespace) -> Exit:
    """Do what the second word says; raises Refused."""
    folder = options.cache_dir or default_store_folder()
    empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if empty and options.verb != "limit":
        print(f"there is no store at {clean(folder)} yet")
        return Exit.DONE
    if not empty and folder.is_dir() and not (folder / MARKER).exists():
        raise Refused(Exit.USAGE, f"{folder} holds other files and no {MARKER}, so it is no store; nothing was touched")
    try:
        with DiskStore(folder) as store:
            match options.verb:
                case "why":
                    return _why(store, options.node)
                case "limit":
                    store.set_limit(options.size)
                    return _size(store)
                case "clear":
                    return _clear(store, options.song)
                case "verify":
                    return _verify(store)
                case _:
                    return _size(store)
    except NotAStore as error:
        raise Refused(Exit.USAGE, str(error)) from None
    except StoreError as error:
        raise Refused(Exit.OUTPUT, str(error)) from None
    except OSError as error:
        raise Refused(Exit.OUTPUT, f"the store {folder} cannot be used: {error.strerror or error}") from None


def _size(store: DiskStore) -> Exit:
    """Where it is, how full it is, and how much each song takes."""
    print(f"{clean(store.folder)}: {in_bytes(store.size())} of at most {in_bytes(store.limit_bytes)}")
    for song, nbytes in sorted(store.songs().items(), key=lambda item: -item[1]):
        print(f"  {in_bytes(nbytes):>8}  {f'song {song[:12]}' if song else 'no song'}")
    return Exit.DONE


def _why(store: DiskStore, node: str) -> Exit:
    """For each song in which a node has run: when last, how long it took, and what had changed."""
    records = store.history(node)
    if not records:
        raise Refused(Exit.USAGE, f"no node {node!r} has left a result in {store.folder}; a run shows the nodes' names")
    shown: set[str] = set()
    for place, (record, lost) in enumerate(records):
        if record.song in shown:
            continue
        shown.add(record.song)
        before = [(r, gone) for r, gone in records[place + 1 :] if _is_like(r, record)]
        reasons = differences(record.node_type, record.facts, before)
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.made))
        print(f"{when}  song {record.song[:12]}  {in_seconds(record.seconds)}  {clean('; '.join(reasons))}")
        if lost:
            print(f"    {clean(lost)}")
    return Exit.DONE


def _is_like(earlier: UnitRecord, record: UnitRecord) -> bool:
    """The same stretch of the same song, of other ingredients."""
    same_place = (earlier.song, earlier.facts.get("stretch")) == (record.song, record.facts.get("stretch"))
    return same_place and earlier.facts != record.facts


def _clear(store: DiskStore, song: Path | None) -> Exit:
    try:
        digest = None if song is None else content_digest(song)
    except (SoundFileError, OSError) as error:
        raise Refused(Exit.INPUT, str(error)) from None
    print(f"{in_bytes(store.clear(digest))} freed")
    return Exit.DONE


def _verify(store: DiskStore) -> Exit:
    """Reads everything; damaged values are dropped, so that the next run computes them again."""
    try:
        with _shown(Console(stderr=True)) as told:
            report = store.verify(told=told)
    except KeyboardInterrupt:
        raise Refused(
            Exit.CANCELLED, "stopped; what was damaged up to here is dropped, the rest was not read"
        ) from None
    if report.sound:
        print(f"{report.checked} values are sound")
        return Exit.DONE
    print(
        f"of {report.checked} values {len(report.damaged)} were damaged and dropped, {len(report.missing)} were "
        f"missing, {len(report.unlisted)} were sound but not listed; the next run computes again what it needs"
    )
    return Exit.VERIFY


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[float], object]]:
    """Takes the share that is read, and shows it on a terminal; elsewhere nothing."""
    if not console.is_terminal:
        yield lambda share: None
        return
    columns = TextColumn("reading"), BarColumn(24), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as display:
        task = display.add_task("", total=1.0)
        yield lambda share: display.update(task, completed=share)
