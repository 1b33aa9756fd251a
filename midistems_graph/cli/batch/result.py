"""What came of the songs of a batch: their entries in the manifest, the document of `--json`, tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from midistems_graph.cli import tables
from midistems_graph.cli.batch.fingerprint import looks
from midistems_graph.cli.batch.manifest import Entry
from midistems_graph.cli.codes import Exit
from midistems_graph.cli.plain_text import clean, in_bytes, in_seconds
from midistems_graph.cli.result import Report
from midistems_graph.cli.songs import Song
from midistems_graph.engine.augment import MIXTURE

_OF_FILE = ("node", "stem", "peak", "lufs")
"""What manifest and `--json` tell alike of a file."""


@dataclass(frozen=True)
class MadeFrom:
    """What a song was run with; `looks` are size and time of change of its file. See `Entry`."""

    song: str
    name: str
    looks: Sequence[int]
    fingerprint: str
    settings: Sequence[str]


def entry_of(
    made_from: MadeFrom, over: Mapping[str, Any], code: Exit, problems: Sequence[str], tries: int, folder: Path
) -> Entry:
    """The entry of a song from what its worker said of it in the end."""
    outputs = []
    for output in over.get("outputs", ()):
        path = Path(output["path"])
        size, changed = looks(path) or (0, 0)
        told = {name: output[name] for name in _OF_FILE}
        outputs.append({"path": path.relative_to(folder).as_posix(), **told, "bytes": size, "changed": changed})
    scores = [{name: value for name, value in score.items() if name != "song"} for score in over.get("scores", ())]
    return Entry(
        song=made_from.song,
        name=made_from.name,
        size=made_from.looks[0],
        changed=made_from.looks[1],
        fingerprint=made_from.fingerprint,
        status="done" if code is Exit.DONE else "failed",
        exit_code=int(code),
        tries=tries,
        seconds=round(float(over["seconds"]), 3),
        settings=dict(setting.split("=", 1) for setting in made_from.settings),
        outputs=tuple(outputs),
        scores=tuple(scores),
        problems=tuple(problems),
    )


@dataclass
class Results:
    """Results by the place of their songs in the batch, in whatever order they come; the last of a song counts."""

    _earlier: set[int] = field(default_factory=set)
    _found: dict[int, tuple[Song, Entry, Mapping[str, Any]]] = field(default_factory=dict)

    def add(self, number: int, song: Song, entry: Entry, over: Mapping[str, Any]) -> None:
        self._earlier.discard(number)
        parts = ("outputs", "nodes", "scores", "forecast", "peak_memory_bytes")
        self._found[number] = song, entry, {name: over[name] for name in parts if name in over}

    def add_earlier(self, number: int, song: Song, entry: Entry, folder: Path) -> None:
        """One that was done before, as the manifest of the output folder tells."""
        self._earlier.add(number)
        outputs = [
            {"song": entry.name, **{name: output[name] for name in _OF_FILE}, "path": str(folder / output["path"]),
             "status": "up to date"} for output in entry.outputs
        ]  # fmt: skip
        scores = [{"song": entry.name, **score} for score in entry.scores]
        self._found[number] = song, entry, {"outputs": outputs, "scores": scores}

    @property
    def rows(self) -> list[tuple[Song, Entry]]:
        """Songs and their entries, in the order of the songs."""
        return [self._found[number][:2] for number in sorted(self._found)]

    @property
    def earlier(self) -> int:
        """How many songs an earlier run had done."""
        return len(self._earlier)

    @property
    def failed(self) -> list[tuple[Song, Entry]]:
        return [(song, entry) for song, entry in self.rows if entry.status == "failed"]

    @property
    def forecasts(self) -> list[tuple[Song, Mapping[str, Any]]]:
        """What songs would cost that are not done yet, in their order."""
        found = (self._found[number] for number in sorted(self._found))
        return [(song, one) for song, _, parts in found for one in parts.get("forecast", ())]

    def gather(self, report: Report, *, nodes: bool) -> None:
        """Put everything into the report of the run; what became of `nodes` only if it is wanted."""
        for number in sorted(self._found):
            song, entry, parts = self._found[number]
            report.songs.append(Exit(entry.exit_code))
            report.outputs += parts.get("outputs", ())
            report.nodes += parts.get("nodes", ()) if nodes else ()
            report.scores += parts.get("scores", ())
            report.forecast += parts.get("forecast", ())
            report.peaks.append(parts.get("peak_memory_bytes") or 0)
            report.batch.append(
                {
                    "song": entry.name,
                    "path": str(song.path),
                    "status": entry.status,
                    "exit_code": entry.exit_code,
                    "tries": entry.tries,
                    "seconds": entry.seconds,
                    "settings": dict(entry.settings),
                    "problems": list(entry.problems),
                }
            )


def print_songs(results: Results, console: Console) -> None:
    """A row for each song."""
    rows = results.rows
    found = [score["row"] for _, entry in rows for score in entry.scores if _is_distortion(score)]
    stems = list(dict.fromkeys(found))
    lines = []
    for song, entry in rows:
        scores = {score["row"]: score["value"] for score in entry.scores if _is_distortion(score)}
        figures = [tables.figure(scores.get(stem), "dB") for stem in stems]
        lines.append([song.shown, entry.status, str(len(entry.outputs)), in_seconds(entry.seconds), *figures])
    head = ["song", "status", "files", "took", *(f"SI-SDR {stem}" for stem in stems)]
    tables.print_rows(head, lines, console, right=range(2, len(head)))


def print_forecasts(results: Results, total: Mapping[str, Any], console: Console) -> None:
    """What each song that is not done yet would cost, and all of them `together`."""
    foretold = results.forecasts
    rows = [_foretold(song.shown, one, _is_unknown(one)) for song, one in foretold]
    if len(foretold) > 1:
        rows.append(_foretold(f"{len(foretold)} songs", total, any(_is_unknown(one) for _, one in foretold)))
    if rows:
        head = ("song", "cached", "time", "memory", "to store", "files")
        tables.print_rows(head, rows, console, right=range(2, len(head)))


def together(songs: Sequence[Mapping[str, Any]], at_once: int, *, begin: float, memory: int) -> dict[str, Any]:
    """What songs cost together, so many at a time, each in one of as many processes; nothing if there are none.

    The batch needs `begin` seconds and `memory` by itself; its workers begin as it did, and load networks once.
    """
    if not songs:
        return {}
    total = {name: sum(one[name] for one in songs) for name in ("cached", "units", "bytes", "files")}
    longest, work = max(one["elapsed"] for one in songs), sum(one["elapsed"] for one in songs)
    total["elapsed"] = 2 * begin + max(one["start"] for one in songs) + max(longest, work / at_once)
    total["memory"] = memory + sum(sorted((one["memory"] for one in songs), reverse=True)[:at_once])
    return total


def _foretold(name: str, costs: Mapping[str, Any], unknown: bool) -> tuple[str, ...]:
    seconds = in_seconds(costs["elapsed"])
    time = seconds if not unknown else f"{seconds} or more" if costs["elapsed"] else "unknown"
    cached = f"{costs['cached']} of {costs['units']}"
    return name, cached, time, *(in_bytes(costs[one]) for one in ("memory", "bytes", "files"))


def _is_unknown(forecast: Mapping[str, Any]) -> bool:
    """Whether something of it never ran here; files are written in no time that counts."""
    return any(node["seconds"] is None and not node["writes"] for node in forecast["nodes"])


def conclude(results: Results, total: int, seconds: float, people: Console, *, foretold: bool = False) -> None:
    """The last words: what failed and why, and how many songs are done, or were only `foretold`."""
    failed = results.failed
    if failed:
        told = [[song.shown, str(entry.tries), "; ".join(entry.problems)] for song, entry in failed]
        tables.print_rows(("failed", "tries", "why"), told, people, right=(1,))
    well = len(results.rows) - len(failed)
    if foretold:
        parts = [f"{well} of {total} songs were looked at"]
        parts += [f"{results.earlier} of them are done already"] if results.earlier else []
    else:
        parts = [f"{well} of {total} songs are done"]
        parts += [f"{results.earlier} of them earlier"] if results.earlier else []
    parts += [f"{len(failed)} failed"] if failed else []
    people.print(clean(f"{', '.join(parts)} ({in_seconds(seconds)})"))


def _is_distortion(score: Mapping[str, Any]) -> bool:
    return (score["name"], score["node"] == MIXTURE) == ("si_sdr", False)
