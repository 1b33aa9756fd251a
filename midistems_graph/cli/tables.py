"""The tables on stdout: files with their levels and scores, other figures, the forecast."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from midistems_graph.audio.stem_names import canonical
from midistems_graph.cli.plain_text import clean, in_bytes, in_seconds
from midistems_graph.engine.augment import COMPARE, MIXTURE
from midistems_graph.engine.forecast import Forecast
from midistems_graph.engine.run import RunResult, Score

_FEW = ("si_sdr", "sdr", "level")
"""What every comparison says; the table of files shows the first."""


def stdout() -> Console:
    """A console for results: no markup, and no line breaks where nobody looks at a screen."""
    return _console(sys.stdout.isatty(), stderr=False)


def stderr() -> Console:
    """A console for people."""
    return _console(sys.stderr.isatty(), stderr=True)


def _console(is_terminal: bool, stderr: bool) -> Console:
    width = None if is_terminal else 100_000
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)


def print_result(result: RunResult, console: Console) -> None:
    """The files of a song, then the figures that are not about a file."""
    if result.outputs:
        console.print(_files(result))
    for table in _all_figures(result):
        console.print()
        console.print(table)
    figures = [score for score in result.scores if not score.node.startswith(COMPARE)]
    rows = [(score.node, score.row, score.name, _cell(score)) for score in figures]
    rows += [(failure.node, "", failure.message, "failed") for failure in result.failures if failure.kind == "check"]
    if rows:
        if result.outputs:
            console.print()
        console.print(_table(("node", "of", "figure", "value"), rows, right=(3,)))


def _files(result: RunResult) -> Table:
    scores = {output.node: _si_sdr(result.scores, COMPARE + output.node) for output in result.outputs}
    of_mixture = _si_sdr(result.scores, MIXTURE)
    head = ["stem", "file", "status", "peak", "LUFS"]
    if any(scores.values()):
        head += ["SI-SDR", "mixture's"]
    rows = []
    for output in result.outputs:
        row = [output.stem, str(output.path), output.status]
        row += [figure(output.figures.get("peak"), "dB"), figure(output.figures.get("lufs"), "")]
        if any(scores.values()):
            name = canonical(output.stem)
            row += [figure(scores[output.node].get(name), "dB"), figure(of_mixture.get(name), "dB")]
        rows.append(row)
    return _table(head, rows, right=range(3, len(head)))


def _all_figures(result: RunResult) -> Iterator[Table]:
    """A table for each set of stems that was compared in more than level and distortion: a row per figure."""
    for node in dict.fromkeys(output.node for output in result.outputs):
        cells = {(score.name, score.row): score for score in result.scores if score.node == COMPARE + node}
        names, stems = (list(dict.fromkeys(key[side] for key in cells)) for side in (0, 1))
        if len(names) > len(_FEW):
            rows = [[name, *(_cell(cells.get((name, stem))) for stem in stems)] for name in names]
            yield _table((f"against the true stems ({node})", *stems), rows, right=range(1, len(stems) + 1))


def _cell(score: Score | None) -> str:
    if score is None or math.isnan(score.value):
        return "" if score is None else "-"
    return figure(score.value, score.unit) if score.unit else f"{score.value:.2f}"


def _si_sdr(scores: Sequence[Score], node: str) -> dict[str, float]:
    """What one comparison node found, by canonical stem name."""
    return {canonical(score.row): score.value for score in scores if score.name == "si_sdr" and score.node == node}


def figure(value: float | None, unit: str) -> str:
    """`-12.3 dB`; a dash for what is not known, `-inf dB` for silence."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.1f} {unit}".rstrip() if abs(value) < 1e5 else f"{value:.4g} {unit}".rstrip()


def print_forecast(forecast: Forecast, console: Console) -> None:
    """What would run, what is there already, and what the rest would cost."""
    rows = []
    for node in forecast.nodes:
        rows.append(
            (
                node.address,
                node.type,
                f"{node.cached} of {node.units}" if node.units else "-",
                node.words,
                "unknown" if node.seconds is None else in_seconds(node.seconds),
                in_bytes(node.nbytes),
            )
        )
    console.print(_table(("node", "type", "cached", "then", "time", "to store"), rows, right=(4, 5)))
    least = "at least " if forecast.has_unknown_seconds else "about "
    console.print(
        f"{forecast.cached} of {forecast.units} units are in the store; {least}{in_seconds(forecast.elapsed)}, "
        f"{in_bytes(forecast.memory)} of memory, {in_bytes(forecast.nbytes)} more in the store"
        + ("" if forecast.free is None else f" ({in_bytes(forecast.free)} are free there)")
        + (f", about {in_bytes(forecast.files)} of files" if forecast.files else "")
    )


def print_rows(head: Sequence[str], rows: Sequence[Sequence[str]], console: Console, right: Sequence[int] = ()) -> None:
    """A plain table; columns in `right` stand flush right."""
    console.print(_table(head, rows, right))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for place, name in enumerate(head):
        table.add_column(name, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table
