"""The page of systems names for every row a preset that exists and names the row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from midistems_graph.document.files import load
from midistems_graph.document.graph import Graph

ROOT = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "systems" / "index.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| system")
]


def weights_of(graph: Graph) -> str:
    """What a preset was run with here: of the models that presets name only Spleeter's weights were at hand."""
    nodes = [node for body in (graph, *graph.groups.values()) for node in body.nodes.values()]
    models = {str(node.knobs["model"]) for node in nodes if "model" in node.knobs}
    return "none" if not models else "real" if models == {"spleeter-2stems"} else "stand-in"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_system_has_a_preset_that_names_it(row: list[str]) -> None:
    system, here, preset, weights, measured, cost = row
    named = re.findall(r"\[(\w+)\]\(\.\./presets/(\w+)\.md\)", preset)
    assert system and here and named and measured and cost
    graphs = [load(ROOT / "graphs" / f"{page}.json") for _, page in named]
    kinds = [weights_of(graph) for graph in graphs]
    assert weights == ", ".join(kinds if len(set(kinds)) > 1 else kinds[:1])
    for shown, page in named:
        assert shown == page and (ROOT / "docs" / "presets" / f"{page}.md").exists()
        assert system in load(ROOT / "graphs" / f"{page}.json").systems


def test_the_page_has_the_systems_of_all_groups() -> None:
    assert len(ROWS) >= 40 and len({row[0] for row in ROWS}) == len(ROWS)
