"""Which graphs come with the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from midistems_graph.document import presets


def test_backups_beside_presets_are_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "graphs").mkdir()
    for name in ("mine.json", "mine.json.bak1", "README.md"):
        (tmp_path / "graphs" / name).write_text('{"title": "Mine"}')
    monkeypatch.setattr(presets, "__file__", str(tmp_path / "midistems_graph" / "document" / "presets.py"))
    assert [(preset.name, preset.title) for preset in presets.presets()] == [("mine", "Mine")]
