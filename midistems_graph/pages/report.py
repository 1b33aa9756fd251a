"""The report of a run as one HTML file: the graph, every edge to hear and see, scores, files, timeline, environment."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from midistems_graph import __version__
from midistems_graph.audio.fft import fft_backend
from midistems_graph.document.colors import style_of
from midistems_graph.document.graph import Graph
from midistems_graph.document.identity import graph_hash
from midistems_graph.document.picture import to_svg
from midistems_graph.engine.augment import COMPARE, MIXTURE
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.keys import libraries
from midistems_graph.engine.reports import Status
from midistems_graph.engine.run import RunResult, Score
from midistems_graph.node.library import NodeLibrary
from midistems_graph.pages.frame import as_json, beside, page, table, text
from midistems_graph.pages.listening import Heard, Listening, listening
from midistems_graph.pages.timeline import timeline
from midistems_graph.rules.pictured import ports_of


@dataclass(frozen=True)
class Story:
    """What a report tells of: the graph as it stands in its file, how it was carried out, and what came of it.

    `beside` is the folder that the report will lie in: files of the run below it can be opened from the page.
    """

    graph: Graph
    library: NodeLibrary
    executor: Executor
    result: RunResult
    bars: Mapping[str, list[tuple[float, float, Status]]]
    beside: Path


def report(story: Story) -> str:
    """The whole page."""
    heard = listening(story.executor, story.executor.cores)
    sounds = [one.sound for one in heard.heard if one.sound]
    length = {"length": heard.stretch[1] - heard.stretch[0], "start": heard.stretch[0], "sounds": sounds}
    title = f"{story.result.song}: {story.graph.title or 'run'}"
    body = "".join(
        (
            _head(story),
            _failures(story),
            f"<div class='card scroll graph'>{to_svg(story.graph, ports_of(story.library))}</div>",
            _players(heard, story),
            _scores(story.result),
            _files(story),
            f"<h2>Timeline</h2><div class='card'>{timeline(story.bars)}</div>",
            _nodes(story),
            _environment(story),
            as_json("sounds", length),
        )
    )
    return page(title, body, style=beside("report.css"), script=beside("report.js"))


def _head(story: Story) -> str:
    plan = story.executor.plan
    song = plan.bindings.files.get("song")
    facts = [_clock(float(plan.total))]
    facts += [f"{song.rate} Hz", f"{song.channels} channels" if song.channels != 1 else "mono"] if song else []
    if plan.window[1] - plan.window[0] != plan.total:
        facts.append(f"window {_clock(float(plan.window[0]))} to {_clock(float(plan.window[1]))}")
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"<h1>{text(story.result.song)}</h1><p class=soft>{text(story.graph.title or 'untitled graph')}; "
        f"{', '.join(facts)}; run in {story.result.seconds:.1f} s, {when}</p>"
        f"<p class=soft>{text(story.graph.description)}</p>"
    )


def _failures(story: Story) -> str:
    said = [f"<p class=bad>{text(failure.node)}: {text(failure.message)}</p>" for failure in story.result.failures]
    said += [f"<p class=warn>{text(sentence)}</p>" for sentence in story.result.problems]
    return "".join(said)


def _players(heard: Listening, story: Story) -> str:
    if not heard.heard:
        return "<p class=soft>No edge of this run carries sound that is still there.</p>"
    whole = story.executor.plan.window[1] - story.executor.plan.window[0]
    start, stop = heard.stretch
    is_part = stop - start < float(whole) - 0.5
    part = f"{_clock(start)} to {_clock(stop)}, where the song is loudest" if is_part else "all of it"
    note = f"Previews of {part}"
    note += "; the files have everything." if story.result.outputs else "."
    if heard.left_out:
        note += f" {heard.left_out} more that sound like one of these are left out."
    rows = "".join(_player(number, one) for number, one in enumerate(heard.heard))
    return (
        "<h2>Edges</h2><div class='card edges'><div class=bar><button id=play aria-label='play or pause'>▶</button>"
        f"<span id=clock>{_clock(start)}</span><span class=soft>{note} Click a name to hear it, with Shift to add it; "
        f"1 to 9 and the arrows choose, space plays, a click on a picture goes there.</span></div>"
        "<p id=deaf class=warn hidden>This browser does not play Ogg Vorbis; open the page in Firefox or Chromium, or "
        f"the files beside it.</p>{rows}</div>"
    )


def _player(number: int, one: Heard) -> str:
    color = style_of(one.kind).color
    name = text(one.edge) + (f"<b>{text(one.stem)}</b>" if one.stem else "")
    see = f"<div class=see><img alt='' src='data:image/webp;base64,{one.picture.image}'>"
    if not one.sound:
        words = f"<span class='soft level'>{text(one.picture.words)}</span>"
        what = f"<div class=hear><i style='background:{color}'></i><span class=what>{name}{words}</span></div>"
        return f"<div class='edge silent'>{what}{see}<div class=head></div></div></div>"
    key = str(number + 1) if number < 9 else ""
    low, high = -80.0, 0.0
    count = max(1, len(one.levels) - 1)
    points = " ".join(
        f"{i / count * 900:.0f} {(1 - (min(max(level, low), high) - low) / (high - low)) * 26 + 1:.1f}"
        for i, level in enumerate(one.levels)
    )
    loud = 10 * math.log10(sum(10 ** (level / 10) for level in one.levels) / max(1, len(one.levels)))
    return (
        f"<div class=edge data-n={number}><button class=hear><i style='background:{color}'></i>"
        f"<span class=key>{key}</span><span class=what>{name}</span>"
        f"<span class='soft level'>{'silent' if loud <= -99 else f'{loud:.0f} dB'}</span></button>{see}"
        f"<svg viewBox='0 0 900 28' preserveAspectRatio=none><polyline points='{points}'/></svg>"
        "<div class=head></div></div></div>"
    )


def _scores(result: RunResult) -> str:
    own = [score for score in result.scores if not score.node.startswith(COMPARE)]
    rows = [[text(s.node), text(s.row), text(s.name), _figure(s)] for s in own]
    figures = table(["node", "of", "figure", "value"], rows, frozenset({3}))
    html = f"<h2>Figures</h2><div class='card scroll'>{figures}</div>"
    compared = [score for score in result.scores if score.node.startswith(COMPARE) and score.node != MIXTURE]
    mixture = {(score.row, score.name): score for score in result.scores if score.node == MIXTURE}
    against = [
        [text(s.node.removeprefix(COMPARE)), text(s.row), text(s.name), _figure(s),
         _figure(mixture[s.row, s.name]) if (s.row, s.name) in mixture else "-"]
        for s in compared
    ]  # fmt: skip
    head = ["written by", "stem", "figure", "value", "the mixture's"]
    true = f"<h2>Against the true stems</h2><div class='card scroll'>{table(head, against, frozenset({3, 4}))}</div>"
    return (html if rows else "") + (true if against else "")


def _figure(score: Score) -> str:
    return f"{score.value:.2f} {text(score.unit)}".strip() if not math.isnan(score.value) else "-"


def _files(story: Story) -> str:
    rows = []
    for output in story.result.outputs:
        try:
            below = Path(os.path.relpath(output.path, story.beside)).as_posix()
        except ValueError:  # another drive
            below = ".."
        name = text(output.path.name)
        inside = not below.startswith("..")
        link = f"<a href='{quote(below, safe='/')}'>{name}</a>" if inside else name
        peak, lufs = (output.figures.get(figure) for figure in ("peak", "lufs"))
        rows.append([text(output.stem), link, text(output.status), _db(peak), _db(lufs)])
    head = ["stem", "file", "status", "peak in dB", "LUFS"]
    return f"<h2>Files</h2><div class='card scroll'>{table(head, rows, frozenset({3, 4}))}</div>" if rows else ""


def _db(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.1f}"


def _nodes(story: Story) -> str:
    rows = []
    for address, told in story.result.nodes.items():
        notes = ", ".join(f"{name} {value}" for name, value in told.notes.items())
        kind = story.executor.plan.nodes[address].type.id
        rows.append(
            [text(address), text(kind), text(told.status), f"{told.seconds:.2f}", f"{told.worth:.2f}",
             f"{told.nbytes / 1e6:.1f}", text("; ".join(filter(None, (notes, told.reason))))]
        )  # fmt: skip
    head = ["node", "type", "status", "seconds now", "its results took", "MB", "notes"]
    return f"<h2>Nodes</h2><div class='card scroll'>{table(head, rows, frozenset({3, 4, 5}))}</div>"


def _environment(story: Story) -> str:
    used = dict(pair for node in story.executor.plan.nodes.values() for pair in libraries(node))
    facts = {
        "midistems-graph": __version__,
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {story.executor.cores} used",
        "FFT": fft_backend(),
        **{name: version for name, version in sorted(used.items()) if name != "fft"},
        "graph": graph_hash(story.graph)[:16],
        "song": story.executor.plan.bindings.song_digest[:16],
    }
    cells = "".join(f"<div><span class=soft>{text(name)}</span> {text(value)}</div>" for name, value in facts.items())
    return f"<h2>Environment</h2><div class='card facts'>{cells}</div>"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"
