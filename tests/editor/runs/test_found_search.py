"""What a search wrote is read as it is; what is no search is said in a sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from midistems_graph.document.graph import Graph, Node
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.knobs import take_settings
from midistems_graph.editor.model.state import EditorState
from midistems_graph.editor.runs.found_search import NoSearch, read_search
from midistems_graph.editor.view.found_panel import badge_of
from midistems_graph.editor.view.signs import Badge
from midistems_graph.engine.search.journal import Journal
from midistems_graph.node.library import installed

SWEEP = """low.cutoff,hits.masks,si_sdr,null.value,cost,front,problem
150,soft,3.25,-120,12.5,yes,
350,hard,,,,,Demo: it does not fit
"""
MAP = """node,type,off by,si_sdr,cost,adds si_sdr,adds cost,problem
the whole graph,,,3.0,20,,,
low,filter.crossover,bypassed,0.5,18,2.5,2,
exact,consistency.mixture,bypassed,3.001,18,-0.001,2,
hits,separate.hpss,muted,4,18,-1,2,
odd,separate.hpss,muted,,,,,nothing to measure
"""


def made(folder: Path, kind: str, scores: list[str], table: str) -> Path:
    Journal.begun(folder, {"kind": kind, "scores": scores, "songs": {"Demo": ["", "Demo.wav"]}, "vary": []})
    (folder / ("sweep.csv" if kind == "sweep" else "ablation.csv")).write_text(table)
    return folder


def test_the_points_of_a_sweep_are_read_with_their_knobs_and_values(tmp_path: Path) -> None:
    found = read_search(made(tmp_path, "sweep", ["si_sdr", "null.value:min"], SWEEP))
    first, second = found.points
    assert found.songs == ("Demo",) and [goal.low for goal in found.goals] == [False, True, True]
    assert (first.number, first.settings) == (1, {"low.cutoff": "150", "hits.masks": "soft"})
    assert first.values == (3.25, -120, 12.5) and first.best and not second.best
    assert all(map(math.isnan, second.values)) and second.problem == "Demo: it does not fit"


def test_what_every_node_adds_is_read_and_told_by_a_colour_that_means_the_same(tmp_path: Path) -> None:
    found = read_search(made(tmp_path, "ablation", ["si_sdr"], MAP))
    badges = {one.node: badge_of(one) for one in found.contributions}
    assert badges == {
        "low": Badge("+2.50", True),
        "exact": Badge("0.00"),
        "hits": Badge("-1.00", False),
        "odd": Badge("no figure"),
    }
    assert found.contributions[0].seconds == 2 and not found.is_sweep


def test_the_knobs_of_a_point_are_taken_in_one_step_or_refused() -> None:
    graph = Graph().with_node("low", Node("filter.crossover")).with_node("hits", Node("separate.hpss"))
    settings = {"low.cutoff": "150", "hits.masks": "hard"}
    edit = take_settings(EditorState(graph), installed(), settings, "take point 1")
    assert edit.graph.nodes["low"].knobs == {"cutoff": 150.0} and edit.graph.nodes["hits"].knobs == {"masks": "hard"}
    assert edit.label == "take point 1" and not edit.key
    with pytest.raises(Refused, match="no node 'low'"):
        take_settings(EditorState(graph.without_nodes(["low"])), installed(), settings, "")


@pytest.mark.parametrize(
    ("journal", "said"),
    [(None, "no search"), ("no json", "cannot be read"), (json.dumps({"format": "x"}), "none of this version")],
)
def test_what_is_no_search_is_said(tmp_path: Path, journal: str | None, said: str) -> None:
    if journal is not None:
        (tmp_path / "journal.jsonl").write_text(journal + "\n")
    with pytest.raises(NoSearch, match=said):
        read_search(tmp_path)


def test_a_search_without_a_table_or_with_a_broken_one_is_said(tmp_path: Path) -> None:
    folder = made(tmp_path, "sweep", ["si_sdr"], "low.cutoff,si_sdr,cost,front,problem\n150,x,1,yes,\n")
    with pytest.raises(NoSearch, match="damaged"):
        read_search(folder)
    (folder / "sweep.csv").unlink()
    with pytest.raises(NoSearch, match="no table yet"):
        read_search(folder)
