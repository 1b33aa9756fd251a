"""`midistems-graph [GRAPH] [SONG ...]`: the editor's window on files, presets and the demo song."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.document.presets import presets

GRAPHS = frozenset({".json", ".mgraph"})
SCRIPT = ".py"
DEMO = "demo"


def open_editor(words: Sequence[str]) -> Exit:
    """Open the editor on what the words name, in the window that runs if there is one. Raises Refused."""
    graph, is_preset, songs = meant(words)
    from midistems_graph.editor.view.display import NoDisplay, check_display

    try:
        check_display()
    except NoDisplay as reason:
        raise Refused(Exit.WINDOW, str(reason)) from None
    from midistems_graph.editor.handover import hand_over

    files = [*([graph] if graph else []), *songs]
    if files and hand_over(files):
        print("opened in the window that runs", file=sys.stderr)
        return Exit.DONE
    from midistems_graph.document.graph import DocumentError
    from midistems_graph.editor.app import Opening, run_editor

    try:
        run_editor(Opening(graph, is_preset, songs))
    except DocumentError as error:
        raise Refused(Exit.GRAPH, str(error)) from None
    return Exit.DONE


def meant(words: Sequence[str]) -> tuple[Path | None, bool, tuple[Path, ...]]:
    """The graph among the words, whether a new document begins with it, and the songs, in any order. Raises Refused.

    A word is a file, `demo`, or the name of a preset.
    """
    graphs: list[tuple[Path, bool]] = []
    songs: list[Path] = []
    known = {preset.name: preset.path for preset in presets()}
    for word in words:
        path = Path(word)
        if path.suffix.lower() in GRAPHS and path.is_file():
            graphs.append((path, False))
        elif path.suffix.lower() == SCRIPT and path.is_file():
            graphs.append((path, True))  # a new document begins with it, too
        elif path.is_file():
            songs.append(path)
        elif word == DEMO:
            from midistems_graph.cli.songs import demo_song

            songs.append(demo_song())
        elif word in known:
            graphs.append((known[word], True))
        else:
            raise Refused(*_unknown(word, sorted(known)))
    if len(graphs) > 1:
        raise Refused(Exit.USAGE, f"the editor opens one graph at a time; {graphs[1][0].name} is a second one")
    graph, is_preset = graphs[0] if graphs else (None, False)
    return graph, is_preset, tuple(songs)


def _unknown(word: str, known: Sequence[str]) -> tuple[Exit, str]:
    path = Path(word)
    if path.suffix.lower() in (*GRAPHS, SCRIPT):
        return Exit.GRAPH, f"there is no graph file {word}; check the name"
    if path.suffix:
        return Exit.INPUT, f"there is no file {word}; check the name"
    listed = ", ".join((DEMO, *known))
    return Exit.USAGE, f"{word} is no file, no command and no preset ({listed}); see midistems-graph --help"
