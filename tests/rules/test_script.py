"""A graph as a Python script: the same graph again, whether it is read or run, and nothing but the graph."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from midistems_graph.document.files import load
from midistems_graph.document.graph import DocumentError, Graph, Node
from midistems_graph.document.identity import graph_hash
from midistems_graph.document.presets import presets
from midistems_graph.rules.script import load_script, read_script, write_script
from strategies import graphs


def executed(script: str, folder: Path) -> Graph:
    """What Python makes of a script."""
    file = folder / "script.py"
    file.write_text(script)
    found = runpy.run_path(str(file))["GRAPH"]
    assert isinstance(found, Graph)
    return found


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_is_the_same_document_read_and_executed(preset, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    graph = load(preset.path)
    script = write_script(graph)
    assert read_script(script) == graph
    assert executed(script, tmp_path) == graph
    assert graph_hash(read_script(script)) == graph_hash(graph)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_any_graph_is_read_again(graph: Graph) -> None:
    assert read_script(write_script(graph)) == graph


def test_a_chain_of_few_lines_is_a_graph(tmp_path: Path) -> None:
    script = """
from midistems_graph.rules.notation import graph, rooms

io, separate, consistency = rooms("io", "separate", "consistency")
song = io.load()
exact = consistency.mixture(share="energy")
song >> separate.hpss(n_fft=8192) >> exact.stems >> io.save()
song >> exact.mixture
GRAPH = graph(globals(), title="Held and hit")
"""
    graph = read_script(script)
    assert sorted(map(str, graph.edges)) == [
        "exact.out -> save.stems",
        "hpss.out -> exact.stems",
        "song.out -> exact.mixture",
        "song.out -> hpss.mixture",
    ]
    assert graph.nodes["hpss"].knobs == {"n_fft": 8192}
    assert graph.title == "Held and hit"
    assert executed(script, tmp_path) == graph


def test_nodes_without_names_are_told_apart() -> None:
    graph = read_script(
        "io, filter = rooms('io', 'filter')\nsong = io.load()\n"
        "song >> filter.gain(gain=1.0) >> filter.gain(gain=2.0) >> io.save()\nGRAPH = graph(globals())"
    )
    assert graph.nodes["gain"].knobs == {"gain": 1.0} and graph.nodes["gain2"].knobs == {"gain": 2.0}


HARM = "(lambda: open({!r}, 'w'))()"


@pytest.mark.parametrize(
    "line",
    [
        "x = {harm}",
        "song = io.load(input={harm})",
        "song = io.load(**{harm})",
        "io.load()[{harm}] >> io.save()",
        "song = io.__class__()",
        "song = io.load().__init__()",
        "song = io.load().about({harm})",
        "def f(x={harm}):\n    return group(locals())",
        "GRAPH = graph(globals(), groups={{'f': {harm}}})",
        "GRAPH = graph({harm})",
        "for x in {harm}: pass",
        "io = rooms({harm})",
        "class A: x = {harm}",
        "exec('1')",
        "GRAPH = graph(globals(), title=f'{{1}}')",
    ],
)
def test_code_is_never_run_and_refused(line: str, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    script = "io, = rooms('io')\n" + line.format(harm=HARM.format(str(trap)))
    with pytest.raises(DocumentError, match="line "):
        read_script(script + "\nGRAPH = graph(globals())")
    assert not trap.exists()


def test_imports_and_the_part_that_runs_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "harm.py").write_text("open('trap', 'w')")
    graph = read_script("import harm\nGRAPH = graph(globals())\nif __name__ == '__main__':\n    harm.do()")
    assert graph == Graph()


def test_texts_of_a_stranger_are_no_code(tmp_path: Path) -> None:
    trick = '"""\nimport os; os._exit(3)\n"""'
    graph = Graph(title=trick, description=trick).with_node("a", Node("io.load", knobs={"input": trick}, label=trick))
    script = write_script(graph)
    assert read_script(script) == graph == executed(script, tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("GRAPH = ", "line 1: this is not Python"),
        ("", "there is no graph"),
        ("song >> save\nGRAPH = graph(globals())", "line 1: song is no node"),
        ("a = node('x.y')\na >> a\nGRAPH = graph(globals())", "a of the type x.y has no output that is known"),
    ],
)
def test_mistakes_are_said_with_their_line(text: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        read_script(text)


def test_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"nowhere\.py cannot be read"):
        load_script(tmp_path / "nowhere.py")
