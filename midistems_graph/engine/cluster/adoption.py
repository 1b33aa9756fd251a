"""Files of a song that another machine wrote come into the output folder, as if they had been written there.

A worker writes into a folder of its own, with a receipt of its own. The receipt of the output folder has one writer
only, whoever asked for the run, so nothing depends on locks of a network's file system. Where the worker's folder lies
on the same disk, a file is renamed, not copied.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path, PurePosixPath
from queue import SimpleQueue
from typing import Any, NamedTuple

from midistems_graph.engine.outputs import CannotWrite, Output, OutputFolder, OutputRefused
from midistems_graph.engine.receipt import Receipt, as_bytes, from_bytes
from midistems_graph.engine.receipt_book import read_receipt


def told_of(folder: Path, paths: Collection[str]) -> str:
    """What the receipt of a worker's folder says of some files (relative, with `/`), their song and its graph."""
    receipt, _ = read_receipt(folder)
    outputs = {path: entry for path, entry in receipt.outputs.items() if path in paths}
    songs = {entry.song: receipt.songs[entry.song] for entry in outputs.values() if entry.song in receipt.songs}
    graphs = {song["graph"]: receipt.graphs[song["graph"]] for song in songs.values()}
    return as_bytes(Receipt(graphs, songs, outputs)).decode()


class Song(NamedTuple):
    """Files of a song that are to be taken over: the folder `made` in which they lie, and what `told_of` says of them.

    `nodes` and `place` are as in `OutputFolder.song`; `taken` are files of songs before that keep their names.
    """

    made: Path
    told: str
    nodes: Collection[str]
    place: str
    taken: Collection[str]


class Adopted(NamedTuple):
    """What became of each file, by its path in its worker's folder, and sentences about what did not go plainly."""

    outputs: Mapping[str, Output]
    problems: list[str]


class Adopter:
    """Takes songs over into an output folder. Those that come while it is busy are taken together afterwards.

    So the receipt, which grows with the songs, is written once for all that have come, not once for each file.
    """

    def __init__(self, folder: OutputFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._come: SimpleQueue[tuple[Song, Future[Adopted]]] = SimpleQueue()

    def adopted(self, song: Song) -> Adopted:
        """Take over one song; any thread may call this. Raises CannotWrite and OutputRefused."""
        mine: Future[Adopted] = Future()
        self._come.put((song, mine))
        with self._lock:
            if not mine.done():
                self._take([self._come.get() for _ in range(self._come.qsize())])
        return mine.result()

    def take(self, songs: Iterable[Song]) -> None:
        """Take over several songs at once."""
        self._take([(song, Future()) for song in songs])

    def _take(self, come: Sequence[tuple[Song, Future[Adopted]]]) -> None:
        became: list[Adopted | Exception] = []
        problems: list[str] = []
        try:
            with self._folder.at_once(problems):
                for song, _ in come:
                    try:
                        became.append(adopt(self._folder, song))
                    except (CannotWrite, OutputRefused) as error:
                        became.append(error)
        except Exception as error:  # whoever waits for one of these must learn of it
            became = [error] * len(come)
        for (_, future), adopted in zip(come, became, strict=True):
            if isinstance(adopted, Exception):
                future.set_exception(adopted)
            else:
                adopted.problems.extend(problems)
                future.set_result(adopted)


def adopt(folder: OutputFolder, song: Song) -> Adopted:
    """Take over the files of one song. Raises CannotWrite and OutputRefused."""
    try:
        receipt = from_bytes(song.told.encode())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotWrite(f"what a worker says of its files is no receipt ({error}); run again") from None
    folder.claim(song.taken)
    adopted = Adopted(became := {}, [])
    for digest in dict.fromkeys(entry.song for entry in receipt.outputs.values()):
        entries = {path: entry for path, entry in receipt.outputs.items() if entry.song == digest}
        outputs = folder.song(next(iter(entries.values())).song_name, digest, song.nodes, song.place)
        for node in dict.fromkeys(entry.node for entry in entries.values()):
            mine = {path: entry for path, entry in sorted(entries.items()) if entry.node == node}
            keys = {entry.key for entry in mine.values()}
            writer = outputs.writer(node, keys.pop() if len(keys) == 1 else "")
            for path, entry in mine.items():
                became[path] = writer.take(song.made / path, PurePosixPath(path), entry)
            writer.done()
        if digest in receipt.songs:
            outputs.finish(**_finish(receipt, receipt.songs[digest]))
        adopted.problems.extend(outputs.problems)
    return adopted


def _finish(receipt: Receipt, song: Mapping[str, Any]) -> dict[str, Any]:
    graph = song["graph"]
    return {
        "graph": receipt.graphs[graph],
        "graph_hash": graph,
        "inputs": song["inputs"],
        "scores": song["scores"],
        "libraries": song["libraries"],
        "trace": song.get("runs", {}).get(graph),
    }
