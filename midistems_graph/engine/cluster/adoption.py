"""Files of a song that another machine wrote come into the output folder, as if they had been written there.

A worker writes into a folder of its own, with a receipt of its own. The receipt of the output folder has one writer
only, whoever asked for the run, so nothing depends on locks of a network's file system. Where the worker's folder lies
on the same disk, a file is renamed, not copied.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from midistems_graph.engine.outputs import CannotWrite, Output, OutputFolder
from midistems_graph.engine.receipt import Receipt, as_bytes, from_bytes, read_receipt


def told_of(folder: Path, paths: Collection[str]) -> str:
    """What the receipt of a worker's folder says of some files (relative, with `/`), their song and its graph."""
    receipt, _ = read_receipt(folder)
    outputs = {path: entry for path, entry in receipt.outputs.items() if path in paths}
    songs = {entry.song: receipt.songs[entry.song] for entry in outputs.values() if entry.song in receipt.songs}
    graphs = {song["graph"]: receipt.graphs[song["graph"]] for song in songs.values()}
    return as_bytes(Receipt(graphs, songs, outputs)).decode()


def adopt(
    folder: OutputFolder, made: Path, told: str, nodes: Collection[str], place: str, problems: list[str]
) -> Mapping[str, Output]:
    """Take over the files of one song out of the folder `made`: what became of each, by its path there.

    `told` is what `told_of` gave, `nodes` and `place` as in `OutputFolder.song`. Raises CannotWrite and OutputRefused.
    """
    try:
        receipt = from_bytes(told.encode())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotWrite(f"what a worker says of its files is no receipt ({error}); run again") from None
    became: dict[str, Output] = {}
    for digest in dict.fromkeys(entry.song for entry in receipt.outputs.values()):
        entries = {path: entry for path, entry in receipt.outputs.items() if entry.song == digest}
        song = folder.song(next(iter(entries.values())).song_name, digest, nodes, place)
        for node in dict.fromkeys(entry.node for entry in entries.values()):
            mine = {path: entry for path, entry in sorted(entries.items()) if entry.node == node}
            keys = {entry.key for entry in mine.values()}
            writer = song.writer(node, keys.pop() if len(keys) == 1 else "")
            for path, entry in mine.items():
                became[path] = writer.take(made / path, PurePosixPath(path), entry)
            writer.done()
        if digest in receipt.songs:
            song.finish(**_finish(receipt, receipt.songs[digest]))
        problems += song.problems
    return became


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
