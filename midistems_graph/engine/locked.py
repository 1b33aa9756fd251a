"""Locked nodes: what a node gave for one song, kept beside the graph file and read in place of the node.

The values lie in the folder `locked` beside the graph file, each in a file named by the digest of its content, in the
form of the store's values. So a lock is true by itself: what is read has the digest that the graph names, or is
refused.
A locked node reads nothing else; what is above it is neither run nor needed.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from midistems_graph.audio import codec
from midistems_graph.audio.values import Span, Timed, Value, ceil_seconds
from midistems_graph.document.encoding import MAX_BYTES
from midistems_graph.document.graph import DIGEST, Graph, Lock, Node
from midistems_graph.engine.binding import Bindings, InputProblem
from midistems_graph.engine.store import valuefile
from midistems_graph.engine.store.base import DamagedValue
from midistems_graph.node.contract import LOCAL
from midistems_graph.node.definition import NodeType, Port

FOLDER = "locked"

LOCKED = "#locked"
"""What the type of a locked node ends with."""

REMEDY = "unlock it, or put the folder back"


_GRAPH_FILE = re.compile(r"\.(json|mgraph)(\.|\Z)")
_DIGEST = re.compile(rb"[0-9a-f]{64}")


class CannotLock(Exception):
    """Values cannot be kept; one sentence."""


def keep(values: Mapping[str, Value], song: str, folder: Path) -> Lock:
    """Write what a node gave for a song, by output, below the folder of the graph file. Raises CannotLock."""
    outputs = {port: codec.digest(value) for port, value in values.items()}
    target = folder / FOLDER
    try:
        target.mkdir(exist_ok=True)
        for port, digest in outputs.items():
            if (target / digest).exists():
                continue
            temporary = target / f".{secrets.token_hex(6)}.tmp"
            try:
                valuefile.write(temporary, valuefile.lay_out(digest, values[port], {}))
                temporary.replace(target / digest)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise CannotLock(f"{target} cannot be written: {error.strerror}; free some space or save elsewhere") from None
    return Lock(song, outputs)


def carry(graph: Graph, source: Path, target: Path) -> None:
    """Let a graph that is saved in another folder find there what its nodes are locked to. Raises CannotLock.

    What is not at the source is left out: a run tells.
    """
    locks = [node.lock for body in (graph, *graph.groups.values()) for node in body.nodes.values() if node.lock]
    wanted = {digest for lock in locks for digest in lock.outputs.values()}
    for digest in sorted(wanted):
        there, here = source / FOLDER / digest, target / FOLDER / digest
        if here.exists() or not there.is_file():
            continue
        temporary = here.with_name(f".{secrets.token_hex(6)}.tmp")
        try:
            here.parent.mkdir(exist_ok=True)
            shutil.copyfile(there, temporary)
            temporary.replace(here)
        except OSError as error:
            raise CannotLock(f"{here.parent} cannot be written: {error.strerror}; free some space") from None
        finally:
            temporary.unlink(missing_ok=True)


def mentioned(folder: Path) -> frozenset[str]:
    """All that graph files of a folder may be locked to, their backups and autosaves too, readable or not."""
    found: set[str] = set()
    for path in folder.iterdir() if (folder / FOLDER).is_dir() else ():
        if _GRAPH_FILE.search(path.name) and path.is_file() and path.stat().st_size <= MAX_BYTES:
            found.update(match.decode() for match in _DIGEST.findall(path.read_bytes()))
    return frozenset(found)


def sweep(folder: Path, digests: Iterable[str]) -> None:
    """Delete those of some values that no graph file of the folder speaks of any more; others stay in any case."""
    with suppress(OSError):
        for digest in set(digests) - mentioned(folder):
            if DIGEST.match(digest):
                (folder / FOLDER / digest).unlink(missing_ok=True)
        (folder / FOLDER).rmdir()  # refuses if anything is left


def locked_type(node: Node, values: Mapping[str, Value]) -> NodeType:
    """A node type without inputs or knobs that gives what a node is locked to."""
    return NodeType(
        id=node.type + LOCKED,
        version=node.version or "1.0.0",
        context=LOCAL,
        function=partial(_given, tuple(values.values())),
        inputs=(),
        outputs=tuple(Port(port, (codec.pack(value)[0]["kind"],)) for port, value in values.items()),
        knobs=(),
        single_output=len(values) == 1,
    )


def locked_values(address: str, lock: Lock, bindings: Bindings) -> dict[str, tuple[str, Value]]:
    """What a node is locked to, by output, each after what tells it from others.

    Raises InputProblem: another song, a file that is gone or damaged.
    """
    song = bindings.of_song
    if lock.song != song.song_digest:
        raise InputProblem(
            f"{address} is locked to what it gave for another song; unlock it, or open the song that it was locked with"
        )
    values = {}
    for port, digest in lock.outputs.items():
        if digest not in song.locked:
            song.locked[digest] = _read(f"{address}.{port}", digest, song)
        value = song.locked[digest]
        if isinstance(value, Timed) and value.span != Span.whole(ceil_seconds(song.total, value.rate), value.rate):
            raise InputProblem(f"what {address}.{port} is locked to has not the length of the song; {REMEDY}")
        values[port] = bindings.part(digest, value)
    return values


def _read(what: str, digest: str, bindings: Bindings) -> Value:
    """A value whose content has its digest."""
    name = f"{FOLDER}/{digest[:12]}..."
    if bindings.folder is None:
        raise InputProblem(f"{what} is locked, but the graph has no file beside which {name} lies; unlock it")
    if not DIGEST.match(digest) or not (bindings.folder / FOLDER / digest).is_file():
        raise InputProblem(f"what {what} is locked to is not there ({name} beside the graph file); {REMEDY}")
    path = bindings.below_graph(f"{FOLDER}/{digest}")
    try:
        value = valuefile.read(path).value()
        if codec.digest(value) == digest:
            return value
    except (DamagedValue, OSError, ValueError, KeyError, TypeError):
        pass
    raise InputProblem(f"what {what} is locked to is damaged ({name} beside the graph file); {REMEDY}")


def _given(values: tuple[Value, ...]) -> Value | tuple[Value, ...]:
    """The values over the whole song; whoever evaluates a node cuts them."""
    return values[0] if len(values) == 1 else values
