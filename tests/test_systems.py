"""The page of systems names for every row a preset that exists and names the row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from midistems_graph.document.files import load

ROOT = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "systems" / "index.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| system")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_system_has_a_preset_that_names_it(row: list[str]) -> None:
    system, here, preset, measured, cost = row
    named = re.findall(r"\[(\w+)\]\(\.\./presets/(\w+)\.md\)", preset)
    assert system and here and named and measured and cost
    for shown, page in named:
        assert shown == page and (ROOT / "docs" / "presets" / f"{page}.md").exists()
        assert system in load(ROOT / "graphs" / f"{page}.json").systems


def test_the_page_has_the_systems_of_all_groups() -> None:
    assert len(ROWS) >= 40 and len({row[0] for row in ROWS}) == len(ROWS)
