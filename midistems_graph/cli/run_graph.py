"""run-graph: a graph on songs, without a window. This module parses; `running` does the work.

Nothing heavy is imported before the command line is understood, so that `--help` is there at once.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

from midistems_graph import __version__
from midistems_graph.cli import codes
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.result import Report

ON_EXIST = ("auto", "keep", "number", "replace", "fail")

EXAMPLES = """\
examples:
  run-graph four_stems demo                      the song that comes with the program, with scores
  run-graph four_stems song.flac -o stems        stems of your song, in the folder stems
  run-graph my.json 'Music/**/*.flac' --set hpss.n_fft=4096
  run-graph my.json song.wav --only hpss --window 1:00:1:20
"""


class Parser(argparse.ArgumentParser):
    """Reports mistakes as Refused instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise Refused(Exit.USAGE, f"{message}; see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """The command line of run-graph."""
    it = Parser(
        prog="run-graph",
        description="Run a graph on songs. Results go to stdout, everything for people to stderr.",
        epilog=f"{EXAMPLES}\n{codes.as_text()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    it.add_argument("graph", nargs="?", metavar="GRAPH", help="a graph file (.json, .mgraph) or a preset's name")
    it.add_argument(
        "songs",
        nargs="*",
        metavar="SONG",
        help="a sound file, a folder (the files directly in it), a quoted pattern, or demo",
    )
    add = it.add_argument_group("input and output").add_argument
    add("--input", action="append", default=[], metavar="NAME=FILE", help="bind another input; for several songs, "
        "a folder whose files are called like the songs")  # fmt: skip
    add("-o", "--output", type=Path, default=Path("stems"), metavar="FOLDER", help="where files go (default: stems)")
    add("--name", metavar="TEMPLATE", help="file names, with {song}, {stem}, {node}, {folder} (where the song lies "
        "below the folder that is searched) and / (default: '{song} - {stem}')")  # fmt: skip
    add("--on-exist", choices=ON_EXIST, default="auto", help="what becomes of a file that has the name already; auto "
        "replaces only what an earlier run wrote and nobody changed, and numbers the new one otherwise")  # fmt: skip
    add("--no-receipt", action="store_true", help="leave no midistems.json beside the files; nothing of an "
        "earlier run is replaced then")  # fmt: skip
    add("--format", metavar="FORMAT", help="format of all files: wav, wav24, wav16, flac, flac16, aiff, ogg, opus, mp3")
    add("--gain", choices=("none", "shared"), help="shared: one lower gain for a whole set that would clip")
    add("--reference", type=Path, metavar="FOLDER", help="true stems to compare with (SI-SDR); for several songs, "
        "a folder of folders called like the songs")  # fmt: skip
    add = it.add_argument_group("what runs").add_argument
    add("--set", action="append", default=[], metavar="NODE.KNOB=VALUE", dest="settings", help="set a knob")
    add("--knobs", type=Path, metavar="TABLE", help="a CSV file with knobs of single songs: the first column is the "
        "song, the others are called NODE.KNOB")  # fmt: skip
    add("--only", action="append", default=[], metavar="NODE[.PORT]", help="just this node and what is above it; its "
        "sound is written, its figures are printed")  # fmt: skip
    add("--window", type=window, metavar="START:END", help="only this stretch, in seconds or m:ss (0:30:1:00)")
    add("--dry-run", action="store_true", help="only say what would run, and what it would cost")
    add("--report", type=Path, metavar="FILE", help="also write a page (one HTML file): the graph, every edge to hear "
        "and see, scores, timeline")  # fmt: skip
    add("--trace", type=Path, metavar="FILE", help="also write what was at work when, for Perfetto or chrome://tracing")
    add("--verify", type=Path, metavar="FILE", help="render a file, or a folder of them, again from its receipt, and "
        "name the first edge that departs: run-graph --verify FOLDER SONG")  # fmt: skip
    add("--shard", type=shard, metavar="I/N", help="only the I-th of N parts of the songs, for jobs on many machines")
    add("--watch", metavar="FOLDER", help="go on with the songs that come into a folder, or match a quoted pattern, "
        "until Ctrl-C")  # fmt: skip
    add = it.add_argument_group("resources").add_argument
    add("--jobs", type=count, default=0, metavar="N", help="threads, over all songs at work (default: all cores; "
        "on a cluster what each worker was begun with counts, as for --memory and --cache-dir)")  # fmt: skip
    add("--dask", default="", metavar="ADDRESS", help="run the songs on a Dask cluster, such as tls://host:8786, on "
        "workers begun by midistems-graph worker; it needs the extra cluster")  # fmt: skip
    add("--memory", type=size, default=0, metavar="SIZE", help="budget for values in work, such as 2G")
    add("--cache-dir", type=Path, metavar="FOLDER", help="the store of intermediate results")
    add("--store", default="", metavar="ADDRESS", help="a store that other machines use as well, behind that one: "
        "file:///mnt/share/store or s3://bucket/prefix")  # fmt: skip
    add("--no-cache", action="store_true", help="use a temporary store, which is deleted afterwards")
    add = it.add_argument_group("what is said").add_argument
    add("--json", action="store_true", help="one JSON document on stdout in place of the table")
    add("-v", "--verbose", action="store_true", help="say why each node ran")
    add("--quiet", action="store_true", help="say nothing but what went wrong")
    add("--list", action="store_true", help="list the presets")
    add("--version", action="version", version=f"run-graph {__version__}")
    return it


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = parser().parse_intermixed_args(arguments)
        if options.graph is None and not options.list and options.verify is None:
            raise Refused(Exit.USAGE, "name a graph and a song, such as: run-graph four_stems demo")
        options.input = dict(map(binding, options.input))
        options.arguments = arguments
    except SystemExit as ended:  # --help and --version
        return int(ended.code or 0)
    except Refused as refused:
        report = Report()
        report.refuse(refused)
        return report.conclude(as_json="--json" in arguments)
    try:
        return _guarded(options)
    except KeyboardInterrupt:  # before the guard stood
        return Exit.CANCELLED


def _guarded(options: argparse.Namespace) -> int:
    """Run what was asked for, whatever happens."""
    from midistems_graph.cli.guard import guarded

    if options.list:
        from midistems_graph.cli.listing import print_presets

        return guarded(lambda: print_presets(options.json), lambda refused: refused.code)

    report = Report()

    def work() -> None:
        if options.verify is not None:
            from midistems_graph.cli.verifying import verify

            return verify(options, report)
        from midistems_graph.cli.running import run

        return run(options, report)

    guarded(work, report.refuse)
    return guarded(lambda: report.conclude(as_json=options.json), lambda refused: refused.code)


def binding(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (equals and name and path):
        raise Refused(Exit.USAGE, f"--input {text}: write --input name=FILE")
    return name, Path(path)


def window(text: str) -> tuple[Fraction, Fraction]:
    """`10:20` is seconds; with minutes both ends have them: `0:30:1:00`; an open end is left out: `30:`."""
    parts = text.split(":")
    try:
        if len(parts) == 4:
            start, end = _clock(parts[:2]), _clock(parts[2:])
        elif len(parts) == 2:
            start = _clock(parts[:1]) if parts[0] else Fraction(0)
            end = _clock(parts[1:]) if parts[1] else Fraction(10**9)
        else:
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is no window; write START:END as 10:20 or 0:10:0:20") from None
    if start >= end:
        raise argparse.ArgumentTypeError(f"{text!r} is no window: its end must be later than its start")
    return start, end


def _clock(parts: Sequence[str]) -> Fraction:
    if not all(re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", part) for part in parts):
        raise ValueError(parts)
    minutes, seconds = (["0", *parts])[-2:]
    return int(minutes) * 60 + Fraction(seconds)


def count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:6]) <= 1024 or len(text) > 6:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be; allowed: 1 to 1024")
    return int(text)


def shard(text: str) -> tuple[int, int]:
    """`2/8`: the second of eight."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no part; write 1/8 to 8/8")
    return int(match[1]), int(match[2])


def size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 500M or 2G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


if __name__ == "__main__":
    sys.exit(main())
