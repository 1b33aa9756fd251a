"""`run-graph --verify`: files of an output folder are rendered again from its receipt and held against what is there.

Nothing of an earlier run is believed: the work is done in a temporary store and a temporary folder. Where something
departs, the first edge that does is named, with how far it does if the usual store still has what was there before.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from midistems_graph.audio.files import SoundFileError, content_digest, file_digest
from midistems_graph.cli import tables
from midistems_graph.cli.codes import Exit, Refused, of_graph
from midistems_graph.cli.plain_text import clean, in_seconds
from midistems_graph.cli.presets import graph_file, is_graph
from midistems_graph.cli.progress import shown
from midistems_graph.cli.result import Report, finite
from midistems_graph.cli.songs import DEMO, demo_song, find_songs
from midistems_graph.cli.stores import opened
from midistems_graph.document.data import from_data
from midistems_graph.document.diff import diff
from midistems_graph.document.files import load
from midistems_graph.document.flatten import Unfolding
from midistems_graph.document.graph import Address, DocumentError, Graph
from midistems_graph.document.identity import graph_hash
from midistems_graph.engine import augment
from midistems_graph.engine.binding import SONG, InputProblem
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.outputs import Output, OutputFolder
from midistems_graph.engine.receipt import RECEIPT, Entry, Receipt
from midistems_graph.engine.receipt_book import read_receipt
from midistems_graph.engine.run import GraphUnsound, RunResult, execute, prepare
from midistems_graph.engine.store import DiskStore, Store
from midistems_graph.engine.trace import Trace
from midistems_graph.engine.verify import (
    Departure,
    Difference,
    between_files,
    derived_departure,
    first_departure,
    is_sound_file,
)
from midistems_graph.engine.wiring import PlanError
from midistems_graph.node.library import NodeLibrary, installed


@dataclass(frozen=True, eq=False)
class _Part:
    """The files of one song that one graph made, and what the receipt knows of that run."""

    song: str
    song_name: str
    graph_hash: str
    entries: Mapping[str, Entry]
    trace: Trace | None


def verify(options: argparse.Namespace, report: Report) -> None:
    """Verify what the command line names; departures are problems of the report. Raises Refused."""
    folder, receipt, entries = _receipt(options.verify)
    words = [word for word in (options.graph, *options.songs) if word is not None]
    given = graph_file(words.pop(0)) if words and is_graph(words[0]) else None
    songs = {content_digest(song.path): song.path for song in find_songs(words, options.input)} if words else {}
    people, library = tables.stderr(), installed()
    parts = _parts(receipt, entries)
    found = {part: song for part in parts if (song := _song(part, songs, alone=len(parts) == 1)) is not None}
    left = sorted({part.song_name for part in parts if part not in found})
    if not found:
        raise Refused(
            Exit.USAGE,
            f"the receipt does not say where {', '.join(left)} lies; name the song: run-graph --verify FOLDER SONG",
        )
    if left:
        people.print(clean(f"left out, because no song of theirs is named: {', '.join(left)}"))
    with opened(options.cache_dir, options.no_cache, report.problem) as older:
        for part, song in found.items():
            graph, beside = (_loaded(given), given.parent) if given else (_recorded(receipt, part, report), folder)
            with tempfile.TemporaryDirectory(prefix="midistems-verify-") as place:
                again = _rendered(options, report, library, graph, beside, part, song, Path(place))
                _compare(report, again, folder, part, older, _changed(receipt, part, graph))
    if not options.json and not options.quiet:
        rows = [
            (row["path"], row["status"], _or_dash(row["difference"], " dB"), _or_dash(row["from"], " s"))
            for row in report.verified
        ]
        tables.print_rows(("file", "status", "difference", "from"), rows, tables.stdout(), right=(2, 3))
    if any(row["status"] != "the same" for row in report.verified) or report.departures:
        report.ended.append(Exit.VERIFY)
    elif not options.quiet:
        people.print(clean(f"every file is as the receipt says, rendered again in {in_seconds(report.seconds)}"))


def _or_dash(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.2f}{unit}"


# What is to be verified


def _receipt(target: Path) -> tuple[Path, Receipt, dict[str, Entry]]:
    """The folder with the receipt that speaks of a file or folder, and its entries that are meant."""
    if not target.exists():
        raise Refused(Exit.USAGE, f"--verify {target}: there is no such file or folder")
    place = target.resolve()
    folder = next((f for f in (place, *place.parents) if (f / RECEIPT).is_file()), None)
    if folder is None:
        raise Refused(
            Exit.USAGE,
            f"--verify {target}: there is no receipt ({RECEIPT}) beside it; name a folder that run-graph wrote",
        )
    receipt, reason = read_receipt(folder)
    if reason:
        raise Refused(Exit.USAGE, f"--verify {target}: the receipt {folder / RECEIPT} {reason}")
    below = place.relative_to(folder)
    entries = {path: entry for path, entry in receipt.outputs.items() if Path(path).is_relative_to(below)}
    if not entries:
        raise Refused(Exit.USAGE, f"--verify {target}: the receipt in {folder} does not know it")
    return folder, receipt, entries


def _parts(receipt: Receipt, entries: Mapping[str, Entry]) -> list[_Part]:
    parts: dict[tuple[str, str], dict[str, Entry]] = {}
    for path, entry in sorted(entries.items()):
        parts.setdefault((entry.song, entry.graph), {})[path] = entry
    return [
        _Part(song, next(iter(files.values())).song_name, graph, files,
              Trace.from_data(receipt.songs.get(song, {}).get("runs", {}).get(graph)))
        for (song, graph), files in parts.items()
    ]  # fmt: skip


def _song(part: _Part, songs: Mapping[str, Path], *, alone: bool) -> Path | None:
    """The file of a part's song: the one with its content, the one of its name, the only one; the demo by itself."""
    if part.song in songs:
        return songs[part.song]
    named = [path for path in songs.values() if path.stem == part.song_name] or (list(songs.values()) if alone else [])
    if len(named) == 1:
        return named[0]
    if part.song_name.lower().startswith(DEMO) and content_digest(demo_song()) == part.song:
        return demo_song()
    return None


def _loaded(file: Path) -> Graph:
    try:
        return load(file)
    except DocumentError as error:
        raise Refused(Exit.GRAPH, str(error)) from None


def _recorded(receipt: Receipt, part: _Part, report: Report) -> Graph:
    """The graph that the receipt has for a part."""
    try:
        graph = from_data(receipt.graphs[part.graph_hash])
    except KeyError:
        sentence = f"the run that made {next(iter(part.entries))} was not finished, so the receipt has no graph of it"
        raise Refused(Exit.VERIFY, sentence) from None
    except DocumentError as error:
        raise Refused(Exit.GRAPH, f"the graph in the receipt is damaged: {error}") from None
    if graph_hash(graph) != part.graph_hash:
        report.problem("the graph in the receipt was changed: it is not the one that it was filed as")
    return graph


def _changed(receipt: Receipt, part: _Part, graph: Graph) -> list[str]:
    """What sets the graph that was rendered apart from the one in the receipt."""
    try:
        return [str(change) for change in diff(from_data(receipt.graphs[part.graph_hash]), graph)]
    except (KeyError, DocumentError):
        return []


# Rendered again


@dataclass(frozen=True)
class _Again:
    result: RunResult
    executor: Executor
    outputs: Mapping[tuple[str, str], Output]


def _rendered(
    options: argparse.Namespace,
    report: Report,
    library: NodeLibrary,
    graph: Graph,
    beside: Path,
    part: _Part,
    song: Path,
    place: Path,
) -> _Again:
    """A part's files again, in a store and a folder of their own."""
    inputs = {SONG: song, **{name: path for name, path in options.input.items() if name != SONG}}
    only = part.trace.only if part.trace else ()
    writers = sorted({entry.node for entry in part.entries.values()})
    try:
        wanted = augment.only(graph, library, only) if only else augment.Wanted(
            graph, tuple(Address(node, "out") for node in writers)
        )  # fmt: skip
        window = _window(part.trace)
        plan, _ = prepare(wanted.graph, library, inputs, folder=beside, outputs=wanted.ports, window=window)
    except InputProblem as error:
        raise Refused(Exit.INPUT, str(error)) from None
    except GraphUnsound as error:
        raise Refused(of_graph(error.problems), *(problem.message for problem in error.problems)) from None
    except (PlanError, Unfolding, DocumentError) as error:
        raise Refused(Exit.GRAPH, str(error)) from None
    executors: list[Executor] = []
    outputs = OutputFolder(place / "out").song(part.song_name, plan.bindings.song_digest)
    with DiskStore(place / "store") as store, shown(plan, tables.stderr(), options.quiet) as watcher:
        result = execute(
            graph, plan, library, store=store, outputs=outputs, watcher=watcher, jobs=options.jobs,
            memory=options.memory, started=executors.append,
        )  # fmt: skip
        if result.cancelled:
            raise KeyboardInterrupt
        for failure in result.failures:
            report.problem(f"the node {failure.node}: {failure.message}")
            report.ended.append(Exit.NODE)
    return _Again(result, executors[0], {(output.node, output.stem): output for output in outputs.outputs})


def _window(trace: Trace | None) -> tuple[Fraction, Fraction] | None:
    try:
        return (Fraction(trace.window[0]), Fraction(trace.window[1])) if trace else None
    except (ValueError, ZeroDivisionError):
        return None


# Held against what is there


def _compare(report: Report, again: _Again, folder: Path, part: _Part, older: Store, changed: Sequence[str]) -> None:
    """Every file with its status, then the first edge that departs."""
    departing = []
    for path, entry in part.entries.items():
        status, difference = _held(folder / path, entry, again.outputs.get((entry.node, entry.stem)))
        report.verified.append(
            {
                "song": part.song_name,
                "path": str(folder / path),
                "node": entry.node,
                "stem": entry.stem,
                "status": status,
                "difference": finite(difference.db) if difference else None,
                "from": difference.at if difference else None,
            }
        )
        if status != "the same":
            departing.append(entry.node)
    if part.trace is None:
        if departing:
            report.problem("the receipt is of an older version and has no edges, so only files could be compared")
        return
    found = first_departure(again.executor, part.trace, older)
    if found is None and departing:
        found = derived_departure(again.executor, part.trace, departing[0])
    if found is not None:
        _say(report, part, found, changed)
    elif departing:
        report.problem("every edge is as it was; what departs is in the files alone")


def _held(path: Path, entry: Entry, output: Output | None) -> tuple[str, Difference | None]:
    """What is to be said of a file that was rendered again."""
    if not path.is_file():
        return "missing", None
    if output is None:
        return "not rendered", None
    if file_digest(path) == output.digest:
        return "the same", None
    own = "departs" if file_digest(path) == entry.digest else "changed since"
    try:
        if is_sound_file(output.path):
            difference = between_files(path, output.path)
            return (own, difference) if difference else ("the same", None)
    except SoundFileError:
        pass
    return own, None


def _say(report: Report, part: _Part, found: Departure, changed: Sequence[str]) -> None:
    difference = str(found.difference) if found.difference else "how far is not known: its older content is gone"
    why = [*found.why, *changed][:3]
    report.departures.append(
        {
            "song": part.song_name,
            "edge": found.edge,
            "type": found.type,
            "difference": finite(found.difference.db) if found.difference else None,
            "from": found.difference.at if found.difference else None,
            "why": why,
        }
    )
    because = f" ({'; '.join(why)})" if why else ""
    report.problem(
        f"{part.song_name}: the first edge that departs is {found.edge} of {found.type}, {difference}{because}"
    )
