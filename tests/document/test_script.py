"""A graph as a Python script: the same graph again, and nothing but the graph."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import graphs

from midistems_graph.document.files import load
from midistems_graph.document.graph import Graph, Node
from midistems_graph.document.presets import presets
from midistems_graph.document.script import to_script


def built(script: str) -> Graph:
    """The graph that a script builds, without running it on a song."""
    tree = ast.parse(script)
    assigned = [one for one in tree.body if isinstance(one, ast.Assign | ast.ImportFrom)]
    space: dict[str, object] = {}
    exec(compile(ast.Module(assigned, []), "script", "exec"), space)
    assert isinstance(space["GRAPH"], Graph)
    return space["GRAPH"]


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_is_built_again(preset) -> None:  # type: ignore[no-untyped-def]
    graph = load(preset.path)
    assert built(to_script(graph)) == graph


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(graphs())
def test_any_graph_is_built_again(graph: Graph) -> None:
    assert built(to_script(graph)) == graph


def test_texts_of_a_stranger_are_no_code() -> None:
    trick = '"""\nimport os; os._exit(3)\n"""'
    graph = Graph(title=trick, description=trick).with_node("a", Node("io.load", knobs={"input": trick}, label=trick))
    script = to_script(graph)
    assert built(script) == graph
    statements = [type(one).__name__ for one in ast.parse(script).body]
    assert statements == ["Expr", *["Import"] * 1, *["ImportFrom"] * 6, "Assign", "FunctionDef", "If"]


def test_the_script_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "separate.py"
    monkeypatch.setattr("sys.argv", [str(file)])
    file.write_text(to_script(Graph()))
    with pytest.raises(SystemExit, match="name a song"):
        runpy.run_path(str(file), run_name="__main__")
