"""The page of systems names a preset that exists for every row, or says what is left."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "systems" / "index.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| system")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_system_has_a_preset_or_is_named_as_left(row: list[str]) -> None:
    system, here, preset, _ = row
    assert system and here
    named = re.findall(r"\[(\w+)\]\(\.\./presets/(\w+)\.md\)", preset)
    assert named or preset.startswith("left: ")
    for shown, page in named:
        assert shown == page
        assert (ROOT / "graphs" / f"{page}.json").exists() and (ROOT / "docs" / "presets" / f"{page}.md").exists()


def test_the_page_has_the_systems_of_all_groups() -> None:
    assert len(ROWS) >= 40 and len({row[0] for row in ROWS}) == len(ROWS)
