"""A run of the program: graph, songs, store and folder are opened, the song or the batch is run, everything is said."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console

from midistems_graph.cli import tables
from midistems_graph.cli.asked import folder_inputs, output_folder, refuse_unknown_inputs, wanted_of, with_options
from midistems_graph.cli.batch.knob_table import knobs_of_songs
from midistems_graph.cli.one_song import Work, run_song
from midistems_graph.cli.plain_text import clean
from midistems_graph.cli.presets import graph_file, graph_of
from midistems_graph.cli.progress import shown
from midistems_graph.cli.result import Report
from midistems_graph.cli.settings import with_settings
from midistems_graph.cli.songs import Sources, find_songs, part_of
from midistems_graph.cli.stores import opened
from midistems_graph.engine.forecast import Forecast
from midistems_graph.engine.plan import Plan
from midistems_graph.engine.reports import Watcher
from midistems_graph.engine.run import RunResult
from midistems_graph.node.library import installed


@dataclass(frozen=True)
class _Screen:
    """Looks on for whoever sits before the terminal."""

    options: argparse.Namespace
    people: Console
    results: Console

    def say(self, text: str) -> None:
        if not self.options.quiet:
            self.people.print(clean(text))

    @contextmanager
    def watch(self, plan: Plan) -> Iterator[Watcher]:
        with shown(plan, self.people, self.options.quiet) as watcher:
            yield watcher

    def show(self, result: RunResult) -> None:
        if not self.options.json and not self.options.quiet:
            tables.print_result(result, self.results)

    def foretell(self, told: Forecast) -> None:
        if not self.options.json:
            tables.print_forecast(told, self.results)


def run(options: argparse.Namespace, report: Report) -> None:
    """Do what the command line says, and keep what comes of it in the report. Raises Refused and KeyboardInterrupt."""
    library = installed()
    file = graph_file(options.graph)
    document = with_options(graph_of(file), library, options)
    refuse_unknown_inputs(document, options.input)
    songs = (
        []
        if options.watch and not options.songs
        else find_songs(options.songs, options.input, options.output, report.problem)
    )
    knobs = None
    if options.knobs:
        knobs = knobs_of_songs(options.knobs, songs, document, library, all_there=not options.watch)
    songs = part_of(songs, options.shard)
    several = len(songs) != 1 or bool(options.shard or options.watch)
    sources = Sources(options.input, folder_inputs(document, library), options.reference, several)
    wanted = wanted_of(document, library, options, report)
    if knobs and not several:
        document = with_settings(document, library, knobs(songs[0]))
        wanted = wanted_of(document, library, options, report)
    screen = _Screen(options, tables.stderr(), tables.stdout())
    if several or options.dask:
        from midistems_graph.cli.batch.queue import Asked, run_batch

        asked = Asked(options, document, wanted, library, file.parent, sources, knobs or (lambda _: ()))
        run_batch(asked, songs, report, screen.people, screen.results)
        return
    with opened(options.cache_dir, options.no_cache, report.problem, options.store) as store:
        outputs = output_folder(options, wanted, library, [song.path for song in songs])
        work = Work(
            options,
            report,
            library,
            document,
            wanted,
            file.parent,
            sources,
            outputs,
            store,
            screen,
            jobs=options.jobs,
            memory=lambda _: options.memory,
        )
        run_song(work, songs[0])
