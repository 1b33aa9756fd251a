"""What the words after `midistems-graph` mean to the editor."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import write_graph, write_song

from midistems_graph.cli.codes import Refused
from midistems_graph.cli.window import meant
from midistems_graph.rules.script import load_graph, write_script


def test_graphs_scripts_presets_and_songs_are_told_apart(home: Path) -> None:
    song = write_song(home / "a.wav")
    graph = write_graph(home / "g.json", {"load": "io.load", "save": "io.save"}, "load.out -> save.stems")
    script = home / "g.py"
    script.write_text(write_script(load_graph(graph)))
    assert meant([str(song), str(graph)]) == (graph, False, (song,))
    assert meant([str(script)]) == (script, True, ())  # a new document begins with it: a script is not written over
    assert meant(["four_stems"])[1] is True
    assert load_graph(script) == load_graph(graph)
    with pytest.raises(Refused, match="there is no graph file nowhere"):
        meant(["nowhere.py"])
